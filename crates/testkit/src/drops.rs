//! Values that count their drops.

use crate::sync::{lock, wait_until};
use std::{
    fmt,
    ops::Deref,
    sync::{Condvar, Mutex},
    time::{Duration, Instant},
};

/// Counts values: how many were made, how many still live, and whether any was dropped twice.
///
/// A clone of the counter counts the same values.
///
/// The count is exact and independent of the memory of the values: code that drops one value twice
/// (which only a fault in `unsafe` code can) is seen here as [`double_drops`](Self::double_drops).
/// For that the counts of a counter are never freed; a process that makes millions of counters
/// would notice.
///
/// # Examples
///
/// ```
/// use byname_testkit::DropCounter;
///
/// let drops = DropCounter::new();
/// let values = vec![drops.count("a"), drops.count("b")];
/// assert_eq!(*values[0], "a");
/// assert_eq!((drops.created(), drops.live()), (2, 2));
/// drop(values);
/// drops.assert_all_dropped();
/// ```
#[derive(Clone)]
pub struct DropCounter {
    counts: &'static Counts,
}

struct Counts {
    /// How often the value with this number was dropped.
    drops: Mutex<Drops>,
    changed: Condvar,
}

#[derive(Default)]
struct Drops {
    times: Vec<u8>,
    dropped: usize,
    doubled: usize,
}

impl Drops {
    fn live(&self) -> usize {
        self.times.len() - self.dropped
    }
}

/// Keeps the counts of all counters reachable, so that leak checkers do not take them for leaks.
static KEPT: Mutex<Vec<&'static Counts>> = Mutex::new(Vec::new());

impl DropCounter {
    /// Starts with nothing made and nothing dropped.
    #[must_use]
    pub fn new() -> Self {
        let counts: &'static Counts = Box::leak(Box::new(Counts {
            drops: Mutex::new(Drops::default()),
            changed: Condvar::new(),
        }));
        lock(&KEPT).push(counts);
        Self { counts }
    }

    /// Wraps `value`, which is counted from now on.
    pub fn count<T>(&self, value: T) -> Counted<T> {
        let mut drops = lock(&self.counts.drops);
        let number = drops.times.len();
        drops.times.push(0);
        Counted {
            counts: self.counts,
            number,
            value,
        }
    }

    /// Returns how many values were made, clones included.
    #[must_use]
    pub fn created(&self) -> usize {
        lock(&self.counts.drops).times.len()
    }

    /// Returns how many values were dropped, each counted once.
    #[must_use]
    pub fn dropped(&self) -> usize {
        lock(&self.counts.drops).dropped
    }

    /// Returns how many values were made and not dropped yet.
    #[must_use]
    pub fn live(&self) -> usize {
        lock(&self.counts.drops).live()
    }

    /// Returns the numbers of the live values, in the order they were made (from 0).
    #[must_use]
    pub fn live_numbers(&self) -> Vec<usize> {
        let drops = lock(&self.counts.drops);
        let times = drops.times.iter().enumerate();
        times
            .filter(|&(_, &times)| times == 0)
            .map(|(number, _)| number)
            .collect()
    }

    /// Returns how many drops met a value that had been dropped before.
    #[must_use]
    pub fn double_drops(&self) -> usize {
        lock(&self.counts.drops).doubled
    }

    /// Asserts that exactly `expected` values live and none was dropped twice.
    ///
    /// # Panics
    ///
    /// If that is not so; the message names the numbers of the live values.
    #[track_caller]
    pub fn assert_live(&self, expected: usize) {
        let (live, doubled) = (self.live_numbers(), self.double_drops());
        assert!(
            live.len() == expected && doubled == 0,
            "{} of {} counted values live, expected {expected}; live: {live:?}; dropped twice: {doubled}",
            live.len(),
            self.created(),
        );
    }

    /// Asserts that every value made was dropped exactly once.
    ///
    /// # Panics
    ///
    /// If that is not so.
    #[track_caller]
    pub fn assert_all_dropped(&self) {
        self.assert_live(0);
    }

    /// Waits until exactly `expected` values live, where another thread does the dropping.
    ///
    /// # Panics
    ///
    /// If that does not come about within `limit`.
    #[track_caller]
    pub fn wait_for_live(&self, expected: usize, limit: Duration) {
        let drops = lock(&self.counts.drops);
        let deadline = Instant::now() + limit;
        drop(wait_until(&self.counts.changed, drops, deadline, |drops| {
            drops.live() == expected
        }));
        self.assert_live(expected);
    }
}

impl Default for DropCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DropCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drops = lock(&self.counts.drops);
        f.debug_struct("DropCounter")
            .field("created", &drops.times.len())
            .field("live", &drops.live())
            .field("double_drops", &drops.doubled)
            .finish()
    }
}

/// A value that a [`DropCounter`] counts; it can be used like the value itself.
///
/// A clone is a value of its own.
pub struct Counted<T> {
    counts: &'static Counts,
    number: usize,
    value: T,
}

impl<T> Counted<T> {
    /// Returns the number of this value: how many were made before it with the same counter.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        let mut drops = lock(&self.counts.drops);
        let times = &mut drops.times[self.number];
        *times = times.saturating_add(1);
        if *times == 1 {
            drops.dropped += 1;
        } else {
            drops.doubled += 1;
        }
        self.counts.changed.notify_all();
    }
}

impl<T: Clone> Clone for Counted<T> {
    fn clone(&self) -> Self {
        DropCounter {
            counts: self.counts,
        }
        .count(self.value.clone())
    }
}

impl<T> Deref for Counted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Counted<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Counted<T> {}

impl<T: fmt::Debug> fmt::Debug for Counted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PATIENCE, together};

    #[test]
    fn counts_what_is_made_cloned_and_dropped() {
        let drops = DropCounter::new();
        let first = drops.count(1);
        let second = first.clone();
        assert_eq!((drops.created(), drops.dropped(), drops.live()), (2, 0, 2));
        assert_eq!((first.number(), second.number()), (0, 1));
        assert_eq!(first, second);
        drop(first);
        assert_eq!(drops.live_numbers(), [1]);
        drops.assert_live(1);
        drop(second);
        assert_eq!((drops.created(), drops.dropped(), drops.live()), (2, 2, 0));
        drops.assert_all_dropped();
    }

    #[test]
    fn two_counters_do_not_mix() {
        let (one, two) = (DropCounter::new(), DropCounter::new());
        let _value = one.count(());
        assert_eq!((one.live(), two.live()), (1, 0));
    }

    #[test]
    #[should_panic(expected = "1 of 1 counted values live, expected 0; live: [0]")]
    fn a_leak_is_named() {
        let drops = DropCounter::new();
        let _kept = drops.count(());
        drops.assert_all_dropped();
    }

    /// A value dropped twice can be made by `unsafe` code only; here the drop itself is called again.
    #[test]
    #[should_panic(expected = "0 of 1 counted values live, expected 0; live: []; dropped twice: 1")]
    fn a_double_drop_is_seen() {
        let drops = DropCounter::new();
        let value = drops.count(());
        let again = Counted {
            counts: value.counts,
            number: value.number,
            value: (),
        };
        drop(value);
        assert_eq!(drops.double_drops(), 0);
        drop(again);
        assert_eq!((drops.double_drops(), drops.dropped()), (1, 1));
        drops.assert_all_dropped();
    }

    #[test]
    fn concurrent_drops_are_counted_exactly() {
        let drops = DropCounter::new();
        together(8, |_| {
            for _ in 0..1_000 {
                drop(drops.count(()));
            }
        });
        assert_eq!((drops.created(), drops.dropped()), (8_000, 8_000));
        drops.assert_all_dropped();
    }

    #[test]
    fn waits_for_another_threads_drop() {
        let drops = DropCounter::new();
        let value = drops.count(());
        let dropping = std::thread::spawn(move || drop(value));
        drops.wait_for_live(0, PATIENCE);
        dropping.join().unwrap();
    }
}
