//! What the promises are told with.

use std::collections::BTreeMap;
use std::sync::Barrier;

use byname_registry::{Snapshot, View};

use super::PATIENCE;
use crate::error::StoreError;
use crate::json::Json;
use crate::pending::Pending;
use crate::record::Record;
use crate::store::Store;
use crate::transaction::Transaction;
use crate::watch::{Event, Watch};

/// Names, with their entries' revisions and values.
pub(super) type Entries = BTreeMap<String, (u64, Json)>;

pub(super) fn json(text: &str) -> Json {
    Json::new(text).unwrap()
}

pub(super) fn number(value: u64) -> Json {
    json(&value.to_string())
}

/// Waits for an answer, not for ever.
pub(super) fn answer<T: Clone>(pending: &Pending<T>) -> Result<T, StoreError> {
    let answer = pending.wait_for(PATIENCE);
    answer.unwrap_or_else(|| panic!("no answer within {PATIENCE:?}"))
}

pub(super) fn commit(store: &dyn Store, transaction: Transaction) -> u64 {
    let answer = answer(&store.submit(transaction));
    answer.unwrap_or_else(|error| panic!("refused: {error}"))
}

pub(super) fn put(store: &dyn Store, name: &str, value: u64) -> u64 {
    commit(store, Transaction::new().put(name, number(value)))
}

pub(super) fn refused(store: &dyn Store, transaction: Transaction) -> StoreError {
    let before = (store.mirror().revision(), entries(store));
    let error = match answer(&store.submit(transaction)) {
        Ok(revision) => panic!("committed as {revision}, but it must be refused"),
        Err(error) => error,
    };
    answer(&store.refresh()).unwrap();
    let after = (store.mirror().revision(), entries(store));
    assert_eq!(before, after, "what is refused changes nothing");
    error
}

/// What the mirror shows.
pub(super) fn entries(store: &dyn Store) -> Entries {
    of(&store.mirror().snapshot())
}

pub(super) fn of(state: &Snapshot<Record>) -> Entries {
    let entries = state.entries().map(|(name, entry)| {
        let value = entry
            .value()
            .expect("a mirror builds nothing")
            .value
            .clone();
        (name.to_owned(), (entry.revision(), value))
    });
    entries.collect()
}

/// The number that an entry has.
pub(super) fn seen(view: &View<'_, Record>, name: &str) -> Option<u64> {
    let record = view.get(name)?;
    Some(record.value.read().expect("a number was written"))
}

/// What somebody knows who began with some state and applied what a watch told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Follower {
    pub(super) revision: u64,
    pub(super) entries: Entries,
    /// How often history was gone.
    pub(super) gone: usize,
}

impl Follower {
    pub(super) fn at(state: &Snapshot<Record>) -> Self {
        Self {
            revision: state.revision(),
            entries: of(state),
            gone: 0,
        }
    }

    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Gone(state) => {
                let gone = self.gone + 1;
                *self = Self {
                    gone,
                    ..Self::at(&state)
                };
            }
            Event::Change(change) => {
                assert_eq!(
                    *change.covers().start(),
                    self.revision + 1,
                    "a change begins right after the one before"
                );
                assert!(change.revision() > self.revision);
                self.revision = change.revision();
                for changed in change.entries() {
                    let name = changed.name().to_owned();
                    let known = self.entries.get(&name).map(|(revision, _)| *revision);
                    let before = changed.before().map(byname_registry::Entry::revision);
                    assert_eq!(before, known, "`{name}` before revision {}", self.revision);
                    match changed.after() {
                        Some(entry) => {
                            let covered = change.covers().contains(&entry.revision());
                            assert!(covered, "`{name}` was not written in {:?}", change.covers());
                            let value = entry.value().expect("a mirror builds nothing");
                            let value = value.value.clone();
                            self.entries.insert(name, (entry.revision(), value));
                        }
                        None => drop(self.entries.remove(&name)),
                    }
                }
            }
        }
    }

    /// Takes everything up to `revision`.
    pub(super) fn follow(&mut self, watch: &mut Watch, revision: u64) {
        while self.revision < revision {
            let event = watch.recv_timeout(PATIENCE);
            self.take(event.unwrap_or_else(|error| {
                panic!("at {} of {revision}: {error}", self.revision);
            }));
        }
    }
}

/// Runs `body` on so many threads, which begin together.
pub(super) fn together(threads: usize, body: impl Fn(usize) + Sync) {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        for index in 0..threads {
            let (barrier, body) = (&barrier, &body);
            scope.spawn(move || {
                barrier.wait();
                body(index);
            });
        }
    });
}
