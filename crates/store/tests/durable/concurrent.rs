//! Many at once: sums and sets are exact.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use byname_registry::{ChangeError, Event, Policy};
use byname_store::{Durable, DurableError, MemoryStore, Store, StoreError};
use byname_testkit::together;

use crate::rig::{Counting, open, state, still};

const ROUNDS: usize = 40;

fn handles(count: usize) -> Vec<Durable<u64>> {
    let store = MemoryStore::options().steps([1, 2]).open();
    let more: Vec<_> = (1..count).map(|_| open(store.reopen())).collect();
    std::iter::once(open(store)).chain(more).collect()
}

fn increment(durable: &Durable<u64>) {
    loop {
        let change = durable.transaction(|draft| {
            let seen = draft.get("sum").copied().unwrap_or(0);
            draft.put("sum", seen + 1)?;
            Ok::<_, ChangeError>(())
        });
        match change {
            Ok(_) => return,
            Err(DurableError::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn concurrent_transactions_of_several_handles_sum_exactly() {
    let handles = handles(4);
    together(16, |index| {
        for _ in 0..ROUNDS {
            increment(&handles[index % 4]);
        }
    });
    for durable in &handles {
        let latest = durable.latest().unwrap();
        assert_eq!(latest.get("sum").as_deref(), Some(&(16 * ROUNDS as u64)));
    }
}

#[test]
fn concurrent_compare_and_sets_sum_exactly() {
    let handles = handles(2);
    together(16, |index| {
        let durable = &handles[index % 2];
        for _ in 0..ROUNDS {
            loop {
                let entry = durable.latest().unwrap().entry("sum");
                let (seen, at) =
                    entry.map_or((0, 0), |entry| (*entry.value().unwrap(), entry.revision()));
                match durable.compare_and_set("sum", at, seen + 1) {
                    Ok(_) => break,
                    Err(StoreError::Condition { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    let latest = handles[1].latest().unwrap();
    assert_eq!(latest.get("sum").as_deref(), Some(&(16 * ROUNDS as u64)));
}

#[test]
fn concurrent_adds_are_all_there_and_each_name_is_taken_once() {
    let handles = handles(2);
    let won = std::sync::atomic::AtomicU64::new(0);
    together(8, |index| {
        let durable = &handles[index % 2];
        for round in 0..ROUNDS {
            durable.register(&format!("{index}/{round}"), 1).unwrap();
            match durable.register(&format!("all/{round}"), index as u64) {
                Ok(_) => {
                    won.fetch_add(1, Ordering::Relaxed);
                }
                Err(StoreError::Condition { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    assert_eq!(won.into_inner(), ROUNDS as u64);
    for durable in &handles {
        assert_eq!(durable.latest().unwrap().len(), 9 * ROUNDS);
    }
}

/// Who has written sees it, though others pump at the same time, and a reader never goes back.
#[test]
fn concurrent_writers_see_what_they_wrote_and_readers_never_go_back() {
    let handles = handles(2);
    let done = AtomicBool::new(false);
    together(6, |index| {
        let durable = &handles[index % 2];
        if index >= 4 {
            let mut last = 0;
            while !done.load(Ordering::Acquire) {
                let revision = durable.registry().revision();
                assert!(revision >= last);
                last = revision;
                let view = durable.registry().view();
                if let (Some(left), Some(right)) = (view.get("left"), view.get("right")) {
                    assert_eq!(left, right, "a transaction is whole");
                }
            }
            return;
        }
        for round in 0..ROUNDS as u64 {
            let name = format!("{index}");
            let revision = durable.put(&name, round).unwrap();
            let entry = durable.registry().entry(&name).unwrap();
            assert_eq!(
                (*entry.value().unwrap(), entry.revision()),
                (round, revision)
            );
            let both = durable.transaction(|draft| {
                draft.put("left", round)?;
                draft.put("right", round)
            });
            let both = both.unwrap().revision;
            assert!(durable.registry().revision() >= both);
        }
        // The first who is done ends the reading; that the others go on does no harm.
        done.store(true, Ordering::Release);
    });
    let (left, right) = (handles[0].latest().unwrap(), handles[1].latest().unwrap());
    let same = |registry: &byname_registry::Registry<u64>| registry.snapshot().to_btree_map();
    assert_eq!(same(left), same(right));
}

/// Observers of every copy hear of the same revisions, in order and without a gap.
#[test]
fn concurrent_changes_are_heard_in_order_everywhere() {
    let handles = handles(3);
    let mut heard: Vec<_> = handles
        .iter()
        .map(|durable| durable.registry().subscribe(Policy::DropOldest).1)
        .collect();
    together(6, |index| {
        for round in 0..ROUNDS as u64 {
            handles[index % 3].put(&format!("{index}"), round).unwrap();
        }
    });
    let last = handles[0].latest().unwrap().revision();
    let mut all = Vec::new();
    for (durable, heard) in handles.iter().zip(&mut heard) {
        assert_eq!(durable.latest().unwrap().revision(), last);
        let mut revisions = Vec::new();
        let mut reached = 0;
        while let Ok(event) = heard.try_recv() {
            let Event::Change(change) = event else {
                panic!("as many fit");
            };
            assert_eq!(*change.covers().start(), reached + 1);
            reached = change.revision();
            revisions.push(reached);
        }
        assert_eq!(reached, last);
        all.push(revisions);
    }
    assert_eq!(all[0].len(), 6 * ROUNDS);
    assert!(all.iter().all(|revisions| *revisions == all[0]));
}

/// However many need the latest at once, they share refreshes; each sees what was there before.
#[test]
fn concurrent_latest_reads_see_what_was_acknowledged_before() {
    let here = MemoryStore::new();
    let elsewhere = here.reopen();
    here.pause();
    let store = Counting::new(here);
    let durable: Durable<u64> = still(Arc::clone(&store) as Arc<dyn Store>);
    let writer: Durable<u64> = open(elsewhere);
    together(8, |index| {
        for round in 0..ROUNDS as u64 {
            if index < 2 {
                writer.put(&format!("{index}"), round).unwrap();
            } else {
                let acknowledged = writer.registry().revision();
                let latest = durable.latest().unwrap();
                assert!(latest.revision() >= acknowledged);
            }
        }
    });
    assert_eq!(state(&writer), {
        durable.latest().unwrap();
        state(&durable)
    });
    assert!(store.refreshes() <= 2 * ROUNDS as u64 * 6);
}

/// Some without a thread, on one executor.
#[test]
fn concurrent_tasks_on_one_thread_make_progress() {
    let durable: Durable<u64> = still(Arc::new(MemoryStore::new()));
    let mut executor = byname_testkit::Executor::new();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            executor.spawn(durable.transaction_async(|draft| {
                let seen = draft.get("sum").copied().unwrap_or(0);
                draft.put("sum", seen + 1)
            }))
        })
        .collect();
    executor.run_until_stalled();
    assert!(tasks.iter().all(byname_testkit::Task::is_finished));
    assert_eq!(durable.registry().get("sum").as_deref(), Some(&20));
}

/// Those who have met a conflict go on one after another, so that many on one name do not give up.
#[test]
fn concurrent_transactions_on_one_name_do_not_give_up() {
    let durable: Durable<u64> = open(MemoryStore::new());
    together(16, |_| {
        for _ in 0..ROUNDS {
            let change = durable.transaction(|draft| {
                let seen = draft.get("sum").copied().unwrap_or(0);
                draft.put("sum", seen + 1)
            });
            change.unwrap();
        }
    });
    let sum = durable.registry().get("sum").map(|sum| *sum);
    assert_eq!(sum, Some(16 * ROUNDS as u64));
}

/// No thread follows: whoever finds another at work on the copy must be answered by that one.
#[test]
fn concurrent_writers_answer_each_other() {
    let durable: Durable<u64> = still(Arc::new(MemoryStore::new()));
    together(6, |index| {
        for round in 0..2_000 {
            let revision = durable.put(&format!("{index}"), round).unwrap();
            assert!(durable.registry().revision() >= revision);
        }
    });
    assert_eq!(durable.registry().revision(), 12_000);
}
