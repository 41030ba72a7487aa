//! Who waits for whom, how long, and what it costs the observer.

use core::{ops::ControlFlow, time::Duration};
use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{
    double::{Replica, Watch, World, change, resync},
    receiving::block_on,
};
use crate::{
    observe::{Counters, Event, Options, Policy},
    sync::lock,
};

const PATIENT: Options = Options::new(Policy::Wait {
    deadline: Duration::from_secs(3600),
});
const IMPATIENT: Options = Options::new(Policy::Wait {
    deadline: Duration::ZERO,
});

fn until_a_writer_waits<P>(watch: &Watch<P>, times: u64) {
    while watch.stats().waited < times {
        thread::yield_now();
    }
}

#[test]
fn a_full_queue_that_drops_resynchronises_and_goes_on_without_a_gap() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, Options::new(Policy::DropOldest).capacity(2));
    world.put("a", 1);
    assert_eq!(change(watch.recv().unwrap()).revision(), 1);
    for n in 2..=5 {
        world.put("a", n);
    }
    assert_eq!(watch.stats().pending, 0, "a lost queue holds nothing");
    let (from, snapshot) = resync(watch.recv().unwrap());
    assert_eq!((from, snapshot.revision, snapshot.entries["a"]), (1, 5, 5));
    world.put("a", 6);
    world.put("a", 7);
    assert_eq!(*change(watch.recv().unwrap()).covers().start(), 6);
    assert_eq!(*change(watch.recv().unwrap()).covers().start(), 7);
    let expected = Counters {
        received: 7,
        delivered: 3,
        dropped: 4,
        resynchronised: 1,
        ..Counters::default()
    };
    assert_eq!(watch.stats(), expected);
}

#[test]
fn a_writer_waits_for_room_and_loses_nothing() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, PATIENT.capacity(1));
    thread::scope(|scope| {
        let writer = scope.spawn(|| (1..=3).map(|n| world.put("a", n)).collect::<Vec<_>>());
        for (waited, revision) in [(1, 1), (2, 2), (2, 3)] {
            until_a_writer_waits(&watch, waited);
            assert_eq!(change(watch.recv().unwrap()).revision(), revision);
        }
        assert_eq!(writer.join().unwrap(), [1, 2, 3]);
    });
    let expected = Counters {
        received: 3,
        delivered: 3,
        waited: 2,
        ..Counters::default()
    };
    assert_eq!(watch.stats(), expected);
}

#[test]
fn one_event_taken_lets_every_writer_look_again() {
    let world = World::new();
    let (_, mut first) = World::subscribe(&world, PATIENT.capacity(1));
    let (_, second) = World::subscribe(&world, PATIENT.capacity(1));
    world.put("a", 0);
    thread::scope(|scope| {
        let writers = [1, 2].map(|n| {
            scope.spawn({
                let world = &world;
                move || world.put("a", n)
            })
        });
        until_a_writer_waits(&first, 2);
        // The writer that is woken first does not use the room: it goes on to wait for the
        // second queue. So must the other one.
        assert_eq!(change(first.recv().unwrap()).revision(), 1);
        until_a_writer_waits(&second, 2);
        drop(second);
        for revision in [2, 3] {
            assert_eq!(change(first.recv().unwrap()).revision(), revision);
        }
        for writer in writers {
            writer.join().unwrap();
        }
    });
    assert_eq!(first.stats().resynchronised, 0);
}

#[test]
fn room_that_another_writer_took_is_waited_for_again() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, PATIENT.capacity(1));
    let attempts = Cell::new(0);
    thread::scope(|scope| {
        let mut watch = Some(&mut watch);
        let world = &world;
        let lock = || {
            attempts.set(attempts.get() + 1);
            if let Some(watch) = watch.take() {
                // Room was seen; now another writer takes it, and only then is it made anew.
                scope.spawn(|| world.put("a", 1)).join().unwrap();
                scope.spawn(move || {
                    until_a_writer_waits(watch, 1);
                    assert_eq!(change(watch.recv().unwrap()).revision(), 1);
                });
            }
            lock(&world.writers)
        };
        assert_eq!(world.write_as(lock, 1, &[("a", Some(2))]), 2);
    });
    assert_eq!(attempts.get(), 2);
    assert_eq!(change(watch.recv().unwrap()).revision(), 2);
    let expected = Counters {
        received: 2,
        delivered: 2,
        waited: 1,
        ..Counters::default()
    };
    assert_eq!(watch.stats(), expected);
}

/// A writer whose room is taken each time it has waited for it does not begin its time anew.
#[test]
fn what_was_waited_counts_when_room_was_taken_and_is_waited_for_again() {
    let world = World::new();
    let deadline = Duration::from_micros(100);
    let (_, mut watch) =
        World::subscribe(&world, Options::new(Policy::Wait { deadline }).capacity(1));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (world, done) = (&world, &done);
        scope.spawn(move || {
            let mut waited = 0;
            loop {
                let ended = done.load(Ordering::Acquire);
                let before = core::mem::replace(&mut waited, watch.stats().waited);
                if (waited > before || ended) && matches!(watch.recv(), Some(Event::Resync { .. }))
                {
                    break;
                }
                thread::yield_now();
            }
        });
        let lock = || {
            scope.spawn(|| world.put("a", 1)).join().unwrap();
            lock(&world.writers)
        };
        world.write_as(lock, 1, &[("a", Some(2))]);
        done.store(true, Ordering::Release);
    });
}

#[test]
fn a_deadline_that_passed_ends_the_wait_under_the_writers_mutex_too() {
    let world = World::new();
    let (_, mut hung) = World::subscribe(&world, IMPATIENT.capacity(1));
    let attempts = Cell::new(0);
    let lock = || {
        if attempts.replace(attempts.get() + 1) == 0 {
            thread::scope(|scope| scope.spawn(|| world.put("a", 1)).join().unwrap());
        }
        lock(&world.writers)
    };
    assert_eq!(world.write_as(lock, 1, &[("a", Some(2))]), 2);
    assert_eq!(attempts.get(), 1);
    let (from, snapshot) = resync(hung.recv().unwrap());
    assert_eq!((from, snapshot.revision), (0, 2));
}

#[test]
fn a_hung_observer_costs_one_deadline_and_nobody_else_anything() {
    let world = World::new();
    let deadline = Duration::from_millis(1);
    let (_, mut hung) =
        World::subscribe(&world, Options::new(Policy::Wait { deadline }).capacity(2));
    let (_, mut healthy) = World::subscribe(&world, PATIENT.capacity(100));
    for n in 1..=50 {
        world.put("a", n);
    }
    let expected = Counters {
        received: 50,
        dropped: 50,
        waited: 1,
        ..Counters::default()
    };
    assert_eq!(hung.stats(), expected);
    for revision in 1..=50 {
        assert_eq!(change(healthy.recv().unwrap()).revision(), revision);
    }
    assert_eq!(healthy.stats().waited, 0);

    let (from, snapshot) = resync(hung.recv().unwrap());
    assert_eq!((from, snapshot.revision), (0, 50));
    world.put("a", 51);
    assert_eq!(change(hung.recv().unwrap()).covers(), 51..=51);
    assert_eq!(hung.stats().waited, 1);
}

/// A writer that has waited for one subscription has waited for no other yet.
#[test]
fn a_slow_observer_does_not_cost_its_neighbour_a_resynchronisation() {
    let world = World::new();
    let (_, mut slow) = World::subscribe(&world, PATIENT.capacity(1));
    let deadline = Duration::from_secs(1800);
    let (_, mut neighbour) =
        World::subscribe(&world, Options::new(Policy::Wait { deadline }).capacity(1));
    world.put("a", 1);
    thread::scope(|scope| {
        let writer = scope.spawn(|| world.put("a", 2));
        until_a_writer_waits(&slow, 1);
        assert_eq!(change(slow.recv().unwrap()).revision(), 1);
        until_a_writer_waits(&neighbour, 1);
        assert_eq!(change(neighbour.recv().unwrap()).revision(), 1);
        assert_eq!(writer.join().unwrap(), 2);
    });
    assert_eq!(change(slow.recv().unwrap()).revision(), 2);
    assert_eq!(change(neighbour.recv().unwrap()).revision(), 2);
}

#[test]
fn a_deadline_of_zero_never_lets_a_writer_wait() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, IMPATIENT.capacity(1));
    world.put("a", 1);
    world.put("a", 2);
    assert_eq!(watch.stats().waited, 0);
    assert_eq!(resync(watch.recv().unwrap()).0, 0);
}

#[test]
fn a_handler_that_writes_never_waits_for_itself() {
    let world = World::new();
    let (snapshot, mut watch) = World::subscribe(&world, PATIENT.capacity(2));
    let mut replica = Replica::new(snapshot);
    world.put("a", 0);
    let mut resyncs = 0;
    let broke = watch.run(|event| {
        resyncs += u32::from(matches!(event, Event::Resync { .. }));
        replica.apply(event);
        if resyncs == 2 {
            return ControlFlow::Break(replica.state.revision);
        }
        for n in 0..3 {
            world.put("a", n);
        }
        ControlFlow::Continue(())
    });
    assert_eq!(broke, ControlFlow::Break(7));
    assert_eq!(replica.state, world.snapshot());
    assert_eq!(watch.stats().waited, 0);
}

#[test]
fn a_receiver_that_writes_between_its_receives_never_waits_for_itself() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, PATIENT.capacity(1));
    assert!(watch.try_recv().is_err());
    world.put("a", 1);
    world.put("a", 2);
    assert_eq!(resync(watch.recv().unwrap()).1.revision, 2);
    world.put("a", 3);
    assert_eq!(change(watch.recv().unwrap()).revision(), 3);
    assert_eq!(watch.stats().waited, 0);
}

#[test]
fn a_task_that_writes_on_the_thread_it_received_on_never_waits_for_itself() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, PATIENT.capacity(1));
    world.put("a", 1);
    let broke = block_on(watch.run_async(async |event| {
        if let Event::Resync { from, snapshot } = event {
            return ControlFlow::Break((from, snapshot.revision));
        }
        world.put("a", 2);
        world.put("a", 3);
        ControlFlow::Continue(())
    }));
    assert_eq!(broke, ControlFlow::Break((1, 3)));
}

#[test]
fn a_writer_that_waits_goes_on_when_the_receiver_gives_up_by_writing() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, PATIENT.capacity(1));
    assert!(watch.try_recv().is_err());
    world.put("a", 1);
    thread::scope(|scope| {
        let writer = scope.spawn(|| world.put("b", 1));
        until_a_writer_waits(&watch, 1);
        world.put("a", 2);
        writer.join().unwrap();
    });
    assert_eq!(resync(watch.recv().unwrap()).1.revision, 3);
}

#[test]
fn room_taken_meanwhile_never_makes_a_receiver_wait_for_itself() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, PATIENT.capacity(1));
    assert!(watch.try_recv().is_err());
    let mut first = true;
    let lock = || {
        if core::mem::take(&mut first) {
            thread::scope(|scope| scope.spawn(|| world.put("a", 1)).join().unwrap());
        }
        lock(&world.writers)
    };
    assert_eq!(world.write_as(lock, 1, &[("a", Some(2))]), 2);
    assert_eq!(resync(watch.recv().unwrap()).1.revision, 2);
    assert_eq!(watch.stats().waited, 0);
}

#[test]
fn a_subscription_that_moved_lets_its_earlier_thread_wait() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, PATIENT.capacity(1));
    assert!(watch.try_recv().is_err());
    thread::scope(|scope| {
        let moved = scope.spawn(move || {
            assert!(watch.try_recv().is_err());
            watch
        });
        let mut watch = moved.join().unwrap();
        world.put("a", 1);
        let receiver = scope.spawn(move || {
            until_a_writer_waits(&watch, 1);
            [watch.recv(), watch.recv()].map(|event| change(event.unwrap()).revision())
        });
        world.put("a", 2);
        assert_eq!(receiver.join().unwrap(), [1, 2]);
    });
}

#[test]
fn a_commit_that_is_given_up_after_it_was_admitted_leaves_no_trace() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, PATIENT.capacity(1));
    let (guard, admission) = world.observers.enter(|| lock(&world.writers));
    drop((admission, guard));
    world.put("a", Arc::new(1));
    assert_eq!(change(watch.recv().unwrap()).revision(), 1);
}
