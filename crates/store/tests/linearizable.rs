//! Histories of concurrent operations on several handles could have come from one step after
//! another: on stores, and on durable registries over them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use byname_store::{
    Condition, Durable, FileOptions, FileStore, Json, MemoryStore, Store, StoreError, Transaction,
};
use byname_testkit::models::{Names, NamesOp, NamesRet};
use byname_testkit::{Recorder, Rng, together};

type Op = NamesOp<&'static str, u64>;
type Ret = NamesRet<u64>;

const NAMES: [&str; 3] = ["a", "b", "c"];
const THREADS: usize = 6;
const ROUNDS: u64 = 25;

/// Something that does one operation, so that it is over when it returns.
trait Subject: Sync {
    fn run(&self, op: &Op) -> Ret;
    /// A token to compare with.
    fn token(&self, name: &str) -> u64;
}

fn changed(result: Result<u64, StoreError>) -> Ret {
    match result {
        Ok(revision) => Ret::Changed(revision),
        Err(StoreError::Condition { .. }) => Ret::Refused,
        Err(error) => panic!("{error}"),
    }
}

struct Plain(Arc<dyn Store>);

impl Subject for Plain {
    fn run(&self, op: &Op) -> Ret {
        let json = |value: &u64| Json::of(value).unwrap();
        let when = |name: &'static str, condition| Transaction::new().when(name, condition);
        let transaction = match op {
            NamesOp::Get(name) => {
                self.0.refresh().wait().unwrap();
                return self.0.mirror().entry(name).map_or(Ret::Absent, |entry| {
                    let value = entry.value().unwrap().value.read().unwrap();
                    Ret::Found(entry.revision(), value)
                });
            }
            NamesOp::Register(name, value) => when(name, Condition::Absent).put(*name, json(value)),
            NamesOp::Replace(name, value) => when(name, Condition::Exists).put(*name, json(value)),
            NamesOp::Put(name, value) => Transaction::new().put(*name, json(value)),
            NamesOp::Remove(name) => when(name, Condition::Exists).remove(*name),
            NamesOp::CompareAndSet(name, expected, value) => {
                when(name, Condition::Revision(*expected)).put(*name, json(value))
            }
        };
        changed(self.0.submit(transaction).wait())
    }

    fn token(&self, name: &str) -> u64 {
        let entry = self.0.mirror().entry(name);
        entry.map_or(0, |entry| entry.revision())
    }
}

struct Typed(Durable<u64>);

impl Subject for Typed {
    fn run(&self, op: &Op) -> Ret {
        let durable = &self.0;
        changed(match op {
            NamesOp::Get(name) => {
                let entry = durable.latest().unwrap().entry(name);
                return entry.map_or(Ret::Absent, |entry| {
                    Ret::Found(entry.revision(), *entry.value().unwrap())
                });
            }
            NamesOp::Register(name, value) => durable.register(name, value),
            NamesOp::Replace(name, value) => durable.replace(name, value),
            NamesOp::Put(name, value) => durable.put(name, value),
            NamesOp::Remove(name) => durable.remove(name),
            NamesOp::CompareAndSet(name, expected, value) => {
                durable.compare_and_set(name, *expected, value)
            }
        })
    }

    fn token(&self, name: &str) -> u64 {
        let entry = self.0.registry().entry(name);
        entry.map_or(0, |entry| entry.revision())
    }
}

/// Runs random operations on all subjects at once, which are handles of one registry, and checks
/// what came of it.
fn check(subjects: &[Box<dyn Subject>], seed: u64) {
    let recorder: Recorder<Op, Ret> = Recorder::new();
    together(THREADS, |index| {
        let mut process = recorder.process();
        let mut random = Rng::seeded(seed + index as u64);
        let subject = &subjects[index % subjects.len()];
        for round in 0..ROUNDS {
            let name = *random.pick(&NAMES);
            let value = index as u64 * ROUNDS + round;
            let op = match random.below(8) {
                0 | 1 => NamesOp::Get(name),
                2 => NamesOp::Register(name, value),
                3 => NamesOp::Replace(name, value),
                4 => NamesOp::Put(name, value),
                5 => NamesOp::Remove(name),
                _ => NamesOp::CompareAndSet(name, subject.token(name), value),
            };
            process.call(op.clone(), || subject.run(&op));
        }
    });
    let history = recorder.history();
    assert_eq!(history.len() as u64, THREADS as u64 * ROUNDS);
    if let Err(error) = history.check(&Names::new()) {
        panic!("seed {seed}: {error}");
    }
}

fn memory() -> [MemoryStore; 3] {
    let store = MemoryStore::options().steps([2, 1, 5]).open();
    let (second, third) = (store.reopen(), store.reopen());
    // One hears of the others when it asks.
    third.pause();
    [store, second, third]
}

fn files(folder: &tempfile::TempDir) -> Vec<FileStore> {
    // Patient: many write at once, on a machine that may be busy with much else.
    let options = || FileOptions::new().wait(std::time::Duration::from_secs(600));
    let open = |_| FileStore::open(folder.path().join("d.json"), options()).unwrap();
    (0..3).map(open).collect()
}

fn plain(store: impl Store) -> Box<dyn Subject> {
    Box::new(Plain(Arc::new(store)))
}

fn typed(store: impl Store) -> Box<dyn Subject> {
    Box::new(Typed(Durable::open(Arc::new(store)).unwrap()))
}

#[test]
fn concurrent_operations_on_a_store_in_memory_are_linearizable() {
    for seed in 0..20 {
        check(&memory().map(plain), seed * 100);
    }
}

#[test]
fn concurrent_operations_on_durable_registries_in_memory_are_linearizable() {
    for seed in 0..20 {
        check(&memory().map(typed), seed * 100);
    }
}

#[test]
fn concurrent_operations_on_a_file_are_linearizable() {
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let subjects: Vec<_> = files(&folder).into_iter().map(plain).collect();
        check(&subjects, seed * 100);
    }
}

#[test]
fn concurrent_operations_on_durable_registries_in_a_file_are_linearizable() {
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let subjects: Vec<_> = files(&folder).into_iter().map(typed).collect();
        check(&subjects, seed * 100);
    }
}
