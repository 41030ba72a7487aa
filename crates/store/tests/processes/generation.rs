//! What one process has committed is seen by the others: at once by who asks, soon and in order by who
//! listens, whatever becomes of the word that they share or of the process that committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use byname_registry::Entry;
use byname_store::{Event, FileOptions, FileStore, Record, State, Store, Transaction, Watch};
use byname_testkit::PATIENCE;

use crate::child::{Child, listen, say};
use crate::{is_full, json, open, open_quietly, paused, place, place_in_memory, text};

/// The part of a process.
pub(crate) fn in_child(words: &[&str]) {
    let path = Path::new(words[1]);
    match words[0] {
        "asks" => ask(path),
        "listens" => follow(path, words[2].parse().unwrap()),
        other => panic!("nobody {other}"),
    }
}

fn put(name: &str, value: u64) -> Transaction {
    Transaction::new().put(name, json(&value.to_string()))
}

/// Reads, each time it is told of a revision; nothing else brings its copy up to date.
fn ask(path: &Path) {
    let store = open_quietly(path);
    say("ready");
    while let Some(told) = listen() {
        let told: u64 = told.parse().unwrap();
        assert!(store.committed() >= told, "the word is behind");
        store.refresh().wait().unwrap();
        let state = store.mirror().snapshot();
        say(&format!(
            "saw {} {}",
            state.revision(),
            text(state.get("told").unwrap())
        ));
    }
}

/// Whoever is told of a revision by whom it was acknowledged to, and then reads the latest, sees it.
#[test]
fn stress_what_was_told_is_seen() {
    let (_folder, path) = place_in_memory();
    let store = open_quietly(&path);
    store.submit(put("told", 0)).wait().unwrap();
    let mut children: Vec<_> = (0..2)
        .map(|_| Child::start(&format!("generation\tasks\t{}", path.display())))
        .collect();
    for child in &mut children {
        child.go();
        child.wait_for_line("ready", 1);
    }
    let rounds = if is_full() { 20_000 } else { 2_000 };
    for round in 1..=rounds {
        let revision = store.submit(put("told", round)).wait().unwrap();
        for child in &mut children {
            child.tell(&revision.to_string());
        }
        for child in &children {
            let saw = child.wait_for("an answer", |lines| {
                lines.get(usize::try_from(round).unwrap()).cloned()
            });
            assert_eq!(saw, format!("saw {revision} {round}"));
        }
    }
    for child in children {
        child.finish();
    }
}

/// Takes the next event, which must come.
fn next(watch: &mut Watch) -> Event {
    watch.recv_timeout(PATIENCE).unwrap()
}

/// Listens from the beginning until `end`: every change is heard once, in order, and together they
/// lead to what is there.
fn follow(path: &Path, end: u64) {
    let store = open(path);
    let mut watch = store.watch(0);
    let mut heard: BTreeMap<String, String> = BTreeMap::new();
    let mut last = 0;
    say("ready");
    while last < end {
        let change = match next(&mut watch) {
            Event::Change(change) => change,
            Event::Gone(state) if last == 0 => {
                // It was opened when something had been committed already.
                heard = values(&state);
                last = state.revision();
                continue;
            }
            Event::Gone(state) => panic!("changes after {last} are gone, at {}", state.revision()),
        };
        assert_eq!(*change.covers().start(), last + 1);
        last = change.revision();
        for changed in change.entries() {
            let before = heard.get(changed.name()).cloned();
            assert_eq!(
                before,
                changed.before().map(of_entry),
                "{} at {last}",
                changed.name()
            );
            match changed.after() {
                Some(entry) => heard.insert(changed.name().to_owned(), of_entry(entry)),
                None => heard.remove(changed.name()),
            };
        }
    }
    assert_eq!(heard, values(&store.mirror().snapshot()));
    say(&format!("heard {last}"));
}

fn of_entry(entry: &Entry<Record>) -> String {
    text(entry.value().unwrap())
}

fn values(state: &State) -> BTreeMap<String, String> {
    state
        .iter()
        .map(|(name, record)| (name.to_owned(), text(record)))
        .collect()
}

/// Observers in other processes hear every change, in order.
#[test]
fn stress_every_change_is_heard_in_order() {
    let (_folder, path) = place();
    let count: u64 = if is_full() { 2_000 } else { 200 };
    let children: Vec<_> = (0..2)
        .map(|_| {
            let mut child = Child::start(&format!(
                "generation\tlistens\t{}\t{}",
                path.display(),
                2 * count
            ));
            child.go();
            child.wait_for_line("ready", 1);
            child
        })
        .collect();
    // Two instances write, so that one's changes are others to the other.
    byname_testkit::together(2, |who| {
        let store = open(&path);
        for number in 0..count {
            let name = format!("{who}-{}", number % 7);
            let change = if number % 3 == 2 && store.mirror().contains(&name) {
                Transaction::new().remove(&*name)
            } else {
                put(&name, number)
            };
            store.submit(change).wait().unwrap();
        }
    });
    for child in children {
        assert_eq!(
            child.finish().last().unwrap(),
            &format!("heard {}", 2 * count)
        );
    }
}

/// Waits until the mirror of `store` shows `revision` without having been asked.
fn hears(store: &FileStore, revision: u64) {
    let mut watch = store.watch(0);
    let deadline = Instant::now() + PATIENCE;
    while store.mirror().revision() < revision {
        let _ = watch.recv_timeout(Duration::from_millis(100));
        assert!(Instant::now() < deadline, "{revision} was not heard of");
    }
}

/// The word is taken away, or replaced by an old copy of itself, while others use it: who listens goes
/// on hearing, the next commits are found, and whoever opens the store afterwards agrees with all.
fn with_the_word_taken_away(replaced: bool) {
    let (_folder, path) = place();
    let word = path.with_extension("json.d").join("word");
    let (writer, other, listener) = (open_quietly(&path), open_quietly(&path), open(&path));
    writer.submit(put("told", 1)).wait().unwrap();
    other.refresh().wait().unwrap();
    hears(&listener, 1);
    let old = fs::read(&word).unwrap();
    writer.submit(put("told", 2)).wait().unwrap();
    fs::remove_file(&word).unwrap();
    if replaced {
        fs::write(&word, &old).unwrap();
    }
    for round in 3..=10 {
        // Both commit in turn, and each builds on what the other has done.
        let store = if round % 2 == 0 { &writer } else { &other };
        assert_eq!(store.submit(put("told", round)).wait().unwrap(), round);
        hears(&listener, round);
    }
    for store in [&writer, &other, &listener, &open_quietly(&path)] {
        assert_eq!(store.refresh().wait().unwrap(), 10);
        assert_eq!(store.committed(), 10);
        let told = text(&store.mirror().get_owned("told").unwrap());
        assert_eq!(told, "10");
        assert!(store.health().is_good(), "{:?}", store.health());
    }
    assert!(word.exists());
}

#[test]
fn a_word_that_is_removed_comes_back() {
    with_the_word_taken_away(false);
}

#[test]
fn a_word_that_is_replaced_by_an_old_one_is_raised() {
    with_the_word_taken_away(true);
}

/// Kills a process after it has put its document in place and before it raises the word; returns
/// the document's revision.
fn killed_before_the_word_is_raised(path: &Path) -> u64 {
    killed_before_the_word_is_raised_after(path, || {})
}

/// The same; `before` is called before that process begins.
fn killed_before_the_word_is_raised_after(path: &Path, before: impl FnOnce()) -> u64 {
    let store = open_quietly(path);
    store.submit(put("first", 1)).wait().unwrap();
    drop(store);
    let raise = paused::position(path, "call raise word");
    let committed = open_quietly(path).mirror().revision();
    before();
    let child = paused::start(path, 3, raise);
    assert_eq!(child.wait_for_line("stopped before ", 1), "raise word");
    child.kill();
    committed + 1
}

fn shows_the_pair(store: &FileStore, revision: u64) {
    assert_eq!(store.mirror().revision(), revision);
    for name in paused::PAIR {
        assert_eq!(text(&store.mirror().get_owned(name).unwrap()), "3");
    }
}

/// Such a commit was told to nobody, but others may see it: who listens finds it, makes it durable,
/// and says so to all.
#[test]
fn a_commit_whose_writer_was_killed_is_published_by_a_reader() {
    let (_folder, path) = place();
    let committed = killed_before_the_word_is_raised(&path);
    let waits = open_quietly(&path);
    // Opening shows what it finds, once that is durable.
    shows_the_pair(&waits, committed);
    assert_eq!(waits.committed(), committed);
    assert_eq!(open(&path).committed(), committed);
}

/// Whoever cannot make it durable does not show it.
#[test]
fn a_commit_whose_writer_was_killed_is_not_shown_before_it_is_durable() {
    for refused in ["sync_file", "sync_folder"] {
        let (_folder, path) = place();
        let committed = killed_before_the_word_is_raised(&path);
        // What is kept of the revision before is shown, or nothing.
        let disk = Arc::new(paused::refusing(refused));
        let opened = FileStore::open_on(disk, &path, FileOptions::new());
        let shown = opened.map_or(0, |store| store.mirror().revision());
        assert!(shown < committed, "{refused}");
        shows_the_pair(&open_quietly(&path), committed);
    }
}

/// The same for who has it open already: it says why it is behind.
#[test]
fn a_commit_whose_writer_was_killed_is_not_heard_of_before_it_is_durable() {
    for refused in ["sync_file", "sync_folder"] {
        let (_folder, path) = place();
        let mut stores = Vec::new();
        let committed = killed_before_the_word_is_raised_after(&path, || {
            let disk = Arc::new(paused::refusing(refused));
            stores.push(FileStore::open_on(disk, &path, FileOptions::new()).unwrap());
        });
        let store = &stores[0];
        let deadline = Instant::now() + PATIENCE;
        while store.health().problems.is_empty() && store.mirror().revision() < committed {
            assert!(Instant::now() < deadline, "neither shown nor said");
            std::thread::yield_now();
        }
        assert!(store.mirror().revision() < committed, "{refused}");
        shows_the_pair(&open_quietly(&path), committed);
    }
}

/// The same, by whoever commits next.
#[test]
fn a_commit_whose_writer_was_killed_is_built_upon() {
    let (_folder, path) = place();
    let store = open(&path);
    let committed = killed_before_the_word_is_raised(&path);
    hears(&store, committed);
    shows_the_pair(&store, committed);
    assert_eq!(store.submit(put("next", 4)).wait().unwrap(), committed + 1);
    let another = open_quietly(&path);
    assert_eq!(another.committed(), committed + 1);
    assert_eq!(text(&another.mirror().get_owned("left").unwrap()), "3");
    assert!(another.inspect().unwrap().is_good());
}
