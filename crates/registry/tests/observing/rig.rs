//! What the tests of observing share.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use byname_registry::{Change, Entry, Event, Registry, Snapshot, Subscription};

/// A state, or a part of one: names with revision and value of their entries.
pub(crate) type State = BTreeMap<String, (u64, u64)>;

fn side<V: Display>(entry: Option<&Entry<V>>) -> String {
    match entry {
        None => "-".into(),
        Some(entry) => match entry.value() {
            None => format!("unbuilt@{}", entry.revision()),
            Some(value) => format!("{value}@{}", entry.revision()),
        },
    }
}

/// Writes a change as `2..=2 a: 1@1 -> 5@2, b: - -> 7@2`: value and revision before and after.
pub(crate) fn written<V: Display>(change: &Change<V>) -> String {
    let entries: Vec<_> = change
        .entries()
        .iter()
        .map(|changed| {
            let (before, after) = (side(changed.before()), side(changed.after()));
            format!("{}: {before} -> {after}", changed.name())
        })
        .collect();
    format!("{:?} {}", change.covers(), entries.join(", "))
}

/// Returns the next event, which is there and is a change.
#[track_caller]
pub(crate) fn change<V: Send + Sync + 'static>(changes: &mut Subscription<V>) -> Arc<Change<V>> {
    match changes.try_recv().unwrap() {
        Event::Change(change) => change,
        Event::Resync { from, .. } => panic!("lost what came after revision {from}"),
    }
}

/// Returns the next event, which is there and is a resynchronisation.
#[track_caller]
pub(crate) fn resync<V: Send + Sync + 'static>(
    changes: &mut Subscription<V>,
) -> (u64, Snapshot<V>) {
    match changes.try_recv().unwrap() {
        Event::Resync { from, snapshot } => (from, snapshot),
        Event::Change(change) => panic!("{change:?}"),
    }
}

/// Returns all changes that are there, written.
#[track_caller]
pub(crate) fn all<V: Display + Send + Sync + 'static>(
    changes: &mut Subscription<V>,
) -> Vec<String> {
    let mut all = Vec::new();
    while changes.stats().pending > 0 {
        all.push(written(&*change(changes)));
    }
    all
}

pub(crate) fn state(snapshot: &Snapshot<u64>) -> State {
    snapshot
        .entries()
        .map(|(name, entry)| {
            let value = *entry.value().unwrap();
            (name.to_owned(), (entry.revision(), value))
        })
        .collect()
}

/// What an observer knows who believes nothing but its events.
pub(crate) struct Follower {
    pub(crate) revision: u64,
    pub(crate) state: State,
    pub(crate) resyncs: usize,
}

impl Follower {
    pub(crate) fn new(snapshot: &Snapshot<u64>) -> Self {
        Self {
            revision: snapshot.revision(),
            state: state(snapshot),
            resyncs: 0,
        }
    }

    /// Applies `event`, which has to fit exactly to what came before it.
    pub(crate) fn hear(&mut self, event: &Event<u64>) {
        match event {
            Event::Change(change) => {
                assert_eq!(*change.covers().start(), self.revision + 1, "a gap");
                self.revision = change.revision();
                for changed in change.entries() {
                    let told = |entry: &Entry<u64>| (entry.revision(), *entry.value().unwrap());
                    let name = changed.name().to_owned();
                    assert_eq!(self.state.get(&name).copied(), changed.before().map(told));
                    match changed.after().map(told) {
                        Some(after) => self.state.insert(name, after),
                        None => self.state.remove(&name),
                    };
                }
            }
            Event::Resync { from, snapshot } => {
                assert_eq!(*from, self.revision);
                assert!(snapshot.revision() > self.revision);
                let resyncs = self.resyncs + 1;
                *self = Self {
                    resyncs,
                    ..Self::new(snapshot)
                };
            }
        }
    }
}

pub(crate) fn numbers() -> Registry<u64> {
    Registry::builder().hold_back(0).build()
}
