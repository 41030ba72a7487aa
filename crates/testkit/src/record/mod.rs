//! What was said and what was heard, kept for a test to look at.

mod log;
mod observer;

pub use log::RecordingLog;
pub use observer::{Fault, RecordingObserver};

use crate::sync::{lock, wait_until};
use std::{
    collections::VecDeque,
    error, fmt,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

/// How many items a recording keeps unless told otherwise.
const CAPACITY: usize = 65_536;

/// A list that many threads append to and a test waits on.
///
/// A clone is the same list. It is bounded: when it is full the oldest item goes, and
/// [`lost`](Self::lost) counts it.
///
/// # Consistency
///
/// Items stand in one order, which every reader sees; a thread's own items keep theirs. An item is
/// there for everybody when [`push`](Self::push) returns.
///
/// # Examples
///
/// ```
/// use byname_testkit::{PATIENCE, Recording};
///
/// let heard = Recording::new();
/// let speaker = heard.clone();
/// let speaking = std::thread::spawn(move || {
///     speaker.push("one");
///     speaker.push("two");
/// });
/// heard.wait_for(PATIENCE, |items| items.contains(&"two"))?;
/// assert_eq!(heard.items(), ["one", "two"]);
/// # speaking.join().unwrap();
/// # Ok::<(), byname_testkit::NotSeen>(())
/// ```
pub struct Recording<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    capacity: usize,
    list: Mutex<List<T>>,
    changed: Condvar,
}

struct List<T> {
    items: VecDeque<T>,
    pushed: u64,
    lost: u64,
}

impl<T> Recording<T> {
    /// Starts empty, with room for 65,536 items.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// Starts empty, with room for `capacity` items.
    ///
    /// # Panics
    ///
    /// If `capacity` is zero.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        assert!(capacity > 0, "a recording needs room for at least one item");
        let list = List {
            items: VecDeque::new(),
            pushed: 0,
            lost: 0,
        };
        let (list, changed) = (Mutex::new(list), Condvar::new());
        Self {
            shared: Arc::new(Shared {
                capacity,
                list,
                changed,
            }),
        }
    }

    /// Appends `item`.
    pub fn push(&self, item: T) {
        let mut list = lock(&self.shared.list);
        // The item that goes is dropped outside the lock: its drop is the caller's code.
        let mut oldest = None;
        if list.items.len() == self.shared.capacity {
            oldest = list.items.pop_front();
            list.lost += 1;
        }
        list.items.push_back(item);
        list.pushed += 1;
        drop(list);
        self.shared.changed.notify_all();
        drop(oldest);
    }

    /// Returns how many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.shared.list).items.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many items went because the list was full.
    #[must_use]
    pub fn lost(&self) -> u64 {
        lock(&self.shared.list).lost
    }

    /// Takes all items out, oldest first.
    #[must_use = "the items are gone from the recording"]
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut lock(&self.shared.list).items).into()
    }
}

impl<T: Clone> Recording<T> {
    /// Returns all items, oldest first.
    #[must_use]
    pub fn items(&self) -> Vec<T> {
        lock(&self.shared.list).items.iter().cloned().collect()
    }

    /// Waits until `seen` holds of all items, and returns them as they were then.
    ///
    /// `seen` is asked now and after every change, outside the lock, so it may do as it likes.
    ///
    /// # Errors
    ///
    /// [`NotSeen`], with the items that came instead, if it does not hold within `limit`. A working
    /// program never waits that long: the limit only bounds a failure.
    pub fn wait_for(
        &self,
        limit: Duration,
        mut seen: impl FnMut(&[T]) -> bool,
    ) -> Result<Vec<T>, NotSeen>
    where
        T: fmt::Debug,
    {
        let deadline = Instant::now() + limit;
        let mut list = lock(&self.shared.list);
        loop {
            let (items, pushed): (Vec<T>, u64) =
                (list.items.iter().cloned().collect(), list.pushed);
            drop(list);
            if seen(&items) {
                return Ok(items);
            }
            list = lock(&self.shared.list);
            list = wait_until(&self.shared.changed, list, deadline, |now| {
                now.pushed != pushed
            });
            if list.pushed == pushed {
                return Err(NotSeen {
                    limit,
                    items: format!("{items:#?}"),
                    lost: list.lost,
                });
            }
        }
    }

    /// Waits until there are at least `count` items, and returns them.
    ///
    /// # Errors
    ///
    /// As [`wait_for`](Self::wait_for).
    pub fn wait_len(&self, count: usize, limit: Duration) -> Result<Vec<T>, NotSeen>
    where
        T: fmt::Debug,
    {
        self.wait_for(limit, |items| items.len() >= count)
    }
}

impl<T> Clone for Recording<T> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T> Default for Recording<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Recording<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = lock(&self.shared.list);
        let (length, gone) = (list.items.len(), list.lost);
        f.debug_struct("Recording")
            .field("len", &length)
            .field("lost", &gone)
            .finish_non_exhaustive()
    }
}

/// What was waited for in a [`Recording`] did not come within the limit.
#[derive(Clone, Debug)]
pub struct NotSeen {
    limit: Duration,
    items: String,
    lost: u64,
}

impl fmt::Display for NotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, items, lost } = self;
        write!(
            f,
            "what the test waits for did not come within {limit:?}; recorded: {items}"
        )?;
        if *lost > 0 {
            write!(f, ", and {lost} older ones that found no room")?;
        }
        Ok(())
    }
}

impl error::Error for NotSeen {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PATIENCE, together};

    #[test]
    fn concurrent_pushes_are_all_there_and_each_threads_own_are_in_order() {
        let recording = Recording::new();
        together(8, |thread| {
            for number in 0..500 {
                recording.push((thread, number));
            }
        });
        let items = recording.items();
        assert_eq!((items.len(), recording.lost()), (4_000, 0));
        for thread in 0..8 {
            let own: Vec<_> = items
                .iter()
                .filter(|item| item.0 == thread)
                .map(|item| item.1)
                .collect();
            assert_eq!(own, (0..500).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_full_recording_loses_the_oldest_and_counts_it() {
        let recording = Recording::with_capacity(3);
        for number in 0..5 {
            recording.push(number);
        }
        assert_eq!((recording.items(), recording.lost()), (vec![2, 3, 4], 2));
        assert_eq!(recording.take(), [2, 3, 4]);
        assert!(recording.is_empty());
    }

    #[test]
    fn waits_until_the_predicate_holds() {
        let recording = Recording::new();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..100).for_each(|number| recording.push(number)));
            let seen = recording
                .wait_for(PATIENCE, |items| items.contains(&99))
                .unwrap();
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
        });
        assert_eq!(recording.wait_len(100, Duration::ZERO).unwrap().len(), 100);
    }

    #[test]
    fn a_wait_in_vain_tells_what_came_instead() {
        let recording = Recording::with_capacity(1);
        recording.push("lost");
        recording.push("other");
        let error = recording
            .wait_len(2, Duration::from_millis(1))
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "what the test waits for did not come within 1ms; recorded: [\n    \"other\",\n], \
             and 1 older ones that found no room"
        );
    }

    #[test]
    fn the_predicate_may_use_the_recording() {
        let recording = Recording::new();
        recording.push(1);
        let seen = recording.wait_for(PATIENCE, |items| {
            recording.push(2);
            items.len() == 3
        });
        assert_eq!(seen.unwrap(), [1, 2, 2]);
    }
}
