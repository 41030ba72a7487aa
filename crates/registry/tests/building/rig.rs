//! What the tests of building share.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use byname_registry::{
    BuildError, BuildStatus, Clock, Entry, Owned, Registry, Resolve, ResolveError, Timer,
};
use byname_testkit::{Clock as _, ManualClock, PATIENCE};

/// An error that a test recognises.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Boom(pub(crate) usize);

impl fmt::Display for Boom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "boom {}", self.0)
    }
}

impl Error for Boom {}

/// Counts calls; a clone counts the same ones.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<AtomicUsize>);

impl Calls {
    /// Counts a call and returns how many there were before it.
    pub(crate) fn call(&self) -> usize {
        self.0.fetch_add(1, Ordering::AcqRel)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// A door that a factory's future waits at until a test opens it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Gate {
    pub(crate) fn open(&self) {
        let wakers = {
            let mut state = self.0.lock().unwrap();
            state.0 = true;
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) async fn pass(&self) {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// The registry's clock and timer, turned by hand.
#[derive(Clone)]
pub(crate) struct Turned {
    pub(crate) clock: ManualClock,
    began: Instant,
}

impl Turned {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new();
        let began = clock.now();
        Self { clock, began }
    }
}

impl Clock for Turned {
    fn now(&self) -> Duration {
        self.clock.now() - self.began
    }
}

impl Timer for Turned {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.clock.sleep(duration))
    }
}

/// Yields until `reached`, which another thread brings about.
#[track_caller]
pub(crate) fn until(reached: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !reached() {
        assert!(Instant::now() < deadline, "it does not come about");
        thread::yield_now();
    }
}

/// Returns how many wait for the build of `entry`.
pub(crate) fn waiters<V: Send + Sync + 'static>(entry: &Entry<V>) -> usize {
    match entry.build_status().unwrap() {
        BuildStatus::Building { waiters } => waiters,
        _ => 0,
    }
}

/// A registry whose builds may take as long as this machine likes.
pub(crate) fn patient<V: Send + Sync + 'static>() -> Registry<V> {
    Registry::builder()
        .hold_back(0)
        .build_deadline(10 * PATIENCE)
        .build()
}

/// Polls once, as a task does whose wakes do not matter.
pub(crate) fn poll<V: Send + Sync + 'static>(
    resolve: &mut Resolve<V>,
) -> Poll<Result<Owned<V>, ResolveError>> {
    let mut cx = TaskContext::from_waker(Waker::noop());
    pin!(resolve).poll(&mut cx)
}

/// Returns what a poll made ready.
#[track_caller]
pub(crate) fn ready<T>(polled: Poll<T>) -> T {
    match polled {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it is not ready"),
    }
}

/// Returns the address of a value: the same one for the same instance.
pub(crate) fn address<V>(value: &V) -> usize {
    std::ptr::from_ref(value).addr()
}

/// Returns the error at the bottom of `error`, through the builds that passed it on.
pub(crate) fn root(error: &ResolveError) -> &BuildError {
    let mut error = error.build_error().unwrap();
    while let Some(source) = error.source() {
        let inner = source.downcast_ref::<ResolveError>();
        match inner.and_then(ResolveError::build_error) {
            Some(inner) => error = inner,
            None => return error,
        }
    }
    error
}

/// Returns the path of the circle that `error` tells of.
#[track_caller]
pub(crate) fn circle(error: &ResolveError) -> String {
    match root(error) {
        BuildError::Cycle { path } => path.to_string(),
        other => panic!("{other:?}"),
    }
}
