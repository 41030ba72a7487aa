//! The stream of a connection, as HTTP sees it.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::activity::Activity;
use super::open::Open;
use super::settings::Protocol;

/// A stream of bytes in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Any stream: that of a socket, or of TLS on one.
pub(super) type Stream = Box<dyn Duplex>;

/// A stream that tells what passes, that holds its connection's place for as long as somebody uses it,
/// and that comes back when it is no longer used.
pub(super) struct Io {
    /// There until it is dropped.
    stream: Option<Stream>,
    activity: Arc<Activity>,
    open: Arc<Open>,
    /// Where the stream goes; taken away when the connection is upgraded.
    back: Return,
    /// Where frames are answered by frames, how many bytes have come since something last went that was
    /// more than such answers, and how many went.
    echoed: Option<(usize, usize)>,
    /// Ends an upgraded connection, which nobody else could: there once it is one and has been used.
    cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// How many bytes of frames may wait to be answered by as many: about as many as are read at a time.
const MOST_ECHOED: usize = 64 * 1024;

/// Where a stream is put that HTTP is done with. A clone is the same.
#[derive(Clone, Default)]
pub(super) struct Return(Arc<Mutex<Option<Stream>>>);

impl Return {
    /// The stream; none if somebody still uses it.
    pub(super) fn take(&self) -> Option<Stream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Io {
    pub(super) fn new(
        stream: Stream,
        activity: Arc<Activity>,
        open: Arc<Open>,
        back: Return,
        protocol: Protocol,
    ) -> Self {
        Self {
            stream: Some(stream),
            activity,
            open,
            back,
            echoed: (protocol == Protocol::Http2).then_some((0, 0)),
            cut: None,
        }
    }

    /// The stream, unless the connection is an upgraded one that has been cut.
    fn stream(&mut self, cx: &mut Context<'_>) -> io::Result<Pin<&mut Stream>> {
        if self.open.is_upgraded() {
            let cut = self
                .cut
                .get_or_insert_with(|| Box::pin(self.open.cut().clone().cancelled_owned()));
            if cut.as_mut().poll(cx).is_ready() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
        let stream = self.stream.as_mut();
        stream.map(Pin::new).ok_or_else(gone)
    }

    /// Notes what was written.
    fn wrote(&mut self, said: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &said {
            Poll::Ready(Ok(count)) if self.is_echo(*count) => {}
            Poll::Ready(Ok(_)) => self.activity.written(),
            Poll::Ready(Err(error)) => self.failed(error),
            Poll::Pending => {}
        }
        said
    }

    /// Whether what was written may be no more than answers to PING and SETTINGS (RFC 9113, sections 6.5.3
    /// and 6.7), which are as long as what they answer: a peer that only sends these takes nothing, and
    /// keeps its connection no longer than one that is silent.
    fn is_echo(&mut self, count: usize) -> bool {
        let Some((came, went)) = &mut self.echoed else {
            return false;
        };
        *went = went.saturating_add(count);
        let echo = went <= came;
        if !echo {
            (*came, *went) = (0, 0);
        }
        echo
    }

    fn failed(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::TimedOut {
            self.open.stalled();
        }
    }
}

fn gone() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl Drop for Io {
    fn drop(&mut self) {
        if !self.open.is_upgraded() {
            let stream = self.stream.take();
            *self.back.0.lock().unwrap_or_else(PoisonError::into_inner) = stream;
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let said = self.stream(cx)?.poll_read(cx, buf);
        let count = buf.filled().len() - before;
        if count > 0 {
            if let Some((came, _)) = &mut self.echoed {
                *came = MOST_ECHOED.min(came.saturating_add(count));
            }
            self.activity.read();
        }
        said
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let said = self.stream(cx)?.poll_write(cx, bytes);
        self.wrote(said)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let said = self.stream(cx)?.poll_write_vectored(cx, slices);
        self.wrote(said)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream
            .as_ref()
            .is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let said = self.stream(cx)?.poll_flush(cx);
        match &said {
            Poll::Ready(Ok(())) => self.activity.flushed(),
            Poll::Ready(Err(error)) => self.failed(error),
            Poll::Pending => {}
        }
        said
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream(cx)?.poll_shutdown(cx)
    }
}
