//! Hearing what happens in a store.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use byname_registry::RecvError;

use crate::record::Record;
use crate::{Change, State};

/// What a [`Watch`] hands out.
#[derive(Clone)]
pub enum Event {
    /// The next change: it covers the revisions right after those of the event before it.
    Change(Arc<Change>),
    /// History is gone. Forget what was built from earlier events and take this, which is everything
    /// at one revision; the next change is the first after it.
    Gone(State),
}

impl Event {
    /// The revision that this leads to.
    #[must_use]
    pub fn revision(&self) -> u64 {
        match self {
            Self::Change(change) => change.revision(),
            Self::Gone(state) => state.revision(),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(change) => write!(f, "Change({:?})", change.covers()),
            Self::Gone(state) => write!(f, "Gone({})", state.revision()),
        }
    }
}

/// Hears every change of a store after some revision, in order, without gaps.
///
/// A watch that falls too far behind is told so by [`Event::Gone`]; it holds nobody up.
#[derive(Debug)]
pub struct Watch {
    /// What had happened before the subscription began.
    backlog: VecDeque<Event>,
    subscription: byname_registry::Subscription<Record>,
}

impl Watch {
    /// Puts together what was known and what will be heard after it.
    #[must_use]
    pub fn new(
        backlog: impl IntoIterator<Item = Event>,
        subscription: byname_registry::Subscription<Record>,
    ) -> Self {
        Self {
            backlog: backlog.into_iter().collect(),
            subscription,
        }
    }

    /// Waits for the next event; `None` when the store is gone.
    pub fn recv(&mut self) -> Option<Event> {
        match self.backlog.pop_front() {
            Some(event) => Some(event),
            None => self.subscription.recv().map(event),
        }
    }

    /// Takes the next event, if there is one.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`] when nothing has happened, [`RecvError::Ended`] when the store is gone.
    pub fn try_recv(&mut self) -> Result<Event, RecvError> {
        match self.backlog.pop_front() {
            Some(event) => Ok(event),
            None => self.subscription.try_recv().map(event),
        }
    }

    /// Waits at most `time` for the next event.
    ///
    /// # Errors
    ///
    /// As for [`try_recv`](Self::try_recv).
    pub fn recv_timeout(&mut self, time: Duration) -> Result<Event, RecvError> {
        match self.backlog.pop_front() {
            Some(event) => Ok(event),
            None => self.subscription.recv_timeout(time).map(event),
        }
    }

    /// Waits for the next event; `None` when the store is gone. Nothing is lost when the future is
    /// dropped.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.backlog.pop_front() {
            return Some(event);
        }
        std::future::poll_fn(|context| self.subscription.poll_recv(context))
            .await
            .map(event)
    }

    /// What ends this watch from elsewhere.
    #[must_use]
    pub fn stop_handle(&self) -> byname_registry::StopHandle<Record> {
        self.subscription.stop_handle()
    }
}

fn event(event: byname_registry::Event<Record>) -> Event {
    match event {
        byname_registry::Event::Change(change) => Event::Change(change),
        byname_registry::Event::Resync { snapshot, .. } => Event::Gone(snapshot),
    }
}
