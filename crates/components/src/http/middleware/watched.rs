//! The body of an answer, with somebody who is told how it ended.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All of it was taken.
    Complete,
    /// Nobody wanted the rest: the client went away, or the server stopped.
    CutOff,
    /// Whoever made it could not make the rest.
    Failed,
}

impl End {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::CutOff => "cut-off",
            Self::Failed => "failed",
        }
    }
}

/// Told once, when an answer has ended.
pub(super) trait Ended: Send + Unpin + 'static {
    /// `bytes` of the body were handed on.
    fn ended(&mut self, end: End, bytes: u64);
}

/// Tells somebody when the body of an answer has ended, also when it is dropped before.
pub(super) fn watch(method: &Method, response: &mut Response, ended: impl Ended) {
    let body = std::mem::take(response.body_mut());
    let length = response.headers().get(header::CONTENT_LENGTH);
    let announced = length
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .or_else(|| body.size_hint().exact());
    // Of such an answer nobody takes the body (RFC 9110, section 6.4.1).
    let bare = method == Method::HEAD
        || response.status().is_informational()
        || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status());
    *response.body_mut() = Body::new(Watched {
        body,
        bytes: 0,
        announced: if bare { Some(0) } else { announced },
        ended: Some(ended),
    });
}

struct Watched<E: Ended> {
    body: Body,
    bytes: u64,
    /// How many bytes are enough.
    announced: Option<u64>,
    ended: Option<E>,
}

impl<E: Ended> Watched<E> {
    fn end(&mut self, end: End) {
        if let Some(mut ended) = self.ended.take() {
            ended.ended(end, self.bytes);
        }
    }
}

impl<E: Ended> http_body::Body for Watched<E> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.bytes += data.len() as u64;
                }
            }
            Some(Err(_)) => self.end(End::Failed),
            None => self.end(End::Complete),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<E: Ended> Drop for Watched<E> {
    fn drop(&mut self) {
        // A connection stops to take when it has what was announced, or when the body says that
        // nothing follows.
        let enough = self
            .announced
            .is_some_and(|announced| self.bytes >= announced);
        self.end(if enough || self.body.is_end_stream() {
            End::Complete
        } else {
            End::CutOff
        });
    }
}
