//! What a listener counts.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

use crate::http::times::Times;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a listener has done so far, and what it does now. Each number is read by itself: two of
        /// them may be of slightly different moments.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Stats {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The numbers of [`Stats`], while they change.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: Counter,)*
            /// Requests in flight, where these are bounded.
            admitted: AtomicU64,
            /// How long requests took that no route is for.
            pub(super) unmatched: Times,
        }

        impl Counters {
            pub(super) fn stats(&self) -> Stats {
                Stats {
                    $($name: self.$name.get(),)*
                }
            }
        }
    };
}

counters! {
    /// Connections that are open now, upgraded ones among them.
    open,
    /// Connections that are open now and speak something else than HTTP (a WebSocket).
    upgraded,
    /// Requests that are in flight now: their answer has not been given to its last byte.
    in_flight,
    /// Connections accepted.
    accepted,
    /// Times that the system did not hand out a connection for want of something (files, memory).
    accept_errors,
    /// Times that accepting waited, as all places for connections were taken.
    waits,
    /// Connections closed at once, as their peer had as many as it may.
    peers_refused,
    /// Connections that did not agree on TLS, or not in time.
    handshake_errors,
    /// Requests whose head was read.
    requests,
    /// Answers that switched to another protocol (1xx).
    answered_1xx,
    /// Answers of success (2xx).
    answered_2xx,
    /// Answers that lead elsewhere, or say that nothing has changed (3xx).
    answered_3xx,
    /// Answers that refuse (4xx), without those to heads that cannot be read.
    answered_4xx,
    /// Answers that tell of a failure (5xx).
    answered_5xx,
    /// Connections of HTTP/1 that were closed because the head of a request is none (400).
    malformed,
    /// Connections of HTTP/1 that were closed because the head of a request has too many bytes or fields
    /// (431), or its target is too long (414).
    heads_too_large,
    /// Requests refused because of the size of their body.
    too_large,
    /// Requests refused because of the number of fields of their head (HTTP/2; those of HTTP/1 are not
    /// read so far).
    too_many_headers,
    /// Requests refused because as many as may be at a time were in flight (503).
    overloaded,
    /// Connections closed because the head of a request did not come in time.
    header_timeouts,
    /// Requests whose body stopped coming.
    body_timeouts,
    /// Connections closed because no further request came in time.
    idle_timeouts,
    /// Connections closed, and streams of HTTP/2 reset, because the peer took nothing of its answer.
    write_timeouts,
    /// Requests whose endpoint panicked before it answered.
    panics,
    /// Connections cut because the time to drain was over.
    cut,
    /// Times that a changed certificate was taken.
    certificates_reloaded,
    /// Times that a changed certificate could not be used, and the one before was kept.
    certificates_refused,
}

impl Counters {
    /// Lets a request in, unless `most` are in flight; it has to [leave](Self::leave).
    pub(super) fn admit(&self, most: NonZeroUsize) -> bool {
        let most = most.get() as u64;
        let one_more = |now| (now < most).then_some(now + 1);
        // Relaxed: nothing is concluded from it but itself.
        let (read, write) = (Ordering::Relaxed, Ordering::Relaxed);
        self.admitted.fetch_update(write, read, one_more).is_ok()
    }

    pub(super) fn leave(&self) {
        self.admitted.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts an answer by the class of its status.
    pub(super) fn answered(&self, status: StatusCode) {
        match status.as_u16() {
            0..200 => self.answered_1xx.up(),
            200..300 => self.answered_2xx.up(),
            300..400 => self.answered_3xx.up(),
            400..500 => self.answered_4xx.up(),
            _ => self.answered_5xx.up(),
        }
    }
}

/// A number that goes up, and sometimes down.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

// Relaxed: nothing is concluded from one number about another.
impl Counter {
    pub(super) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn up_by(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
