//! Models of the engine: every interleaving of its locks, within the bound on preemptions.
//!
//! `RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=2 cargo test -p byname-registry --lib --release
//! loom_build`. Loom's condition variable has no timeout, so a lost wake is a deadlock here, which
//! loom reports, and no deadline hides it.

use loom::{
    cell::UnsafeCell,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use std::{
    error::Error,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};

use super::{Build, BuildError, BuildStatus, Cause, Clock, Kind, Retry, Rules, Wait};

/// A clock that stands still: time plays no part in these models.
struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

fn rules() -> Arc<Rules> {
    Arc::new(Rules {
        clock: Arc::new(Still),
        ..Rules::default()
    })
}

#[derive(Debug)]
struct Boom;

impl fmt::Display for Boom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("boom")
    }
}

impl Error for Boom {}

fn sync(
    name: &str,
    retry: Retry,
    factory: impl Fn() -> Result<(), Cause> + Send + Sync + 'static,
) -> Arc<Build> {
    let factory = Arc::new(factory);
    Build::new(Arc::from(name), Kind::Sync, retry, &rules(), move |_| {
        let factory = Arc::clone(&factory);
        Box::pin(async move { factory() })
    })
}

/// Holds a future back until it is opened; the first to be opened while held has its waker woken.
#[derive(Default)]
struct Gate(Mutex<(bool, Option<Waker>)>);

impl Gate {
    fn open(&self) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn passed(self: &Arc<Self>) -> impl Future<Output = ()> + Send + use<> {
        let gate = Arc::clone(self);
        poll_fn(move |cx| {
            let mut state = gate.0.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}

/// Counts how many of it are alive, and how many there ever were.
struct Alive(Arc<Counts>);

#[derive(Default)]
struct Counts {
    alive: AtomicUsize,
    ever: AtomicUsize,
}

impl Alive {
    fn new(counts: &Arc<Counts>) -> Self {
        assert_eq!(
            counts.alive.fetch_add(1, Ordering::SeqCst),
            0,
            "two attempts at once"
        );
        counts.ever.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counts))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

fn gated(gate: &Arc<Gate>, counts: &Arc<Counts>) -> Arc<Build> {
    let (gate, counts) = (Arc::clone(gate), Arc::clone(counts));
    Build::new(
        Arc::from("a"),
        Kind::Async,
        Retry::NextAsk,
        &rules(),
        move |_| {
            let (passed, alive) = (gate.passed(), Alive::new(&counts));
            Box::pin(async move {
                passed.await;
                drop(alive);
                Ok(())
            })
        },
    )
}

fn poll_once(wait: &mut Wait) -> Poll<Result<(), BuildError>> {
    Pin::new(wait).poll(&mut TaskContext::from_waker(Waker::noop()))
}

/// The value of a build: written by it without any synchronisation of its own.
struct Value(UnsafeCell<u32>);

// SAFETY: the model is there to show that a write by the build happens before each read by a waiter;
// loom's cell reports it if it does not.
unsafe impl Send for Value {}
// SAFETY: as above.
unsafe impl Sync for Value {}

#[test]
fn two_threads_get_one_build_and_see_what_it_wrote() {
    loom::model(|| {
        let value = Arc::new(Value(UnsafeCell::new(0)));
        let build = {
            let value = Arc::clone(&value);
            sync("a", Retry::NextAsk, move || {
                // SAFETY: see `Value`.
                value.0.with_mut(|value| unsafe { *value += 1 });
                Ok(())
            })
        };
        let ask = |build: Arc<Build>, value: Arc<Value>| {
            move || {
                build.wait().unwrap();
                // SAFETY: see `Value`.
                assert_eq!(value.0.with(|value| unsafe { *value }), 1);
            }
        };
        let other = thread::spawn(ask(Arc::clone(&build), Arc::clone(&value)));
        ask(build, value)();
        other.join().unwrap();
    });
}

#[test]
fn a_failure_reaches_whoever_waited_and_the_next_ask_builds_again() {
    loom::model(|| {
        let runs = Arc::new(AtomicUsize::new(0));
        let build = {
            let runs = Arc::clone(&runs);
            sync("a", Retry::NextAsk, move || {
                match runs.fetch_add(1, Ordering::SeqCst) {
                    0 => Err(Arc::new(Boom)),
                    _ => Ok(()),
                }
            })
        };
        let other = {
            let build = Arc::clone(&build);
            thread::spawn(move || build.wait().is_ok())
        };
        let succeeded = usize::from(build.wait().is_ok()) + usize::from(other.join().unwrap());
        // Either both waited for the run that failed, or one came later and had it run again.
        assert_eq!(succeeded + 1, runs.load(Ordering::SeqCst));
    });
}

#[test]
fn a_panic_reaches_both() {
    loom::model(|| {
        let runs = Arc::new(AtomicUsize::new(0));
        let build = {
            let runs = Arc::clone(&runs);
            sync("a", Retry::Never, move || {
                runs.fetch_add(1, Ordering::SeqCst);
                // Unwinds without the hook, which would print once an interleaving.
                std::panic::resume_unwind(Box::new("half-way"))
            })
        };
        let panicked = |result: Result<(), BuildError>| match result {
            Err(BuildError::Panicked { message, .. }) => assert_eq!(&*message, "half-way"),
            other => panic!("{other:?}"),
        };
        let other = {
            let build = Arc::clone(&build);
            thread::spawn(move || build.wait())
        };
        panicked(build.wait());
        panicked(other.join().unwrap());
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    });
}

/// One waiter leaves after its first poll, wherever the other waiter and the wake are then.
#[test]
fn a_waiter_that_leaves_takes_no_wake_with_it() {
    loom::model(|| {
        let (gate, counts) = (Arc::new(Gate::default()), Arc::new(Counts::default()));
        let build = gated(&gate, &counts);
        let leaver = {
            let build = Arc::clone(&build);
            thread::spawn(move || {
                let mut wait = build.wait_async();
                let _polled = poll_once(&mut wait);
            })
        };
        let opener = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || gate.open())
        };
        build.wait_blocking(|| false).unwrap();
        leaver.join().unwrap();
        opener.join().unwrap();
        assert!(matches!(build.status(), BuildStatus::Built));
        assert_eq!(counts.alive.load(Ordering::SeqCst), 0);
    });
}

/// The waiter that began the build, and whose waker the wake finds first, leaves at any moment.
#[test]
fn the_first_waiter_leaves_the_build_to_the_second() {
    loom::model(|| {
        let (gate, counts) = (Arc::new(Gate::default()), Arc::new(Counts::default()));
        let build = gated(&gate, &counts);
        let mut first = build.wait_async();
        assert!(poll_once(&mut first).is_pending());
        let opener = thread::spawn(move || gate.open());
        let second = {
            let build = Arc::clone(&build);
            thread::spawn(move || build.wait_blocking(|| false))
        };
        drop(first);
        second.join().unwrap().unwrap();
        opener.join().unwrap();
        assert!(matches!(build.status(), BuildStatus::Built));
        assert_eq!(counts.alive.load(Ordering::SeqCst), 0);
    });
}

/// Both leave after one poll each; the last takes the future with it, exactly once.
#[test]
fn the_last_of_two_waiters_drops_the_future() {
    loom::model(|| {
        let (gate, counts) = (Arc::new(Gate::default()), Arc::new(Counts::default()));
        let build = gated(&gate, &counts);
        let leave = |build: Arc<Build>| {
            move || {
                let mut wait = build.wait_async();
                assert!(poll_once(&mut wait).is_pending());
            }
        };
        let other = thread::spawn(leave(Arc::clone(&build)));
        leave(Arc::clone(&build))();
        other.join().unwrap();
        assert!(matches!(build.status(), BuildStatus::Unbuilt));
        assert_eq!(counts.alive.load(Ordering::SeqCst), 0);
        assert!((1..=2).contains(&counts.ever.load(Ordering::SeqCst)));
    });
}

/// As many threads as entries ask for one entry each; each entry needs the next, the last the first.
fn circle_of(entries: usize) {
    loom::model(move || {
        let refused = Arc::new(AtomicUsize::new(0));
        let all: Arc<Mutex<Vec<Arc<Build>>>> = Arc::default();
        for at in 0..entries {
            let (all_of_it, refused) = (Arc::clone(&all), Arc::clone(&refused));
            let build = sync("entry", Retry::Never, move || {
                let next = Arc::clone(&all_of_it.lock().unwrap()[(at + 1) % entries]);
                next.wait().map_err(|error| {
                    if matches!(error, BuildError::Cycle { .. }) {
                        refused.fetch_add(1, Ordering::SeqCst);
                    }
                    Arc::new(error) as Cause
                })
            });
            all.lock().unwrap().push(build);
        }
        let mut builds = all.lock().unwrap().clone();
        let first = builds.remove(0);
        let ask = |build: Arc<Build>| thread::spawn(move || build.wait().unwrap_err());
        let threads: Vec<_> = builds.into_iter().map(ask).collect();
        first.wait().unwrap_err();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(refused.load(Ordering::SeqCst), 1);
        // The factories keep the builds alive, which keep the factories.
        all.lock().unwrap().clear();
    });
}

#[test]
fn crosswise_exactly_one_ask_is_refused_and_nobody_hangs() {
    circle_of(2);
}

#[test]
fn in_a_circle_of_three_exactly_one_ask_is_refused_and_nobody_hangs() {
    circle_of(3);
}
