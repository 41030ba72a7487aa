//! The reader's side: a subscription, pulled by whoever holds it.

use core::{
    fmt,
    future::poll_fn,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use std::time::Instant;

use futures_core::Stream;

use super::{
    change::Change,
    observers::{Observed, Wakes},
    options::Counters,
    queue::{End, Queue, Taken},
};
use crate::sync::Arc;

/// What a subscription hands out.
pub enum Event<P, N> {
    /// The next change: it covers the revisions right after those of the event before it.
    Change(Arc<Change<P>>),
    /// Changes were lost. Forget what was built from earlier events and take `snapshot`; the
    /// next change is the first after its revision.
    Resync {
        /// The revision reached by the events before this one.
        from: u64,
        /// The state at the moment this event was received.
        snapshot: N,
    },
}

impl<P, N> fmt::Debug for Event<P, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(change) => f.debug_tuple("Change").field(change).finish(),
            Self::Resync { from, .. } => f
                .debug_struct("Resync")
                .field("from", from)
                .finish_non_exhaustive(),
        }
    }
}

/// Says why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// Nothing had happened yet, or until the given time had passed.
    Empty,
    /// The subscription has ended: the registry is gone or the subscription was stopped.
    Ended,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no change has happened yet; receive again later",
            Self::Ended => {
                "the subscription has ended: its registry is gone or it was stopped; no event will follow"
            }
        })
    }
}

impl std::error::Error for RecvError {}

/// Hears of every change of a registry, in order, when it is asked.
///
/// The registry never runs an observer's code: changes wait in the subscription's own bounded
/// queue until they are received, on the receiver's thread or task. Dropping the subscription
/// unsubscribes.
///
/// # Consistency
///
/// A subscription begins with a snapshot, taken together with it. Every change committed after
/// that snapshot is received exactly once and in order: the first change covers the revisions
/// from the one after the snapshot's, each further one begins right after the one before. Where
/// that could not be kept within the [`Policy`](crate::Policy), one [`Event::Resync`] stands in
/// the place of what was lost, and the same holds from its snapshot on. A reader of the registry
/// sees a change no later than any subscription.
///
/// Once the last handle of the registry is dropped, what is pending is still received, then the
/// end.
///
/// # Waiting
///
/// Handlers and receivers may read and change the registry, subscribe, and stop or drop any
/// subscription. Nothing is locked while they run. Dropping the future of
/// [`recv_async`](Self::recv_async) loses no event.
pub struct Subscription<P, N> {
    queue: Arc<Queue<P>>,
    observed: Box<dyn Observed<P, N>>,
}

impl<P, N> Subscription<P, N> {
    pub(super) fn new(queue: Arc<Queue<P>>, observed: Box<dyn Observed<P, N>>) -> Self {
        Self { queue, observed }
    }

    /// Receives the next event, blocking the thread until there is one; `None` is the end.
    pub fn recv(&mut self) -> Option<Event<P, N>> {
        self.event(self.queue.take_until(End::Never)).ok()
    }

    /// Receives the next event if there is one.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`] if there is none yet, [`RecvError::Ended`] if there will be none.
    pub fn try_recv(&mut self) -> Result<Event<P, N>, RecvError> {
        self.event(self.queue.take_until(End::Now))
    }

    /// Receives the next event, blocking the thread until there is one or `time` has passed.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`] if none came in time, [`RecvError::Ended`] if there will be none.
    pub fn recv_timeout(&mut self, time: Duration) -> Result<Event<P, N>, RecvError> {
        let end = Instant::now().checked_add(time).map_or(End::Never, End::At);
        self.event(self.queue.take_until(end))
    }

    /// Receives the next event, on any executor; `None` is the end.
    pub async fn recv_async(&mut self) -> Option<Event<P, N>> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// Receives the next event or has the task woken when there is one.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Event<P, N>>> {
        let taken = self.queue.poll_take(context);
        taken.map(|taken| self.event(taken).ok())
    }

    /// Calls `handler` with every event, on this thread, until it breaks or the end.
    ///
    /// The subscription survives a handler that breaks or panics and goes on with the next event.
    pub fn run<B>(
        &mut self,
        mut handler: impl FnMut(Event<P, N>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        while let Some(event) = self.recv() {
            handler(event)?;
        }
        ControlFlow::Continue(())
    }

    /// Calls `handler` with every event, in this task, until it breaks or the end.
    ///
    /// The next event is received when the future of the one before it is done. That future
    /// borrows nothing that the handler owns, so a task that runs a subscription can be spawned.
    pub async fn run_async<B, F: Future<Output = ControlFlow<B>>>(
        &mut self,
        mut handler: impl FnMut(Event<P, N>) -> F,
    ) -> ControlFlow<B> {
        while let Some(event) = self.recv_async().await {
            handler(event).await?;
        }
        ControlFlow::Continue(())
    }

    /// Returns a handle that ends this subscription from elsewhere.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle<P> {
        StopHandle {
            queue: Arc::clone(&self.queue),
        }
    }

    /// Returns the revision of the state reached by what was received.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.queue.reached()
    }

    /// Returns what became of the changes so far.
    #[must_use]
    pub fn stats(&self) -> Counters {
        self.queue.counters()
    }

    fn event(&self, taken: Taken<P>) -> Result<Event<P, N>, RecvError> {
        match taken {
            Taken::Pending(pending) => Ok(Event::Change(pending.into_change())),
            Taken::Gap => Ok(self.resynchronise()),
            Taken::Empty => Err(RecvError::Empty),
            Taken::Ended => Err(RecvError::Ended),
        }
    }

    /// Ends the gap with the newest state; no commit runs between the two, so that no change is
    /// in both the snapshot and the queue, or in neither.
    fn resynchronise(&self) -> Event<P, N> {
        let mut from = 0;
        let mut discarded = Wakes::default();
        let snapshot = self.observed.frozen(&mut |revision| {
            from = self.queue.resynchronise(revision, &mut discarded);
        });
        discarded.run();
        Event::Resync { from, snapshot }
    }
}

impl<P, N> Stream for Subscription<P, N> {
    type Item = Event<P, N>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_recv(context)
    }
}

impl<P, N> Drop for Subscription<P, N> {
    fn drop(&mut self) {
        let wakes = Queue::stop(&self.queue);
        self.observed.observers().remove(&self.queue);
        wakes.run();
    }
}

impl<P, N> fmt::Debug for Subscription<P, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("revision", &self.revision())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Ends a subscription from elsewhere: from its own handler, another thread, a signal's task.
pub struct StopHandle<P> {
    queue: Arc<Queue<P>>,
}

impl<P> StopHandle<P> {
    /// Ends the subscription: what is pending is discarded, a receiver that waits is woken, and
    /// every receive from now on finds the end. Doing it again does nothing.
    pub fn stop(&self) {
        Queue::stop(&self.queue).run();
    }
}

#[cfg(all(test, not(loom)))]
impl<P> StopHandle<P> {
    pub(super) fn is_unlocked(&self) -> bool {
        self.queue.is_unlocked()
    }
}

impl<P> Clone for StopHandle<P> {
    fn clone(&self) -> Self {
        let queue = Arc::clone(&self.queue);
        Self { queue }
    }
}

impl<P> fmt::Debug for StopHandle<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopHandle").finish_non_exhaustive()
    }
}
