//! The content of a request: bytes that can be sent again, or a stream that cannot.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The content of a request, for all of its tries.
#[derive(Clone)]
pub(crate) enum Content {
    Whole(Bytes),
    Stream(Arc<Slot>),
}

/// A stream until somebody begins to read it.
pub(crate) struct Slot {
    /// Locked for as long as it takes to take it out.
    body: Mutex<Option<UnsyncBoxBody<Bytes, BoxError>>>,
    /// What it was before it was read.
    hint: SizeHint,
    /// Whether it has failed: it is its sender who is to blame then.
    failed: AtomicBool,
}

impl Content {
    /// Takes a stream; one that is at its end already is nothing, which can be sent again.
    pub(crate) fn stream<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self::Whole(Bytes::new());
        }
        Self::Stream(Arc::new(Slot {
            hint: body.size_hint(),
            body: Mutex::new(Some(body.map_err(Into::into).boxed_unsync())),
            failed: AtomicBool::new(false),
        }))
    }

    /// What a try sends.
    pub(crate) fn sent(&self) -> Sent {
        match self {
            Self::Whole(bytes) => Sent::Whole(Full::new(bytes.clone())),
            Self::Stream(slot) => Sent::Stream {
                slot: Arc::clone(slot),
                taken: None,
            },
        }
    }

    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Whether another try could send it: nothing of it has been read, or it can be read again.
    pub(crate) fn is_left(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Stream(slot) => slot.body().is_some(),
        }
    }

    /// Whether it ended in an error of its own.
    pub(crate) fn has_failed(&self) -> bool {
        match self {
            Self::Whole(_) => false,
            // Relaxed: the error came through the connection that was asked, after it was noted.
            Self::Stream(slot) => slot.failed.load(Ordering::Relaxed),
        }
    }
}

impl Slot {
    fn body(&self) -> std::sync::MutexGuard<'_, Option<UnsyncBoxBody<Bytes, BoxError>>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one try sends. A stream is taken when the first of it is wanted: a connection that does not
/// come about leaves it to the next try.
pub(crate) enum Sent {
    Whole(Full<Bytes>),
    Stream {
        slot: Arc<Slot>,
        taken: Option<UnsyncBoxBody<Bytes, BoxError>>,
    },
}

impl Body for Sent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let (slot, taken) = match self.get_mut() {
            Self::Whole(whole) => {
                return Pin::new(whole)
                    .poll_frame(context)
                    .map_err(|never| match never {});
            }
            Self::Stream { slot, taken } => (slot, taken),
        };
        if taken.is_none() {
            *taken = slot.body().take();
        }
        let Some(body) = taken else {
            return Poll::Ready(Some(Err("another try has sent it".into())));
        };
        let polled = Pin::new(body).poll_frame(context);
        if let Poll::Ready(Some(Err(_))) = &polled {
            slot.failed.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Stream { taken, .. } => taken.as_ref().is_some_and(Body::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Stream { slot, taken } => match taken {
                Some(taken) => taken.size_hint(),
                None => slot.hint,
            },
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Stream(_) => f.write_str("a stream"),
        }
    }
}
