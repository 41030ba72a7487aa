#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Mutex;
use std::time::Instant;

use byname_registry::{Clock, Options, Policy};

use super::*;
use crate::json::Json;
use crate::transaction::Condition;
use crate::watch::Event;

#[derive(Clone, Default)]
struct ByHand(Arc<Mutex<Duration>>);

impl ByHand {
    fn advance(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

impl Clock for ByHand {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

fn json(text: &str) -> Json {
    Json::new(text).unwrap()
}

fn put(name: &str, text: &str) -> Transaction {
    Transaction::new().put(name, json(text))
}

fn state(store: &MemoryStore) -> Vec<(String, u64, String)> {
    let snapshot = store.mirror().snapshot();
    let entries = snapshot.entries().map(|(name, entry)| {
        let value = entry.value().unwrap().value.as_str().to_owned();
        (name.to_owned(), entry.revision(), value)
    });
    entries.collect()
}

fn entry(name: &str, revision: u64, text: &str) -> (String, u64, String) {
    (name.to_owned(), revision, text.to_owned())
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_late_handle_knows_of_a_commit_before_its_mirror_shows_it() {
    let store = MemoryStore::new();
    let late = store.reopen();
    late.pause();
    assert_eq!(store.submit(put("a", "1")).wait().unwrap(), 1);
    assert_eq!((late.committed(), late.mirror().revision()), (1, 0));
    let health = late.health();
    assert_eq!((health.revision, health.committed), (0, 1));
    assert!(health.stale.is_some() && health.problems.is_empty());
    assert_eq!(late.refresh().wait().unwrap(), 1);
    assert_eq!(state(&late), [entry("a", 1, "1")]);
    assert!(late.health().is_good());
    // What it commits itself it shows, with all before it.
    store.submit(put("a", "2")).wait().unwrap();
    assert_eq!(late.submit(put("b", "1")).wait().unwrap(), 3);
    assert_eq!(state(&late), [entry("a", 2, "2"), entry("b", 3, "1")]);
    store.submit(put("a", "3")).wait().unwrap();
    assert_eq!(late.mirror().revision(), 3);
    late.resume();
    assert_eq!(late.mirror().revision(), 4);
}

#[test]
fn out_of_contact_the_mirror_stays_and_everything_is_refused() {
    let clock = ByHand::default();
    let store = MemoryStore::options().clock(clock.clone()).open();
    let away = store.reopen();
    store.submit(put("a", "1")).wait().unwrap();
    away.disconnect("the cable is out");
    store.submit(put("a", "2")).wait().unwrap();
    clock.advance(3 * SECOND);
    let reason = "the store cannot be reached: the cable is out";
    let refused = |error: StoreError| assert_eq!(error.to_string(), reason);
    refused(away.submit(put("a", "3")).wait().unwrap_err());
    refused(away.refresh().wait().unwrap_err());
    refused(away.grant(SECOND).wait().unwrap_err());
    refused(away.keep_alive(LeaseId(1)).wait().unwrap_err());
    refused(away.revoke(LeaseId(1)).wait().unwrap_err());
    assert_eq!(state(&away), [entry("a", 1, "1")]);
    let health = away.health();
    assert_eq!(
        (health.revision, health.committed, health.stale),
        (1, 1, Some(3 * SECOND))
    );
    let reason = "the cable is out".to_owned();
    assert_eq!(health.problems, [crate::Problem::Unreachable { reason }]);
    away.reconnect();
    assert!(away.health().is_good());
    assert_eq!(state(&away), [entry("a", 2, "2")]);
}

#[test]
fn while_held_nothing_begins_and_what_waits_can_be_withdrawn() {
    let clock = ByHand::default();
    let store = MemoryStore::options().clock(clock.clone()).open();
    let hold = store.hold();
    let kept = store.submit(put("kept", "1"));
    let given_up = store.submit(put("given-up", "1"));
    assert!(kept.outcome().is_none());
    assert!(given_up.withdraw());
    let once = store.submit(put("once", "1").wait_at_most(Duration::ZERO));
    assert!(matches!(
        once.wait(),
        Err(StoreError::Busy {
            waited: Duration::ZERO,
            ..
        })
    ));
    let short = store.submit(put("short", "1").wait_at_most(2 * SECOND));
    clock.advance(SECOND);
    store.expire_due();
    assert!(short.outcome().is_none());
    clock.advance(SECOND);
    store.expire_due();
    assert!(matches!(
        short.wait(),
        Err(StoreError::Busy { waited, holder: None }) if waited == 2 * SECOND
    ));
    drop(hold);
    assert_eq!(kept.wait().unwrap(), 1);
    assert!(!kept.withdraw());
    assert!(matches!(given_up.wait(), Err(StoreError::Withdrawn)));
    assert_eq!(state(&store), [entry("kept", 1, "1")]);
}

#[test]
fn what_waits_is_done_though_its_store_is_gone() {
    let store = MemoryStore::new();
    let other = store.reopen();
    let hold = store.hold();
    let pending = store.submit(put("a", "1"));
    drop(store);
    drop(hold);
    assert_eq!(pending.wait().unwrap(), 1);
    assert_eq!(state(&other), [entry("a", 1, "1")]);
}

#[test]
fn after_compaction_a_late_handle_takes_everything() {
    let store = MemoryStore::new();
    let late = store.reopen();
    store.submit(put("a", "1")).wait().unwrap();
    store.submit(put("b", "1")).wait().unwrap();
    late.pause();
    store.submit(Transaction::new().remove("a")).wait().unwrap();
    store.submit(put("c", "1")).wait().unwrap();
    store.compact();
    assert!(matches!(
        store.watch(3).try_recv(),
        Ok(Event::Gone(state)) if state.revision() == 4
    ));
    assert!(store.watch(4).try_recv().is_err());
    let mut watch = late.watch(2);
    assert_eq!(late.refresh().wait().unwrap(), 4);
    assert_eq!(state(&late), [entry("b", 2, "1"), entry("c", 4, "1")]);
    // To a watch that was there, the state before is known: it hears one change.
    let Ok(Event::Change(change)) = watch.try_recv() else {
        panic!("there is a change");
    };
    assert_eq!(change.covers(), 3..=4);
    let mut names: Vec<_> = change
        .entries()
        .iter()
        .map(byname_registry::observe::Changed::name)
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "c"]);
}

#[test]
fn an_older_backup_is_another_registry_whose_revisions_go_on() {
    let store = MemoryStore::new();
    let other = store.reopen();
    store.submit(put("same", "1")).wait().unwrap();
    store.submit(put("changed", "1")).wait().unwrap();
    store.submit(put("removed", "1")).wait().unwrap();
    let backup = store.backup();
    assert_eq!(backup.revision(), 3);
    store.submit(put("changed", "2")).wait().unwrap();
    store
        .submit(Transaction::new().remove("removed"))
        .wait()
        .unwrap();
    store.submit(put("new", "1")).wait().unwrap();
    let id = store.id();
    let mut watch = other.watch(6);
    store.restore(&backup);
    assert_ne!(store.id(), id);
    assert_eq!(other.id(), store.id());
    let restored = [
        entry("changed", 7, "1"),
        entry("removed", 7, "1"),
        entry("same", 1, "1"),
    ];
    assert_eq!(state(&store), restored);
    assert_eq!(state(&other), restored);
    // Who was there hears of what it changed; who comes with a revision of before is told that
    // history is gone.
    assert!(matches!(
        watch.try_recv(),
        Ok(Event::Change(change)) if change.covers() == (7..=7) && change.entries().len() == 3
    ));
    for after in 1..7 {
        assert!(matches!(
            store.watch(after).try_recv(),
            Ok(Event::Gone(state)) if state.revision() == 7
        ));
    }
    // A token from before the restoration fits nothing that it changed.
    let stale = Transaction::new().when("changed", Condition::Revision(4));
    assert!(
        store
            .submit(stale.put("changed", json("3")))
            .wait()
            .is_err()
    );
}

#[test]
fn a_lease_that_lapses_takes_its_entries_by_the_clock() {
    let clock = ByHand::default();
    let store = MemoryStore::options().clock(clock.clone()).open();
    let lease = store.grant(10 * SECOND).wait().unwrap();
    let leased = |name: &str| Transaction::new().put_leased(name, json("1"), lease.id);
    store.submit(leased("a")).wait().unwrap();
    store.submit(leased("b")).wait().unwrap();
    store.submit(leased("c")).wait().unwrap();
    // Written without it, an entry does not go with the lease any more.
    store.submit(put("b", "2")).wait().unwrap();
    clock.advance(9 * SECOND);
    assert_eq!(store.keep_alive(lease.id).wait().unwrap(), lease);
    clock.advance(9 * SECOND);
    store.expire_due();
    assert_eq!(store.mirror().revision(), 4);
    clock.advance(SECOND);
    store.expire_due();
    assert_eq!(state(&store), [entry("b", 4, "2")]);
    assert_eq!(store.mirror().revision(), 5);
    let ended = |result: Result<u64, StoreError>| match result {
        Err(StoreError::Lease { id }) => assert_eq!(id, lease.id),
        other => panic!("{other:?}"),
    };
    ended(store.submit(leased("d")).wait());
    ended(store.revoke(lease.id).wait());
    assert!(store.keep_alive(lease.id).wait().is_err());
}

/// Nobody asks the store for anything; a thread of its own ends the lease, and ends with it.
#[test]
fn a_lease_lapses_by_itself() {
    let store = MemoryStore::new();
    let lease = store.grant(Duration::from_millis(5)).wait().unwrap();
    let (_, mut heard) = store.mirror().subscribe(Policy::DropOldest);
    let put = Transaction::new().put_leased("a", json("1"), lease.id);
    if store.submit(put).wait().is_ok() {
        let mut wait = || heard.recv_timeout(byname_testkit::PATIENCE).unwrap();
        let (came, went) = (wait(), wait());
        let change = |event| match event {
            byname_registry::Event::Change(change) => change,
            byname_registry::Event::Resync { .. } => panic!("two changes fit"),
        };
        assert!(change(came).entries()[0].after().is_some());
        assert!(change(went).entries()[0].after().is_none());
    }
    assert!(store.mirror().is_empty());
}

#[test]
fn the_thread_that_ends_leases_goes_with_the_store() {
    let store = MemoryStore::new();
    store.grant(Duration::from_secs(3600)).wait().unwrap();
    let shared = store.backend.timer().unwrap().shared();
    assert_eq!(shared.strong_count(), 2);
    drop(store);
    let patience = Instant::now() + byname_testkit::PATIENCE;
    while shared.strong_count() > 0 {
        assert!(Instant::now() < patience, "the thread is still there");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_too_much_to_wait_is_refused_and_the_rest_is_done() {
    let store = MemoryStore::options().queue(2).open();
    let other = store.reopen();
    // While nothing is held nothing waits.
    for revision in 1..=3 {
        assert_eq!(store.submit(put("a", "1")).wait().unwrap(), revision);
    }
    let hold = store.hold();
    let first = store.submit(put("first", "1"));
    let second = other.submit(put("second", "1"));
    let third = store.submit(put("third", "1"));
    let refused = third.outcome().unwrap().unwrap_err();
    assert!(matches!(refused, StoreError::Full { limit: 2 }));
    assert!(refused.is_retryable());
    // Who leaves makes room.
    assert!(first.withdraw());
    let fourth = other.submit(put("fourth", "1"));
    let fifth = other.submit(put("fifth", "1")).outcome().unwrap();
    assert!(matches!(fifth, Err(StoreError::Full { limit: 2 })));
    assert!(second.outcome().is_none() && fourth.outcome().is_none());
    assert_eq!(store.health().turned_away, 1);
    assert_eq!(other.health().turned_away, 1);
    drop(hold);
    assert_eq!(second.wait().unwrap(), 4);
    assert_eq!(fourth.wait().unwrap(), 5);
    let expected = [
        entry("a", 3, "1"),
        entry("fourth", 5, "1"),
        entry("second", 4, "1"),
    ];
    assert_eq!(state(&store), expected);
    assert_eq!(store.submit(put("third", "1")).wait().unwrap(), 6);
}

#[test]
fn limits_of_everything_together() {
    let limits = Limits {
        total: 10,
        ..Limits::default()
    };
    let store = MemoryStore::options().limits(limits).open();
    store.submit(put("a", "12345678")).wait().unwrap();
    store.submit(put("b", "1")).wait().unwrap_err();
    // What is replaced makes room, what is removed as well.
    store.submit(put("a", "123456789")).wait().unwrap();
    let refused = store.submit(put("a", "1234567890")).wait().unwrap_err();
    assert_eq!(refused.to_string(), "11 bytes in all; at most 10 are taken");
    let swap = Transaction::new().remove("a").put("b", json("123456789"));
    store.submit(swap).wait().unwrap();
    assert_eq!(state(&store), [entry("b", 3, "123456789")]);
}

/// A driver that waits for a slow observer holds up neither a submission nor a read.
#[test]
fn submitting_does_not_wait_for_who_publishes() {
    let store = Arc::new(MemoryStore::new());
    let deadline = Duration::from_secs(3600);
    let (_, mut slow) = store
        .mirror()
        .subscribe(Options::new(Policy::Wait { deadline }).capacity(1));
    let first = store.submit(put("a", "1"));
    assert_eq!(first.wait().unwrap(), 1);
    // The observer's queue is full: who publishes the second change waits for room.
    let publisher = std::thread::spawn({
        let store = Arc::clone(&store);
        move || store.submit(put("a", "2")).wait()
    });
    while store.committed() < 2 {
        std::thread::yield_now();
    }
    while slow.stats().waited == 0 {
        std::thread::yield_now();
    }
    let third = store.submit(put("a", "3"));
    assert!(third.outcome().is_none());
    assert_eq!((store.committed(), store.mirror().revision()), (3, 1));
    for revision in 1..=3 {
        let byname_registry::Event::Change(change) = slow.recv().unwrap() else {
            panic!("nothing is lost");
        };
        assert_eq!(change.revision(), revision);
    }
    assert_eq!(publisher.join().unwrap().unwrap(), 2);
    assert_eq!(third.wait().unwrap(), 3);
}

/// Handles come while others commit; each begins whole and misses nothing.
#[test]
fn concurrent_handles_begin_whole() {
    let store = MemoryStore::options().steps([1, 3]).open();
    byname_testkit::together(4, |index| {
        for round in 0..50 {
            if index < 2 {
                let name = format!("{index}-{round}");
                let pair = put(&name, "1").put(format!("{name}-b"), json("1"));
                store.submit(pair).wait().unwrap();
            } else {
                let other = store.reopen();
                let snapshot = other.mirror().snapshot();
                assert_eq!(snapshot.len() % 2, 0);
                let (seen, present) = (other.refresh().wait().unwrap(), store.committed());
                assert!(seen <= present);
            }
        }
    });
    let other = store.reopen();
    assert_eq!(state(&other), state(&store));
    assert_eq!(state(&other).len(), 200);
    assert_eq!(store.mirror().revision(), 200);
}
