//! Observers beside many writers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use byname_registry::{ChangeError, Options, Policy, Registry};
use byname_testkit::{PATIENCE, Rng, StartBarrier};

use super::rig::{Follower, State, numbers, state};

const CHANGES: u64 = if cfg!(debug_assertions) { 500 } else { 5_000 };

/// Makes one random change, which may be refused.
fn change(registry: &Registry<u64>, rng: &mut Rng, value: u64) {
    let name = |rng: &mut Rng| format!("name-{}", rng.below(12));
    let (one, two) = (name(rng), name(rng));
    match rng.below(5) {
        0 => drop(registry.remove(&one)),
        1 => drop(registry.register(&one, value)),
        2 => drop(registry.put_all([(one, value), (two, value)])),
        3 => {
            let moved = registry.transaction(|draft| {
                let Some(value) = draft.get(&one).copied() else {
                    return Ok(());
                };
                draft.remove(&one)?;
                draft.put(&two, value)?;
                Ok::<_, ChangeError>(())
            });
            drop(moved);
        }
        _ => drop(registry.put(&one, value)),
    }
}

/// The states that were seen, by revision; two of one revision must be the same.
#[derive(Default)]
struct Seen(Mutex<BTreeMap<u64, State>>);

impl Seen {
    fn at(&self, revision: u64, state: &State) {
        let mut seen = self.0.lock().unwrap();
        let first = seen.entry(revision).or_insert_with(|| state.clone());
        assert_eq!(first, state, "two states of revision {revision}");
    }
}

/// Observers begin at any moment, each with a snapshot; that and the changes yield exactly the states
/// that snapshots show.
#[test]
fn concurrent_subscriptions_have_no_gap() {
    let wait = Policy::Wait {
        deadline: 10 * PATIENCE,
    };
    let policies = [
        Options::new(Policy::DropOldest).capacity(usize::MAX),
        Options::new(wait).capacity(2),
        Options::new(Policy::Coalesce),
        Options::new(Policy::DropOldest).capacity(3),
        Options::new(Policy::Coalesce).capacity(3),
    ];
    let (registry, seen, done) = (numbers(), Seen::default(), AtomicBool::new(false));
    let start = StartBarrier::new(3 + policies.len() + 1);
    let last = thread::scope(|scope| {
        let writers = [0, 1, 2].map(|writer| {
            let (registry, start) = (registry.clone(), &start);
            scope.spawn(move || {
                let mut rng = Rng::seeded(writer);
                start.wait();
                for n in 0..CHANGES {
                    change(&registry, &mut rng, writer * CHANGES + n);
                }
            })
        });
        let observers: Vec<_> = policies
            .into_iter()
            .map(|options| {
                let (registry, start, seen) = (registry.clone(), &start, &seen);
                scope.spawn(move || {
                    start.wait();
                    // Once more, each time in the midst of it, and once to the end.
                    for _ in 0..20 {
                        let (snapshot, mut changes) = registry.subscribe(options);
                        let mut follower = Follower::new(&snapshot);
                        seen.at(follower.revision, &follower.state);
                        for _ in 0..5 {
                            if let Ok(event) = changes.try_recv() {
                                follower.hear(&event);
                                seen.at(follower.revision, &follower.state);
                            }
                        }
                    }
                    let (snapshot, mut changes) = registry.subscribe(options);
                    drop(registry);
                    let mut follower = Follower::new(&snapshot);
                    let ran = changes.run(|event| {
                        follower.hear(&event);
                        seen.at(follower.revision, &follower.state);
                        ControlFlow::<()>::Continue(())
                    });
                    assert_eq!(ran, ControlFlow::Continue(()));
                    assert_eq!(changes.revision(), follower.revision);
                    let stats = changes.stats();
                    assert_eq!(
                        stats.received,
                        stats.delivered + stats.coalesced + stats.dropped
                    );
                    if options == policies[0] || options == policies[1] {
                        assert_eq!((follower.resyncs, stats.dropped), (0, 0));
                    }
                    follower
                })
            })
            .collect();
        let snapshots = scope.spawn({
            let (registry, start, seen, done) = (registry.clone(), &start, &seen, &done);
            move || {
                start.wait();
                while !done.load(Ordering::Acquire) {
                    let snapshot = registry.snapshot();
                    seen.at(snapshot.revision(), &state(&snapshot));
                }
            }
        });
        let mut watch = registry.subscribe(Policy::Coalesce).1;
        drop(registry);
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Release);
        snapshots.join().unwrap();
        let followers: Vec<_> = observers
            .into_iter()
            .map(|observer| observer.join().unwrap())
            .collect();
        while watch.recv().is_some() {}
        let revision = watch.revision();
        for follower in &followers {
            assert_eq!(follower.revision, revision);
            assert_eq!(follower.state, followers[0].state);
        }
        revision
    });
    assert!(last > 0);
}

#[test]
fn concurrent_writers_and_a_hundred_observers() {
    let registry = numbers();
    let observers: Vec<_> = (0..100)
        .map(|_| registry.subscribe(Policy::DropOldest))
        .collect();
    thread::scope(|scope| {
        for writer in 0..4 {
            let registry = &registry;
            scope.spawn(move || {
                for n in 0..50 {
                    registry.put(&format!("name-{writer}"), n).unwrap();
                }
            });
        }
    });
    let last = state(&registry.snapshot());
    drop(registry);
    for (snapshot, mut changes) in observers {
        let mut follower = Follower::new(&snapshot);
        while let Some(event) = changes.recv() {
            follower.hear(&event);
        }
        assert_eq!((follower.revision, follower.resyncs), (200, 0));
        assert_eq!(follower.state, last);
    }
}

/// A change is heard after it is visible, and what is told first is the newest at that moment or
/// older, never newer than the registry.
#[test]
fn concurrent_changes_are_visible_before_they_are_heard() {
    let registry = numbers();
    let (_, mut changes) =
        registry.subscribe(Options::new(Policy::DropOldest).capacity(usize::MAX));
    thread::scope(|scope| {
        let writes = registry.clone();
        scope.spawn(move || {
            for n in 1..=20 * CHANGES {
                writes.put("a", n).unwrap();
            }
        });
        for n in 1..=20 * CHANGES {
            let Some(byname_registry::Event::Change(change)) = changes.recv() else {
                panic!("every change is heard")
            };
            assert_eq!(change.covers(), n..=n);
            let shown = *registry.get("a").unwrap();
            assert!(shown >= n, "heard of {n} while readers saw {shown}");
            assert!(registry.revision() >= n);
        }
    });
}
