//! One connection, from its first byte to its last.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::activity::{Activity, Due};
use super::answer::{Answering, Service};
use super::bound::{Draining, Peer};
use super::io::{Io, Return, Stream};
use super::open::Open;
use super::opening::Opened;
use super::settings::{HEADERS, Protocol, Settings};
use super::taking::{Watched, taken};
use super::tls::Encryption;
use crate::http::Endpoint;
use crate::service_error::{ErrorKind, ServiceError};

/// What serving a connection takes.
pub(super) struct Connection {
    pub(super) endpoint: Endpoint,
    pub(super) settings: Arc<Settings>,
    pub(super) peer: Peer,
    /// Cancelled when no further request is to be taken.
    pub(super) stop: CancellationToken,
    pub(super) open: Arc<Open>,
    /// When it began.
    pub(super) since: Instant,
    /// What agrees with the peer on TLS, where that is wanted.
    pub(super) encryption: Option<Encryption>,
}

/// Bytes that are read at a time of what nobody wants.
pub(super) const UNWANTED: usize = 8 * 1024;

impl Connection {
    /// Serves it to its end, or to the end of its present requests after the stop; or, if it is upgraded,
    /// until it is somebody else's.
    pub(super) async fn serve(mut self, stream: Stream) {
        let Opened {
            stream,
            protocol,
            heard,
        } = match self.opened(stream).await {
            Ok(opened) => opened,
            Err(error) => {
                debug!(%error, "a connection ended before its first request");
                return;
            }
        };
        let activity = Activity::new(protocol, &self.settings.timeouts, self.since, heard);
        let back = Return::default();
        let io = Io::new(
            stream,
            Arc::clone(&activity),
            Arc::clone(&self.open),
            back.clone(),
            protocol,
        );
        let service = Service(Arc::new(Answering {
            endpoint: self.endpoint.clone(),
            settings: Arc::clone(&self.settings),
            peer: self.peer.clone(),
            draining: Draining(Arc::new(self.stop.clone())),
            activity: Arc::clone(&activity),
            open: Arc::clone(&self.open),
        }));
        let due = match protocol {
            Protocol::Http1 => self.http1(TokioIo::new(io), service, &activity).await,
            Protocol::Http2 => self.http2(TokioIo::new(io), service, &activity).await,
        };
        if let Some(stream) = back.take() {
            self.end(stream, due, &activity).await;
        }
    }

    async fn http1(&self, io: TokioIo<Io>, service: Service, activity: &Activity) -> Option<Due> {
        let limits = &self.settings.limits;
        let head = usize::try_from(limits.header.get()).unwrap_or(usize::MAX);
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            // The deadlines of this connection are those of its activity.
            .header_read_timeout(None)
            .max_header_size(head)
            .max_buf_size(head.max(BUFFER));
        if limits.headers.get() != HEADERS {
            builder.max_headers(limits.headers.get());
        }
        let connection = builder.serve_connection(io, service).with_upgrades();
        self.drive(connection, activity).await
    }

    async fn http2(&self, io: TokioIo<Io>, service: Service, activity: &Activity) -> Option<Due> {
        let limits = &self.settings.limits;
        let streams = Streams {
            activity: Arc::clone(&service.0.activity),
            open: Arc::clone(&self.open),
            write: self.settings.timeouts.write.get(),
        };
        let connection = http2::Builder::new(streams)
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams.get())
            .max_header_list_size(u32::try_from(limits.header.get()).unwrap_or(u32::MAX))
            .enable_connect_protocol()
            .serve_connection(io, Watched(service));
        self.drive(connection, activity).await
    }

    /// Drives it to its end; returns what was waited for in vain.
    async fn drive(&self, connection: impl Driven, activity: &Activity) -> Option<Due> {
        let mut connection = pin!(connection);
        let mut stopped = pin!(self.stop.cancelled());
        let mut sleep = pin!(sleep_until(self.since));
        // None: there is no deadline.
        let mut armed: Option<Instant> = None;
        let mut told = false;
        let tells = connection.tells();
        let due = poll_fn(|cx| {
            loop {
                activity.driven();
                if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                    if let Err(error) = ended {
                        debug!(%error, "a connection ended early");
                        if error.is_parse() {
                            self.unreadable(&error);
                            activity.left_unread();
                        }
                    }
                    return Poll::Ready(None);
                }
                // After what has come already, which is answered.
                if !told && stopped.as_mut().poll(cx).is_ready() {
                    told = true;
                    activity.closing();
                    connection.as_mut().finish();
                    continue;
                }
                let Some((at, due)) = activity.rest(cx.waker()) else {
                    return Poll::Pending;
                };
                // A later deadline is looked at when the earlier one is over: a request costs no timer.
                if armed.is_none_or(|armed| at < armed) {
                    armed = Some(at);
                    sleep.as_mut().reset(at);
                }
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                armed = None;
                if at > Instant::now() {
                    continue;
                }
                if tells && due != Due::End {
                    self.count(due);
                    told = true;
                    activity.closing();
                    connection.as_mut().finish();
                    continue;
                }
                return Poll::Ready(Some(due));
            }
        })
        .await;
        if let Some(due) = due {
            self.count(due);
        }
        due
    }

    /// Counts a head that hyper could not read, and has answered.
    fn unreadable(&self, error: &hyper::Error) {
        let counters = self.open.counters();
        if error.is_parse_too_large() {
            counters.heads_too_large.up();
        } else {
            counters.malformed.up();
        }
    }

    fn count(&self, due: Due) {
        let counters = self.open.counters();
        match due {
            Due::First | Due::Head => counters.header_timeouts.up(),
            Due::Next => counters.idle_timeouts.up(),
            Due::End => {}
        }
    }

    /// Says the last thing that can be said, and closes.
    async fn end(&self, mut stream: Stream, due: Option<Due>, activity: &Activity) {
        let closing = async {
            if due == Some(Due::Head) && activity.can_answer() {
                stream.write_all(&too_late()).await?;
                activity.left_unread();
            }
            stream.shutdown().await?;
            if activity.is_unread() {
                // Until the peer has read the answer and closes.
                let mut unwanted = vec![0; UNWANTED];
                while stream.read(&mut unwanted).await? > 0 {}
            }
            io::Result::Ok(())
        };
        let _ = timeout(self.settings.timeouts.header.get(), closing).await;
    }
}

/// The least that hyper takes as the size of a buffer, and enough for what it does with it.
const BUFFER: usize = 64 * 1024;

/// The answer to a head that did not come to its end.
fn too_late() -> Vec<u8> {
    let error = ServiceError::new(
        ErrorKind::RequestTimeout,
        "the head of the request did not come in time",
    );
    let body = format!("{}\n", error.to_problem());
    let (status, title) = (error.kind().status(), error.kind().title());
    format!(
        "HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A connection of either version.
trait Driven: Future<Output = hyper::Result<()>> {
    /// Takes no further request, and tells the peer.
    fn finish(self: Pin<&mut Self>);

    /// Whether the peer is told at once, and not with the next answer.
    fn tells(&self) -> bool;
}

impl Driven for http1::UpgradeableConnection<TokioIo<Io>, Service> {
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }

    fn tells(&self) -> bool {
        false
    }
}

impl Driven for http2::Connection<TokioIo<Io>, Watched, Streams> {
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }

    fn tells(&self) -> bool {
        true
    }
}

/// Runs the requests of a connection of HTTP/2, and what becomes of them.
#[derive(Clone)]
struct Streams {
    activity: Arc<Activity>,
    open: Arc<Open>,
    /// How long a peer may take nothing of an answer.
    write: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let busy = self.activity.begin();
        let (open, write) = (Arc::clone(&self.open), self.write);
        tokio::spawn(async move {
            // It ends with its connection at the latest.
            if taken(write, stream).await.is_err() {
                open.counters().write_timeouts.up();
            }
            drop((busy, open));
        });
    }
}
