//! The latest changes, in order, as many as are kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

/// What happened to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Added,
    Replaced,
    Removed,
    /// Nobody knows: changes of the registry were lost before they were noted.
    Lost,
}

impl Happened {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
            Self::Lost => "lost",
        }
    }
}

/// A change of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) registry: Arc<str>,
    /// Empty where changes were lost.
    pub(crate) name: Arc<str>,
    pub(crate) revision: u64,
    pub(crate) happened: Happened,
    pub(crate) at: SystemTime,
}

/// What is there for a follower.
#[derive(Debug)]
pub(crate) struct Taken {
    /// How many there were that are not kept any more.
    pub(crate) missed: u64,
    /// Each with its number.
    pub(crate) notes: Vec<(u64, Noted)>,
}

/// The latest changes, numbered from 1.
///
/// # Consistency
///
/// Whoever writes waits for no follower. A follower that asks for what is behind a number gets every
/// later change once and in order, and how many were dropped before the first of them.
#[derive(Debug)]
pub(crate) struct Ring {
    kept: Mutex<Kept>,
    /// The number of the last one.
    last: watch::Sender<u64>,
    most: usize,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Kept {
    notes: VecDeque<Noted>,
    bytes: usize,
    last: u64,
}

impl Ring {
    pub(crate) fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            kept: Mutex::default(),
            last: watch::Sender::new(0),
            most,
            most_bytes,
        }
    }

    pub(crate) fn push(&self, notes: impl IntoIterator<Item = Noted>) {
        let mut kept = self.lock();
        for note in notes {
            kept.bytes += note.name.len();
            kept.last += 1;
            kept.notes.push_back(note);
            while kept.notes.len() > self.most || kept.bytes > self.most_bytes {
                let Some(oldest) = kept.notes.pop_front() else {
                    break;
                };
                kept.bytes -= oldest.name.len();
            }
        }
        let last = kept.last;
        drop(kept);
        // Two that write may come here in any order.
        self.last.send_if_modified(|known| {
            let newer = last > *known;
            *known = last.max(*known);
            newer
        });
    }

    /// The number of the latest change.
    pub(crate) fn last(&self) -> u64 {
        self.lock().last
    }

    /// Wakes whoever waits for changes.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// At most so many changes behind this number.
    pub(crate) fn behind(&self, number: u64, most: usize) -> Taken {
        let kept = self.lock();
        let first = kept.last + 1 - kept.notes.len() as u64;
        let from = (number + 1).max(first);
        let skipped = usize::try_from(from - first).unwrap_or(usize::MAX);
        let notes = kept.notes.iter().skip(skipped).take(most);
        Taken {
            missed: from - (number + 1),
            notes: (from..).zip(notes.cloned()).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &str) -> Noted {
        Noted {
            registry: "r".into(),
            name: name.into(),
            revision: 1,
            happened: Happened::Added,
            at: SystemTime::UNIX_EPOCH,
        }
    }

    fn names(taken: &Taken) -> Vec<(u64, &str)> {
        let notes = taken.notes.iter();
        notes.map(|(at, note)| (*at, &*note.name)).collect()
    }

    #[test]
    fn what_is_behind_a_number_is_there_once_and_what_is_gone_is_counted() {
        let ring = Ring::new(3, 1000);
        assert!(ring.behind(0, 10).notes.is_empty());
        ring.push(["a", "b"].map(note));
        let taken = ring.behind(0, 10);
        assert_eq!((taken.missed, names(&taken)), (0, vec![(1, "a"), (2, "b")]));
        ring.push(["c", "d", "e"].map(note));
        let taken = ring.behind(0, 10);
        let kept = vec![(3, "c"), (4, "d"), (5, "e")];
        assert_eq!((taken.missed, names(&taken)), (2, kept));
        let taken = ring.behind(1, 1);
        assert_eq!((taken.missed, names(&taken)), (1, vec![(3, "c")]));
        let taken = ring.behind(3, 10);
        assert_eq!((taken.missed, names(&taken)), (0, vec![(4, "d"), (5, "e")]));
        let taken = ring.behind(5, 10);
        assert_eq!((taken.missed, names(&taken)), (0, vec![]));
    }

    #[test]
    fn long_names_push_out_the_oldest_changes() {
        let ring = Ring::new(100, 10);
        ring.push(["aaaa", "bbbb", "cccc"].map(note));
        let taken = ring.behind(0, 10);
        let kept = vec![(2, "bbbb"), (3, "cccc")];
        assert_eq!((taken.missed, names(&taken)), (1, kept));
        ring.push([note("longer than all of it")]);
        let taken = ring.behind(3, 10);
        assert_eq!((taken.missed, names(&taken)), (1, vec![]));
    }
}
