//! How a subscription ends: dropped, stopped from elsewhere, or with its registry.

use core::{ops::ControlFlow, time::Duration};
use std::{sync::mpsc, thread};

use super::double::{World, change, resync};
use crate::observe::{Counters, Options, Policy, RecvError};

const WAIT: Policy = Policy::Wait {
    deadline: Duration::from_secs(3600),
};

#[test]
fn dropping_unsubscribes_and_lets_go_of_what_was_pending() {
    let world = World::new();
    assert!(world.observers.is_empty());
    let (_, kept) = World::subscribe(&world, Policy::DropOldest);
    let (_, dropped) = World::subscribe(&world, WAIT);
    let value = std::sync::Arc::new(());
    world.put("a", value.clone());
    world.write(1, &[("a", None)]);
    assert_eq!(
        std::sync::Arc::strong_count(&value),
        3,
        "two changes hold it"
    );
    drop(dropped);
    assert!(!world.observers.is_empty());
    drop(kept);
    assert!(world.observers.is_empty());
    assert_eq!(std::sync::Arc::strong_count(&value), 1);
}

#[test]
fn the_end_of_the_registry_comes_after_what_is_pending() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, WAIT);
    world.put("a", 1);
    world.observers.close();
    assert_eq!(change(watch.recv().unwrap()).revision(), 1);
    for _ in 0..2 {
        assert!(watch.recv().is_none());
        assert_eq!(watch.try_recv().unwrap_err(), RecvError::Ended);
    }
}

#[test]
fn a_subscription_that_lagged_when_the_registry_ended_is_told_the_last_state() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, Options::new(Policy::DropOldest).capacity(1));
    world.put("a", 1);
    world.put("a", 2);
    world.observers.close();
    let (from, last) = resync(watch.recv().unwrap());
    assert_eq!((from, last.revision, last.entries["a"]), (0, 2, 2));
    assert!(watch.recv().is_none());
}

#[test]
fn the_end_of_the_registry_wakes_who_sleeps() {
    let world = World::<u8>::new();
    let (_, mut blocked) = World::subscribe(&world, WAIT);
    let (_, mut awaiting) = World::subscribe(&world, WAIT);
    thread::scope(|scope| {
        let blocked = scope.spawn(move || blocked.recv().is_none());
        let awaiting =
            scope.spawn(move || super::receiving::block_on(awaiting.recv_async()).is_none());
        world.observers.close();
        assert!(blocked.join().unwrap());
        assert!(awaiting.join().unwrap());
    });
}

#[test]
fn a_stop_handle_ends_a_subscription_from_within_its_handler() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, WAIT);
    for n in 1..=3 {
        world.put("a", n);
    }
    let stop = watch.stop_handle();
    let mut seen = Vec::new();
    let ended = watch.run(|event| -> ControlFlow<()> {
        seen.push(change(event).revision());
        stop.stop();
        world.put("a", 9);
        ControlFlow::Continue(())
    });
    assert_eq!((ended, seen), (ControlFlow::Continue(()), vec![1]));
    let expected = Counters {
        received: 3,
        delivered: 1,
        dropped: 2,
        ..Counters::default()
    };
    assert_eq!(watch.stats(), expected);
    stop.clone().stop();
    assert_eq!(watch.stats(), expected);
    world.observers.close();
    assert_eq!(watch.try_recv().unwrap_err(), RecvError::Ended);
}

#[test]
fn a_stop_handle_wakes_a_receiver_that_sleeps_and_a_writer_that_waits() {
    let world = World::new();
    let (_, mut idle) = World::subscribe(&world, WAIT);
    let (_, full) = World::subscribe(&world, Options::new(WAIT).capacity(1));
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let stop = idle.stop_handle();
        let receiver = scope.spawn(move || {
            while let Some(event) = idle.recv() {
                tell.send(change(event).revision()).unwrap();
            }
        });
        world.put("a", 1);
        assert_eq!(told.recv(), Ok(1));
        let writer = scope.spawn(|| world.put("a", 2));
        while full.stats().waited == 0 {
            thread::yield_now();
        }
        full.stop_handle().stop();
        assert_eq!(writer.join().unwrap(), 2);
        assert_eq!(told.recv(), Ok(2));
        stop.stop();
        receiver.join().unwrap();
    });
}

#[test]
fn a_stopped_subscription_stays_ended_when_the_registry_ends() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, Options::new(Policy::DropOldest).capacity(1));
    world.put("a", 1);
    world.put("a", 2);
    watch.stop_handle().stop();
    world.observers.close();
    assert_eq!(watch.try_recv().unwrap_err(), RecvError::Ended);
    assert_eq!(watch.stats().resynchronised, 0);
}
