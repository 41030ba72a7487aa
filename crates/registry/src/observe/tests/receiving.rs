//! Every change, in order, with the revisions it covers; by every way to receive it.

use core::{
    ops::ControlFlow,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    task::Wake,
    thread,
};

use futures_core::Stream;

use super::double::{World, change, shown};
use crate::observe::{Counters, Event, Options, Policy, RecvError, StopHandle, Subscription};

const WAIT: Policy = Policy::Wait {
    deadline: Duration::from_secs(3600),
};

/// A waker that counts.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Drives `future` on this thread.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_subscription_begins_with_the_snapshot_taken_with_it_and_misses_nothing_after() {
    let world = World::new();
    world.put("a", 1);
    let (snapshot, mut watch) = World::subscribe(&world, WAIT);
    assert_eq!((snapshot.revision, snapshot.entries["a"]), (1, 1));
    assert_eq!(watch.revision(), 1);

    world.put("a", 2);
    world.write(3, &[("b", Some(1)), ("a", None), ("absent", None)]);
    world.write(1, &[]);

    let mut next = || shown(&change(watch.recv().unwrap()));
    assert_eq!(next(), (2, 2, vec![("a".into(), Some(1), Some(2))]));
    let both = vec![("b".into(), None, Some(1)), ("a".into(), Some(2), None)];
    assert_eq!(next(), (3, 5, both));
    assert_eq!(next(), (6, 6, vec![]));
    assert_eq!(watch.try_recv().unwrap_err(), RecvError::Empty);
    assert_eq!(watch.revision(), 6);
    let expected = Counters {
        received: 3,
        delivered: 3,
        ..Counters::default()
    };
    assert_eq!(watch.stats(), expected);
}

#[test]
fn every_subscription_has_its_own_queue_and_shares_the_change() {
    let world = World::new();
    let (_, mut first) = World::subscribe(&world, WAIT);
    let (_, mut second) = World::subscribe(&world, Policy::Coalesce);
    world.put("a", 1);
    let (first, second) = (first.recv().unwrap(), second.recv().unwrap());
    assert!(Arc::ptr_eq(&change(first), &change(second)));
}

#[test]
fn a_receiver_that_sleeps_is_woken() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, WAIT);
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let mut revisions = Vec::new();
            for _ in 0..100 {
                barrier.wait();
                revisions.push(change(watch.recv().unwrap()).revision());
            }
            revisions
        });
        for n in 0..100 {
            barrier.wait();
            world.put("a", n);
        }
        assert_eq!(receiver.join().unwrap(), (1..=100).collect::<Vec<_>>());
    });
}

#[test]
fn a_task_is_woken_once_and_by_its_latest_waker() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, WAIT);
    let (earlier, later) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
    let (one, two) = (Waker::from(earlier.clone()), Waker::from(later.clone()));
    for waker in [&one, &one, &two] {
        let polled = watch.poll_recv(&mut Context::from_waker(waker));
        assert!(polled.is_pending());
    }
    assert_eq!(
        Arc::strong_count(&earlier),
        2,
        "the waker before was let go"
    );

    world.put("a", 1);
    world.put("a", 2);
    assert_eq!((earlier.count(), later.count()), (0, 1));

    let Poll::Ready(Some(event)) = pin!(watch).poll_next(&mut Context::from_waker(&two)) else {
        panic!("an event waits");
    };
    assert_eq!(change(event).revision(), 1);
}

#[test]
fn a_dropped_receive_loses_no_event() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, WAIT);
    {
        let mut abandoned = pin!(watch.recv_async());
        let mut context = Context::from_waker(Waker::noop());
        assert!(abandoned.as_mut().poll(&mut context).is_pending());
        world.put("a", 1);
    }
    assert_eq!(change(block_on(watch.recv_async()).unwrap()).revision(), 1);
}

#[test]
fn a_receive_with_a_time_says_that_nothing_came() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, WAIT);
    for time in [Duration::ZERO, Duration::from_nanos(1)] {
        assert_eq!(watch.recv_timeout(time).unwrap_err(), RecvError::Empty);
    }
    world.put("a", 1);
    let event = watch.recv_timeout(Duration::MAX).unwrap();
    assert_eq!(change(event).revision(), 1);
}

#[test]
fn run_hands_over_until_the_handler_breaks_and_survives_its_panic() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, WAIT);
    for n in 1..=4 {
        world.put("a", n);
    }
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        watch.run(|_| -> ControlFlow<()> { panic!("the handler's own fault") })
    }));
    assert!(panicked.is_err());
    let broke = watch.run(|event| ControlFlow::Break(change(event).revision()));
    assert_eq!(broke, ControlFlow::Break(2));
    let mut seen = Vec::new();
    let broke = block_on(watch.run_async(|event| {
        seen.push(change(event).revision());
        let enough = seen.len() == 2;
        async move {
            if enough {
                ControlFlow::Break("enough")
            } else {
                ControlFlow::Continue(())
            }
        }
    }));
    assert_eq!((broke, seen), (ControlFlow::Break("enough"), vec![3, 4]));

    world.put("a", 5);
    world.observers.close();
    let mut last = 0;
    let ended = watch.run(|event| -> ControlFlow<()> {
        last = change(event).revision();
        ControlFlow::Continue(())
    });
    assert_eq!((ended, last), (ControlFlow::Continue(()), 5));
}

#[test]
fn what_is_handed_out_can_be_sent_between_threads() {
    fn sendable<T: Send + Sync>() {}
    fn future<F: Future + Send>(_: &F) {}
    sendable::<Subscription<u8, u8>>();
    sendable::<StopHandle<u8>>();
    sendable::<Event<u8, u8>>();
    let world = World::<u8>::new();
    let (_, mut watch) = World::subscribe(&world, WAIT);
    future(&watch.recv_async());
    future(&watch.run_async(async |_| ControlFlow::Break(())));
}

#[test]
fn options_have_the_stated_defaults_and_messages_say_what_to_do() {
    assert_eq!(
        Options::from(Policy::Coalesce),
        Options::new(Policy::Coalesce).capacity(1024)
    );
    assert_eq!(
        Options::new(WAIT).capacity(0),
        Options::new(WAIT).capacity(1)
    );
    let waits = |deadline| Options::new(Policy::Wait { deadline });
    let day = Duration::from_secs(86_400);
    assert_eq!(waits(Duration::MAX), waits(day));
    assert_ne!(waits(Duration::from_secs(86_399)), waits(day));
    assert_eq!(
        RecvError::Empty.to_string(),
        "no change has happened yet; receive again later"
    );
    assert_eq!(
        RecvError::Ended.to_string(),
        "the subscription has ended: its registry is gone or it was stopped; no event will follow"
    );
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, Policy::DropOldest);
    world.write(1, &[("a", Some(1)), ("b", Some(2))]);
    world.write(2, &[("a", Some(2)), ("b", None)]);
    assert_eq!(
        format!("{:?}", watch.recv().unwrap()),
        "Change(Change { covers: 1..=1, entries: [a added, b added] })"
    );
    assert_eq!(
        format!("{:?}", watch.recv().unwrap()),
        "Change(Change { covers: 2..=3, entries: [a replaced, b removed] })"
    );
}
