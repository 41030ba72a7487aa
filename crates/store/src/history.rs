//! The recent past of a mirror.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use byname_registry::{Options, Policy, Registry, Subscription};

use crate::record::Record;
use crate::watch::{Event, Watch};
use crate::{Change, State};

/// Keeps the recent changes of a mirror, so that a [`Watch`] can begin in the past: for those who
/// write a store.
///
/// It keeps [`CHANGES`](Self::CHANGES) changes, and of these no more than hold
/// [`BYTES`](Self::BYTES) bytes of values.
///
/// The store calls [`keep`](Self::keep) after it has published. One that does so at least once in
/// [`CHANGES`](Self::CHANGES) changes keeps all that it can; one that does not loses history, and
/// watches are told so.
///
/// # Examples
///
/// ```
/// use byname_registry::{Changes, Registry};
/// use byname_store::{Event, History, Json, Record};
///
/// let mirror: Registry<Record> = Registry::builder().following().build();
/// let history = History::new(&mirror);
/// let mut changes = Changes::new();
/// changes.put("db", 3, Record::new(Json::new("5432")?))?;
/// mirror.publish(3, changes)?;
/// history.keep();
///
/// let mut watch = history.watch(0);
/// assert!(matches!(watch.try_recv(), Ok(Event::Change(change)) if change.covers() == (1..=3)));
/// let mut late = history.watch(1);
/// assert!(matches!(late.try_recv(), Ok(Event::Gone(state)) if state.revision() == 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct History {
    mirror: Registry<Record>,
    ring: Mutex<Ring>,
}

struct Ring {
    /// Hears what the ring does not hold yet.
    subscription: Subscription<Record>,
    /// Adjacent changes; the first begins right after `base`.
    changes: VecDeque<Arc<Change>>,
    base: u64,
    bytes: usize,
}

impl History {
    /// How many changes are kept.
    pub const CHANGES: usize = 1_024;
    /// How many bytes of names and values the kept changes lead to.
    pub const BYTES: usize = 64 << 20;

    /// Begins to keep what happens in `mirror` from now on.
    #[must_use]
    pub fn new(mirror: &Registry<Record>) -> Self {
        let (state, subscription) = mirror.subscribe(options());
        Self {
            mirror: mirror.clone(),
            ring: Mutex::new(Ring {
                subscription,
                changes: VecDeque::new(),
                base: state.revision(),
                bytes: 0,
            }),
        }
    }

    /// Takes in what was published since the last time.
    pub fn keep(&self) {
        let mut dropped = Vec::new();
        self.lock().drain(&mut dropped);
    }

    /// Forgets everything up to the present revision: a watch can begin there or later only.
    pub fn forget(&self) {
        let mut dropped = Vec::new();
        let mut ring = self.lock();
        ring.drain(&mut dropped);
        let present = ring.reached();
        ring.restart(present, &mut dropped);
    }

    /// Hears every change after revision `after`, as [`Store::watch`](crate::Store::watch) says.
    #[must_use]
    pub fn watch(&self, after: u64) -> Watch {
        let (state, subscription) = self.mirror.subscribe(options());
        let backlog = self.since(after, state);
        Watch::new(backlog, subscription)
    }

    /// What leads from revision `after` to `state`.
    fn since(&self, after: u64, state: State) -> Vec<Event> {
        let present = state.revision();
        if after == present {
            return Vec::new();
        }
        let mut dropped = Vec::new();
        let mut ring = self.lock();
        // Every change up to the state has been pushed to the ring's subscription: both happened
        // under the mirror's own lock, the push before.
        ring.drain(&mut dropped);
        let known = ring.begins_after(after).filter(|_| after < present);
        let Some(first) = known.filter(|_| ring.reached() >= present) else {
            return vec![Event::Gone(state)];
        };
        ring.changes
            .range(first..)
            .take_while(|change| change.revision() <= present)
            .map(|change| Event::Change(Arc::clone(change)))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing panics while this is held.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// Takes what the subscription has heard. What is given up goes to `dropped`, to be dropped
    /// after unlocking.
    fn drain(&mut self, dropped: &mut Vec<Arc<Change>>) {
        while let Ok(event) = self.subscription.try_recv() {
            match event {
                byname_registry::Event::Change(change) => {
                    self.bytes = self.bytes.saturating_add(bytes(&change));
                    self.changes.push_back(change);
                }
                byname_registry::Event::Resync { snapshot, .. } => {
                    self.restart(snapshot.revision(), dropped);
                }
            }
            while self.changes.len() > History::CHANGES || self.bytes > History::BYTES {
                let Some(oldest) = self.changes.pop_front() else {
                    break;
                };
                self.base = oldest.revision();
                self.bytes = self.bytes.saturating_sub(bytes(&oldest));
                dropped.push(oldest);
            }
        }
    }

    fn restart(&mut self, base: u64, dropped: &mut Vec<Arc<Change>>) {
        dropped.extend(self.changes.drain(..));
        self.base = base;
        self.bytes = 0;
    }

    /// The revision that the ring leads to.
    fn reached(&self) -> u64 {
        let newest = self.changes.back();
        newest.map_or(self.base, |change| change.revision())
    }

    /// The place of the change that begins right after revision `after`. There is none when
    /// `after` lies within a change: what that one leaves out, because it came and went within
    /// it, may have been there at `after`.
    fn begins_after(&self, after: u64) -> Option<usize> {
        let first = self
            .changes
            .partition_point(|change| *change.covers().start() <= after);
        let before = match first.checked_sub(1) {
            Some(last) => self.changes.get(last)?.revision(),
            None => self.base,
        };
        (before == after).then_some(first)
    }
}

/// How much of the state a change leads to is kept for its sake.
fn bytes(change: &Change) -> usize {
    let changed = change.entries().iter();
    let sizes = changed.map(|changed| {
        let value = changed.after().and_then(byname_registry::Entry::value);
        changed.name().len() + value.map_or(0, |record| record.value.as_str().len())
    });
    sizes.sum()
}

fn options() -> Options {
    Options::new(Policy::DropOldest).capacity(History::CHANGES)
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.lock();
        f.debug_struct("History")
            .field("after", &ring.base)
            .field("reached", &ring.reached())
            .field("changes", &ring.changes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
