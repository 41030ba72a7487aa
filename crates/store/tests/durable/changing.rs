//! Each way of changing, blocking and not.

use std::sync::Arc;

use byname_registry::ChangeError;
use byname_store::{Condition, Durable, DurableError, MemoryStore, Store, StoreError};
use byname_testkit::block_on;

use crate::rig::{Counting, entry, open, state, still, write};

fn refused(result: Result<u64, StoreError>) -> (String, Condition, u64) {
    match result {
        Err(StoreError::Condition {
            name,
            expected,
            found,
        }) => (name.as_ref().to_owned(), expected, found),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_says_its_revision_and_is_seen() {
    let durable: Durable<u32> = open(MemoryStore::options().steps([3]).open());
    assert_eq!(durable.register("a", 1).unwrap(), 3);
    let two = &2;
    assert_eq!(durable.replace("a", two).unwrap(), 6);
    assert_eq!(durable.put("b", 3).unwrap(), 9);
    assert_eq!(durable.compare_and_set("b", 9, 4).unwrap(), 12);
    assert_eq!(durable.compare_and_set("c", 0, 5).unwrap(), 15);
    assert_eq!(durable.add_many([("d", 6), ("e", 7)]).unwrap(), 18);
    assert_eq!(durable.remove("a").unwrap(), 21);
    assert_eq!(durable.remove_if("c", 15).unwrap(), 24);
    let all = [entry("b", 12, 4), entry("d", 18, 6), entry("e", 18, 7)];
    assert_eq!(state(&durable), all);
    assert_eq!(durable.registry().revision(), 24);
}

#[test]
fn each_says_what_stood_against_it() {
    let durable: Durable<u32> = open(MemoryStore::new());
    durable.put("a", 1).unwrap();
    let a = |expected, found| ("a".to_owned(), expected, found);
    let z = |expected, found| ("z".to_owned(), expected, found);
    assert_eq!(refused(durable.register("a", 2)), a(Condition::Absent, 1));
    assert_eq!(refused(durable.replace("z", 2)), z(Condition::Exists, 0));
    assert_eq!(refused(durable.remove("z")), z(Condition::Exists, 0));
    let revision = Condition::Revision;
    assert_eq!(
        refused(durable.compare_and_set("a", 0, 2)),
        a(revision(0), 1)
    );
    assert_eq!(
        refused(durable.compare_and_set("a", 7, 2)),
        a(revision(7), 1)
    );
    assert_eq!(
        refused(durable.compare_and_set("z", 7, 2)),
        z(revision(7), 0)
    );
    assert_eq!(refused(durable.remove_if("a", 7)), a(revision(7), 1));
    assert_eq!(refused(durable.remove_if("z", 7)), z(revision(7), 0));
    assert_eq!(
        refused(durable.add_many([("b", 2), ("a", 2)])),
        a(Condition::Absent, 1)
    );
    assert!(matches!(durable.put("", 1), Err(StoreError::Name { .. })));
    assert_eq!(state(&durable), [entry("a", 1, 1)]);
}

#[test]
fn a_value_that_cannot_be_written_is_refused() {
    let durable: Durable<std::collections::BTreeMap<Vec<u8>, u8>> = open(MemoryStore::new());
    let bad = std::collections::BTreeMap::from([(vec![1], 1)]);
    let Err(StoreError::Value { name, error }) = durable.put("a", bad) else {
        panic!("JSON has no such keys");
    };
    assert_eq!((&*name, error.line), ("a", 0));
    assert_eq!(durable.registry().revision(), 0);
}

#[test]
fn without_blocking_they_do_the_same() {
    let durable: Durable<u32> = open(MemoryStore::new());
    block_on(async {
        assert_eq!(durable.register_async("a", 1).await.unwrap(), 1);
        assert_eq!(durable.replace_async("a", 2).await.unwrap(), 2);
        assert_eq!(durable.put_async("b", 3).await.unwrap(), 3);
        assert_eq!(durable.compare_and_set_async("b", 3, 4).await.unwrap(), 4);
        assert_eq!(durable.add_many_async([("d", 6)]).await.unwrap(), 5);
        assert_eq!(durable.remove_async("a").await.unwrap(), 6);
        assert_eq!(durable.remove_if_async("d", 5).await.unwrap(), 7);
        let moved = durable.transaction_async(|draft| {
            let seen = *draft.get("b").unwrap();
            draft.put("c", seen + 1)?;
            Ok::<_, ChangeError>(seen)
        });
        let moved = moved.await.unwrap();
        assert_eq!((moved.value, moved.revision), (4, 8));
        let lease = durable.store().grant(std::time::Duration::from_secs(3600));
        let lease = lease.await.unwrap().id;
        assert_eq!(durable.put_leased_async("l", 1, lease).await.unwrap(), 9);
        durable.store().revoke(lease).await.unwrap();
        let latest = durable.latest_async().await.unwrap();
        assert_eq!((latest.revision(), latest.contains("l")), (10, false));
    });
    assert_eq!(state(&durable), [entry("b", 4, 4), entry("c", 8, 5)]);
}

#[test]
fn futures_may_go_to_other_threads() {
    fn goes<F: Future + Send + 'static>(_: &F) {}
    let durable: Durable<String> = open(MemoryStore::new());
    goes(&durable.put_async("a", "x".to_owned()));
    goes(&durable.add_many_async([("a", "x".to_owned())]));
    goes(&durable.transaction_async(|draft| draft.put("a", "x".to_owned())));
    goes(&durable.latest_async());
    // Nothing has happened: none was polled.
    assert_eq!(durable.registry().revision(), 0);
}

#[test]
fn what_a_transaction_has_read_must_not_have_changed() {
    let store = Counting::new(MemoryStore::new());
    let durable: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    durable.add_many([("a", 1), ("b", 1), ("c", 1)]).unwrap();
    let mut runs = 0;
    let committed = durable
        .transaction(|draft| {
            runs += 1;
            let a = *draft.get("a").unwrap();
            if runs == 1 {
                write(&store.store, "a", "10");
            }
            draft.put("b", a + 1)?;
            draft.remove("c")?;
            draft.register("d", a)
        })
        .unwrap();
    assert_eq!((runs, committed.revision, store.submitted()), (2, 3, 3));
    let all = [entry("a", 2, 10), entry("b", 3, 11), entry("d", 3, 10)];
    assert_eq!(state(&durable), all);
}

#[test]
fn what_a_transaction_has_not_read_may_change() {
    let store = Counting::new(MemoryStore::new());
    let durable: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    durable.add_many([("a", 1), ("b", 1)]).unwrap();
    let mut runs = 0;
    durable
        .transaction(|draft| {
            runs += 1;
            write(&store.store, "b", "10");
            draft.put("a", 2)
        })
        .unwrap();
    assert_eq!(runs, 1);
    assert_eq!(state(&durable), [entry("a", 3, 2), entry("b", 2, 10)]);
}

#[test]
fn who_reads_everything_conflicts_with_anything() {
    let store = MemoryStore::new();
    let other = store.reopen();
    let durable: Durable<u32> = open(store);
    durable.add_many([("a", 1), ("b", 2)]).unwrap();
    let mut runs = 0;
    durable
        .transaction(|draft| {
            runs += 1;
            let sum = draft.iter().map(|(_, value)| value).sum();
            if runs == 1 {
                write(&other, "new", "10");
            }
            draft.put("sum", sum)
        })
        .unwrap();
    assert_eq!(runs, 2);
    assert_eq!(**durable.registry().get("sum").as_ref().unwrap(), 13);
}

#[test]
fn a_transaction_gives_up_in_the_end_and_says_over_what() {
    let store = MemoryStore::new();
    let other = store.reopen();
    let durable: Durable<u32> = Durable::options()
        .attempts(3)
        .open(Arc::new(store))
        .unwrap();
    let mut runs = 0;
    let error = durable
        .transaction(|draft| {
            runs += 1;
            let seen = draft.get("hot").copied().unwrap_or(0);
            write(&other, "hot", "1");
            draft.put("mine", seen)
        })
        .unwrap_err();
    let DurableError::Conflict { attempts, name } = &error else {
        panic!("{error:?}");
    };
    assert_eq!((*attempts, &**name), (3, "hot"));
    // What the copy tells before anything is submitted costs a run and no attempt.
    assert!(runs >= 3, "{runs}");
    assert!(error.is_retryable());
    assert!(!durable.registry().contains("mine"));
}

#[test]
fn an_aborted_or_empty_transaction_submits_nothing() {
    let store = Counting::new(MemoryStore::new());
    let durable: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    durable.put("a", 1).unwrap();
    let error = durable
        .transaction(|draft| {
            draft.put("a", 2).unwrap();
            Err::<(), _>("no")
        })
        .unwrap_err();
    assert!(matches!(error, DurableError::Aborted("no")));
    let seen = durable
        .transaction(|draft| Ok::<_, ()>(draft.get("a").copied()))
        .unwrap();
    assert_eq!((seen.value, seen.revision), (Some(1), 1));
    assert_eq!(store.submitted(), 1);
}

#[test]
fn a_change_waits_as_long_as_it_is_told() {
    let store = MemoryStore::new();
    let other = store.reopen();
    let durable: Durable<u32> = Durable::options()
        .wait_at_most(std::time::Duration::ZERO)
        .open(Arc::new(store))
        .unwrap();
    let hold = other.hold();
    assert!(matches!(durable.put("a", 1), Err(StoreError::Busy { .. })));
    drop(hold);
    assert_eq!(durable.put("a", 1).unwrap(), 1);
}

#[test]
fn a_copy_that_was_sealed_refuses_before_anything_is_done() {
    let store = Counting::new(MemoryStore::new());
    let durable: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    durable.put("a", 1).unwrap();
    durable.registry().seal();
    let closed = |error: StoreError| assert!(matches!(error, StoreError::Closed { .. }));
    closed(durable.put("a", 2).unwrap_err());
    closed(durable.remove("a").unwrap_err());
    let error = durable.transaction(|draft| draft.put("a", 2)).unwrap_err();
    assert!(matches!(
        error,
        DurableError::Store(StoreError::Closed { .. })
    ));
    assert_eq!(store.submitted(), 1);
    write(&store.store, "a", "3");
    closed(durable.latest().unwrap_err());
}
