//! Every interleaving of writers with a receiver, within the model checker's bounds.
//!
//! `RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=2 cargo test -p byname-registry --lib --release
//! loom_observe`. A lost wake-up shows as a deadlock, a queue that is kept as a leak. The checker's
//! clock stands still: a deadline other than zero never passes.

use core::time::Duration;

use super::double::{Replica, Watch, World, change};
use crate::{
    observe::{Event, Notified, Options, Policy, Subject},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        thread,
    },
};

const WAIT: Options = Options::new(Policy::Wait {
    deadline: Duration::from_secs(1),
});

/// Writes the revisions up to `last` of one name, in a thread of its own.
fn writing(world: &Arc<World<u64>>, commits: u64) -> thread::JoinHandle<()> {
    let world = Arc::clone(world);
    thread::spawn(move || {
        for n in 0..commits {
            world.put("a", n);
        }
    })
}

/// Follows `watch` until `last`; returns how often it was resynchronised.
fn follow(replica: &mut Replica<u64>, watch: &mut Watch<u64>, last: u64) -> u32 {
    let mut resyncs = 0;
    while replica.state.revision < last {
        let event = watch.recv().expect("the world has not ended");
        resyncs += u32::from(matches!(event, Event::Resync { .. }));
        replica.apply(event);
    }
    resyncs
}

#[test]
fn a_push_wakes_a_receiver_that_sleeps() {
    loom::model(|| {
        let world = World::new();
        let (snapshot, mut watch) = World::subscribe(&world, Policy::DropOldest);
        let writer = writing(&world, 2);
        let mut replica = Replica::new(snapshot);
        assert_eq!(follow(&mut replica, &mut watch, 2), 0);
        writer.join().unwrap();
        assert_eq!(replica.state, world.snapshot());
    });
}

#[test]
fn a_push_wakes_a_task_that_waits() {
    loom::model(|| {
        let world = World::new();
        let (_, mut watch) = World::subscribe(&world, Policy::DropOldest);
        let writer = writing(&world, 2);
        for revision in [1, 2] {
            let event = loom::future::block_on(watch.recv_async());
            assert_eq!(change(event.unwrap()).revision(), revision);
        }
        writer.join().unwrap();
    });
}

#[test]
fn subscribing_beside_a_writer_leaves_no_gap() {
    loom::model(|| {
        let world = World::new();
        let writer = writing(&world, 2);
        let (snapshot, mut watch) = World::subscribe(&world, Policy::DropOldest);
        let mut replica = Replica::new(snapshot);
        assert_eq!(follow(&mut replica, &mut watch, 2), 0);
        writer.join().unwrap();
    });
}

#[test]
fn a_push_beside_the_drop_of_the_subscription_leaves_nothing_behind() {
    loom::model(|| {
        let world = World::new();
        let (_, watch) = World::subscribe(&world, WAIT.capacity(1));
        let writer = writing(&world, 2);
        drop(watch);
        writer.join().unwrap();
        assert!(world.observers.is_empty());
        assert_eq!(world.snapshot().revision, 2);
    });
}

#[test]
fn a_writer_that_waits_for_room_is_woken_by_a_receive() {
    loom::model(|| {
        let world = World::new();
        let (snapshot, mut watch) = World::subscribe(&world, WAIT.capacity(1));
        let writer = writing(&world, 3);
        let mut replica = Replica::new(snapshot);
        assert_eq!(follow(&mut replica, &mut watch, 3), 0);
        writer.join().unwrap();
    });
}

#[test]
fn two_writers_never_overfill_a_queue_that_lets_them_wait() {
    loom::model(|| {
        let world = World::new();
        let (snapshot, mut watch) = World::subscribe(&world, WAIT.capacity(1));
        let writers = [writing(&world, 1), writing(&world, 1)];
        let mut replica = Replica::new(snapshot);
        assert_eq!(follow(&mut replica, &mut watch, 2), 0);
        for writer in writers {
            writer.join().unwrap();
        }
    });
}

#[test]
fn a_resynchronisation_beside_a_writer_neither_repeats_nor_skips() {
    for policy in [
        Policy::DropOldest,
        Policy::Wait {
            deadline: Duration::ZERO,
        },
    ] {
        loom::model(move || {
            let world = World::new();
            let options = Options::new(policy).capacity(1);
            let (snapshot, mut watch) = World::subscribe(&world, options);
            let writer = writing(&world, 3);
            let mut replica = Replica::new(snapshot);
            follow(&mut replica, &mut watch, 3);
            writer.join().unwrap();
            assert_eq!(replica.state, world.snapshot());
        });
    }
}

#[test]
fn folding_beside_a_receiver_neither_repeats_nor_skips() {
    loom::model(|| {
        let world = World::new();
        let (snapshot, mut watch) = World::subscribe(&world, Policy::Coalesce);
        let writer = writing(&world, 3);
        let mut replica = Replica::new(snapshot);
        assert_eq!(follow(&mut replica, &mut watch, 3), 0);
        writer.join().unwrap();
        assert_eq!(replica.state, world.snapshot());
    });
}

#[test]
fn the_end_wakes_a_receiver_that_sleeps() {
    loom::model(|| {
        let world = World::<u64>::new();
        let (_, mut watch) = World::subscribe(&world, WAIT);
        let closing = thread::spawn({
            let world = Arc::clone(&world);
            move || world.observers.close()
        });
        assert!(watch.recv().is_none());
        closing.join().unwrap();
    });
    loom::model(|| {
        let world = World::<u64>::new();
        let (_, mut watch) = World::subscribe(&world, WAIT);
        let stop = watch.stop_handle();
        let stopping = thread::spawn(move || stop.stop());
        assert!(watch.recv().is_none());
        stopping.join().unwrap();
    });
}

#[test]
fn a_writer_that_waits_is_woken_by_the_end_of_the_subscription() {
    loom::model(|| {
        let world = World::new();
        let (_, watch) = World::subscribe(&world, WAIT.capacity(1));
        world.put("a", 0);
        let writer = writing(&world, 1);
        drop(watch);
        writer.join().unwrap();
        assert_eq!(world.snapshot().revision, 2);
    });
}

#[test]
fn a_notification_beside_registering_and_ending_calls_whom_it_must() {
    loom::model(|| {
        let subject = Arc::new(Subject::<()>::new());
        let calls = Arc::new(AtomicUsize::new(0));
        let count = |calls: &Arc<AtomicUsize>| {
            let calls = Arc::clone(calls);
            move |(): &()| {
                calls.fetch_add(1, Ordering::Relaxed);
            }
        };
        let leaving = subject.register(count(&calls));
        let notifying = thread::spawn({
            let subject = Arc::clone(&subject);
            move || subject.notify(&())
        });
        let coming = subject.register(count(&calls));
        drop(leaving);
        let before = calls.load(Ordering::Relaxed);
        let own = subject.notify(&());
        assert_eq!(
            own,
            Notified {
                called: 1,
                panicked: 0
            }
        );
        let other = notifying.join().unwrap();
        assert!(other.called <= 2);
        assert_eq!(calls.load(Ordering::Relaxed), other.called + own.called);
        assert!(before <= other.called);
        drop(coming);
        assert_eq!(subject.notify(&()), Notified::default());
    });
}

#[test]
fn registering_before_a_notification_is_always_seen_by_it() {
    loom::model(|| {
        let subject = Arc::new(Subject::<()>::new());
        let registering = thread::spawn({
            let subject = Arc::clone(&subject);
            move || subject.register(|()| {})
        });
        let early = subject.notify(&()).called;
        assert!(early <= 1);
        let registration = registering.join().unwrap();
        assert_eq!(subject.notify(&()).called, 1);
        drop(registration);
        assert_eq!(subject.notify(&()).called, 0);
    });
}
