//! Several writers, several observers, some of them ill; every replica ends with the last state
//! and passes only through states that were.

use core::{future::ready, ops::ControlFlow, time::Duration};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Barrier, Mutex},
    thread,
};

use super::{
    double::{Entries, Replica, Told, Watch, World},
    receiving::block_on,
};
use crate::{
    observe::{Counters, Event, Options, Policy},
    sync::{Arc, lock},
};

const WRITERS: u64 = 3;
const EACH: u64 = 200;
const LONG: Policy = Policy::Wait {
    deadline: Duration::from_secs(3600),
};

/// A world that remembers every state it passed through.
struct Remembering {
    world: Arc<World<u64>>,
    history: Mutex<BTreeMap<u64, Entries<u64>>>,
}

impl Remembering {
    fn new() -> Self {
        let world = World::new();
        let history = Mutex::new(BTreeMap::from([(0, Entries::new())]));
        Self { world, history }
    }

    /// Applies `event`; the state that it leads to must have been one.
    fn follow(&self, replica: &mut Replica<u64>, event: Told<u64>) {
        replica.apply(event);
        let history = self.history.lock().unwrap();
        assert_eq!(history[&replica.state.revision], replica.state.entries);
    }

    /// Commits two names together and remembers the state, which nobody else changes meanwhile.
    fn write(&self, who: u64, n: u64) {
        let (own, value) = (format!("writer-{who}"), who * EACH + n);
        let writes = [(own.as_str(), Some(value)), ("both", Some(value))];
        self.world.write_then(1, &writes, |state| {
            self.history
                .lock()
                .unwrap()
                .insert(state.revision, state.entries.clone());
        });
    }
}

/// Follows `watch` to its end and returns the counters.
fn follow_to_the_end(
    all: &Remembering,
    replica: &mut Replica<u64>,
    watch: &mut Watch<u64>,
    mut between: impl FnMut(u64),
) -> Counters {
    let ended = watch.run(|event| -> ControlFlow<()> {
        all.follow(replica, event);
        between(replica.state.revision);
        ControlFlow::Continue(())
    });
    assert_eq!(ended, ControlFlow::Continue(()));
    assert_eq!(replica.state, all.world.snapshot());
    watch.stats()
}

#[test]
fn healthy_observers_hear_everything_among_ill_ones() {
    let all = &Remembering::new();
    let world = &all.world;
    let begin = &Barrier::new(usize::try_from(WRITERS).unwrap());
    let subscribe = |options: Options| {
        let (snapshot, watch) = World::subscribe(world, options);
        (Replica::new(snapshot), watch)
    };
    let patient = [1, 7, 1024].map(|capacity| subscribe(Options::new(LONG).capacity(capacity)));
    let dropping = subscribe(Options::new(Policy::DropOldest).capacity(3));
    let coalescing = [2, 1024].map(|n| subscribe(Options::new(Policy::Coalesce).capacity(n)));
    let awaiting = subscribe(Options::new(LONG).capacity(5));
    let panicking = subscribe(Options::new(LONG).capacity(4));
    let leaving = subscribe(Options::new(LONG).capacity(1));
    let writing = subscribe(Options::new(LONG).capacity(4));
    let deadline = Duration::from_millis(1);
    let (_, mut hung) = subscribe(Options::new(Policy::Wait { deadline }).capacity(2));

    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    begin.wait();
                    for n in 0..EACH {
                        all.write(writer, n);
                    }
                })
            })
            .collect();

        let patient = patient.map(|(mut replica, mut watch)| {
            scope.spawn(move || follow_to_the_end(all, &mut replica, &mut watch, |_| {}))
        });
        let lossy = core::iter::once(dropping).chain(coalescing);
        let lossy: Vec<_> = lossy
            .map(|(mut replica, mut watch)| {
                scope.spawn(move || {
                    follow_to_the_end(all, &mut replica, &mut watch, |_| thread::yield_now())
                })
            })
            .collect();
        let awaiting = scope.spawn(move || {
            let (mut replica, mut watch) = awaiting;
            let ended = block_on(watch.run_async(|event| {
                all.follow(&mut replica, event);
                ready(ControlFlow::<()>::Continue(()))
            }));
            assert_eq!(ended, ControlFlow::Continue(()));
            assert_eq!(replica.state, world.snapshot());
            watch.stats()
        });
        let panicking = scope.spawn(move || {
            let (mut replica, mut watch) = panicking;
            let run = catch_unwind(AssertUnwindSafe(|| {
                follow_to_the_end(all, &mut replica, &mut watch, |revision| {
                    assert!(revision != 50, "the handler's own fault");
                })
            }));
            assert!(run.is_err());
            follow_to_the_end(all, &mut replica, &mut watch, |_| {})
        });
        let leaving = scope.spawn(move || {
            let (mut replica, mut watch) = leaving;
            let left = watch.run(|event| {
                replica.apply(event);
                if replica.state.revision >= 20 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            assert_eq!(left, ControlFlow::Break(()));
            drop(watch);
            replica.state.revision
        });
        let writing = scope.spawn(move || {
            let (mut replica, mut watch) = writing;
            let mut n = 0;
            let counters = follow_to_the_end(all, &mut replica, &mut watch, |_| {
                if n < EACH {
                    all.write(WRITERS, n);
                    n += 1;
                }
            });
            (counters, n)
        });

        for writer in writers {
            writer.join().unwrap();
        }
        // The observer that writes goes on until it has written all it will, then nothing comes.
        let commits = (WRITERS + 1) * EACH;
        while world.snapshot().revision < commits {
            thread::yield_now();
        }
        // What can be seen has been handed to the observers when its writer lets go.
        drop(lock(&world.writers));
        world.observers.close();

        assert_eq!(leaving.join().unwrap(), 20);
        let (counters, written) = writing.join().unwrap();
        assert_eq!((counters.received, written), (commits, EACH));
        for lossy in lossy {
            assert_eq!(lossy.join().unwrap().received, commits);
        }
        for whole in patient.into_iter().chain([awaiting, panicking]) {
            let Counters {
                received,
                delivered,
                dropped,
                resynchronised,
                ..
            } = whole.join().unwrap();
            assert_eq!(
                (received, delivered, dropped, resynchronised),
                (commits, commits, 0, 0)
            );
        }
        let Counters {
            dropped,
            waited,
            delivered,
            ..
        } = hung.stats();
        assert_eq!((dropped, delivered), (commits, 0));
        assert!(
            (1..=WRITERS + 1).contains(&waited),
            "one deadline a writer at most: {waited}"
        );
    });
    assert_eq!(
        hung.recv()
            .map(|event| matches!(event, Event::Resync { from: 0, .. })),
        Some(true)
    );
    assert!(hung.recv().is_none());
}

#[test]
fn subscribing_among_writers_has_no_gap() {
    let all = &Remembering::new();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || (0..EACH).for_each(|n| all.write(writer, n))))
            .collect();
        let subscribers: Vec<_> = [Options::new(LONG).capacity(2), Policy::Coalesce.into()]
            .into_iter()
            .map(|options| {
                scope.spawn(move || {
                    for _ in 0..50 {
                        let (snapshot, mut watch) = World::subscribe(&all.world, options);
                        let mut replica = Replica::new(snapshot);
                        for _ in 0..5 {
                            let Ok(event) = watch.try_recv() else {
                                continue;
                            };
                            replica.apply(event);
                        }
                    }
                })
            })
            .collect();
        for thread in writers.into_iter().chain(subscribers) {
            thread.join().unwrap();
        }
    });
    assert!(all.world.observers.is_empty());
}
