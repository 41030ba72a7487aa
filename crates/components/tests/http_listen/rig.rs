//! A listener that answers, and peers that speak to it byte by byte.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::{get, post};
use byname_components::http::Endpoint;
use byname_components::http::listen::{Address, Listener, Serving, Settings};
use bytes::Bytes;
use futures_util::stream::{StreamExt as _, once, pending};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// How long a program that is broken may take to fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Any free port of this machine only.
pub(crate) fn settings() -> Settings {
    Settings {
        address: "127.0.0.1:0".parse().unwrap(),
        ..Settings::default()
    }
}

pub(crate) fn endpoint(router: Router) -> Endpoint {
    Endpoint::new(router)
}

pub(crate) async fn serve(settings: Settings, router: Router) -> Serving {
    let listener = Listener::bind(settings).await.unwrap();
    listener.serve(endpoint(router))
}

pub(crate) fn port(serving: &Serving) -> SocketAddr {
    match serving.address().address() {
        Address::Tcp(address) => *address,
        Address::Unix(_) => panic!("no port"),
    }
}

/// The other end of a connection.
pub(crate) struct Peer<S = TcpStream>(pub(crate) S);

impl Peer {
    pub(crate) async fn connect(serving: &Serving) -> Self {
        Self(TcpStream::connect(port(serving)).await.unwrap())
    }
}

/// Fails instead of waiting for ever.
pub(crate) async fn patiently<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("within the patience of a test")
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) async fn say(&mut self, text: &str) {
        patiently(self.0.write_all(text.as_bytes())).await.unwrap();
    }

    /// Asks for a path, and keeps the connection.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.say(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"))
            .await;
        self.answer().await
    }

    /// Reads one answer, with the body that its head announces.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.until("\r\n\r\n").await;
        let field = |name: &str| {
            let mut lines = head.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let length = field("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        patiently(self.0.read_exact(&mut body)).await.unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = String::from_utf8(body).unwrap();
        Answer { status, head, body }
    }

    /// What comes until it ends like this.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut read = String::new();
        while !read.ends_with(end) {
            let byte = patiently(self.0.read_u8()).await;
            read.push(char::from(
                byte.unwrap_or_else(|error| panic!("{error} after {read:?}")),
            ));
        }
        read
    }

    /// Everything until the connection is closed.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let ended = patiently(self.0.read_to_end(&mut rest)).await;
        let rest = String::from_utf8(rest).unwrap();
        ended.unwrap_or_else(|error| panic!("{error} after {rest:?}"));
        rest
    }

    /// Waits until the connection is gone, closed or cut.
    pub(crate) async fn gone(&mut self) {
        let mut rest = Vec::new();
        let _ = patiently(self.0.read_to_end(&mut rest)).await;
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What handlers do, from the outside: how many there are, and how many of them have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    begun: AtomicUsize,
    ended: AtomicUsize,
    changed: Notify,
}

/// A call that has begun, and ends when this is dropped.
pub(crate) struct Call(Calls);

impl Calls {
    pub(crate) fn begin(&self) -> Call {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
        Call(self.clone())
    }

    pub(crate) fn begun(&self) -> usize {
        self.0.begun.load(Ordering::SeqCst)
    }

    pub(crate) fn ended(&self) -> usize {
        self.0.ended.load(Ordering::SeqCst)
    }

    /// Waits until so many have begun.
    pub(crate) async fn until_begun(&self, count: usize) {
        self.until(|| self.begun() >= count).await;
    }

    /// Waits until so many have ended.
    pub(crate) async fn until_ended(&self, count: usize) {
        self.until(|| self.ended() >= count).await;
    }

    async fn until(&self, done: impl Fn() -> bool) {
        patiently(async {
            loop {
                let changed = self.0.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if done() {
                    return;
                }
                changed.await;
            }
        })
        .await;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let inner = &self.0.0;
        inner.ended.fetch_add(1, Ordering::SeqCst);
        inner.changed.notify_waiters();
    }
}

/// Waits until something about a listener's numbers is so.
pub(crate) async fn until(mut done: impl FnMut() -> bool) {
    patiently(async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// `/` says hello; `/hang` never answers; `/stream` begins an answer and never ends it; `/count` answers
/// with the number of bytes of a body; `/read` reads it and never answers; `/panic` panics, and
/// `/panic-late` in the middle of its answer.
pub(crate) fn router(calls: &Calls) -> Router {
    let [hanging, streaming] = [calls.clone(), calls.clone()];
    let [counting, reading] = [calls.clone(), calls.clone()];
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route(
            "/hang",
            get(move || async move {
                let _call = hanging.begin();
                std::future::pending::<()>().await;
            }),
        )
        .route(
            "/stream",
            get(move || async move {
                let call = streaming.begin();
                let first = once(async { Ok::<_, Infallible>("begun") });
                let whole = first.chain(pending());
                Body::from_stream(whole.inspect(move |_| {
                    let _ = &call;
                }))
            }),
        )
        .route(
            "/count",
            post(move |request| count(counting.begin(), request)),
        )
        .route(
            "/read",
            post(move |body: Bytes| async move {
                let _call = reading.begin();
                std::future::pending::<()>().await;
                drop(body);
            }),
        )
        .route("/panic", get(panics))
        .route(
            "/panic-late",
            get(|| async {
                let first = once(async { Ok::<_, Infallible>("begun") });
                let then = once(poll_fn(|_| panic!("on purpose")));
                Body::from_stream(first.chain(then))
            }),
        )
}

async fn panics() -> &'static str {
    poll_fn(|_| panic!("on purpose")).await
}

/// Counts the bytes of a body, and makes a 500 of what goes wrong, as handlers do.
async fn count(call: Call, request: Request) -> Result<String, StatusCode> {
    let _call = call;
    let mut body = request.into_body();
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        count += frame.data_ref().map_or(0, Bytes::len);
    }
    Ok(count.to_string())
}
