//! The six tests that the file store's design began with, with exact results: by threads of one
//! instance, by several instances, and by real processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use byname_store::Store;

use crate::crew::{self, Form, Log, Work, value};
use crate::{add, content, is_full, json, listed, open, place, place_in_memory, seal};

/// Each of these functions as three tests.
macro_rules! in_three_forms {
    ($($test:ident)*) => {$(
        mod $test {
            use super::Form;

            #[test]
            fn threads() {
                super::$test(Form::Threads);
            }

            #[test]
            fn instances() {
                super::$test(Form::Instances);
            }

            #[test]
            fn processes() {
                super::$test(Form::Processes);
            }
        }
    )*};
}

in_three_forms! {
    concurrent_adds_10_by_5
    concurrent_adds_5_by_10
    concurrent_adds_8_by_50
    concurrent_adds_at_once_8_by_50
    concurrent_reads_and_writes
    concurrent_removes
    concurrent_counting
    concurrent_adds_are_atomic
    concurrent_cleaning_loses_nothing
}

/// Checks the document, and what stands beside it, after `revisions` revisions.
fn check_folder(path: &Path, revisions: u64) {
    let beside = [
        "aside",
        "leases",
        "lock",
        "previous",
        "revisions",
        "spare",
        "turn",
        "word",
    ];
    let side = path.with_extension("json.d");
    // The first commit displaces nothing.
    let missing = if side.join("previous").exists() {
        ""
    } else {
        "previous"
    };
    let beside: Vec<_> = beside.iter().filter(|name| **name != missing).collect();
    assert_eq!(listed(&side).iter().collect::<Vec<_>>(), beside);
    assert_eq!(listed(&side.join("aside")), [""; 0]);
    assert_eq!(listed(&side.join("leases")), [""; 0]);
    let kept_files = listed(&side.join("revisions"));
    // A commit of several transactions keeps one copy, of the last one.
    assert!(kept_files.len() <= 16);
    assert_eq!(kept_files.last(), Some(&format!("{revisions:020}.json")));
    let strangers: Vec<_> = listed(path.parent().unwrap())
        .into_iter()
        .filter(|name| !["m.json", "m.json.d", "done", "acknowledged"].contains(&&**name))
        .collect();
    assert_eq!(strangers, [""; 0]);
    let sealed = seal::read(&fs::read(path).unwrap());
    assert_eq!(sealed.revision, revisions);
    let store = open(path);
    assert!(store.health().is_good(), "{:?}", store.health());
    let inspection = store.inspect().unwrap();
    assert!(inspection.is_good(), "{inspection:?}");
    assert_eq!(inspection.committed, revisions);
    assert_eq!(inspection.locks.held, Some(false));
    assert_eq!(inspection.locks.holder, None);
    assert_eq!(inspection.locks.leftovers, []);
}

/// Checks that exactly what was added is there, each entry with the revision that was acknowledged.
fn check_added(path: &Path, workers: usize, count: usize, logs: &[Log]) {
    let mut expected = BTreeMap::new();
    for (who, log) in logs.iter().enumerate().take(workers) {
        assert_eq!(log.len(), count);
        for (number, (kind, name, revision)) in log.iter().enumerate() {
            assert_eq!(
                (&**kind, &**name),
                ("added", &*format!("machine-{who}-{number}"))
            );
            expected.insert(name.clone(), (value(who, number), *revision));
        }
    }
    let found: BTreeMap<_, _> = content(&open(path).mirror().snapshot())
        .into_iter()
        .map(|(name, value, revision)| (name, (value, revision)))
        .collect();
    assert_eq!(found, expected);
    let total = (workers * count) as u64;
    let revisions: BTreeSet<u64> = expected.values().map(|(_, revision)| *revision).collect();
    assert_eq!(revisions, (1..=total).collect());
    // Told, not required: how even it was until the first had finished.
    let last = |log: &Log| log.last().map_or(0, |(.., revision)| *revision);
    let first = logs.iter().map(last).min().unwrap();
    let share = |log: &Log| {
        log.iter()
            .filter(|(.., revision)| *revision <= first)
            .count()
    };
    println!(
        "of {count} each, when the first was done: {:?}",
        logs.iter().map(share).collect::<Vec<_>>()
    );
}

fn adds(form: Form, path: &Path, workers: usize, count: usize) {
    let crew: Vec<_> = (0..workers).map(|who| Work::Add { who, count }).collect();
    let logs = crew::run(form, path, &crew);
    check_added(path, workers, count, &logs);
    check_folder(path, (workers * count) as u64);
}

fn concurrent_adds_10_by_5(form: Form) {
    let (_folder, path) = place();
    adds(form, &path, 10, 5);
}

fn concurrent_adds_5_by_10(form: Form) {
    let (_folder, path) = place();
    adds(form, &path, 5, 10);
}

fn concurrent_adds_8_by_50(form: Form) {
    let (_folder, path) = place_in_memory();
    adds(form, &path, 8, 50);
}

/// In the long run, one by one and on the disk.
#[test]
fn concurrent_adds_16_by_200_from_processes() {
    if is_full() {
        let (_folder, path) = place();
        adds(Form::Processes, &path, 16, 200);
    } else {
        let (_folder, path) = place_in_memory();
        adds_at_once(Form::Processes, &path, (16, 200), 10);
    }
}

/// What one process submits without waiting goes into few commits; each is a revision all the same.
fn concurrent_adds_at_once_8_by_50(form: Form) {
    let (_folder, path) = place();
    adds_at_once(form, &path, (8, 50), 50);
}

fn adds_at_once(form: Form, path: &Path, (workers, count): (usize, usize), at_once: usize) {
    let work = |who| Work::AddAtOnce {
        who,
        count,
        at_once,
    };
    let crew: Vec<_> = (0..workers).map(work).collect();
    let logs = crew::run(form, path, &crew);
    check_added(path, workers, count, &logs);
    check_folder(path, (workers * count) as u64);
}

/// Puts so many entries there that are older than anything the crew does.
fn add_old(path: &Path, count: usize) {
    let store = open(path);
    let pending: Vec<_> = (0..count)
        .map(|number| store.submit(add(&format!("old-{number}"), &number.to_string())))
        .collect();
    for (before, pending) in (0..).zip(pending) {
        assert_eq!(pending.wait().unwrap(), before + 1);
    }
}

fn of_kind<'l>(logs: &'l [Log], wanted: &'l str) -> impl Iterator<Item = (&'l str, u64)> {
    logs.iter()
        .flatten()
        .filter(move |(kind, ..)| kind == wanted)
        .map(|(_, name, number)| (&**name, *number))
}

/// Readers see whole transactions, never go back, and see what was acknowledged before they asked.
fn concurrent_reads_and_writes(form: Form) {
    let (_folder, path) = place();
    add_old(&path, 10);
    let mut crew: Vec<_> = (0..3).map(|who| Work::Write { who, count: 10 }).collect();
    crew.extend(vec![Work::Read { until: 3 }; 5]);
    let logs = crew::run(form, &path, &crew);
    let revisions: BTreeSet<_> = of_kind(&logs, "wrote")
        .map(|(_, revision)| revision)
        .collect();
    assert_eq!(revisions, (11..=40).collect());
    for log in &logs[3..] {
        let [rounds, last, entries] = &log[..] else {
            panic!("{log:?}");
        };
        assert!(rounds.2 > 0);
        assert_eq!((&*last.1, last.2), ("last", 40));
        assert_eq!((&*entries.1, entries.2), ("entries", 10 + 2 + 60));
    }
    check_folder(&path, 40);
}

/// Ten remove the same ten of twenty: each is removed once, and exactly the other ten are left.
fn concurrent_removes(form: Form) {
    let (_folder, path) = place();
    add_old(&path, 20);
    let crew: Vec<_> = (0..10).map(|first| Work::Remove { first }).collect();
    let logs = crew::run(form, &path, &crew);
    let removed: BTreeMap<_, _> = of_kind(&logs, "removed").collect();
    assert_eq!(of_kind(&logs, "removed").count(), 10);
    assert_eq!(of_kind(&logs, "missed").count(), 90);
    let names: BTreeSet<_> = removed.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        names,
        (0..10).map(|number| format!("old-{number}")).collect()
    );
    let revisions: BTreeSet<_> = removed.values().copied().collect();
    assert_eq!(revisions, (21..=30).collect());
    let expected: Vec<_> = (10..20_u64)
        .map(|number| (format!("old-{number}"), number.to_string(), number + 1))
        .collect();
    assert_eq!(content(&open(&path).mirror().snapshot()), expected);
    check_folder(&path, 30);
}

/// Ten times ten read, add one and write: nobody overwrites what another has written meanwhile.
fn concurrent_counting(form: Form) {
    let (_folder, path) = place();
    assert_eq!(open(&path).submit(add("count", "0")).wait().unwrap(), 1);
    let logs = crew::run(form, &path, &vec![Work::Count { times: 10 }; 10]);
    let revisions: BTreeSet<_> = of_kind(&logs, "counted")
        .map(|(_, revision)| revision)
        .collect();
    assert_eq!(revisions, (2..=101).collect());
    let found = content(&open(&path).mirror().snapshot());
    assert_eq!(found, [("count".to_owned(), "100".to_owned(), 101)]);
    check_folder(&path, 101);
}

/// Whoever reads the file at any moment finds a whole document, and never an older one than before.
fn concurrent_adds_are_atomic(form: Form) {
    let (_folder, path) = place();
    assert_eq!(open(&path).submit(add("first", "0")).wait().unwrap(), 1);
    let over = AtomicBool::new(false);
    let reads = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut last, mut seen) = (0, BTreeSet::new());
            loop {
                let ends = over.load(Ordering::Acquire);
                let sealed = seal::read(&fs::read(&path).unwrap());
                assert!(sealed.revision >= last);
                assert_eq!(sealed.entries.len() as u64, sealed.revision);
                last = sealed.revision;
                seen.insert(last);
                reads.store(true, Ordering::Release);
                if ends {
                    return (last, seen.len());
                }
            }
        });
        let crew: Vec<_> = (0..5).map(|who| Work::Add { who, count: 10 }).collect();
        // It has seen the first revision, and will see the last one.
        while !reads.load(Ordering::Acquire) {
            thread::yield_now();
        }
        crew::run(form, &path, &crew);
        over.store(true, Ordering::Release);
        let (last, seen) = reader.join().unwrap();
        assert_eq!(last, 51);
        assert!(seen > 1, "the reader did not run beside the writers");
    });
    check_folder(&path, 51);
}

/// The lock's files stay the same ones; cleaning in a loop beside writers loses nothing, and takes
/// what a killed writer has left.
fn concurrent_cleaning_loses_nothing(form: Form) {
    let (folder, path) = place();
    assert_eq!(open(&path).submit(add("first", "0")).wait().unwrap(), 1);
    let side = path.with_extension("json.d");
    let inodes =
        || ["lock", "turn", "spare"].map(|name| fs::metadata(side.join(name)).unwrap().ino());
    let made = inodes();
    // No process has the number 0.
    let left = [
        folder.path().join(".m.json.0-1.tmp"),
        side.join(".side.0-2.tmp"),
    ];
    for path in &left {
        fs::write(path, "left").unwrap();
    }
    // It has the beginning of such a name, and is somebody's.
    let stranger = folder.path().join(".m.json.swp");
    fs::write(&stranger, "mine").unwrap();
    let mut crew: Vec<_> = (0..5).map(|who| Work::Add { who, count: 10 }).collect();
    crew.extend(vec![Work::Clean { until: 5 }; 2]);
    let logs = crew::run(form, &path, &crew);
    assert_eq!(of_kind(&logs, "added").count(), 50);
    for (name, revision) in of_kind(&logs, "added") {
        let found = open(&path)
            .mirror()
            .entry(name)
            .map(|entry| entry.revision());
        assert_eq!(found, Some(revision));
    }
    assert_eq!(open(&path).mirror().snapshot().len(), 51);
    assert_eq!(inodes(), made);
    for path in &left {
        assert!(!path.exists(), "{}", path.display());
    }
    assert_eq!(fs::read_to_string(&stranger).unwrap(), "mine");
    fs::remove_file(&stranger).unwrap();
    check_folder(&path, 51);
    assert_eq!(
        open(&path).mirror().get_owned("first").unwrap().value,
        json("0")
    );
}
