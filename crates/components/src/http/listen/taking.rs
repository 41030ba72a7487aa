//! Whether a peer of HTTP/2 takes what it is given on a stream.
//!
//! A peer may read all that its connection brings, and yet open no window for the answer that it asked for
//! (RFC 9113, section 5.2): the socket takes everything, and the stream stands. So each stream is watched by
//! itself. It waits either for its service to say more, for as long as that takes, or for its peer to take
//! what has been said, which has a limit.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::Request;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service as HyperService;
use tokio::time::{Instant, Sleep, sleep};

use super::answer::{Answer, Service};
use super::body::AnswerBody;

/// The most that a stream is given at a time: the size of a frame that every peer takes (RFC 9113, section
/// 4.2). So what is taken is seen, also of an answer that is one piece of many megabytes.
const PIECE: usize = 16 * 1024;

/// The piece that the peer has to take, by its number from 1; 0 while there is none.
///
/// Written and read by the one task that drives the stream.
type Handed = Arc<AtomicU64>;

tokio::task_local! {
    static HANDED: Handed;
}

/// Its peer has not taken what a stream gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stalled;

/// Drives a stream to its end, unless its peer takes nothing of its answer for `limit`; the stream is
/// dropped then, which resets it.
pub(super) async fn taken<F: Future<Output = ()>>(
    limit: Duration,
    stream: F,
) -> Result<(), Stalled> {
    let handed = Handed::default();
    let mut stream = pin!(HANDED.scope(Arc::clone(&handed), stream));
    // Most streams never wait for their peer, and have no timer.
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    let mut awaited = 0;
    poll_fn(|cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let piece = handed.load(Ordering::Relaxed);
        if piece == 0 {
            awaited = 0;
            return Poll::Pending;
        }
        let timer = timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if piece != awaited {
            awaited = piece;
            timer.as_mut().reset(Instant::now() + limit);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(Stalled))
    })
    .await
}

/// The service of a connection of HTTP/2: its answers tell their streams what the peer has to take.
#[derive(Clone)]
pub(super) struct Watched(pub(super) Service);

impl HyperService<Request<Incoming>> for Watched {
    type Response = Response<TakenBody>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        Answering(self.0.call(request))
    }
}

/// An answer that is being made.
pub(super) struct Answering(Answer);

impl Future for Answering {
    type Output = Result<Response<TakenBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(answer.map(|answer| answer.map(TakenBody::new)))
    }
}

/// The body of an answer, given in small pieces, which are told of.
pub(super) struct TakenBody {
    body: AnswerBody,
    /// What has come of the body, and is still to be given.
    rest: Bytes,
    /// How many pieces have been given.
    pieces: u64,
    handed: Handed,
}

impl TakenBody {
    fn new(body: AnswerBody) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            pieces: 0,
            handed: HANDED.try_with(Arc::clone).unwrap_or_default(),
        }
    }
}

impl Body for TakenBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Who asks for more has given away what it had.
        self.handed.store(0, Ordering::Relaxed);
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return Poll::Ready(other),
            }
        }
        let count = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(count);
        self.pieces += 1;
        self.handed.store(self.pieces, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper().and_then(|upper| upper.checked_add(rest)) {
            hint.set_upper(upper);
        }
        hint
    }
}
