//! Those who wait for a file store: how many may, and what becomes of them when somebody panics.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "place/mod.rs"]
mod place;

use std::fs::File;
use std::time::Duration;

use byname_store::{FileOptions, Json, Pending, Store, StoreError, Transaction};
use place::Place;

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
    let (told, asked) = std::sync::mpsc::channel();
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
