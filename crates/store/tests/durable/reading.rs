//! The two modes of reading, and what cannot be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use byname_registry::ChangeError;
use byname_store::{Durable, DurableError, MemoryStore, Problem, Store, StoreError};
use serde::{Deserialize, Deserializer, Serialize};

use crate::rig::{Counting, Gated, entry, open, state, still, write};

#[test]
fn cached_reads_wait_for_nothing_and_latest_ones_for_one_refresh() {
    let here = MemoryStore::new();
    let elsewhere = here.reopen();
    here.pause();
    let store = Counting::new(here);
    let durable: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    write(&elsewhere, "a", "1");
    assert!(durable.registry().is_empty());
    assert_eq!(durable.latest().unwrap().get("a").as_deref(), Some(&1));
    assert_eq!(store.refreshes(), 1);
    // Nothing new: nobody is asked.
    assert_eq!(durable.latest().unwrap().revision(), 1);
    assert_eq!(store.refreshes(), 1);
    // What the mirror shows already needs no refresh.
    store.store.resume();
    write(&elsewhere, "a", "2");
    assert_eq!(durable.registry().revision(), 1);
    assert_eq!(durable.latest().unwrap().get("a").as_deref(), Some(&2));
    assert_eq!(store.refreshes(), 1);
}

/// Who needs the latest joins a refresh that is under way; if that one began too early to show what
/// was acknowledged since, another follows.
#[test]
fn a_refresh_is_shared_by_those_whom_it_suffices() {
    let here = MemoryStore::new();
    let elsewhere = here.reopen();
    here.pause();
    let store = Gated::new(here);
    let durable: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    let mut executor = byname_testkit::Executor::new();
    let ask = |executor: &mut byname_testkit::Executor| {
        let latest = durable.latest_async();
        let task = executor.spawn(async { latest.await.unwrap().revision() });
        executor.run_until_stalled();
        task
    };
    write(&elsewhere, "a", "1");
    let first = ask(&mut executor);
    // The mirror shows it now, but the copy does not: this one needs no refresh.
    assert_eq!(store.waiting(), 1);
    let second = ask(&mut executor);
    assert!(second.is_finished() && !first.is_finished());
    write(&elsewhere, "a", "2");
    let third = ask(&mut executor);
    assert_eq!(store.waiting(), 1);
    store.answer();
    executor.run_until_stalled();
    assert!(first.is_finished() && !third.is_finished());
    assert_eq!(store.waiting(), 1);
    store.answer();
    executor.run_until_stalled();
    assert!(third.is_finished());
    assert_eq!(state(&durable), [entry("a", 2, 2)]);
}

#[test]
fn latest_says_when_it_cannot_be_had_and_the_last_state_stays() {
    let here = MemoryStore::new();
    let elsewhere = here.reopen();
    write(&elsewhere, "a", "1");
    here.pause();
    let store = Arc::new(here);
    let durable: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    write(&elsewhere, "a", "2");
    store.disconnect("no route");
    assert!(matches!(
        durable.latest(),
        Err(StoreError::Unreachable { .. })
    ));
    assert!(matches!(
        durable.put("a", 3),
        Err(StoreError::Unreachable { .. })
    ));
    assert_eq!(state(&durable), [entry("a", 1, 1)]);
    let health = durable.health();
    assert!(health.stale.is_some() && !health.is_good());
    store.reconnect();
    assert_eq!(durable.latest().unwrap().get("a").as_deref(), Some(&2));
    store.resume();
    assert!(durable.health().is_good());
}

#[test]
fn an_entry_that_cannot_be_read_is_told_of_and_its_last_good_value_stays() {
    let store = Arc::new(MemoryStore::new());
    write(&*store, "never", "\"text\"");
    write(&*store, "later", "1");
    let durable: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    assert_eq!(state(&durable), [entry("later", 2, 1)]);
    write(&*store, "later", "{\"more\": 1}");
    assert_eq!(state(durable_latest(&durable)), [entry("later", 2, 1)]);
    let names = || -> Vec<String> {
        let problems = durable.health().problems.into_iter();
        problems
            .map(|problem| match problem {
                Problem::Unreadable { name, reason } => {
                    assert!(reason.contains("expected u32"), "{reason}");
                    name
                }
                other => panic!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(names(), ["later", "never"]);
    write(&*store, "later", "7");
    assert_eq!(state(durable_latest(&durable)), [entry("later", 4, 7)]);
    assert_eq!(names(), ["never"]);
    store
        .submit(byname_store::Transaction::new().remove("never"))
        .wait()
        .unwrap();
    durable.latest().unwrap();
    assert!(durable.health().is_good());
}

fn durable_latest<V: byname_store::Value>(durable: &Durable<V>) -> &Durable<V> {
    durable.latest().unwrap();
    durable
}

#[test]
fn what_cannot_be_read_stands_against_who_would_decide_by_it() {
    let store = Arc::new(MemoryStore::new());
    let durable: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    durable.put("a", 1).unwrap();
    write(&*store, "a", "\"text\"");
    let error = durable
        .transaction(|draft| {
            let seen = *draft.get("a").unwrap();
            draft.put("a", seen + 1)
        })
        .unwrap_err();
    let DurableError::Store(StoreError::Value { name, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(&**name, "a");
    assert!(!error.is_retryable());
    assert!(durable.register("a", 1).is_err());
    assert!(durable.compare_and_set("a", 1, 1).is_err());
    // Who does not care what was there puts something that can be read.
    durable.put("a", 5).unwrap();
    assert_eq!(state(&durable), [entry("a", 3, 5)]);
    assert!(durable.health().is_good());
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Touchy(u32);

impl<'de> Deserialize<'de> for Touchy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u32::deserialize(deserializer)?;
        assert_ne!(value, 13, "not this one");
        Ok(Self(value))
    }
}

#[test]
fn who_panics_over_an_entry_stops_nothing() {
    let store = Arc::new(MemoryStore::new());
    let durable: Durable<Touchy> = still(Arc::clone(&store) as Arc<dyn Store>);
    write(&*store, "a", "13");
    write(&*store, "b", "1");
    durable.latest().unwrap();
    assert_eq!(state(&durable), [entry("b", 2, Touchy(1))]);
    let problems = durable.health().problems;
    let [Problem::Unreadable { name, reason }] = &problems[..] else {
        panic!("{problems:?}");
    };
    assert_eq!(name, "a");
    assert!(reason.starts_with("reading it panicked: "), "{reason}");
    durable.put("a", Touchy(2)).unwrap();
    assert!(durable.health().is_good());
}

/// A value whose drop panics, as it is superseded, costs nobody a change.
#[test]
fn who_panics_over_a_superseded_value_stops_nothing() {
    static ARMED: AtomicBool = AtomicBool::new(true);
    #[derive(Serialize, Deserialize)]
    struct Fragile(u32);
    impl Drop for Fragile {
        fn drop(&mut self) {
            let armed = self.0 == 13 && ARMED.load(Ordering::Relaxed);
            assert!(!armed || std::thread::panicking(), "dropped");
        }
    }
    let store = Arc::new(MemoryStore::new());
    let durable: Durable<Fragile> = still(Arc::clone(&store) as Arc<dyn Store>);
    for round in 0..200 {
        let value = if round % 2 == 0 { "13" } else { "1" };
        write(&*store, "a", value);
        let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            durable.latest().map(byname_registry::Registry::revision)
        }));
        if let Ok(shown) = shown {
            assert_eq!(shown.unwrap(), round + 1);
        }
    }
    let last = write(&*store, "b", "2");
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| durable.latest().is_ok()));
    assert_eq!(durable.latest().unwrap().revision(), last);
    ARMED.store(false, Ordering::Relaxed);
}

#[test]
fn reading_and_writing_with_what_the_store_counts() {
    let store = MemoryStore::options().steps([5]).open();
    let elsewhere: Durable<u32> = open(store.reopen());
    let here: Durable<u32> = open(store);
    elsewhere.put("a", 1).unwrap();
    let seen = here.latest().unwrap().entry("a").unwrap().revision();
    assert_eq!(seen, 5);
    assert_eq!(here.compare_and_set("a", seen, 2).unwrap(), 10);
    let stale = elsewhere.compare_and_set("a", seen, 3).unwrap_err();
    assert!(matches!(stale, StoreError::Condition { found: 10, .. }));
    let error: Result<_, DurableError<ChangeError>> =
        elsewhere.transaction(|draft| draft.compare_and_set("a", seen, 3));
    assert!(matches!(
        error,
        Err(DurableError::Aborted(ChangeError::Moved { found: 10, .. }))
    ));
}
