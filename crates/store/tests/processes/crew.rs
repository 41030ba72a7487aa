//! The same work in three forms: by threads of one instance, by instances, by processes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use byname_store::{Condition, Durable, FileStore, Store, StoreError, Transaction};
use byname_testkit::together;

use crate::child::{Child, say};
use crate::{add, json, listed, open, open_quietly, text};

/// Who shares what.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// Threads share one open store.
    Threads,
    /// Each thread opens the store.
    Instances,
    /// Each process opens the store.
    Processes,
}

/// What one of the crew does.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Adds so many entries, one after another.
    Add { who: usize, count: usize },
    /// Adds them, so many at a time without waiting for one before the next.
    AddAtOnce {
        who: usize,
        count: usize,
        at_once: usize,
    },
    /// Adds one to an entry so many times.
    Count { times: usize },
    /// Removes `old-0` to `old-9`, beginning with another one each.
    Remove { first: usize },
    /// Makes so many transactions of four writes, and tells the others of each.
    Write { who: usize, count: usize },
    /// Reads until so many others are done.
    Read { until: usize },
    /// Cleans until so many others are done.
    Clean { until: usize },
}

/// What one of the crew says: a kind of event and what it happened to.
pub(crate) type Log = Vec<(String, String, u64)>;

/// Has all of the crew work at the same time; returns what each says.
pub(crate) fn run(form: Form, path: &Path, crew: &[Work]) -> Vec<Log> {
    let act_with = |store: &Arc<FileStore>, work: &Work| {
        let mut lines = Vec::new();
        act(store, path, work, &mut |line| lines.push(line));
        lines
    };
    let said: Vec<Vec<String>> = match form {
        Form::Threads => {
            let store = Arc::new(open(path));
            together(crew.len(), |index| act_with(&store, &crew[index]))
        }
        Form::Instances => together(crew.len(), |index| {
            act_with(&Arc::new(crew[index].open(path)), &crew[index])
        }),
        Form::Processes => {
            let part = |work: &Work| format!("crew\t{}\t{}", path.display(), work.to_words());
            let mut children: Vec<_> = crew.iter().map(|work| Child::start(&part(work))).collect();
            children.iter_mut().for_each(Child::go);
            children.into_iter().map(Child::finish).collect()
        }
    };
    let event = |line: &String| {
        let words: Vec<_> = line.split(' ').collect();
        let [kind, name, number] = words[..] else {
            panic!("{line:?} is no event");
        };
        (kind.to_owned(), name.to_owned(), number.parse().unwrap())
    };
    said.iter()
        .map(|lines| lines.iter().map(event).collect())
        .collect()
}

/// The part of a child process.
pub(crate) fn in_child(words: &[&str]) {
    let path = Path::new(words[0]);
    let work = Work::of_words(words[1]);
    act(&Arc::new(work.open(path)), path, &work, &mut |line| {
        say(&line);
    });
}

impl Work {
    /// Who only adds does not follow what others do.
    fn open(&self, path: &Path) -> FileStore {
        match self {
            Self::Add { .. } | Self::AddAtOnce { .. } => open_quietly(path),
            _ => open(path),
        }
    }

    fn to_words(&self) -> String {
        match self {
            Self::Add { who, count } => format!("add {who} {count}"),
            Self::AddAtOnce {
                who,
                count,
                at_once,
            } => format!("add-{at_once} {who} {count}"),
            Self::Count { times } => format!("count {times} 0"),
            Self::Remove { first } => format!("remove {first} 0"),
            Self::Write { who, count } => format!("write {who} {count}"),
            Self::Read { until } => format!("read {until} 0"),
            Self::Clean { until } => format!("clean {until} 0"),
        }
    }

    fn of_words(words: &str) -> Self {
        let words: Vec<_> = words.split(' ').collect();
        let number = |index: usize| words[index].parse().unwrap();
        let (who, count) = (number(1), number(2));
        match words[0] {
            "add" => Self::Add { who, count },
            "count" => Self::Count { times: who },
            "remove" => Self::Remove { first: who },
            "write" => Self::Write { who, count },
            "read" => Self::Read { until: who },
            "clean" => Self::Clean { until: who },
            other => {
                let at_once = other.strip_prefix("add-").unwrap().parse().unwrap();
                Self::AddAtOnce {
                    who,
                    count,
                    at_once,
                }
            }
        }
    }
}

/// The value that `who` gives to what it adds as the `number`th.
pub(crate) fn value(who: usize, number: usize) -> String {
    format!(r#"{{"by":{who},"number":{number}}}"#)
}

fn act(store: &Arc<FileStore>, path: &Path, work: &Work, say: &mut dyn FnMut(String)) {
    let folder = path.parent().unwrap();
    match *work {
        Work::Add { who, count } => {
            for number in 0..count {
                let name = format!("machine-{who}-{number}");
                let pending = store.submit(add(&name, &value(who, number)));
                say(format!("added {name} {}", pending.wait().unwrap()));
            }
            is_done(folder, &format!("adder-{who}"));
        }
        Work::AddAtOnce {
            who,
            count,
            at_once,
        } => {
            let numbers: Vec<_> = (0..count).collect();
            for numbers in numbers.chunks(at_once) {
                let submit = |&number: &usize| {
                    let name = format!("machine-{who}-{number}");
                    let pending = store.submit(add(&name, &value(who, number)));
                    (name, pending)
                };
                for (name, pending) in numbers.iter().map(submit).collect::<Vec<_>>() {
                    say(format!("added {name} {}", pending.wait().unwrap()));
                }
            }
            is_done(folder, &format!("adder-{who}"));
        }
        Work::Count { times } => {
            // As many attempts as it takes: whoever conflicts lets another go ahead.
            let counts: Durable<u64> = Durable::options()
                .attempts(10_000)
                .open(Arc::clone(store) as Arc<dyn Store>)
                .unwrap();
            for _ in 0..times {
                let committed = counts
                    .transaction(|draft| {
                        let count = *draft.get("count").unwrap();
                        draft.replace("count", count + 1)
                    })
                    .unwrap();
                let revision = committed.revision;
                say(format!("counted count {revision}"));
            }
        }
        Work::Remove { first } => {
            for number in (first..first + 10).map(|number| number % 10) {
                let name = format!("old-{number}");
                let remove = Transaction::new()
                    .when(&*name, Condition::Exists)
                    .remove(&*name);
                match store.submit(remove).wait() {
                    Ok(revision) => say(format!("removed {name} {revision}")),
                    Err(StoreError::Condition { found: 0, .. }) => {
                        say(format!("missed {name} 0"));
                    }
                    Err(error) => panic!("{name}: {error}"),
                }
            }
        }
        Work::Write { who, count } => write(store, folder, who, count, say),
        Work::Read { until } => read(store, folder, until, say),
        Work::Clean { until } => {
            let mut rounds = 0;
            while done(folder) < until {
                store.clean().wait().unwrap();
                rounds += 1;
            }
            say(format!("cleaned rounds {rounds}"));
        }
    }
}

/// Tells the others of the crew that one of them is done.
fn is_done(folder: &Path, who: &str) {
    std::fs::create_dir_all(folder.join("done")).unwrap();
    std::fs::write(folder.join("done").join(who), "").unwrap();
}

fn done(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("done")).map_or(0, Iterator::count)
}

/// Each transaction writes two pairs: one of its own, and the one that all writers write.
fn write(store: &FileStore, folder: &Path, who: usize, count: usize, say: &mut dyn FnMut(String)) {
    let acknowledged = folder.join("acknowledged");
    std::fs::create_dir_all(&acknowledged).unwrap();
    for number in 0..count {
        let mut transaction = Transaction::new();
        let own = format!("{who}-{number}");
        for pair in [&*own, "all"] {
            for side in ["left", "right"] {
                transaction = transaction.put(format!("{side}-{pair}"), json(&value(who, number)));
            }
        }
        let revision = store.submit(transaction).wait().unwrap();
        // Whoever finds this file knows that the transaction was acknowledged.
        std::fs::write(acknowledged.join(format!("{revision:020} {own}")), "").unwrap();
        say(format!("wrote {own} {revision}"));
    }
    is_done(folder, &format!("writer-{who}"));
}

fn read(store: &FileStore, folder: &Path, until: usize, say: &mut dyn FnMut(String)) {
    let acknowledged = folder.join("acknowledged");
    std::fs::create_dir_all(&acknowledged).unwrap();
    let (mut rounds, mut last) = (0, (0, 0));
    loop {
        let all_done = done(folder) == until;
        let cached = store.mirror().snapshot();
        assert!(cached.revision() >= last.0, "a cached read went back");
        check_whole(&cached, &mut last);
        let told = listed(&acknowledged);
        store.refresh().wait().unwrap();
        let latest = store.mirror().snapshot();
        check_whole(&latest, &mut last);
        for name in told {
            let (revision, own) = name.split_once(' ').unwrap();
            assert!(
                latest.revision() >= revision.parse().unwrap(),
                "missed {name}"
            );
            assert!(
                latest.get(&format!("left-{own}")).is_some(),
                "missed {name}"
            );
        }
        rounds += 1;
        if all_done {
            break;
        }
    }
    say(format!("read rounds {rounds}"));
    say(format!("read last {}", last.0));
    say(format!("read entries {}", last.1));
}

/// Checks that `state` is one revision: every pair is whole, and nothing has gone.
fn check_whole(state: &byname_store::State, last: &mut (u64, usize)) {
    let entries: BTreeMap<String, String> = state
        .iter()
        .map(|(name, record)| (name.to_owned(), text(record)))
        .collect();
    let mut pairs = 0;
    for (name, left) in &entries {
        if let Some(pair) = name.strip_prefix("left-") {
            let right = entries.get(&format!("right-{pair}"));
            assert_eq!(right, Some(left), "half of a transaction: {pair}");
            pairs += 1;
        }
    }
    assert_eq!(entries.len(), 10 + 2 * pairs);
    let of_writers = pairs - usize::from(entries.contains_key("left-all"));
    // Ten entries were added before, each as a revision; then every transaction adds one pair.
    assert_eq!(state.revision(), 10 + of_writers as u64);
    assert!(
        (state.revision(), entries.len()) >= *last,
        "a read went back"
    );
    *last = (state.revision(), entries.len());
}
