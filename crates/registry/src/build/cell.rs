//! The build of one entry: asked for by many, run by whoever waits.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{self, Poll, Waker},
    time::Duration,
};

use super::{
    context::{Context, Frame, current, within},
    error::{BuildError, BuildName, BuildPath, Cause},
    graph::Attempt,
    panics::{catch, contain},
    state::{BuildStatus, GivenUp, Job, JobWork, Seat, State, Step},
    time::{Retry, Rules},
};
use crate::sync::{Mutex, lock};

/// Builds, writes the value where it belongs, and says how it went.
pub(crate) type BuildFuture = Pin<Box<dyn Future<Output = Result<(), Cause>> + Send>>;

/// Makes the future of one attempt.
pub(super) type Start = dyn Fn(Context) -> BuildFuture + Send + Sync;

/// Tells factories that are ready at their first poll from those that may have to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Every future is ready at its first poll.
    Sync,
    /// A future may be pending; it is polled by whoever waits, so it brings the runtime it needs.
    Async,
}

/// One entry that is made on demand, once.
pub(crate) struct Build {
    name: BuildName,
    kind: Kind,
    retry: Retry,
    rules: Arc<Rules>,
    state: Mutex<State>,
}

impl Build {
    /// Makes an unbuilt build; nothing runs before somebody asks.
    ///
    /// `start` and all it captured are dropped once a build has succeeded.
    pub(crate) fn new(
        name: Arc<str>,
        kind: Kind,
        retry: Retry,
        rules: &Arc<Rules>,
        start: impl Fn(Context) -> BuildFuture + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: BuildName::new(Arc::clone(&rules.label), name),
            kind,
            retry,
            rules: Arc::clone(rules),
            state: Mutex::new(State::new(Arc::new(start))),
        })
    }

    pub(crate) fn name(&self) -> &BuildName {
        &self.name
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Says how far the build is, at some moment during this call.
    pub(crate) fn status(&self) -> BuildStatus {
        lock(&self.state).status()
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the attempt under way.
    pub(super) fn attempt(&self) -> Option<Arc<Attempt>> {
        lock(&self.state).attempt()
    }

    /// Returns the path to this entry from what is being built on this call stack.
    pub(super) fn path_from(&self, frame: Option<&Frame>) -> BuildPath {
        match frame {
            Some(frame) => frame.attempt.path_to(&self.name),
            None => BuildPath::new(Vec::new(), self.name.clone()),
        }
    }

    /// Returns the result, if there is one for the waiter in `seat` or for somebody who asks now.
    pub(super) fn result(
        &self,
        seat: Option<Seat>,
        now: Duration,
    ) -> Option<Result<(), BuildError>> {
        lock(&self.state).result(seat, now)
    }

    /// Takes or keeps a seat, drives the future if it is this waiter's turn, and returns the result if
    /// there is one then.
    pub(super) fn advance(
        self: &Arc<Self>,
        seat: &mut Option<Seat>,
        waker: Waker,
        now: Duration,
        frame: Option<&Frame>,
        in_task: bool,
    ) -> Poll<Result<(), BuildError>> {
        let depth = frame.map_or(0, |frame| frame.depth);
        let attempt = || Attempt::new(self, frame.map(|frame| &*frame.attempt));
        let may_nest = depth < self.rules.depth;
        let (step, leftover) = lock(&self.state).step(seat, now, waker, attempt, may_nest);
        contain(|| drop(leftover));
        match step {
            Step::Done(result) => Poll::Ready(result),
            Step::Pending => Poll::Pending,
            Step::TooDeep => Poll::Ready(Err(BuildError::TooDeep {
                path: self.path_from(frame),
                limit: self.rules.depth,
            })),
            Step::Drive(job) => {
                let frame = Frame::around(Arc::clone(&job.attempt), frame, in_task);
                self.drive(job, now, frame);
                // The failure of this very attempt is in the seat; `now` plays no part in it.
                self.result(*seat, now).map_or(Poll::Pending, Poll::Ready)
            }
        }
    }

    /// Polls the future of `job` once.
    ///
    /// Between the taking of the job and the return the future is nowhere but here, so nothing on the
    /// way may unwind: every piece of a caller's code is caught.
    fn drive(self: &Arc<Self>, job: Job, now: Duration, frame: Frame) {
        let Job { attempt, work } = job;
        let polled = within(frame, || poll_once(&attempt, work));
        let wakers = match polled {
            Polled::Pending(future) => lock(&self.state).put_back(future),
            Polled::Ended(result) => {
                let result = result.map_err(|failure| {
                    let error = failure.into_error(attempt.path());
                    (error, self.retry_at(now))
                });
                let (wakers, leftover) = lock(&self.state).settle(result);
                contain(|| drop(leftover));
                wakers
            }
        };
        wake_all(wakers);
    }

    /// Returns when a build that fails now may be tried again; never, if there is no such time.
    fn retry_at(&self, before: Duration) -> Option<Duration> {
        match self.retry {
            Retry::NextAsk => Some(Duration::ZERO),
            Retry::Never => None,
            // A clock that panics must not leave the build without its future.
            Retry::After(pause) => catch(|| self.rules.clock.now())
                .unwrap_or(before)
                .checked_add(pause),
        }
    }

    /// Wakes everybody who could poll the future of `attempt`.
    pub(super) fn wake(&self, attempt: &Arc<Attempt>) {
        let wakers = lock(&self.state).wake(attempt);
        wake_all(wakers);
    }

    /// Frees `seat`; if it was the last, drops the future.
    ///
    /// The future is dropped within its own build: a destructor that asks for it is told of the circle
    /// instead of waiting for its own end.
    pub(super) fn leave(&self, seat: Seat, in_task: bool) {
        let (given_up, leftover) = lock(&self.state).leave(seat);
        contain(|| drop(leftover));
        if let Some(GivenUp { attempt, future }) = given_up {
            let frame = Frame::around(attempt, current().as_ref(), in_task);
            within(frame, || contain(|| drop(future)));
            let (wakers, leftover) = lock(&self.state).given_up();
            contain(|| drop(leftover));
            wake_all(wakers);
        }
    }
}

impl fmt::Debug for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Build")
            .field("name", &format_args!("{}", self.name))
            .field("kind", &self.kind)
            .field("retry", &self.retry)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// How one poll of an attempt went.
enum Polled {
    Pending(BuildFuture),
    Ended(Result<(), Failure>),
}

enum Failure {
    Returned(Cause),
    Panicked(Arc<str>),
}

impl Failure {
    fn into_error(self, path: BuildPath) -> BuildError {
        match self {
            Self::Returned(cause) => BuildError::Failed { path, cause },
            Self::Panicked(message) => BuildError::Panicked { path, message },
        }
    }
}

/// Makes the future if need be and polls it; drops it if that was the last time.
fn poll_once(attempt: &Arc<Attempt>, work: JobWork) -> Polled {
    let mut future = match work {
        JobWork::Poll(future) => future,
        JobWork::Make(start) => {
            let made = catch(|| start(Context::new(Arc::clone(attempt))));
            contain(|| drop(start));
            match made {
                Ok(future) => future,
                Err(message) => return Polled::Ended(Err(Failure::Panicked(message))),
            }
        }
    };
    let waker = Waker::from(Arc::clone(attempt));
    let mut cx = task::Context::from_waker(&waker);
    let result = match catch(|| future.as_mut().poll(&mut cx)) {
        Ok(Poll::Pending) => return Polled::Pending(future),
        Ok(Poll::Ready(result)) => result.map_err(Failure::Returned),
        Err(message) => Err(Failure::Panicked(message)),
    };
    // Still within the build: what a destructor asks for is asked by this build.
    contain(|| drop(future));
    Polled::Ended(result)
}

/// Wakes each, whatever the others do.
fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        contain(|| waker.wake());
    }
}
