//! Accepting connections, serving them within bounds, and ending them in order.

use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::stall::Stall;

/// What one peer may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How long a peer may take to send a request's head, and how long a connection may idle.
    pub(super) head: Duration,
    /// How long a peer may take nothing of its answer.
    pub(super) stall: Duration,
    /// The bytes of a request's head.
    pub(super) head_bytes: usize,
}

/// How many connections are served at a time; further ones wait in the system's backlog. A clone is
/// the same.
#[derive(Clone, Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    all: Arc<AtomicUsize>,
}

/// A number of places that a semaphore can have.
fn bounded(all: NonZeroUsize) -> usize {
    all.get().min(Semaphore::MAX_PERMITS)
}

impl Places {
    pub(super) fn new(all: NonZeroUsize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(bounded(all))),
            all: Arc::new(AtomicUsize::new(bounded(all))),
        }
    }

    /// How many there are, or will be once those that are too many have become free.
    pub(super) fn count(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.all.load(Ordering::Relaxed)).unwrap_or(NonZeroUsize::MIN)
    }

    /// Changes how many there are; where there are fewer, connections that are served keep theirs
    /// until they end.
    ///
    /// To be called in a tokio runtime.
    pub(super) fn set(&self, all: NonZeroUsize) {
        let all = bounded(all);
        let before = self.all.swap(all, Ordering::Relaxed);
        if all > before {
            self.free.add_permits(all - before);
            return;
        }
        let taken = (before - all) - self.free.forget_permits(before - all);
        let free = Arc::clone(&self.free);
        tokio::spawn(async move {
            for _ in 0..taken {
                // The semaphore is never closed.
                if let Ok(permit) = free.acquire().await {
                    permit.forget();
                }
            }
        });
    }
}

/// How long accepting pauses after the system refused a connection for want of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening socket, and the connections that came through it.
#[derive(Debug)]
pub(super) struct Connections {
    tasks: TaskTracker,
    stop: CancellationToken,
    accepting: tokio::task::JoinHandle<()>,
}

impl Connections {
    /// Serves `router` on every connection that `listener` yields, until [`drain`](Self::drain).
    pub(super) fn accept(
        listener: TcpListener,
        router: Router,
        bounds: Bounds,
        places: Places,
    ) -> Self {
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let accepting = {
            let (tasks, stop) = (tasks.clone(), stop.clone());
            tokio::spawn(async move {
                let accept = async {
                    loop {
                        let (stream, permit) = next(&listener, &places).await;
                        let served = serve(stream, router.clone(), bounds, stop.clone(), permit);
                        tasks.spawn(served);
                    }
                };
                // Leaving this block closes the socket: from then on peers are refused.
                stop.run_until_cancelled(accept).await;
            })
        };
        Self {
            tasks,
            stop,
            accepting,
        }
    }

    /// Refuses new connections, closes idle ones, and waits for requests in flight to finish.
    ///
    /// Returns the number of connections that still had a request in flight after `limit`.
    pub(super) async fn drain(self, limit: Duration) -> usize {
        self.stop.cancel();
        // The task ends by itself and does not panic; that it is gone is all that matters.
        let _ = self.accepting.await;
        self.tasks.close();
        match tokio::time::timeout(limit, self.tasks.wait()).await {
            Ok(()) => 0,
            Err(_) => self.tasks.len(),
        }
    }
}

/// Waits for room for one more connection, then for the connection.
async fn next(
    listener: &TcpListener,
    places: &Places,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so the permit is always there.
    let permit = Arc::clone(&places.free).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) if ended_by_peer(&error) => debug!(%error, "a connection went away"),
            Err(error) => {
                warn!(%error, "cannot accept a connection; trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn ended_by_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

/// Serves one connection to its end, or to the end of its present request after `stop`.
async fn serve(
    stream: TcpStream,
    router: Router,
    bounds: Bounds,
    stop: CancellationToken,
    permit: Option<OwnedSemaphorePermit>,
) {
    // A page is written in one go; waiting to fill a packet would only delay its end.
    let _ = stream.set_nodelay(true);
    let stream = TokioIo::new(Stall::new(stream, bounds.stall));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head)
            .max_buf_size(bounds.head_bytes)
            .half_close(true)
            .serve_connection(stream, TowerToHyperService::new(router))
    );
    let outcome = tokio::select! {
        // In this order a request that comes after the stop is answered as the last one, as its peer
        // is told.
        biased;
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        outcome = connection.as_mut() => outcome,
    };
    if let Err(error) = outcome {
        debug!(%error, "a connection ended early");
    }
    drop(permit);
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;

    /// Bounds that no test reaches by accident.
    const WIDE: Bounds = Bounds {
        head: Duration::from_secs(3600),
        stall: Duration::from_secs(3600),
        head_bytes: 64 * 1024,
    };
    const SHORT: Duration = Duration::from_millis(50);

    async fn serving(router: Router, bounds: Bounds) -> (Connections, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let places = Places::new(NonZeroUsize::new(16).unwrap());
        let connections = Connections::accept(listener, router, bounds, places);
        (connections, TcpStream::connect(address).await.unwrap())
    }

    fn router() -> Router {
        Router::new().route("/", get(|| async { "hello" }))
    }

    // These wait for the server to close; that it does at all is the assertion.

    #[tokio::test]
    async fn a_head_that_does_not_come_ends_the_connection() {
        let (_connections, mut peer) = serving(
            router(),
            Bounds {
                head: SHORT,
                ..WIDE
            },
        )
        .await;
        peer.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        let rest = String::from_utf8(rest).unwrap();
        assert!(
            rest.is_empty() || rest.starts_with("HTTP/1.1 408 "),
            "{rest}"
        );
    }

    #[tokio::test]
    async fn a_connection_that_idles_is_closed() {
        let (_connections, mut peer) = serving(
            router(),
            Bounds {
                head: SHORT,
                ..WIDE
            },
        )
        .await;
        peer.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .unwrap();
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        let rest = String::from_utf8(rest).unwrap();
        assert!(
            rest.starts_with("HTTP/1.1 200 OK\r\n") && rest.ends_with("hello"),
            "{rest}"
        );
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_of_its_answer_is_given_up() {
        // The answer is larger than what the system keeps between the two.
        let large = Router::new().route("/", get(|| async { vec![0_u8; 64 << 20] }));
        let (connections, mut peer) = serving(
            large,
            Bounds {
                stall: SHORT,
                ..WIDE
            },
        )
        .await;
        peer.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .unwrap();
        // Once an answer has begun it is in flight, and draining waits for its end.
        peer.readable().await.unwrap();
        assert_eq!(connections.drain(Duration::from_secs(3600)).await, 0);
    }

    #[tokio::test]
    async fn a_drain_counts_what_it_gave_up_on() {
        let began = Arc::new(Notify::new());
        let tell = Arc::clone(&began);
        let hangs = Router::new().route(
            "/",
            get(move || async move {
                tell.notify_one();
                std::future::pending::<()>().await;
            }),
        );
        let (connections, mut peer) = serving(hangs, WIDE).await;
        peer.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .unwrap();
        began.notified().await;
        assert_eq!(connections.drain(SHORT).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn places_come_at_once_and_go_as_they_become_free() {
        let places = |all| NonZeroUsize::new(all).unwrap();
        let some = Places::new(places(2));
        let take = || some.free.clone().try_acquire_owned().ok();
        let (first, second) = (take(), take());
        assert!(first.is_some() && second.is_some() && take().is_none());
        some.set(places(3));
        let third = take();
        assert!(third.is_some() && take().is_none());
        some.set(places(1));
        drop((first, second));
        // What takes the places away runs before this sleeps to its end.
        tokio::time::sleep(SHORT).await;
        assert!(take().is_none(), "the third still has the only one");
        drop(third);
        tokio::time::sleep(SHORT).await;
        let only = take();
        assert!(only.is_some() && take().is_none());
        some.set(places(4));
        assert_eq!(some.free.available_permits(), 3);
    }
}
