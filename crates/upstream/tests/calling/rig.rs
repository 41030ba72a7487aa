//! Small servers, and what asks them.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use byname_testkit::PATIENCE;
use byname_upstream::{
    Backend, BackendState, Body, BreakerOptions, BudgetOptions, Call, Error, HealthOptions,
    Options, RetryOptions, Timeouts, Upstream,
};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A server on a port of its own; dropped, it and its connections are gone.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) connections: Arc<AtomicUsize>,
    /// Connections that have ended.
    pub(crate) ended: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// Each connection is given to `serve`, with its number.
    pub(crate) async fn raw<F: Future<Output = ()> + Send + 'static>(
        serve: impl Fn(TcpStream, usize) -> F + Send + 'static,
    ) -> Self {
        Self::raw_at("127.0.0.1:0".parse().expect("an address"), serve).await
    }

    pub(crate) async fn raw_at<F: Future<Output = ()> + Send + 'static>(
        addr: SocketAddr,
        serve: impl Fn(TcpStream, usize) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(addr).await.expect("a port");
        let addr = listener.local_addr().expect("bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let ended = Arc::new(AtomicUsize::new(0));
        let (counted, counted_ended) = (Arc::clone(&connections), Arc::clone(&ended));
        let accepting = tokio::spawn(async move {
            let mut served = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let (serving, ended) = (serve(stream, number), Arc::clone(&counted_ended));
                served.spawn(async move {
                    serving.await;
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            addr,
            connections,
            ended,
            accepting,
        }
    }

    /// Answers over HTTP/1.1.
    pub(crate) async fn http<F>(
        answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        Self::http_at("127.0.0.1:0".parse().expect("an address"), answer).await
    }

    pub(crate) async fn http_at<F>(
        addr: SocketAddr,
        answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let answer = Arc::new(answer);
        Self::raw_at(addr, move |stream, _| {
            let answer = Arc::clone(&answer);
            async move {
                let service = service_fn(move |request| {
                    let answering = answer(request);
                    async move { Ok::<_, Infallible>(answering.await) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                let io = TokioIo::new(stream);
                let _ = connection.serve_connection(io, service).await;
            }
        })
        .await
    }

    /// Answers over HTTP/2 with prior knowledge.
    pub(crate) async fn http2<F>(
        answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let answer = Arc::new(answer);
        Self::raw(move |stream, _| {
            let answer = Arc::clone(&answer);
            async move {
                let service = service_fn(move |request| {
                    let answering = answer(request);
                    async move { Ok::<_, Infallible>(answering.await) }
                });
                let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let io = TokioIo::new(stream);
                let _ = connection.serve_connection(io, service).await;
            }
        })
        .await
    }

    /// Reads the head of each request, and writes what `script` says; `Step::Hang` waits for the client
    /// to go.
    pub(crate) async fn scripted(script: &'static [Step]) -> Self {
        Self::raw(move |mut stream, _| async move {
            if !head_read(&mut stream).await {
                return;
            }
            for step in script {
                match step {
                    Step::Write(text) => stream.write_all(text.as_bytes()).await.expect("written"),
                    Step::Reset => {
                        stream.set_zero_linger().expect("linger");
                        return;
                    }
                    Step::Hang => {
                        while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
                    }
                }
            }
        })
        .await
    }

    pub(crate) fn backend(&self) -> Backend {
        backend(self.addr)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Step {
    Write(&'static str),
    Reset,
    Hang,
}

/// Reads to the end of a head; false where the client goes before.
pub(crate) async fn head_read(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    let mut part = [0; 1024];
    while !read.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return false,
            Ok(length) => read.extend_from_slice(&part[..length]),
        }
    }
    true
}

pub(crate) fn backend(addr: SocketAddr) -> Backend {
    Backend::new(&format!("http://{addr}")).expect("a backend")
}

/// An address where nobody listens, nor will: it is bound until the process ends.
pub(crate) fn nobody() -> SocketAddr {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    let any = "127.0.0.1:0".parse().expect("an address");
    socket.bind(any).expect("a port");
    Box::leak(Box::new(socket)).local_addr().expect("bound")
}

/// A server that answers each request with `status`, and counts them.
pub(crate) async fn answers(status: u16) -> (Server, Arc<AtomicUsize>) {
    answers_at("127.0.0.1:0".parse().expect("an address"), status).await
}

pub(crate) async fn answers_at(addr: SocketAddr, status: u16) -> (Server, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let server = Server::http_at(addr, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move { answer(status, "body") }
    });
    (server.await, requests)
}

pub(crate) fn answer(status: u16, body: &'static str) -> Response<Full<Bytes>> {
    let body = Full::new(Bytes::from_static(body.as_bytes()));
    let answer = Response::builder().status(status);
    answer.body(body).expect("an answer")
}

/// Nothing is tried again, nothing is left out, no breaker opens: what a test is about it sets itself.
pub(crate) fn plain() -> Options {
    Options::default()
        .timeouts(Timeouts {
            connect: Duration::from_secs(50),
            per_try: Duration::from_secs(50),
            total: Duration::from_secs(55),
            ..Timeouts::default()
        })
        .retry(RetryOptions {
            tries: 1,
            ..retries()
        })
        .health(HealthOptions {
            failures: 60_000,
            least: u32::MAX,
            ..HealthOptions::default()
        })
        .breaker(BreakerOptions {
            failures: u32::MAX,
            ..BreakerOptions::default()
        })
}

/// Three tries without pauses, as many as are asked for.
pub(crate) fn retries() -> RetryOptions {
    RetryOptions {
        tries: 3,
        pause: Duration::ZERO,
        budget: BudgetOptions {
            share: 1.0,
            floor: 1_000_000,
            kept: 1000,
        },
        ..RetryOptions::default()
    }
}

pub(crate) fn retrying() -> Options {
    plain().retry(retries())
}

pub(crate) fn upstream(backends: impl IntoIterator<Item = Backend>, options: Options) -> Upstream {
    Upstream::new("test", backends, options).expect("an upstream")
}

pub(crate) fn request(method: &Method, path: &str) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(path);
    request
        .body(Bytes::from_static(b"sent"))
        .expect("a request")
}

pub(crate) async fn get(upstream: &Upstream) -> Result<Response<Body>, Error> {
    let call = upstream.call(request(&Method::GET, "/"), Call::default());
    within(call).await
}

pub(crate) async fn post(upstream: &Upstream) -> Result<Response<Body>, Error> {
    let call = upstream.call(request(&Method::POST, "/"), Call::default());
    within(call).await
}

/// The status and the whole body.
pub(crate) async fn whole(answer: Result<Response<Body>, Error>) -> Result<(u16, Bytes), Error> {
    let answer = answer?;
    let status = answer.status().as_u16();
    Ok((status, within(answer.into_body().read(1 << 20)).await?))
}

pub(crate) async fn status_of_get(upstream: &Upstream) -> Result<u16, Error> {
    whole(get(upstream).await).await.map(|(status, _)| status)
}

/// Fails where it takes longer than only something broken takes.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let done = tokio::time::timeout(PATIENCE, future).await;
    done.expect("within the patience of tests")
}

/// Looks until it is so.
pub(crate) async fn until(so: impl Fn() -> bool) {
    within(async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

pub(crate) fn state(upstream: &Upstream, at: usize) -> BackendState {
    upstream.states().swap_remove(at)
}

/// Tries, successes, failures, abandoned, in flight.
pub(crate) fn counts(upstream: &Upstream, at: usize) -> [u64; 5] {
    let state = state(upstream, at);
    [
        state.tries,
        state.successes,
        state.failures,
        state.abandoned,
        state.in_flight as u64,
    ]
}
