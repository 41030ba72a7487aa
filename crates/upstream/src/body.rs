//! The body of an answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, timeout_at};

use crate::attempt::Attempt;
use crate::error::{Error, Phase};

/// The body of an answer, as it comes from the backend.
///
/// Until it has ended or is dropped, the call counts as in flight. Whoever drops it before its end
/// closes the connection (HTTP/1.1) or the stream (HTTP/2); read to its end, the connection goes back
/// to the pool.
///
/// Yields an [`Error`] of [`Phase::Body`] where it is cut off, or gives nothing for
/// [`Timeouts::idle_body`](crate::Timeouts::idle_body): never a clean end that is none.
pub struct Body {
    incoming: Incoming,
    /// Nothing once the answer has ended.
    attempt: Option<Attempt>,
    upstream: Arc<str>,
    backend: Arc<str>,
    idle: Duration,
    /// Runs while somebody waits for the next frame.
    alarm: Option<Pin<Box<Sleep>>>,
    deadline: Instant,
    failed: bool,
}

/// What a [`Body`] knows of its call.
pub(crate) struct Of {
    pub(crate) upstream: Arc<str>,
    pub(crate) idle: Duration,
    pub(crate) deadline: Instant,
}

impl Body {
    pub(crate) fn new(incoming: Incoming, attempt: Attempt, of: Of) -> Self {
        let backend = Arc::clone(attempt.peer().backend.shown());
        let mut body = Self {
            incoming,
            attempt: Some(attempt),
            upstream: of.upstream,
            backend,
            idle: of.idle,
            alarm: None,
            deadline: of.deadline,
            failed: false,
        };
        if body.incoming.is_end_stream() {
            body.ended();
        }
        body
    }

    /// The URI of the backend that answers.
    #[must_use]
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// Reads the whole body, up to `limit` bytes, and until the call's total time is over.
    ///
    /// # Errors
    ///
    /// It is cut off, larger, or not there in time.
    pub async fn read(mut self, limit: usize) -> Result<Bytes, Error> {
        if self.size_hint().lower() > limit as u64 {
            return Err(self.too_large(limit));
        }
        let mut first: Option<Bytes> = None;
        let mut whole = BytesMut::new();
        let deadline = self.deadline;
        loop {
            let frame = match timeout_at(deadline, self.frame()).await {
                Ok(None) => break,
                Ok(Some(frame)) => frame?,
                Err(_) => {
                    let late = "the total time was over before the body had come";
                    return Err(self.error(Phase::TotalTimeout, late));
                }
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let length = whole.len() + first.as_ref().map_or(0, Bytes::len);
            if data.len() > limit.saturating_sub(length) {
                return Err(self.too_large(limit));
            }
            // A body of one frame is handed on as it is.
            match first.take() {
                None if whole.is_empty() => first = Some(data),
                None => whole.extend_from_slice(&data),
                Some(earlier) => {
                    whole.extend_from_slice(&earlier);
                    whole.extend_from_slice(&data);
                }
            }
        }
        Ok(first.unwrap_or_else(|| whole.freeze()))
    }

    fn error(&self, phase: Phase, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
        let error = Error::new(phase, message).of(&self.upstream);
        error.at(&self.backend).tried(1).reached(true)
    }

    fn too_large(&self, limit: usize) -> Error {
        let message = format!("the answer's body is larger than {limit} bytes");
        self.error(Phase::TooLarge, message)
    }

    fn ended(&mut self) {
        self.alarm = None;
        if let Some(mut attempt) = self.attempt.take() {
            attempt.finished(Instant::now().into_std());
        }
    }

    fn broken(&mut self, message: &str) {
        self.alarm = None;
        self.failed = true;
        if let Some(mut attempt) = self.attempt.take() {
            attempt.failed(message.to_owned(), Instant::now().into_std());
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if this.failed {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.alarm = None;
                if this.incoming.is_end_stream() {
                    this.ended();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                this.ended();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                let message = "the answer's body was cut off";
                this.broken(message);
                let error = this.error(Phase::Body, message).because(error);
                Poll::Ready(Some(Err(error)))
            }
            Poll::Pending => {
                let idle = this.idle;
                let alarm = this
                    .alarm
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
                ready!(alarm.as_mut().poll(cx));
                let message = "the answer's body gave nothing for too long";
                this.broken(message);
                Poll::Ready(Some(Err(this.error(Phase::Body, message))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failed || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("upstream", &self.upstream)
            .field("backend", &self.backend)
            .field("in_flight", &self.attempt.is_some())
            .finish_non_exhaustive()
    }
}
