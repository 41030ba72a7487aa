//! Stress with exact assertions: what many threads do at once to one registry.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use byname_registry::{ChangeError, Registry};
use byname_testkit::models::{Names, NamesOp, NamesRet, Whole, WholeOp, WholeRet};
use byname_testkit::{Counted, DropCounter, Recorder, Rng, together};

/// How much a stress test does. Enough to fail when something is wrong, in a debug build.
const ROUNDS: usize = if cfg!(debug_assertions) {
    2_000
} else {
    20_000
};

#[test]
fn a_hundred_names_registered_at_once_are_all_there() {
    let registry = Registry::new();
    let mut revisions = together(100, |n| {
        registry.register(&format!("service-{n}"), n).unwrap()
    });
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=100).collect::<Vec<u64>>());
    let snapshot = registry.snapshot();
    let values: BTreeSet<usize> = snapshot.iter().map(|(_, n)| *n).collect();
    assert_eq!(
        (snapshot.len(), values.len(), registry.len()),
        (100, 100, 100)
    );
}

#[test]
fn of_a_hundred_racing_for_one_name_exactly_one_wins() {
    for _ in 0..20 {
        let registry = Registry::new();
        let results = together(100, |n| registry.register("name", n));
        let winners: Vec<_> = (0..100).filter(|&n| results[n].is_ok()).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(registry.get("name").as_deref(), Some(&winners[0]));
        let lost = |result: &&Result<u64, ChangeError>| {
            matches!(result, Err(ChangeError::Taken { revision: 1, place, .. })
                if place.to_string().contains("concurrent.rs"))
        };
        assert_eq!(results.iter().filter(lost).count(), 99);
    }
}

#[test]
fn of_a_hundred_who_remove_one_name_exactly_one_does() {
    let registry = Registry::from_iter([("name", 1)]);
    let removed = together(100, |_| registry.remove("name"));
    assert_eq!(removed.iter().filter(|result| **result == Ok(2)).count(), 1);
    let absent = ChangeError::Absent {
        name: "name".into(),
    };
    assert_eq!(
        removed
            .iter()
            .filter(|result| result.as_ref() == Err(&absent))
            .count(),
        99
    );
    assert_eq!((registry.len(), registry.revision()), (0, 2));
}

#[test]
fn writers_beside_the_sealing_change_it_before_or_not_at_all() {
    let registry = Registry::new();
    let written = together(50, |n| {
        if n == 25 {
            registry.seal();
            return (0, registry.revision());
        }
        let written = (0..20)
            .filter(|m| registry.register(&format!("{n}-{m}"), ()).is_ok())
            .count();
        (written, 0)
    });
    let sealed_at = written[25].1;
    let total: usize = written.iter().map(|(written, _)| written).sum();
    assert_eq!((registry.len(), registry.revision()), (total, sealed_at));
    assert_eq!(u64::try_from(total).unwrap(), sealed_at);
}

#[test]
fn fifty_writers_and_fifty_readers_of_configuration() {
    let registry = Registry::new();
    together(100, |n| {
        let key = format!("key-{}", n / 2);
        if n % 2 == 0 {
            registry.put(&key, n / 2).unwrap();
        } else {
            // What a reader sees is what that key's writer wrote, or nothing yet.
            for _ in 0..100 {
                assert!(registry.get(&key).is_none_or(|seen| *seen == n / 2));
            }
        }
    });
    assert_eq!(registry.len(), 50);
    for n in 0..50 {
        assert_eq!(registry.get(&format!("key-{n}")).as_deref(), Some(&n));
    }
}

#[test]
fn fifty_registrations_then_fifty_creations_of_middleware() {
    type Middleware = Box<dyn Fn(u32) -> u32 + Send + Sync>;
    let factories: Registry<fn(u32) -> Middleware> = Registry::new();
    factories
        .register("add", |n| Box::new(move |x| x + n))
        .unwrap();
    let names: Registry<(&str, u32)> = Registry::new();
    let registered = together(50, |n| {
        let n = u32::try_from(n).unwrap();
        names.register(&format!("mw-{n}"), ("add", n))
    });
    assert_eq!(
        registered.iter().filter(|result| result.is_ok()).count(),
        50
    );
    let created = together(50, |n| {
        let (factory, n) = *names.get(&format!("mw-{n}")).unwrap();
        factories.get(factory).unwrap()(n)(1000)
    });
    assert_eq!(created, (1000..1050).collect::<Vec<u32>>());
}

#[test]
fn fifty_readers_beside_ten_writers_of_a_hundred_models_lose_none() {
    let registry = Registry::new();
    let done = AtomicUsize::new(0);
    together(60, |n| {
        if n < 10 {
            for model in 0..100 {
                registry
                    .register(&format!("provider/{n}-{model}"), n * 100 + model)
                    .unwrap();
            }
            done.fetch_add(1, Ordering::Release);
        } else {
            let mut last = 0;
            loop {
                let finished = done.load(Ordering::Acquire) == 10;
                let snapshot = registry.snapshot();
                let seen = snapshot.iter().count();
                assert_eq!(seen, snapshot.len());
                assert_eq!(u64::try_from(seen).unwrap(), snapshot.revision());
                assert!(seen >= last);
                last = seen;
                if finished {
                    assert_eq!(seen, 1000);
                    break;
                }
            }
        }
    });
    let values: BTreeSet<_> = registry.snapshot().iter().map(|(_, n)| *n).collect();
    assert_eq!(values, (0..1000).collect());
}

#[test]
fn two_names_changed_together_are_never_seen_apart() {
    let (drops, registry) = (DropCounter::new(), Registry::builder().hold_back(0).build());
    registry
        .put_all([("a", drops.count(0)), ("b", drops.count(0))])
        .unwrap();
    let stop = AtomicBool::new(false);
    together(4, |thread| {
        if thread == 0 {
            for n in 1..=ROUNDS {
                registry
                    .put_all([("a", drops.count(n)), ("b", drops.count(n))])
                    .unwrap();
            }
            stop.store(true, Ordering::Release);
            return;
        }
        let (a, b) = (registry.handle("a").unwrap(), registry.handle("b").unwrap());
        let mut last = 0;
        while !stop.load(Ordering::Acquire) {
            let seen = match thread {
                1 => {
                    let view = registry.view();
                    (**view.get("a").unwrap(), **view.get("b").unwrap())
                }
                2 => {
                    let snapshot = registry.snapshot();
                    (**snapshot.get("a").unwrap(), **snapshot.get("b").unwrap())
                }
                _ => {
                    let view = registry.view();
                    (**a.get_in(&view).unwrap(), **b.get_in(&view).unwrap())
                }
            };
            assert_eq!(seen.0, seen.1);
            assert!(seen.0 >= last, "went back from {last} to {}", seen.0);
            last = seen.0;
        }
    });
    registry.collect();
    drops.assert_live(2);
}

#[test]
fn readers_across_the_publish_of_a_whole_generation_see_no_mixture() {
    let registry = Registry::new();
    let generation = |g: u64| (0..50).map(move |n| (format!("client-{n}"), g));
    registry.put_all(generation(0)).unwrap();
    let stop = AtomicBool::new(false);
    together(33, |thread| {
        if thread == 0 {
            for g in 1..=200 {
                registry.put_all(generation(g)).unwrap();
            }
            stop.store(true, Ordering::Release);
            return;
        }
        while !stop.load(Ordering::Acquire) {
            let snapshot = registry.snapshot();
            let mut seen: Vec<_> = snapshot.iter().map(|(_, g)| *g).collect();
            assert_eq!(seen.len(), 50, "found it empty or in part");
            seen.dedup();
            assert_eq!(seen.len(), 1, "found a mixture: {seen:?}");
            assert_eq!(snapshot.revision(), seen[0] + 1);
        }
    });
}

#[test]
fn concurrent_transactions_lose_no_update() {
    let registry = Registry::builder().attempts(usize::MAX).build();
    registry
        .put_all([("a", 0u64), ("b", 0), ("sum", 0)])
        .unwrap();
    let runs = AtomicU64::new(0);
    let per_thread = ROUNDS as u64 / 10;
    together(4, |thread| {
        let name = if thread % 2 == 0 { "a" } else { "b" };
        for _ in 0..per_thread {
            registry
                .transaction(|draft| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    let (one, sum) = (*draft.get(name).unwrap(), *draft.get("sum").unwrap());
                    draft.replace(name, one + 1)?;
                    draft.replace("sum", sum + 1)
                })
                .unwrap();
        }
    });
    let view = registry.view();
    let [a, b, sum] = ["a", "b", "sum"].map(|name| *view.get(name).unwrap());
    assert_eq!(
        (a, b, sum),
        (2 * per_thread, 2 * per_thread, 4 * per_thread)
    );
    assert_eq!(view.revision(), 1 + 4 * per_thread);
    assert!(runs.load(Ordering::Relaxed) >= 4 * per_thread);
}

#[test]
fn transfers_keep_the_sum_in_every_snapshot() {
    let registry = Registry::builder().attempts(usize::MAX).build();
    registry
        .put_all((0..10).map(|n| (format!("account-{n}"), 100i64)))
        .unwrap();
    let stop = AtomicBool::new(false);
    together(4, |thread| {
        if thread < 2 {
            let mut rng = Rng::seeded(thread as u64);
            for _ in 0..ROUNDS / 10 {
                let (from, to) = (rng.below(10), rng.below(10));
                let (from, to) = (format!("account-{from}"), format!("account-{to}"));
                registry
                    .transaction(|draft| {
                        let taken = *draft.get(&from).unwrap();
                        draft.replace(&from, taken - 1)?;
                        let given = *draft.get(&to).unwrap();
                        draft.replace(&to, given + 1)
                    })
                    .unwrap();
            }
            stop.store(true, Ordering::Release);
        } else {
            while !stop.load(Ordering::Acquire) {
                assert_eq!(
                    registry.snapshot().iter().map(|(_, n)| n).sum::<i64>(),
                    1000
                );
            }
        }
    });
}

#[test]
fn compare_and_set_lets_exactly_one_through_each_revision() {
    let registry = Registry::new();
    registry.put("n", 0usize).unwrap();
    let wins = together(8, |_| {
        let mut won = 0;
        while won < 100 {
            let entry = registry.entry("n").unwrap();
            let next = entry.value().unwrap() + 1;
            match registry.compare_and_set("n", entry.revision(), next) {
                Ok(_) => won += 1,
                Err(error) => assert!(matches!(error, ChangeError::Moved { .. })),
            }
        }
        won
    });
    assert_eq!(wins.iter().sum::<usize>(), 800);
    assert_eq!(registry.get("n").as_deref(), Some(&800));
    assert_eq!(registry.revision(), 801);
}

#[test]
fn names_come_and_go_under_handles_views_and_snapshots() {
    let (drops, registry) = (DropCounter::new(), Registry::builder().hold_back(4).build());
    let stop = AtomicBool::new(false);
    together(4, |thread| {
        let name = |n: usize| format!("name-{n}");
        if thread == 0 {
            let mut rng = Rng::seeded(7);
            for n in 0..ROUNDS {
                let name = name(rng.below(40));
                if rng.chance(50) {
                    registry.put(&name, drops.count(n)).unwrap();
                } else {
                    let _ = registry.remove(&name);
                }
                // A new name now and then, so that the index is rebuilt.
                if n % 10 == 0 {
                    registry
                        .register(&format!("once-{n}"), drops.count(n))
                        .unwrap();
                    registry.remove(&format!("once-{n}")).unwrap();
                }
            }
            stop.store(true, Ordering::Release);
            return;
        }
        let mut handles = Vec::new();
        let mut snapshots = Vec::new();
        let mut owned: Vec<byname_registry::Owned<Counted<usize>>> = Vec::new();
        let mut rng = Rng::seeded(100 + thread as u64);
        while !stop.load(Ordering::Acquire) {
            let name = name(rng.below(40));
            match rng.below(6) {
                0 => handles.extend(registry.handle(&name)),
                1 => snapshots.push(registry.snapshot()),
                2 => owned.extend(registry.get_owned(&name)),
                3 => {
                    let view = registry.view();
                    for handle in &handles {
                        let through: Option<&Counted<usize>> = handle.get_in(&view);
                        assert_eq!(through.map(|n| **n), view.get(handle.name()).map(|n| **n));
                    }
                }
                4 => {
                    for snapshot in &snapshots {
                        let seen = snapshot.get(&name).map(|n| **n);
                        assert_eq!(seen, snapshot.get_owned(&name).map(|n| **n));
                        assert!(snapshot.iter().all(|(name, n)| {
                            snapshot
                                .get(name)
                                .is_some_and(|found| std::ptr::eq(found, n))
                        }));
                    }
                }
                _ => {
                    handles.truncate(10);
                    snapshots.truncate(rng.below(4));
                    owned.truncate(5);
                }
            }
            if handles.len() > 20 {
                handles.drain(..10);
            }
            if snapshots.len() > 5 {
                snapshots.drain(..3);
            }
            if owned.len() > 20 {
                owned.clear();
            }
        }
    });
    assert_eq!(registry.collect(), 0);
    drops.assert_live(registry.len());
    drop(registry);
    drops.assert_all_dropped();
}

#[test]
fn threads_that_come_and_go_read_and_leave_nothing_behind() {
    let (drops, registry) = (DropCounter::new(), Registry::builder().hold_back(0).build());
    registry.put("a", drops.count(0)).unwrap();
    for round in 1..=50 {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| registry.read("a", |n| **n).unwrap());
            }
            registry.put("a", drops.count(round)).unwrap();
        });
    }
    assert_eq!(registry.collect(), 0);
    drops.assert_live(1);
}

#[test]
fn crosswise_copies_of_two_registries_do_not_deadlock() {
    let one: Registry<usize> = (0..50).map(|n| (format!("n-{n}"), n)).collect();
    let other: Registry<usize> = (0..50).map(|n| (format!("n-{n}"), n)).collect();
    together(2, |thread| {
        let (from, to) = if thread == 0 {
            (&one, &other)
        } else {
            (&other, &one)
        };
        for _ in 0..100 {
            to.put_all(from.snapshot().to_btree_map()).unwrap();
        }
    });
    assert_eq!(
        one.snapshot().to_btree_map(),
        other.snapshot().to_btree_map()
    );
}

#[test]
fn a_recorded_history_of_single_names_is_linearizable() {
    for seed in 0..if cfg!(debug_assertions) { 10 } else { 50 } {
        let registry: Registry<u64> = Registry::builder().hold_back(1).build();
        let recorder = Recorder::new();
        let next = AtomicU64::new(0);
        together(4, |thread| {
            let mut process = recorder.process();
            let mut rng = Rng::seeded(seed * 10 + thread as u64);
            for _ in 0..100 {
                let name = ["a", "b", "c"][rng.below(3)];
                let value = next.fetch_add(1, Ordering::Relaxed);
                let changed = |result: Result<u64, ChangeError>| {
                    result.map_or(NamesRet::Refused, NamesRet::Changed)
                };
                match rng.below(8) {
                    0 => process.call(NamesOp::Register(name, value), || {
                        changed(registry.register(name, value))
                    }),
                    1 => process.call(NamesOp::Replace(name, value), || {
                        changed(registry.replace(name, value))
                    }),
                    2 => process.call(NamesOp::Put(name, value), || {
                        changed(registry.put(name, value))
                    }),
                    3 => process.call(NamesOp::Remove(name), || changed(registry.remove(name))),
                    4 => {
                        let seen = registry.entry(name).map_or(0, |entry| entry.revision());
                        process.call(NamesOp::CompareAndSet(name, seen, value), || {
                            changed(registry.compare_and_set(name, seen, value))
                        })
                    }
                    5 => process.call(NamesOp::Get(name), || {
                        registry.entry(name).map_or(NamesRet::Absent, |entry| {
                            NamesRet::Found(entry.revision(), *entry.value().unwrap())
                        })
                    }),
                    6 => process.call(NamesOp::Get(name), || {
                        registry
                            .read(name, |n| *n)
                            .map_or(NamesRet::Absent, NamesRet::Value)
                    }),
                    _ => process.call(NamesOp::Get(name), || {
                        let seen = registry.snapshot().get(name).copied();
                        seen.map_or(NamesRet::Absent, NamesRet::Value)
                    }),
                };
            }
        });
        recorder.history().check(&Names::new()).unwrap();
    }
}

#[test]
fn a_recorded_history_of_whole_changes_is_linearizable() {
    for seed in 0..if cfg!(debug_assertions) { 10 } else { 50 } {
        let registry: Registry<u64> = Registry::builder().attempts(usize::MAX).build();
        let recorder = Recorder::new();
        let next = AtomicU64::new(0);
        together(3, |thread| {
            let mut process = recorder.process();
            let mut rng = Rng::seeded(seed * 10 + thread as u64);
            for _ in 0..60 {
                let value = next.fetch_add(1, Ordering::Relaxed);
                match rng.below(4) {
                    0 => {
                        let changes = vec![("a", Some(value)), ("b", Some(value)), ("c", None)];
                        process.call(WholeOp::Change(changes), || {
                            let committed = registry.transaction(|draft| {
                                draft.put("a", value)?;
                                draft.put("b", value)?;
                                if draft.contains("c") {
                                    draft.remove("c")
                                } else {
                                    Ok(())
                                }
                            });
                            WholeRet::Changed(committed.unwrap().revision)
                        });
                    }
                    1 => {
                        let changes = vec![("b", Some(value)), ("c", Some(value))];
                        process.call(WholeOp::Change(changes), || {
                            let both = [("b", value), ("c", value)];
                            WholeRet::Changed(registry.put_all(both).unwrap())
                        });
                    }
                    2 => {
                        process.call(WholeOp::GetAll(vec!["c", "a", "b"]), || {
                            let view = registry.view();
                            let values = ["c", "a", "b"].map(|name| view.get(name).copied());
                            WholeRet::Entries(view.revision(), values.into())
                        });
                    }
                    _ => {
                        process.call(WholeOp::Snapshot, || {
                            let snapshot = registry.snapshot();
                            let all = snapshot.iter().map(|(name, n)| (intern(name), *n));
                            WholeRet::Everything(snapshot.revision(), all.collect())
                        });
                    }
                }
            }
        });
        recorder.history().check(&Whole::new()).unwrap();
    }
}

/// Found by review: the count ran ahead of what readers find.
#[test]
fn the_number_of_entries_never_runs_ahead_of_them() {
    let registry = Registry::new();
    let names: Vec<_> = (0..ROUNDS * 5).map(|n| format!("name-{n}")).collect();
    together(2, |thread| {
        if thread == 0 {
            for name in &names {
                registry.register(name, ()).unwrap();
            }
            return;
        }
        let mut seen = 0;
        while seen < names.len() {
            seen = registry.len();
            assert!(seen == 0 || registry.contains(&names[seen - 1]));
        }
    });
}

fn intern(name: &str) -> &'static str {
    ["a", "b", "c"]
        .into_iter()
        .find(|known| *known == name)
        .unwrap()
}
