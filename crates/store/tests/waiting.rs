//! Those who wait for a file store: how many may, and what becomes of them when somebody panics.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "place/mod.rs"]
mod place;

use std::fs::File;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use byname_registry::{Event, Options, Policy};
use byname_store::{
    Blame, FileOptions, FileStore, Json, MemoryStore, Pending, Problem, Store, StoreError,
    Transaction,
};
use byname_testkit::PATIENCE;
use place::{Place, eventually};

fn put(name: &str) -> Transaction {
    Transaction::new().put(name, Json::new("1").unwrap())
}

/// Deaf, so that nothing is asked of the store but by the test; whoever waits does so as long as it
/// takes.
fn quiet() -> FileOptions {
    FileOptions::new()
        .watch(false)
        .poll(None)
        .wait(Duration::MAX)
}

/// The right to write, held as another process holds it.
fn hold(place: &Place) -> File {
    let lock = File::open(place.side("lock")).unwrap();
    lock.lock().unwrap();
    lock
}

fn is_turned_away<T: Clone>(pending: &Pending<T>, most: u64) -> bool {
    matches!(pending.outcome(), Some(Err(StoreError::Full { limit })) if limit == most)
}

#[test]
fn exactly_what_is_too_much_is_refused_and_what_was_taken_is_done() {
    let place = Place::new();
    let store = place.open(quiet().queue(5));
    assert_eq!(store.submit(put("before")).wait().unwrap(), 1);
    let held = hold(&place);
    let names: Vec<_> = (0..8).map(|number| format!("n{number}")).collect();
    let asked: Vec<_> = names.iter().map(|name| store.submit(put(name))).collect();
    let refused: Vec<_> = asked
        .iter()
        .map(|pending| is_turned_away(pending, 5))
        .collect();
    assert_eq!(
        refused,
        [false, false, false, false, false, true, true, true]
    );
    assert!(asked[..5].iter().all(|pending| pending.outcome().is_none()));
    // Whatever it is that is asked for.
    assert!(is_turned_away(&store.grant(Duration::from_secs(60)), 5));
    assert!(is_turned_away(&store.clean(), 5));
    assert_eq!(store.health().turned_away, 5);
    let error = asked[5].outcome().unwrap().unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(
        error.to_string(),
        "5 changes wait for the right to write already, and no more may; try again when some of them \
         have been made"
    );
    drop(held);
    let mut revisions: Vec<_> = asked[..5]
        .iter()
        .map(|pending| pending.wait().unwrap())
        .collect();
    revisions.sort_unstable();
    assert_eq!(revisions, [2, 3, 4, 5, 6]);
    let snapshot = store.mirror().snapshot();
    let mut shown: Vec<_> = snapshot.entries().map(|(name, _)| name).collect();
    shown.sort_unstable();
    assert_eq!(shown, ["before", "n0", "n1", "n2", "n3", "n4"]);
    // There is room again.
    assert_eq!(store.submit(put("n5")).wait().unwrap(), 7);
    assert_eq!(store.health().turned_away, 5);
}

/// However many ask at once, the bound is kept, and nobody is without an answer.
#[test]
fn concurrent_askers_are_taken_up_to_the_bound() {
    let place = Place::new();
    let store = place.open(quiet().queue(40));
    assert_eq!(store.submit(put("before")).wait().unwrap(), 1);
    let held = hold(&place);
    let (told, asked) = mpsc::channel();
    byname_testkit::together(4, |thread| {
        for number in 0..25 {
            told.send(store.submit(put(&format!("{thread}-{number}"))))
                .unwrap();
        }
    });
    let asked: Vec<_> = asked.try_iter().collect();
    let (refused, taken): (Vec<_>, Vec<_>) = asked
        .into_iter()
        .partition(|pending| is_turned_away(pending, 40));
    assert_eq!((refused.len(), taken.len()), (60, 40));
    assert_eq!(store.health().turned_away, 60);
    drop(held);
    let mut revisions: Vec<_> = taken.iter().map(|taken| taken.wait().unwrap()).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (2..=41).collect::<Vec<_>>());
    assert_eq!(store.mirror().len(), 41);
}

/// A task whose executor panics when it is woken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("the executor is gone");
    }
}

/// A task that tells when it is woken.
struct Tells(mpsc::Sender<()>);

impl Wake for Tells {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

fn await_with(pending: &mut Pending<u64>, waker: &Waker) {
    let polled = Pin::new(pending).poll(&mut Context::from_waker(waker));
    assert!(polled.is_pending());
}

/// Has `pending` awaited by a task that panics and by one after it, does `finish`, and expects the
/// second to be woken.
fn wakes_those_behind_a_panic(pending: &Pending<u64>, finish: impl FnOnce()) {
    let (tell, told) = mpsc::channel();
    await_with(&mut pending.clone(), &Waker::from(Arc::new(Panics)));
    await_with(&mut pending.clone(), &Waker::from(Arc::new(Tells(tell))));
    finish();
    told.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_waker_that_panics_costs_nobody_anything() {
    let place = Place::new();
    let store = place.open(quiet());
    assert_eq!(store.submit(put("before")).wait().unwrap(), 1);
    let held = hold(&place);
    let first = store.submit(put("first"));
    let second = store.submit(put("second"));
    wakes_those_behind_a_panic(&first, || drop(held));
    let mut revisions = [first, second].map(|pending| pending.wait().unwrap());
    revisions.sort_unstable();
    assert_eq!(revisions, [2, 3]);
    // Whoever writes is still there.
    assert_eq!(store.submit(put("third")).wait().unwrap(), 4);
    // Who leaves is not told of the others' panics either.
    let held = hold(&place);
    let fourth = store.submit(put("fourth"));
    wakes_those_behind_a_panic(&fourth, || assert!(fourth.withdraw()));
    drop(held);
    assert_eq!(store.submit(put("fifth")).wait().unwrap(), 5);
    // Nor is who closes the store.
    let held = hold(&place);
    let sixth = store.submit(put("sixth"));
    wakes_those_behind_a_panic(&sixth, || drop(store));
    assert!(matches!(sixth.wait(), Err(StoreError::Closed { .. })));
    drop(held);
}

#[test]
fn a_waker_that_panics_costs_nobody_anything_in_memory() {
    let store = MemoryStore::new();
    let hold = store.hold();
    let first = store.submit(put("first"));
    let second = store.submit(put("second"));
    wakes_those_behind_a_panic(&first, || drop(hold));
    assert_eq!((first.wait().unwrap(), second.wait().unwrap()), (1, 2));
    assert_eq!(store.submit(put("third")).wait().unwrap(), 3);
}

/// Changes the value of `name` as an editor does.
fn edit(place: &Place, name: &str, from: &str, to: &str) {
    let text = place.text();
    let entry = text.find(&format!("\"{name}\"")).unwrap();
    let value = entry + text[entry..].find(&format!("\"value\": {from}")).unwrap();
    let (before, after) = text.split_at(value);
    place.save_by_rename(format!(
        "{before}{}",
        after.replacen(
            &format!("\"value\": {from}"),
            &format!("\"value\": {to}"),
            1
        )
    ));
}

fn is_of_the_check<T>(result: Result<T, StoreError>, place: &Place) {
    let error = result.err().unwrap();
    let StoreError::Check {
        path,
        line,
        name,
        message,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(
        (path.as_path(), &**name, message.as_str()),
        (place.document().as_path(), "edited", "no number 7")
    );
    assert_eq!(
        place.text().lines().nth(line - 1).unwrap().trim(),
        "\"edited\": {"
    );
    assert_eq!(error.blame(), Blame::Bug);
    assert!(!error.is_retryable());
}

#[test]
fn a_check_that_panics_fails_what_was_asked_and_nothing_else() {
    let place = Place::new();
    let ill = Arc::new(AtomicBool::new(false));
    let options = || {
        let ill = Arc::clone(&ill);
        quiet().check(move |_, value| {
            assert!(!ill.load(Ordering::SeqCst), "no number {}", value.as_str());
            Ok(())
        })
    };
    let store = place.open(options());
    assert_eq!(store.submit(put("edited")).wait().unwrap(), 1);
    let follower = place.open(options().watch(true));
    ill.store(true, Ordering::SeqCst);
    edit(&place, "edited", "1", "7");
    let text = place.text();
    eventually("who follows tells it", || {
        let problems = follower.health().problems;
        matches!(&problems[..], [Problem::Unreachable { reason }] if reason.contains("no number 7"))
    });
    // Two that go together, and one after them.
    let held = hold(&place);
    let together = [store.submit(put("a")), store.submit(put("b"))];
    drop(held);
    for pending in together {
        is_of_the_check(pending.wait(), &place);
    }
    is_of_the_check(store.submit(put("c")).wait(), &place);
    is_of_the_check(FileStore::open(place.document(), options()), &place);
    assert_eq!(place.text(), text);
    assert_eq!(store.mirror().revision(), 1);
    ill.store(false, Ordering::SeqCst);
    assert_eq!(store.submit(put("d")).wait().unwrap(), 3);
    let snapshot = store.mirror().snapshot();
    let shown: Vec<_> = snapshot
        .entries()
        .map(|(name, entry)| {
            (
                name,
                entry.revision(),
                entry.value().unwrap().value.as_str().to_owned(),
            )
        })
        .collect();
    let expected = [("d", 3, "1"), ("edited", 2, "7")];
    assert_eq!(
        shown,
        expected.map(|(name, revision, value)| (name, revision, value.to_owned()))
    );
    assert!(place.aside_as("broken").is_empty());
    eventually("who follows goes on", || {
        follower.mirror().revision() == 3 && follower.health().is_good()
    });
}

/// An observer of the mirror that lets writers wait and never receives holds up nobody: the mirror is
/// published while the right to write is held.
#[test]
fn an_observer_of_the_mirror_holds_up_nobody() {
    let place = Place::new();
    let store = place.open(quiet());
    let deadline = Duration::from_secs(3600);
    let (_, mut slow) = store
        .mirror()
        .subscribe(Options::new(Policy::Wait { deadline }).capacity(1));
    for revision in 1..=3 {
        assert_eq!(store.submit(put("a")).wait().unwrap(), revision);
    }
    let other = place.open(quiet());
    assert_eq!(other.submit(put("b")).wait().unwrap(), 4);
    assert_eq!(store.refresh().wait().unwrap(), 4);
    assert_eq!(slow.stats().waited, 0);
    // It is told that it has missed something, and what there is.
    let Some(Event::Resync { .. }) = slow.recv() else {
        panic!("its queue was full");
    };
}
