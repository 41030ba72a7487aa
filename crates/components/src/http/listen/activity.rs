//! What a connection is doing, and until when it may.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::settings::{Protocol, Timeouts};

/// What a connection is doing: what its deadline comes from.
///
/// It is told by the stream (bytes came, bytes went), by the requests (one began, one is over), and asked
/// by who drives the connection.
#[derive(Debug)]
pub(super) struct Activity {
    header: Duration,
    idle: Duration,
    protocol: Protocol,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// How many things are under way that keep the connection: requests, and what has become of them.
    busy: usize,
    /// No request has come yet.
    fresh: bool,
    /// Bytes have come since there was nothing under way: of HTTP/1, the beginning of a head.
    heard: bool,
    /// No request is taken any more, and the peer has been told.
    closing: bool,
    /// What was written has not been flushed.
    dirty: bool,
    /// There may be bytes of a refused request that nobody has read.
    unread: bool,
    /// When the present wait began.
    since: Instant,
}

/// What it means that the deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing has come.
    Fresh,
    /// A head has begun and did not end.
    Head,
    /// No further request has come.
    Idle,
    /// The peer did not go after it had been told.
    Closing,
}

impl Activity {
    /// Of a connection that has begun at `since`; `heard` if bytes of it have been read already.
    pub(super) fn new(
        protocol: Protocol,
        timeouts: &Timeouts,
        since: Instant,
        heard: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            header: timeouts.header.get(),
            idle: timeouts.idle.get(),
            protocol,
            state: Mutex::new(State {
                busy: 0,
                fresh: true,
                heard,
                closing: false,
                dirty: false,
                unread: false,
                since,
            }),
            changed: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is under way until what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        let mut state = self.state();
        state.busy += 1;
        state.fresh = false;
        state.heard = false;
        if self.protocol == Protocol::Http1 {
            state.unread = false;
        }
        drop(state);
        Busy(Arc::clone(self))
    }

    fn end(&self) {
        let mut state = self.state();
        state.busy -= 1;
        if state.busy == 0 {
            state.since = Instant::now();
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Bytes have come.
    pub(super) fn read(&self) {
        let mut state = self.state();
        if state.busy == 0 && !state.heard && self.protocol == Protocol::Http1 {
            state.heard = true;
            // The first byte of a connection has to come in the same span as its whole first head.
            if !state.fresh {
                state.since = Instant::now();
            }
        }
    }

    /// Bytes have gone: what a peer still takes of its last answer is no idling.
    pub(super) fn written(&self) {
        let mut state = self.state();
        state.dirty = true;
        if state.busy == 0 && (state.closing || self.protocol == Protocol::Http1) {
            state.since = Instant::now();
        }
    }

    /// Everything that was written is on its way.
    pub(super) fn flushed(&self) {
        self.state().dirty = false;
    }

    /// Bytes of a request have been left where they are.
    pub(super) fn left_unread(&self) {
        self.state().unread = true;
    }

    /// Whether a close at once could destroy an answer on its way: the system tells a peer that still
    /// sends that the connection is gone, and the peer's system then forgets what it has received.
    pub(super) fn is_unread(&self) -> bool {
        self.state().unread
    }

    /// Whether nothing is half written, so that a last answer can follow.
    pub(super) fn can_answer(&self) -> bool {
        let state = self.state();
        state.busy == 0 && !state.dirty
    }

    /// The peer has been told that no further request is taken.
    pub(super) fn closing(&self) {
        let mut state = self.state();
        if !state.closing {
            state.closing = true;
            if state.busy == 0 && !state.heard {
                state.since = Instant::now();
            }
        }
    }

    /// Until when the connection may go on as it is; none while a request is under way.
    pub(super) fn deadline(&self) -> Option<(Instant, Due)> {
        let state = self.state();
        if state.busy > 0 {
            return None;
        }
        let (span, due) = if state.heard {
            (self.header, Due::Head)
        } else if state.closing {
            (self.header, Due::Closing)
        } else if state.fresh {
            (self.header, Due::Fresh)
        } else {
            (self.idle, Due::Idle)
        };
        Some((state.since + span, due))
    }

    /// Waits until what was under way is over.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Keeps a connection from being idle.
#[derive(Debug)]
pub(super) struct Busy(Arc<Activity>);

impl Busy {
    /// See [`Activity::left_unread`].
    pub(super) fn left_unread(&self) {
        self.0.left_unread();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end();
    }
}
