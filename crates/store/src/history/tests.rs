#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::json::Json;
use byname_registry::{Changes, RecvError};

fn mirror() -> Registry<Record> {
    Registry::builder().following().build()
}

fn publish(mirror: &Registry<Record>, revision: u64) {
    publish_text(mirror, revision, &revision.to_string());
}

fn publish_text(mirror: &Registry<Record>, revision: u64, text: &str) {
    let mut changes = Changes::new();
    let record = Record::new(Json::new(text).unwrap());
    changes.put("a", revision, record).unwrap();
    mirror.publish(revision, changes).unwrap();
}

/// What is heard at once: what each event covers, or the revision of a whole state.
fn heard(mut watch: Watch) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        match watch.try_recv() {
            Ok(Event::Change(change)) => heard.push(format!("{:?}", change.covers())),
            Ok(Event::Gone(state)) => heard.push(format!("gone at {}", state.revision())),
            Err(RecvError::Empty | RecvError::Ended) => return heard,
        }
    }
}

#[test]
fn a_watch_begins_after_any_change_that_is_kept() {
    let mirror = mirror();
    let history = History::new(&mirror);
    for revision in [2, 3, 7] {
        publish(&mirror, revision);
    }
    assert_eq!(heard(history.watch(0)), ["1..=2", "3..=3", "4..=7"]);
    assert_eq!(heard(history.watch(2)), ["3..=3", "4..=7"]);
    assert_eq!(heard(history.watch(3)), ["4..=7"]);
    assert_eq!(heard(history.watch(7)), [""; 0]);
}

#[test]
fn a_watch_goes_on_after_what_was_kept() {
    let mirror = mirror();
    let history = History::new(&mirror);
    publish(&mirror, 2);
    let watch = history.watch(0);
    publish(&mirror, 5);
    assert_eq!(heard(watch), ["1..=2", "3..=5"]);
}

#[test]
fn within_a_change_before_the_first_and_in_the_future_history_is_gone() {
    let mirror = mirror();
    publish(&mirror, 4);
    let history = History::new(&mirror);
    publish(&mirror, 7);
    assert_eq!(heard(history.watch(3)), ["gone at 7"]);
    assert_eq!(heard(history.watch(5)), ["gone at 7"]);
    assert_eq!(heard(history.watch(8)), ["gone at 7"]);
    assert_eq!(heard(history.watch(4)), ["5..=7"]);
}

#[test]
fn what_is_kept_is_bounded_in_number() {
    let mirror = mirror();
    let history = History::new(&mirror);
    let last = History::CHANGES as u64 + 2;
    for revision in 1..=last {
        publish(&mirror, revision);
        history.keep();
    }
    assert_eq!(heard(history.watch(1)), [format!("gone at {last}")]);
    assert_eq!(heard(history.watch(2)).len(), History::CHANGES);
}

#[test]
fn what_is_kept_is_bounded_in_bytes() {
    let mirror = mirror();
    let history = History::new(&mirror);
    let half = format!("\"{}\"", "x".repeat(History::BYTES / 2 - 16));
    for revision in 1..=4 {
        publish_text(&mirror, revision, &half);
        history.keep();
    }
    assert_eq!(heard(history.watch(1)), ["gone at 4"]);
    assert_eq!(heard(history.watch(2)), ["3..=3", "4..=4"]);
    let more = format!("\"{}\"", "x".repeat(History::BYTES));
    publish_text(&mirror, 5, &more);
    assert_eq!(heard(history.watch(4)), ["gone at 5"]);
    assert_eq!(heard(history.watch(5)), [""; 0]);
}

#[test]
fn a_store_that_does_not_keep_loses_history_and_says_so() {
    let mirror = mirror();
    let history = History::new(&mirror);
    let last = History::CHANGES as u64 + 1;
    for revision in 1..=last {
        publish(&mirror, revision);
    }
    assert_eq!(heard(history.watch(last - 1)), [format!("gone at {last}")]);
    publish(&mirror, last + 1);
    assert_eq!(heard(history.watch(last)).len(), 1);
}

#[test]
fn what_was_forgotten_is_gone() {
    let mirror = mirror();
    let history = History::new(&mirror);
    publish(&mirror, 1);
    publish(&mirror, 2);
    history.forget();
    assert_eq!(heard(history.watch(1)), ["gone at 2"]);
    publish(&mirror, 3);
    assert_eq!(heard(history.watch(2)), ["3..=3"]);
}

/// Watches that begin while changes are published hear each change after their beginning once.
#[test]
fn concurrent_beginnings_miss_nothing() {
    let mirror = mirror();
    let history = History::new(&mirror);
    let last = 900;
    byname_testkit::together(3, |index| {
        if index == 0 {
            for revision in 1..=last {
                publish(&mirror, revision);
                history.keep();
            }
            return;
        }
        for _ in 0..100 {
            let after = mirror.revision();
            let mut watch = history.watch(after);
            let mut reached = after;
            for _ in 0..20 {
                let Ok(event) = watch.try_recv() else { break };
                let Event::Change(change) = event else {
                    panic!("history reaches back to {after}");
                };
                assert_eq!(change.covers(), reached + 1..=reached + 1);
                reached = change.revision();
            }
        }
    });
    assert_eq!(heard(history.watch(0)).len(), 900);
}
