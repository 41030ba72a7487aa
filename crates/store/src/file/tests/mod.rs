//! The file store on a disk that fails and loses power.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod faults;
mod network;
mod play;
mod unknown;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use byname_registry::Snapshot;

use super::document::Document;
use super::{FileOptions, FileState, FileStore};
use crate::disk::sim::{Journal, PowerCut, SimDisk};
use crate::{Json, Record, Store, StoreError, Transaction};

const DOCUMENT: &str = "/data/m.json";

/// What a store holds.
#[derive(Clone, Default, PartialEq, Eq)]
struct Stand {
    revision: u64,
    /// Revision and value of each entry.
    entries: BTreeMap<String, (u64, String)>,
}

impl Stand {
    fn of(state: &Snapshot<Record>) -> Self {
        let entries = state.entries().map(|(name, entry)| {
            let value = canonical(&entry.value().unwrap().value);
            (name.to_owned(), (entry.revision(), value))
        });
        Self {
            revision: state.revision(),
            entries: entries.collect(),
        }
    }

    fn of_document(document: &Document) -> Self {
        let entries = document.entries().iter().map(|(name, slot)| {
            let value = canonical(&slot.record.value);
            (name.to_string(), (slot.revision, value))
        });
        Self {
            revision: document.revision,
            entries: entries.collect(),
        }
    }

    /// The same after a transaction.
    fn after(&self, operations: &[Operation]) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        for operation in operations {
            match operation {
                Put(name, value) => {
                    let entry = (next.revision, canonical(&value.json()));
                    next.entries.insert((*name).to_owned(), entry);
                }
                Remove(name) => {
                    next.entries.remove(*name);
                }
            }
        }
        next
    }

    /// Whether both hold the same values at the same revision, whichever wrote them.
    fn holds_what(&self, other: &Self) -> bool {
        let values = |stand: &Self| -> Vec<(String, String)> {
            let entries = stand.entries.iter();
            entries
                .map(|(name, (_, value))| (name.clone(), value.clone()))
                .collect()
        };
        self.revision == other.revision && values(self) == values(other)
    }
}

impl fmt::Debug for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}:", self.revision)?;
        for (name, (revision, value)) in &self.entries {
            write!(f, " {name}@{revision}={value:.16}")?;
        }
        Ok(())
    }
}

fn canonical(json: &Json) -> String {
    json.read::<serde_json::Value>().unwrap().to_string()
}

/// A value: a small object, and a text of so many bytes in it.
#[derive(Clone, Copy, Debug)]
struct Value(u32, usize);

impl Value {
    fn json(self) -> Json {
        let Self(number, length) = self;
        let text = "x".repeat(length);
        Json::new(format!(r#"{{"n":{number},"text":"{text}"}}"#)).unwrap()
    }
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Put(&'static str, Value),
    Remove(&'static str),
}
use Operation::{Put, Remove};

fn transaction(operations: &[Operation]) -> Transaction {
    let mut transaction = Transaction::new();
    for operation in operations {
        transaction = match *operation {
            Put(name, value) => transaction.put(name, value.json()),
            Remove(name) => transaction.remove(name),
        };
    }
    transaction
}

fn at(path: &str) -> &Path {
    Path::new(path)
}

/// A disk with a folder for the document.
fn disk() -> SimDisk {
    let disk = SimDisk::new();
    disk.make_folder(at("/data")).unwrap();
    disk
}

fn options() -> FileOptions {
    FileOptions::new()
        .watch(false)
        .poll(None)
        .settle(Duration::ZERO)
        .keep(3)
}

fn open(disk: &SimDisk) -> Result<FileStore, StoreError> {
    FileStore::open_on(Arc::new(disk.clone()), DOCUMENT, options())
}

fn shown(store: &FileStore) -> Stand {
    Stand::of(&store.mirror().snapshot())
}

/// What a fresh process finds, on a copy of the disk; it takes up no edit unless it must.
fn reopened(disk: &SimDisk) -> Stand {
    let reader = options().read_only(true);
    let store = FileStore::open_on(Arc::new(disk.fork()), DOCUMENT, reader);
    shown(&store.or_else(|_| open(&disk.fork())).unwrap())
}

/// What a test of a state that was left takes for granted.
#[derive(Clone, Copy, Debug, Default)]
struct Terms {
    /// Somebody has edited the document: it may be taken up before or after it is opened, and which
    /// revision wrote an entry is not told.
    edited: bool,
    /// The document may be damaged: it is restored before anything is written.
    damaged: bool,
}

/// What is shown outlives a power cut at this moment: the states in which most is lost are tried.
fn is_durable(disk: &SimDisk, seen: &Stand, journal: &Journal<Stand>, terms: Terms) {
    let allowed = allowed(journal);
    for state in disk.crash_states(power_cut(3)) {
        let left = reopened(&state.boot());
        let is_one = allowed.iter().any(|one| one.holds_what(&left));
        let is_not_older = left.revision >= seen.revision || terms.edited;
        assert!(
            is_one && is_not_older,
            "shown was {seen:?}, left is {left:?}, allowed are {allowed:#?}: {}",
            state.story()
        );
    }
}

/// Everything that may be, in order.
fn allowed(journal: &Journal<Stand>) -> Vec<Stand> {
    let acknowledged = journal.acknowledged().into_iter();
    acknowledged.chain(journal.in_flight()).collect()
}

/// Opens what was left, checks that it is what it may be, and goes on from there. `known` is every
/// state that ever was, besides those of the journal.
fn check(disk: &SimDisk, journal: &Journal<Stand>, known: &[Stand], terms: Terms) -> Stand {
    let allowed = allowed(journal);
    let store = open(disk).unwrap();
    let found = shown(&store);
    let is_one = |stand: &Stand, of: &[Stand]| {
        of.iter().any(|one| {
            if terms.edited {
                one.holds_what(stand)
            } else {
                one == stand
            }
        })
    };
    assert!(
        is_one(&found, &allowed),
        "found {found:#?}, allowed are {allowed:#?}"
    );
    let mut ever = known.to_vec();
    ever.extend(journal.past());
    ever.extend(journal.in_flight());
    for revision in store.shared.kept_revisions().unwrap() {
        if let Some(kept) = store.shared.kept(revision, None) {
            let kept = Stand::of_document(&kept);
            assert!(is_one(&kept, &ever), "kept is {kept:#?}, which never was");
        }
    }
    let more = [Put("after", Value(99, 40))];
    let mut committed = store.submit(transaction(&more)).wait();
    if let (true, Err(StoreError::Damage { .. })) = (terms.damaged, &committed) {
        assert_eq!(store.restore(0).wait().unwrap(), found.revision + 1);
        committed = store.submit(transaction(&more)).wait();
    }
    let committed = committed.unwrap();
    let now = shown(&store);
    assert_eq!(now.revision, committed);
    let bases = allowed.iter().filter(|one| one.revision >= found.revision);
    let mut nexts: Vec<_> = bases.map(|one| one.after(&more)).collect();
    nexts.push(found.after(&more));
    if terms.damaged {
        // Restoring is a revision of its own.
        let mut restored = found.after(&[]).after(&more);
        restored.revision = found.revision + 2;
        nexts.push(restored);
    }
    assert!(is_one(&now, &nexts), "{now:#?} is none of {nexts:#?}");
    let inspection = store.inspect().unwrap();
    assert_eq!(inspection.state, FileState::Whole);
    assert_eq!(inspection.committed, committed);
    assert_eq!(inspection.locks.leftovers, []);
    let newest = inspection.kept.last().unwrap();
    assert_eq!(newest.revision, committed);
    assert_eq!(newest.entries, Some(now.entries.len() as u64));
    drop(store);
    assert_eq!(shown(&open(disk).unwrap()), now);
    assert!(!disk.is_locked());
    assert_eq!(disk.open_handles(), 0);
    found
}

/// Whether everything is to be looked at, however long it takes.
fn is_full_sweep() -> bool {
    std::env::var("BYNAME_SWEEP").is_ok_and(|sweep| sweep == "full")
}

/// How many states are looked at.
fn power_cut(usual: usize) -> PowerCut {
    PowerCut {
        limit: if is_full_sweep() { usual * 10 } else { usual },
        ..PowerCut::default()
    }
}
