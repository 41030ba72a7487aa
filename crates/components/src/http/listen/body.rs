//! The bodies of requests and answers, as they pass.

use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body as AxumBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::activity::Busy;
use super::open::Open;
use crate::BoxError;

/// Why a body did not come to its end, where it is not too large (which is a
/// [`LengthLimitError`]) and the connection is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// Nothing more of it came in time.
    Stalled,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled => f.write_str("the body of the request stopped coming"),
        }
    }
}

impl std::error::Error for BodyError {}

/// What has become of the body of a request, for its answer. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate(Arc<AtomicU8>);

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    TooLarge,
    Stalled,
}

impl Fate {
    fn set(&self, refused: Refused) {
        self.0.store(refused as u8 + 1, Ordering::Release);
    }

    pub(super) fn get(&self) -> Option<Refused> {
        match self.0.load(Ordering::Acquire) {
            1 => Some(Refused::TooLarge),
            2 => Some(Refused::Stalled),
            _ => None,
        }
    }
}

/// A request that is not over: its answer, or its body, is still under way. A clone is the same.
#[derive(Clone, Debug)]
pub(super) struct Flight(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    busy: Busy,
    open: Arc<Open>,
    admitted: bool,
}

impl Flight {
    /// `admitted` if it was [let in](super::stats::Counters::admit).
    pub(super) fn new(busy: Busy, open: Arc<Open>, admitted: bool) -> Self {
        open.counters().in_flight.up();
        Self(Arc::new(Inner {
            busy,
            open,
            admitted,
        }))
    }

    pub(super) fn left_unread(&self) {
        self.0.busy.left_unread();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.open.counters().in_flight.down();
        if self.admitted {
            self.open.counters().leave();
        }
    }
}

/// The body of a request that has not come to its end: it fails where it is too large, and where nothing of it comes.
pub(super) struct RequestBody<B = Incoming> {
    body: Limited<B>,
    /// How long nothing may come while somebody waits for it.
    patience: Duration,
    /// Set while somebody waits.
    waiting: bool,
    timer: Option<Pin<Box<Sleep>>>,
    fate: Fate,
    /// Until the body is at its end.
    flight: Option<Flight>,
}

impl<B> RequestBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(
        body: B,
        most: Option<u64>,
        patience: Duration,
        flight: Flight,
    ) -> (Self, Fate) {
        let fate = Fate::default();
        let most = most.and_then(|most| usize::try_from(most).ok());
        let body = Self {
            body: Limited::new(body, most.unwrap_or(usize::MAX)),
            patience,
            waiting: false,
            timer: None,
            fate: fate.clone(),
            flight: Some(flight),
        };
        (body, fate)
    }

    fn refuse(&mut self, refused: Refused) {
        // Once: who asks again after an error is not told of another fault.
        if let Some(flight) = self.flight.take() {
            self.fate.set(refused);
            flight.left_unread();
            let counters = flight.0.open.counters();
            match refused {
                Refused::TooLarge => counters.too_large.up(),
                Refused::Stalled => counters.body_timeouts.up(),
            }
        }
    }

    /// Waits with `cx`, and returns whether that has been in vain.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let patience = self.patience;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(patience)));
        if !self.waiting {
            self.waiting = true;
            timer.as_mut().reset(Instant::now() + patience);
        }
        timer.as_mut().poll(cx)
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending if self.flight.is_some() => {
                if self.poll_patience(cx).is_pending() {
                    return Poll::Pending;
                }
                self.refuse(Refused::Stalled);
                Poll::Ready(Some(Err(BodyError::Stalled.into())))
            }
            // It has failed, which has been said.
            Poll::Pending => Poll::Ready(None),
            Poll::Ready(said) => {
                self.waiting = false;
                match &said {
                    Some(Ok(_)) if !self.body.is_end_stream() => {}
                    Some(Err(error)) if error.is::<LengthLimitError>() => {
                        self.refuse(Refused::TooLarge);
                    }
                    // It is at its end, or the connection is not well: there is nothing left to read.
                    Some(_) | None => self.flight = None,
                }
                Poll::Ready(said)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for RequestBody<B> {
    fn drop(&mut self) {
        if let Some(flight) = &self.flight {
            flight.left_unread();
        }
    }
}

/// The body of an answer, which keeps its request in flight until it is at its end.
pub(super) struct AnswerBody {
    body: AxumBody,
    _flight: Flight,
}

impl AnswerBody {
    pub(super) fn new(body: AxumBody, flight: Flight) -> Self {
        Self {
            body,
            _flight: flight,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
