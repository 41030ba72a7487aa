//! What a connection is doing, and until when it may.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

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
}

#[derive(Debug)]
struct State {
    /// How many things are under way that keep the connection: requests, and what has become of them.
    busy: usize,
    /// What is waited for while nothing is.
    wait: Due,
    /// The peer has been told that no further request is taken.
    closing: bool,
    /// What was written has not been flushed.
    dirty: bool,
    /// There may be bytes of a refused request that nobody has read.
    unread: bool,
    /// When the present wait began.
    since: Instant,
    driver: Driver,
}

/// Who drives the connection.
#[derive(Debug, Default)]
struct Driver {
    /// It is at work, and looks at everything before it rests.
    awake: bool,
    /// What wakes it from its rest.
    waker: Option<Waker>,
}

impl Driver {
    fn rests(&mut self, waker: &Waker) {
        self.awake = false;
        if !self.waker.as_ref().is_some_and(|it| it.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }

    /// What is to be woken, where it rests.
    fn resting(&self) -> Option<Waker> {
        if self.awake { None } else { self.waker.clone() }
    }
}

/// What is waited for, and has not come when the deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The first byte.
    First,
    /// The end of a head that has begun; of HTTP/1 only.
    Head,
    /// A further request.
    Next,
    /// The peer's end, after it has been told of ours.
    End,
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
                wait: match protocol {
                    Protocol::Http1 if heard => Due::Head,
                    _ => Due::First,
                },
                closing: false,
                dirty: false,
                unread: false,
                since,
                driver: Driver::default(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is under way until what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        let mut state = self.state();
        state.busy += 1;
        state.wait = Due::Next;
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
            let resting = state.driver.resting();
            drop(state);
            if let Some(resting) = resting {
                resting.wake();
            }
        }
    }

    /// Bytes have come.
    pub(super) fn read(&self) {
        let mut state = self.state();
        if state.busy == 0 && state.wait != Due::Head && self.protocol == Protocol::Http1 {
            // The first byte of a connection has to come in the same span as its whole first head.
            if state.wait != Due::First {
                state.since = Instant::now();
            }
            state.wait = Due::Head;
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
            if state.busy == 0 && state.wait != Due::Head {
                state.since = Instant::now();
            }
        }
    }

    /// Who drives the connection begins: until it rests, nothing that changes wakes it.
    pub(super) fn driven(&self) {
        self.state().driver.awake = true;
    }

    /// Who drives the connection rests, until it is woken because what was under way is over. Returns
    /// until when the connection may go on as it is; nothing while a request is under way.
    pub(super) fn rest(&self, driver: &Waker) -> Option<(Instant, Due)> {
        let mut state = self.state();
        state.driver.rests(driver);
        if state.busy > 0 {
            return None;
        }
        let due = match state.wait {
            Due::First | Due::Next if state.closing => Due::End,
            wait => wait,
        };
        let span = match due {
            Due::First | Due::Head | Due::End => self.header,
            Due::Next => self.idle,
        };
        Some((state.since + span, due))
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_rests_is_woken_by_the_end_of_the_last_request_and_who_is_awake_is_not() {
        let now = Instant::now();
        let activity = Activity::new(Protocol::Http2, &Timeouts::default(), now, true);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let times = || woken.0.load(Ordering::Relaxed);

        activity.driven();
        let (first, second) = (activity.begin(), activity.begin());
        assert_eq!(activity.rest(&waker), None);
        drop(first);
        assert_eq!(times(), 0, "one is still under way");
        drop(second);
        assert_eq!(times(), 1);

        activity.driven();
        drop(activity.begin());
        assert_eq!(times(), 1, "it looks before it rests");
        let due = activity.rest(&waker).map(|(_, due)| due);
        assert_eq!(due, Some(Due::Next));
    }
}
