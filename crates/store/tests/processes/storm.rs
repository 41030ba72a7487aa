//! Writers that are stopped and killed, readers beside them, and what the parent knows of both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use byname_store::{Condition, State, Store, Transaction};
use byname_testkit::Rng;

use crate::child::{listen, say};
use crate::{json, open, text};

/// How long those beside the writers wait for a change before they go on without one.
const BREAK: Duration = Duration::from_millis(20);

/// The part of a process in a storm.
pub(crate) fn in_child(words: &[&str]) {
    let (path, rest) = (Path::new(words[1]), &words[2..]);
    let ends = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&ends);
    thread::spawn(move || {
        listen();
        told.store(true, Ordering::Release);
    });
    let ends = || ends.load(Ordering::Acquire);
    match words[0] {
        "writer" => write(path, rest[0], rest[1].parse().unwrap(), ends),
        "reader" => read(path, rest[0] == "latest", ends),
        "cleaner" => clean(path, ends),
        other => panic!("nobody in a storm is called {other}"),
    }
}

/// The two names of a pair, which are always written together and with the same value.
fn sides(pair: &str) -> [String; 2] {
    [format!("{pair}-left"), format!("{pair}-right")]
}

/// A change of a pair: its new value, or `None` to remove it.
type Change = (String, Option<u64>);

fn transaction((pair, value): &Change, new: bool) -> Transaction {
    let condition = if new {
        Condition::Absent
    } else {
        Condition::Exists
    };
    sides(pair).iter().fold(Transaction::new(), |all, name| {
        let all = all.when(&**name, condition);
        match value {
            Some(value) => all.put(&**name, json(&value.to_string())),
            None => all.remove(&**name),
        }
    })
}

/// Adds, replaces and removes pairs whose names begin with `prefix`. It says what it is about to do
/// before it does it, and what was acknowledged after.
fn write(path: &Path, prefix: &str, seed: u64, ends: impl Fn() -> bool) {
    let mut rng = Rng::seeded(seed);
    let store = open(path);
    let mut own: Vec<String> = Vec::new();
    let (mut count, mut pairs) = (0, 0);
    while !ends() {
        let mut changes: Vec<(Change, bool)> = Vec::new();
        let mut new = |value| {
            pairs += 1;
            ((format!("{prefix}-{pairs}"), Some(value)), true)
        };
        match rng.below(10) {
            0..=2 if !own.is_empty() => {
                changes.push(((rng.pick(&own).clone(), Some(rng.next_u64())), false));
            }
            3 if !own.is_empty() => {
                let gone = own.swap_remove(rng.below(own.len()));
                changes.push(((gone, None), false));
            }
            4..=5 => {
                // Several at once, which may go into one commit.
                for _ in 0..2 + rng.below(4) {
                    changes.push(new(rng.next_u64()));
                }
            }
            _ => changes.push(new(rng.next_u64())),
        }
        let submitted: Vec<_> = changes
            .iter()
            .enumerate()
            .map(|(index, (change, new))| {
                let (pair, value) = change;
                let value = value.map_or("-".to_owned(), |value| value.to_string());
                say(&format!("intent {} {pair} {value}", count + index));
                store.submit(transaction(change, *new))
            })
            .collect();
        for (pending, ((pair, _), new)) in submitted.into_iter().zip(changes) {
            let revision = pending.wait().unwrap();
            say(&format!("acknowledged {count} {revision}"));
            count += 1;
            if new {
                own.push(pair);
            }
        }
    }
}

/// Reads until it is told to end: every pair is whole, and no read is older than one before.
fn read(path: &Path, latest: bool, ends: impl Fn() -> bool) {
    let store = open(path);
    let (mut last, mut rounds) = (0, 0);
    let mut watch = store.watch(0);
    while !ends() {
        let _ = watch.recv_timeout(BREAK);
        if latest {
            let before = store.committed();
            let revision = store.refresh().wait().unwrap();
            assert!(
                revision >= before,
                "{revision} although {before} was acknowledged"
            );
        }
        let state = store.mirror().snapshot();
        assert!(
            state.revision() >= last,
            "{} after {last}",
            state.revision()
        );
        last = state.revision();
        check_pairs(&state);
        rounds += 1;
    }
    say(&format!("read {rounds} {last}"));
}

fn clean(path: &Path, ends: impl Fn() -> bool) {
    let store = open(path);
    let mut watch = store.watch(0);
    let mut rounds = 0;
    while !ends() {
        // Beside the writers, and not instead of them.
        for _ in 0..10 {
            let _ = watch.recv_timeout(BREAK);
        }
        store.clean().wait().unwrap();
        rounds += 1;
    }
    say(&format!("cleaned {rounds}"));
}

fn check_pairs(state: &State) {
    for (name, record) in state.iter() {
        let other = match name.strip_suffix("-left") {
            Some(pair) => format!("{pair}-right"),
            None => match name.strip_suffix("-right") {
                Some(pair) => format!("{pair}-left"),
                None => continue,
            },
        };
        let found = state.get(&other).map(text);
        let revision = state.revision();
        assert_eq!(found, Some(text(record)), "half of {name} at {revision}");
    }
}

/// What one life of a writer has said: what it was about to do, and what was acknowledged.
pub(crate) struct Life {
    intents: Vec<(Change, Option<u64>)>,
}

impl Life {
    pub(crate) fn of_lines(lines: &[String]) -> Self {
        let mut intents: Vec<(Change, Option<u64>)> = Vec::new();
        for line in lines {
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                ["intent", number, pair, value] => {
                    assert_eq!(number.parse(), Ok(intents.len()));
                    intents.push(((pair.to_owned(), value.parse().ok()), None));
                }
                ["acknowledged", number, revision] => {
                    let number: usize = number.parse().unwrap();
                    intents[number].1 = Some(revision.parse().unwrap());
                }
                _ => panic!("{line:?}"),
            }
        }
        Self { intents }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.intents
            .iter()
            .filter(|(_, revision)| revision.is_some())
            .count()
    }
}

/// How a storm ended, for who reads the output.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) acknowledged: usize,
    pub(crate) open_there: usize,
    pub(crate) open_not_there: usize,
}

/// Checks that `state` holds what `lives` acknowledged, each open change wholly or not at all, and
/// nothing else.
pub(crate) fn check(lives: &[Life], state: &State) -> Told {
    let mut told = Told::default();
    let mut expected: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut revisions = BTreeSet::new();
    let found: BTreeMap<String, (u64, u64)> = state
        .entries()
        .map(|(name, entry)| {
            let value = text(state.get(name).unwrap()).parse().unwrap();
            (name.to_owned(), (value, entry.revision()))
        })
        .collect();
    for life in lives {
        for ((pair, value), revision) in &life.intents {
            let sides = sides(pair);
            if let Some(revision) = revision {
                assert!(
                    revisions.insert(*revision),
                    "{revision} was acknowledged twice"
                );
                assert!(*revision <= state.revision());
                told.acknowledged += 1;
                for name in sides {
                    match value {
                        Some(value) => expected.insert(name, (*value, *revision)),
                        None => expected.remove(&name),
                    };
                }
                continue;
            }
            // Nobody was told: what it had before, or what it was to have. A writer changes a name
            // that is open no more.
            let there = sides.clone().map(|name| found.get(&name).copied());
            let before = sides.clone().map(|name| expected.get(&name).copied());
            if there == before {
                told.open_not_there += 1;
                continue;
            }
            told.open_there += 1;
            assert_eq!(there[0], there[1], "half of the open change of {pair}");
            assert_eq!(there[0].map(|(value, _)| value), *value, "{pair}");
            for name in sides {
                match there[0] {
                    Some(there) => expected.insert(name, there),
                    None => expected.remove(&name),
                };
            }
            if let Some((_, revision)) = there[0] {
                assert!(revisions.insert(revision), "{revision} was given twice");
            }
        }
    }
    let others: BTreeMap<_, _> = found
        .iter()
        .filter(|(name, _)| name.starts_with('w'))
        .map(|(name, entry)| (name.clone(), *entry))
        .collect();
    assert_eq!(others, expected);
    told
}
