//! What several processes did at once, some of them killed, could have been done one after another.

use std::collections::BTreeMap;
use std::path::Path;

use byname_store::{Condition, FileStore, State, Store, StoreError, Transaction};
use byname_testkit::models::{Names, NamesOp, NamesRet, Whole, WholeOp, WholeRet};
use byname_testkit::{Checker, History, Operation, Rng, for_seeds};
use rustix::time::{ClockId, clock_gettime};

use crate::child::{Child, say};
use crate::{is_full, json, open, place, place_in_memory, text};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// The time of a clock that all processes of the machine share, in nanoseconds.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}

/// The part of a process: as many operations as it is to make, each said when it is called and when
/// it has returned.
pub(crate) fn in_child(words: &[&str]) {
    let [kind, path, seed, operations] = words else {
        panic!("{words:?}");
    };
    let mut rng = Rng::seeded(seed.parse().unwrap());
    let store = open(Path::new(path));
    // Values differ from one another, so that a read tells which write it has seen.
    let mut count = 0;
    let mut value = || {
        count += 1;
        seed.parse::<u64>().unwrap() % 1_000_000 * 1_000 + count
    };
    for _ in 0..operations.parse().unwrap() {
        if *kind == "names" {
            one_name(&store, &mut rng, &mut value);
        } else {
            whole(&store, &mut rng, &mut value);
        }
    }
}

fn call<T>(words: &str, work: impl FnOnce() -> T) -> T {
    say(&format!("call {} {words}", now()));
    work()
}

fn returned(words: &str) {
    say(&format!("return {} {words}", now()));
}

/// What became of a transaction.
fn submit(store: &FileStore, transaction: Transaction) -> String {
    match store.submit(transaction).wait() {
        Ok(revision) => format!("changed {revision}"),
        Err(StoreError::Condition { .. } | StoreError::Changed { .. }) => "refused".into(),
        Err(error) => panic!("{error}"),
    }
}

fn latest(store: &FileStore) -> State {
    store.refresh().wait().unwrap();
    store.mirror().snapshot()
}

fn one_name(store: &FileStore, rng: &mut Rng, value: &mut impl FnMut() -> u64) {
    let name = *rng.pick(&NAMES);
    let new = value();
    let put = |condition: Option<Condition>| {
        let put = Transaction::new().put(name, json(&new.to_string()));
        match condition {
            Some(condition) => put.when(name, condition),
            None => put,
        }
    };
    let told = match rng.below(7) {
        0 => call(&format!("put {name} {new}"), || submit(store, put(None))),
        1 => call(&format!("register {name} {new}"), || {
            submit(store, put(Some(Condition::Absent)))
        }),
        2 => call(&format!("replace {name} {new}"), || {
            submit(store, put(Some(Condition::Exists)))
        }),
        3 => call(&format!("remove {name}"), || {
            let remove = Transaction::new().remove(name);
            submit(store, remove.when(name, Condition::Exists))
        }),
        4 | 5 => {
            // What the local copy shows may be old by now; then it must be refused.
            let shown = store.mirror().entry(name);
            let shown = shown.map_or(0, |entry| entry.revision());
            call(&format!("compare {name} {shown} {new}"), || {
                submit(store, put(Some(Condition::Revision(shown))))
            })
        }
        _ => call(&format!("get {name}"), || {
            let state = latest(store);
            let entry = state.entry(name).map(|entry| entry.revision());
            match (entry, state.get(name)) {
                (Some(revision), Some(record)) => format!("found {revision} {}", text(record)),
                _ => "absent".into(),
            }
        }),
    };
    returned(&told);
}

fn whole(store: &FileStore, rng: &mut Rng, value: &mut impl FnMut() -> u64) {
    let new = value();
    let first = rng.below(NAMES.len());
    let names = [NAMES[first], NAMES[(first + 1) % NAMES.len()]];
    let both = names.iter().fold(Transaction::new(), |both, name| {
        both.put(*name, json(&new.to_string()))
    });
    let words = format!("{} {} {new}", names[0], names[1]);
    let told = match rng.below(4) {
        0 => call(&format!("change {words}"), || submit(store, both)),
        1 => {
            let shown = store.mirror().revision();
            call(&format!("change-at {shown} {words}"), || {
                submit(store, both.unchanged_since(shown))
            })
        }
        _ => call("snapshot", || {
            let state = latest(store);
            let entries = state
                .iter()
                .map(|(name, record)| format!(" {name} {}", text(record)));
            format!(
                "everything {}{}",
                state.revision(),
                entries.collect::<String>()
            )
        }),
    };
    returned(&told);
}

/// An operation as it was said: the words of the call, and those of the return with its time.
type Told = (u64, Vec<String>, Option<(u64, Vec<String>)>);

fn told(lines: &[String]) -> Vec<Told> {
    let mut operations: Vec<Told> = Vec::new();
    for line in lines {
        let mut words = line.split(' ').map(str::to_owned);
        let (kind, time) = (words.next().unwrap(), words.next().unwrap());
        let time = time.parse().unwrap();
        if kind == "call" {
            operations.push((time, words.collect(), None));
        } else {
            operations.last_mut().unwrap().2 = Some((time, words.collect()));
        }
    }
    operations
}

/// Has `processes` do their operations at once, kills some in the middle, and returns what each said.
fn record(kind: &str, path: &Path, rng: &mut Rng, processes: usize, each: usize) -> Vec<Vec<Told>> {
    let start = |seed: u64| {
        let path = path.display();
        Child::start(&format!("linearizable\t{kind}\t{path}\t{seed}\t{each}"))
    };
    let mut children: Vec<_> = (0..processes).map(|_| start(rng.next_u64())).collect();
    children.iter_mut().for_each(Child::go);
    // What a killed one was doing stays open; another takes its place.
    let mut said = Vec::new();
    for child in children.iter_mut().take(processes / 2) {
        child.wait_for_line("call", 1 + rng.below(each - 1));
        let mut next = start(rng.next_u64());
        next.go();
        let killed = std::mem::replace(child, next);
        said.push(told(&killed.end_or_kill()));
    }
    said.extend(children.into_iter().map(|child| told(&child.finish())));
    said
}

fn history<Op: std::fmt::Debug, Ret: std::fmt::Debug>(
    said: Vec<Vec<Told>>,
    op: fn(&[&str]) -> Op,
    ret: fn(&[&str]) -> Ret,
) -> History<Op, Ret> {
    let mut operations = Vec::new();
    for (process, told) in said.into_iter().enumerate() {
        for (call, called, returned) in told {
            let called: Vec<_> = called.iter().map(String::as_str).collect();
            let ret = returned.map(|(time, words)| {
                let words: Vec<_> = words.iter().map(String::as_str).collect();
                (time, ret(&words))
            });
            let op = op(&called);
            operations.push(Operation {
                process,
                op,
                call,
                ret,
            });
        }
    }
    History::from_operations(operations)
}

fn number(word: &str) -> u64 {
    word.parse().unwrap()
}

fn names_op(words: &[&str]) -> NamesOp<String, u64> {
    let name = words[1].to_owned();
    match *words {
        ["put", _, value] => NamesOp::Put(name, number(value)),
        ["register", _, value] => NamesOp::Register(name, number(value)),
        ["replace", _, value] => NamesOp::Replace(name, number(value)),
        ["remove", _] => NamesOp::Remove(name),
        ["compare", _, revision, value] => {
            NamesOp::CompareAndSet(name, number(revision), number(value))
        }
        ["get", _] => NamesOp::Get(name),
        _ => panic!("{words:?}"),
    }
}

fn names_ret(words: &[&str]) -> NamesRet<u64> {
    match *words {
        ["changed", revision] => NamesRet::Changed(number(revision)),
        ["refused"] => NamesRet::Refused,
        ["found", revision, value] => NamesRet::Found(number(revision), number(value)),
        ["absent"] => NamesRet::Absent,
        _ => panic!("{words:?}"),
    }
}

fn whole_op(words: &[&str]) -> WholeOp<String, u64> {
    let both = |one: &str, other: &str, value: &str| {
        [one, other]
            .map(|name| (name.to_owned(), Some(number(value))))
            .to_vec()
    };
    match *words {
        ["change", one, other, value] => WholeOp::Change(both(one, other, value)),
        ["change-at", revision, one, other, value] => {
            WholeOp::ChangeAt(number(revision), both(one, other, value))
        }
        ["snapshot"] => WholeOp::Snapshot,
        _ => panic!("{words:?}"),
    }
}

fn whole_ret(words: &[&str]) -> WholeRet<String, u64> {
    match *words {
        ["changed", revision] => WholeRet::Changed(number(revision)),
        ["refused"] => WholeRet::Refused,
        ["everything", revision, ref entries @ ..] => {
            let entries = entries.chunks(2);
            let entries: BTreeMap<_, _> = entries
                .map(|entry| (entry[0].to_owned(), number(entry[1])))
                .collect();
            WholeRet::Everything(number(revision), entries)
        }
        _ => panic!("{words:?}"),
    }
}

/// Each name by itself: put, register, replace, remove, compare-and-set, read.
#[test]
fn stress_names_of_killed_processes() {
    for_seeds(if is_full() { 100 } else { 4 }, |rng| {
        let (_folder, path) = if rng.chance(50) {
            place()
        } else {
            place_in_memory()
        };
        let said = record("names", &path, rng, 6, 40);
        let history = history(said, names_op, names_ret);
        Checker::new().check(&history, &Names::new()).unwrap();
        assert!(history.len() >= 6 * 40);
    });
}

/// The map as a whole: changes of two names at once, changes of nothing but what was seen, reads of
/// everything; revisions are counted by one.
#[test]
fn stress_transactions_of_killed_processes() {
    for_seeds(if is_full() { 100 } else { 4 }, |rng| {
        let (_folder, path) = if rng.chance(50) {
            place()
        } else {
            place_in_memory()
        };
        let said = record("whole", &path, rng, 4, 30);
        let history = history(said, whole_op, whole_ret);
        Checker::new().check(&history, &Whole::new()).unwrap();
        assert!(history.len() >= 4 * 30);
    });
}
