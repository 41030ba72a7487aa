//! No handler, waker or destructor of a caller's runs while a lock is held.

use core::task::{Context, Waker};
use std::sync::{
    Arc, Mutex, Weak,
    atomic::{AtomicUsize, Ordering},
};

use super::double::{Frozen, Watch, World, resync};
use crate::observe::{Change, Changed, Options, Policy, StopHandle};

/// Uses every lock there is, which a thread that holds one of them could not.
struct Probe {
    world: Arc<World<Arc<Value>>>,
    stops: Mutex<Vec<StopHandle<Arc<Value>>>>,
    ran: AtomicUsize,
}

impl Probe {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            world: World::new(),
            stops: Mutex::new(Vec::new()),
            ran: AtomicUsize::new(0),
        })
    }

    fn run(&self) {
        assert!(
            self.world.writers.try_lock().is_ok(),
            "the writers' mutex is held"
        );
        drop(World::subscribe(&self.world, Policy::DropOldest));
        for stop in self.stops.lock().unwrap().iter() {
            assert!(stop.is_unlocked(), "a queue is locked");
        }
        self.ran.fetch_add(1, Ordering::Relaxed);
    }

    fn ran(&self) -> usize {
        self.ran.swap(0, Ordering::Relaxed)
    }

    fn subscribe(&self, options: Options) -> Watch<Arc<Value>> {
        let (_, watch) = World::subscribe(&self.world, options);
        self.stops.lock().unwrap().push(watch.stop_handle());
        watch
    }

    fn value(self: &Arc<Self>) -> Arc<Value> {
        Arc::new(Value(Arc::downgrade(self)))
    }

    /// Commits a value and removes it again, so that only queues and snapshots hold it.
    fn pass(self: &Arc<Self>, name: &str) {
        self.world.write(1, &[(name, Some(self.value()))]);
        self.world.write(1, &[(name, None)]);
    }
}

/// A value whose destructor uses the registry.
struct Value(Weak<Probe>);

impl Drop for Value {
    fn drop(&mut self) {
        if let Some(probe) = self.0.upgrade() {
            probe.run();
        }
    }
}

fn options(policy: Policy, capacity: usize) -> Options {
    Options::new(policy).capacity(capacity)
}

#[test]
fn values_that_a_full_queue_gives_up_are_dropped_outside() {
    let probe = Probe::new();
    let _watch = probe.subscribe(options(Policy::DropOldest, 2));
    probe.pass("a");
    assert_eq!(probe.ran(), 0, "the queue holds it");
    probe.world.write(1, &[]);
    assert_eq!(probe.ran(), 1);
}

#[test]
fn values_that_are_superseded_while_pending_are_dropped_outside() {
    let probe = Probe::new();
    let _watch = probe.subscribe(options(Policy::Coalesce, 8));
    probe.pass("a");
    assert_eq!(probe.ran(), 1, "folding let go of the value in between");
    probe.pass("a");
    assert_eq!(probe.ran(), 1);
}

/// The change that supersedes a value need not hold it, and then the queue is its last owner.
#[test]
fn values_that_only_a_fold_holds_are_dropped_outside() {
    let probe = Probe::new();
    let _watch = probe.subscribe(options(Policy::Coalesce, 8));
    for (revision, dropped) in [(1, 0), (2, 1), (3, 1), (4, 1)] {
        let new = Changed::new("a".into(), None, Some(probe.value()));
        let change = Arc::new(Change::new(revision..=revision, [new]));
        let world = &probe.world;
        let (guard, admission) = world.observers.enter(|| world.writers.lock().unwrap());
        let wakes = world.observers.push(admission, &change);
        drop((change, guard));
        wakes.run();
        assert_eq!(probe.ran(), dropped, "at revision {revision}");
    }
}

#[test]
fn values_are_dropped_outside_when_a_deadline_has_passed_and_when_it_is_resynchronised() {
    let probe = Probe::new();
    let deadline = core::time::Duration::ZERO;
    let mut watch = probe.subscribe(options(Policy::Wait { deadline }, 2));
    probe.pass("a");
    let (guard, admission) = probe
        .world
        .observers
        .enter(|| probe.world.writers.lock().unwrap());
    drop((guard, admission));
    assert_eq!(probe.ran(), 0, "given up, but nothing was pushed");
    let (from, Frozen { revision, .. }) = resync(watch.recv().unwrap());
    assert_eq!((from, revision, probe.ran()), (0, 2, 1));
}

#[test]
fn values_are_dropped_outside_when_a_subscription_ends() {
    let probe = Probe::new();
    let stopped = probe.subscribe(options(Policy::DropOldest, 9));
    probe.pass("a");
    stopped.stop_handle().stop();
    assert_eq!(probe.ran(), 1);
    let dropped = probe.subscribe(options(Policy::DropOldest, 9));
    probe.pass("a");
    drop(dropped);
    assert_eq!(probe.ran(), 1);
}

/// A waker whose clone, wake and drop all use the registry.
fn probing(probe: Arc<Probe>) -> Waker {
    use std::task::Wake;
    struct Waking(Arc<Probe>);
    impl Wake for Waking {
        fn wake(self: Arc<Self>) {
            self.0.run();
        }
    }
    impl Drop for Waking {
        fn drop(&mut self) {
            self.0.run();
        }
    }
    Waker::from(Arc::new(Waking(probe)))
}

#[test]
fn wakers_are_woken_and_dropped_outside() {
    let probe = Probe::new();
    let mut watch = probe.subscribe(options(Policy::DropOldest, 9));
    let mut poll = |waker: &Waker| {
        watch
            .poll_recv(&mut Context::from_waker(waker))
            .is_pending()
    };
    assert!(poll(&probing(probe.clone())));
    assert_eq!(probe.ran(), 0, "the queue holds the waker");
    assert!(poll(&probing(probe.clone())));
    assert_eq!(probe.ran(), 1, "the first was replaced and dropped");
    probe.world.write(1, &[]);
    assert_eq!(probe.ran(), 2, "the second was woken and dropped");
    assert!(!poll(Waker::noop()));
    assert!(poll(&probing(probe.clone())));
    drop(watch);
    assert_eq!(probe.ran(), 2, "the third was woken by the end and dropped");
}

#[test]
fn a_waker_that_panics_costs_nobody_else_a_wake_up() {
    use std::task::Wake;
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("the executor's own fault");
        }
    }
    let probe = Probe::new();
    let mut first = probe.subscribe(options(Policy::DropOldest, 9));
    let mut second = probe.subscribe(options(Policy::DropOldest, 9));
    let panics = Waker::from(Arc::new(Panics));
    assert!(
        first
            .poll_recv(&mut Context::from_waker(&panics))
            .is_pending()
    );
    let woken = probing(probe.clone());
    assert!(
        second
            .poll_recv(&mut Context::from_waker(&woken))
            .is_pending()
    );
    assert_eq!(probe.world.write(1, &[]), 1);
    assert_eq!(probe.ran(), 1);
    assert!(first.try_recv().is_ok());
    assert!(second.try_recv().is_ok());
}
