//! Waiting for a build in a task.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{
    cell::Build,
    context::{Frame, current},
    error::BuildError,
    graph::Edge,
    state::Seat,
    time::Timer,
};

impl Build {
    /// Returns a future that waits for the build, and drives it whenever it is polled.
    ///
    /// Nothing happens before its first poll. Dropping it restarts nothing for others.
    pub(crate) fn wait_async(self: &Arc<Self>) -> Wait {
        Wait::new(self, true)
    }
}

/// One waiter of a build.
///
/// Ready with the build's result, or with the reason why this waiter gave up. Polled again after
/// that, it asks anew.
#[must_use = "a wait does nothing unless it is polled"]
pub(crate) struct Wait {
    build: Arc<Build>,
    seat: Option<Seat>,
    /// The wait of the build that polled last, if it was one.
    edge: Option<Edge>,
    began: Option<Duration>,
    in_task: bool,
    timer: Option<Arc<dyn Timer>>,
    sleep: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Wait {
    pub(super) fn new(build: &Arc<Build>, in_task: bool) -> Self {
        Self {
            build: Arc::clone(build),
            seat: None,
            edge: None,
            began: None,
            in_task,
            // A timer may need the runtime that polls it; a thread parks for as long instead.
            timer: if in_task {
                build.rules().timer.clone()
            } else {
                None
            },
            sleep: None,
        }
    }

    /// Goes one step: what [`poll`](Future::poll) does, for a task and for a thread.
    pub(super) fn step(&mut self, waker: &Waker) -> Poll<Result<(), BuildError>> {
        let polled = self.advance(waker);
        if polled.is_ready() {
            self.leave();
        }
        polled
    }

    /// Returns how long this wait may still take, by the registry's clock.
    pub(super) fn remaining(&self) -> Duration {
        let rules = self.build.rules();
        let waited = self
            .began
            .map(|began| rules.clock.now().saturating_sub(began));
        rules.deadline.saturating_sub(waited.unwrap_or_default())
    }

    fn advance(&mut self, waker: &Waker) -> Poll<Result<(), BuildError>> {
        let now = self.build.rules().clock.now();
        self.began.get_or_insert(now);
        if let Some(result) = self.build.result(self.seat, now) {
            return Poll::Ready(result);
        }
        let frame = current();
        // The edge stands before the build is driven or waited for; see `graph`.
        if let Err(error) = self.note_asker(frame.as_ref()) {
            return Poll::Ready(Err(error));
        }
        let build = Arc::clone(&self.build);
        let polled = build.advance(
            &mut self.seat,
            waker.clone(),
            now,
            frame.as_ref(),
            self.in_task,
        );
        if polled.is_pending() && self.is_overdue(waker) {
            let after = build.rules().deadline;
            let path = build.path_from(frame.as_ref());
            return Poll::Ready(Err(BuildError::Deadline { path, after }));
        }
        polled
    }

    /// Makes the edge of this wait lead from the build that polls it now, if there is one.
    fn note_asker(&mut self, frame: Option<&Frame>) -> Result<(), BuildError> {
        let asker = frame.map(|frame| &frame.attempt);
        let unchanged = match (&self.edge, asker) {
            (Some(edge), Some(asker)) => edge.is_from(asker),
            (None, None) => true,
            _ => false,
        };
        if !unchanged {
            self.edge = None;
            if let Some(asker) = asker {
                let added = Edge::add(asker, &self.build);
                self.edge = Some(added.map_err(|path| BuildError::Cycle { path })?);
            }
        }
        Ok(())
    }

    fn is_overdue(&mut self, waker: &Waker) -> bool {
        let remaining = self.remaining();
        if remaining.is_zero() {
            return true;
        }
        let Some(timer) = &self.timer else {
            return false;
        };
        let sleep = self.sleep.get_or_insert_with(|| timer.sleep(remaining));
        sleep
            .as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_ready()
    }

    /// Leaves the seat, if one is taken, and forgets what belonged to the wait.
    fn leave(&mut self) {
        if let Some(seat) = self.seat.take() {
            self.build.leave(seat, self.in_task);
        }
        self.edge = None;
        self.began = None;
        self.sleep = None;
    }
}

impl Future for Wait {
    type Output = Result<(), BuildError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.step(cx.waker())
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("build", &self.build)
            .field("began", &self.began.is_some())
            .finish_non_exhaustive()
    }
}
