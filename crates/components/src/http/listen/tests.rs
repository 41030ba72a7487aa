//! Connections in memory, on a clock that advances only when everything waits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod http2;

use std::convert::Infallible;
use std::future::Future as _;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get, post};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bound::{Bound, Peer, PeerAddress};
use super::connection::Connection;
use super::open::Open;
use super::settings::{Settings, Timeouts};
use super::stall::Stall;
use super::stats::{Counters, Stats};
use crate::http::endpoint::endpoint;

/// A connection that is served.
struct Served {
    /// The peer's end.
    peer: DuplexStream,
    began: Instant,
    stop: CancellationToken,
    counters: Arc<Counters>,
    task: JoinHandle<()>,
}

fn seconds(seconds: u64) -> crate::config::units::Duration {
    Duration::from_secs(seconds).into()
}

/// Every wait has a length of its own.
fn settings() -> Settings {
    Settings {
        timeouts: Timeouts {
            header: seconds(7),
            body: seconds(11),
            idle: seconds(50),
            write: seconds(23),
            drain: seconds(10),
        },
        ..Settings::default()
    }
}

/// The most that lies between the two ends.
const BETWEEN: usize = 1024;

fn serve(settings: Settings, router: Router) -> Served {
    let (ours, peer) = duplex(BETWEEN);
    let counters = Arc::<Counters>::default();
    let stop = CancellationToken::new();
    let open = Open::new(
        Arc::clone(&counters),
        CancellationToken::new(),
        None,
        None,
        TaskTracker::new().token(),
    );
    let stream = Box::new(Stall::new(ours, settings.timeouts.write.get()));
    let local = Bound::new("127.0.0.1:80".parse().unwrap(), false);
    let connection = Connection {
        endpoint: endpoint(router),
        settings: Arc::new(settings),
        peer: Peer::new(PeerAddress::Unix, Arc::new(local)),
        stop: stop.clone(),
        open: Arc::new(open),
        since: Instant::now(),
        encryption: None,
    };
    Served {
        peer,
        began: Instant::now(),
        stop,
        counters,
        task: tokio::spawn(connection.serve(stream)),
    }
}

impl Served {
    async fn say(&mut self, text: &str) {
        self.peer.write_all(text.as_bytes()).await.unwrap();
    }

    /// Everything until the connection is closed.
    async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        self.peer.read_to_end(&mut rest).await.unwrap();
        String::from_utf8(rest).unwrap()
    }

    /// What comes until it ends like this.
    async fn until(&mut self, end: &str) -> String {
        let mut read = String::new();
        while !read.ends_with(end) {
            read.push(char::from(self.peer.read_u8().await.unwrap()));
        }
        read
    }

    /// How long the connection has lasted.
    fn lasted(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    fn stats(&self) -> Stats {
        self.counters.stats()
    }
}

fn hello() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/count", post(count))
}

/// Answers with the number of bytes of the body.
async fn count(request: Request) -> Result<String, axum::http::StatusCode> {
    let mut body = request.into_body();
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| axum::http::StatusCode::INTERNAL_SERVER_ERROR)?;
        count += frame.data_ref().map_or(0, Bytes::len);
    }
    Ok(count.to_string())
}

const GET: &str = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed_without_a_word() {
    let mut served = serve(settings(), hello());
    assert_eq!(served.rest().await, "");
    assert_eq!(served.lasted(), 7);
    assert_eq!(served.stats().header_timeouts, 1);
    served.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_over_in_time_and_told_so() {
    let mut served = serve(settings(), hello());
    served.say("GET / HTTP/1.1\r\n").await;
    let (mut read, mut write) = tokio::io::split(served.peer);
    let dripping = tokio::spawn(async move {
        while write.write_all(b"x: y\r\n").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut rest = Vec::new();
    // The peer goes on writing; what it is told comes all the same.
    let _ = read.read_to_end(&mut rest).await;
    let rest = String::from_utf8(rest).unwrap();
    assert!(
        rest.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{rest}"
    );
    assert!(
        rest.contains("content-type: application/problem+json\r\n"),
        "{rest}"
    );
    assert!(rest.contains("connection: close\r\n"), "{rest}");
    assert!(rest.contains("\"status\":408"), "{rest}");
    assert_eq!(served.counters.stats().header_timeouts, 1);
    served.task.await.unwrap();
    dripping.abort();
}

#[tokio::test(start_paused = true)]
async fn the_beginning_of_a_preface_is_a_head_that_does_not_come() {
    let mut served = serve(settings(), hello());
    served.say("PRI * HTTP").await;
    served.rest().await;
    assert_eq!(served.lasted(), 7);
    assert_eq!(served.stats().header_timeouts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_idles_longer_than_a_head_may_take_and_no_longer() {
    let mut served = serve(settings(), hello());
    served.say(GET).await;
    served.until("hello").await;
    sleep(Duration::from_secs(40)).await;
    served.say(GET).await;
    served.until("hello").await;
    assert_eq!(served.rest().await, "");
    assert_eq!(served.lasted(), 90);
    assert_eq!(served.stats().idle_timeouts, 1);
    assert_eq!(served.stats().header_timeouts, 0);
}

#[tokio::test(start_paused = true)]
async fn the_head_of_a_later_request_has_its_own_time() {
    let mut served = serve(settings(), hello());
    served.say(GET).await;
    served.until("hello").await;
    sleep(Duration::from_secs(30)).await;
    served.say("GET / HT").await;
    let rest = served.rest().await;
    assert!(rest.starts_with("HTTP/1.1 408 "), "{rest}");
    assert_eq!(served.stats().header_timeouts, 1);
}

/// A predecessor lowered the time for a whole request to that of its head: uploads that took longer than
/// two seconds died. What counts is that something comes.
#[tokio::test(start_paused = true)]
async fn an_upload_that_goes_on_may_take_as_long_as_it_likes() {
    let mut served = serve(settings(), hello());
    served
        .say("POST /count HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\n")
        .await;
    for _ in 0..100 {
        sleep(Duration::from_secs(10)).await;
        served.say("x").await;
    }
    let answer = served.until("100").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(served.stats().body_timeouts, 0);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stops_is_a_408() {
    for framing in [
        "content-length: 100\r\n\r\nx",
        "transfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
    ] {
        let mut served = serve(settings(), hello());
        served
            .say(&format!("POST /count HTTP/1.1\r\nhost: test\r\n{framing}"))
            .await;
        let answer = served.until("\n\r\n").await;
        // The handler made a 500 of it.
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        assert_eq!(served.lasted(), 11);
        assert_eq!(served.stats().body_timeouts, 1);
        drop(served.peer);
        served.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_its_time_over_a_body_is_not_the_peers_fault() {
    let router = Router::new().route(
        "/",
        post(|request: Request| async move {
            sleep(Duration::from_secs(1000)).await;
            count(request).await
        }),
    );
    let mut served = serve(settings(), router);
    served
        .say("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nxyz")
        .await;
    let answer = served.until("\r\n\r\n3").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

/// More than lies between the two ends, in one piece.
fn large() -> Router {
    Router::new().route("/", get(|| async { Bytes::from(vec![b'x'; 64 * 1024]) }))
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_of_its_answer_is_given_up() {
    let mut served = serve(settings(), large());
    served.say(GET).await;
    (&mut served.task).await.unwrap();
    assert_eq!(served.lasted(), 23);
    assert_eq!(served.stats().write_timeouts, 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_in_the_middle_of_an_answer() {
    let mut served = serve(settings(), large());
    served.say(GET).await;
    sleep(Duration::from_secs(1)).await;
    // A further head begins while the answer is stuck, and does not end.
    served.say("GET / HT").await;
    // It is over by then, and whatever would be said would come.
    sleep(Duration::from_secs(9)).await;
    assert_eq!(served.stats().header_timeouts, 1);
    let rest = served.rest().await;
    assert_eq!(rest.matches("HTTP/1.1").count(), 1, "{rest}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_its_answer_slowly_is_served_to_the_end() {
    let mut served = serve(settings(), large());
    served.say(GET).await;
    let mut taken = 0;
    // Much longer than an idle connection lives, with the answer given away as a whole at once.
    while taken < 64 * 1024 {
        sleep(Duration::from_secs(20)).await;
        let mut some = vec![0; BETWEEN];
        let count = served.peer.read(&mut some).await.unwrap();
        assert!(count > 0, "after {taken} bytes");
        taken += count;
    }
    assert!(served.lasted() > 1000);
    assert_eq!(
        served.stats().idle_timeouts + served.stats().write_timeouts,
        0
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_its_time_is_waited_for() {
    let router = Router::new().route(
        "/",
        get(|| async {
            Body::new(Pieces {
                left: 10,
                next: Box::pin(sleep(Duration::from_secs(100))),
            })
        }),
    );
    let mut served = serve(settings(), router);
    served.say(GET).await;
    let answer = served.until("0\r\n\r\n").await;
    assert_eq!(answer.matches("piece").count(), 10);
    assert_eq!(served.lasted(), 1000);
}

/// So many pieces, one every hundred seconds.
struct Pieces {
    left: usize,
    next: Pin<Box<Sleep>>,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        ready!(self.next.as_mut().poll(cx));
        self.left -= 1;
        self.next = Box::pin(sleep(Duration::from_secs(100)));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"piece")))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_has_begun_may_end_after_the_stop() {
    let mut served = serve(settings(), hello());
    served.say("GET / HTTP/1.1\r\n").await;
    sleep(Duration::from_secs(1)).await;
    served.stop.cancel();
    sleep(Duration::from_secs(1)).await;
    served.say("host: test\r\n\r\n").await;
    let answer = served.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(served.lasted(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_has_said_nothing_is_closed_at_the_stop() {
    for said in ["", GET] {
        let mut served = serve(settings(), hello());
        served.say(said).await;
        if !said.is_empty() {
            served.until("hello").await;
        }
        sleep(Duration::from_secs(1)).await;
        served.stop.cancel();
        assert_eq!(served.rest().await, "");
        assert_eq!(served.lasted(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_come_before_the_stop_is_answered() {
    let mut served = serve(settings(), hello());
    served.say(GET).await;
    served.stop.cancel();
    let answer = served.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn limits_of_a_head_are_kept() {
    let mut limited = settings();
    limited.limits.header = crate::config::units::Bytes::new(1024);
    limited.limits.headers = NonZeroUsize::new(3).unwrap();
    let head = |fields: &str| format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
    // The first line, the field's name and the line ends.
    let exactly = "x".repeat(1024 - head("x: \r\n").len());
    for (fields, status) in [
        ("a: b\r\n".repeat(2), 200),
        ("a: b\r\n".repeat(3), 431),
        (format!("x: {exactly}\r\n"), 200),
        (format!("x: {exactly}x\r\n"), 431),
        (format!("x: {}\r\n", "x".repeat(100_000)), 431),
    ] {
        let served = serve(limited.clone(), hello());
        let (mut read, mut write) = tokio::io::split(served.peer);
        let head = head(&fields);
        let writing = tokio::spawn(async move { write.write_all(head.as_bytes()).await });
        let mut answer = vec![0; 12];
        read.read_exact(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert_eq!(answer, format!("HTTP/1.1 {status}"), "{}", fields.len());
        // What is too much is taken off the wire, so that the answer arrives.
        writing.await.unwrap().unwrap();
        drop(read);
        served.task.await.unwrap();
    }
}
