//! A registry reduced to what observers need of it, and a replica that checks what they are told.

use std::{collections::BTreeMap, sync::Arc as Name};

use crate::{
    observe::{Change, Changed, Event, Observed, Observers, Options, Subscription},
    sync::{Arc, Mutex, MutexGuard, lock},
};

pub(super) type Entries<P> = BTreeMap<Name<str>, P>;

/// The state of one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frozen<P> {
    pub(super) revision: u64,
    pub(super) entries: Entries<P>,
}

/// The double: writers take `writers`, readers only `visible`, as briefly as they can.
pub(super) struct World<P> {
    pub(super) writers: Mutex<()>,
    visible: Mutex<Frozen<P>>,
    pub(super) observers: Observers<P>,
}

pub(super) type Told<P> = Event<P, Frozen<P>>;
pub(super) type Watch<P> = Subscription<P, Frozen<P>>;

struct Link<P>(Arc<World<P>>);

impl<P: Clone + Send + Sync + 'static> Observed<P, Frozen<P>> for Link<P> {
    fn observers(&self) -> &Observers<P> {
        &self.0.observers
    }

    fn frozen(&self, then: &mut dyn FnMut(u64)) -> Frozen<P> {
        let writers = lock(&self.0.writers);
        let snapshot = self.0.snapshot();
        then(snapshot.revision);
        drop(writers);
        snapshot
    }
}

impl<P: Clone + Send + Sync + 'static> World<P> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            writers: Mutex::new(()),
            visible: Mutex::new(Frozen {
                revision: 0,
                entries: Entries::new(),
            }),
            observers: Observers::new(),
        })
    }

    pub(super) fn snapshot(&self) -> Frozen<P> {
        lock(&self.visible).clone()
    }

    pub(super) fn subscribe(
        this: &Arc<Self>,
        options: impl Into<Options>,
    ) -> (Frozen<P>, Watch<P>) {
        let _writers = lock(&this.writers);
        let snapshot = this.snapshot();
        let link = Box::new(Link(Arc::clone(this)));
        let subscription = this
            .observers
            .subscribe(options.into(), snapshot.revision, link);
        (snapshot, subscription)
    }

    /// Gives `name` a value.
    pub(super) fn put(&self, name: &str, value: P) -> u64 {
        self.write(1, &[(name, Some(value))])
    }

    /// Commits `writes` as one revision that covers `step` of them; returns it.
    pub(super) fn write(&self, step: u64, writes: &[(&str, Option<P>)]) -> u64 {
        self.write_as(|| lock(&self.writers), step, writes)
    }

    /// Commits and shows the state to `then` before anybody hears of it.
    #[cfg(not(loom))]
    pub(super) fn write_then(
        &self,
        step: u64,
        writes: &[(&str, Option<P>)],
        then: impl FnOnce(&Frozen<P>),
    ) -> u64 {
        self.commit(|| lock(&self.writers), step, writes, then)
    }

    /// Commits with a lock of the caller's making.
    pub(super) fn write_as<'w>(
        &'w self,
        enter: impl FnMut() -> MutexGuard<'w, ()>,
        step: u64,
        writes: &[(&str, Option<P>)],
    ) -> u64 {
        self.commit(enter, step, writes, |_| {})
    }

    fn commit<'w>(
        &'w self,
        enter: impl FnMut() -> MutexGuard<'w, ()>,
        step: u64,
        writes: &[(&str, Option<P>)],
        then: impl FnOnce(&Frozen<P>),
    ) -> u64 {
        let (guard, admission) = self.observers.enter(enter);
        let mut visible = lock(&self.visible);
        let first = visible.revision + 1;
        visible.revision += step;
        let revision = visible.revision;
        let mut changed = Vec::new();
        for (name, new) in writes {
            let name = Name::<str>::from(*name);
            let old = match new {
                Some(new) => visible.entries.insert(Name::clone(&name), new.clone()),
                None => visible.entries.remove(&name),
            };
            if old.is_some() || new.is_some() {
                changed.push(Changed::new(name, old, new.clone()));
            }
        }
        then(&visible);
        drop(visible);
        if self.observers.is_empty() {
            drop(guard);
            return revision;
        }
        let change = Arc::new(Change::new(first..=revision, changed));
        let wakes = self.observers.push(admission, &change);
        drop(guard);
        wakes.run();
        revision
    }
}

/// What one subscriber knows, checked at every step against what it is told.
#[derive(Debug)]
pub(super) struct Replica<P> {
    pub(super) state: Frozen<P>,
}

impl<P: Clone + PartialEq + core::fmt::Debug> Replica<P> {
    pub(super) fn new(state: Frozen<P>) -> Self {
        Self { state }
    }

    /// Applies `event`: a change begins right after this revision and tells the `old` that is
    /// here; a resynchronisation tells this revision.
    pub(super) fn apply(&mut self, event: Told<P>) {
        match event {
            Event::Resync { from, snapshot } => {
                assert_eq!(from, self.state.revision);
                assert!(snapshot.revision >= from);
                self.state = snapshot;
            }
            Event::Change(change) => {
                assert_eq!(*change.covers().start(), self.state.revision + 1);
                self.state.revision = change.revision();
                for changed in change.entries() {
                    let name = Name::<str>::from(changed.name());
                    let old = match changed.after() {
                        Some(new) => self.state.entries.insert(name, new.clone()),
                        None => self.state.entries.remove(&name),
                    };
                    assert_eq!(changed.before(), old.as_ref(), "old of {changed:?}");
                }
            }
        }
    }
}

/// Returns the change of an event that must be one.
pub(super) fn change<P>(event: Told<P>) -> Arc<Change<P>> {
    match event {
        Event::Change(change) => change,
        Event::Resync { from, .. } => panic!("a resynchronisation from {from}, not a change"),
    }
}

#[cfg(not(loom))]
/// Returns the last revision reached and the snapshot of an event that must resynchronise.
pub(super) fn resync<P>(event: Told<P>) -> (u64, Frozen<P>) {
    match event {
        Event::Change(change) => panic!("{:?}, not a resynchronisation", change.covers()),
        Event::Resync { from, snapshot } => (from, snapshot),
    }
}

/// Shows a change as `(first, last, [(name, old, new)])`.
#[cfg(not(loom))]
pub(super) fn shown<P: Copy>(change: &Change<P>) -> Shown<P> {
    let entries = change.entries().iter();
    let entries = entries.map(|c| (c.name().to_owned(), c.before().copied(), c.after().copied()));
    let covers = change.covers();
    (*covers.start(), *covers.end(), entries.collect())
}

#[cfg(not(loom))]
pub(super) type Shown<P> = (u64, u64, Vec<(String, Option<P>, Option<P>)>);
