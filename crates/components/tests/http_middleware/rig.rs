//! Middleware before handlers, asked without a socket; and what was logged meanwhile.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Router};
use byname_components::config::{Origin, Path, Source, parse, read_node};
use byname_components::http::listen::{Address, Listener, Peer, Settings};
use byname_components::http::{Endpoint, Middleware};
use http_body::Frame;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt as _;
use tower::{Layer as _, Service as _, ServiceExt as _};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Reads settings as a file has them.
pub(crate) fn settings<S: DeserializeOwned>(yaml: &str) -> S {
    let node = parse(yaml, &Source::Code("a test".into())).unwrap();
    let node = match node.value {
        byname_components::config::Value::Null => {
            byname_components::config::Node::empty(Origin::of(Source::Code("a test".into())))
        }
        _ => node,
    };
    read_node::<S>(&node, &Path::root(), "settings")
        .unwrap()
        .value
}

/// Puts middleware before a router.
#[allow(clippy::needless_pass_by_value, reason = "it is made for this")]
pub(crate) fn before(router: Router, middleware: Middleware) -> Endpoint {
    middleware.layer(Endpoint::new(router))
}

/// Asks, and returns the answer as it comes.
pub(crate) async fn ask(endpoint: &Endpoint, request: Request) -> Response {
    let mut endpoint = endpoint.clone();
    let Ok(ready) = endpoint.ready().await;
    let Ok(response) = ready.call(request).await;
    response
}

/// An answer that was read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The answer as a problem (RFC 9457).
    pub(crate) fn problem(&self) -> serde_json::Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status.as_u16());
        problem
    }
}

/// Asks, and reads the answer.
pub(crate) async fn answer(endpoint: &Endpoint, request: Request) -> Answer {
    let (parts, body) = ask(endpoint, request).await.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

/// A request, with headers.
pub(crate) fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

pub(crate) fn get(uri: &str) -> Request {
    request("GET", uri, &[])
}

/// Says where a request comes from.
pub(crate) fn from(address: &str, mut request: Request) -> Request {
    let address: SocketAddr = match address.parse() {
        Ok(address) => address,
        Err(_) => SocketAddr::new(address.parse().unwrap(), 40_000),
    };
    request.extensions_mut().insert(ConnectInfo(address));
    request
}

/// A body whose frames somebody sends; it ends when the sender is dropped.
pub(crate) fn streamed() -> (tokio::sync::mpsc::UnboundedSender<&'static str>, Body) {
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel::<&'static str>();
    let frames = FromFn(move |cx: &mut std::task::Context<'_>| {
        let frame = std::task::ready!(receive.poll_recv(cx));
        std::task::Poll::Ready(frame.map(|text| match text {
            "fail" => Err("it failed".into()),
            "panic" => panic!("hush: in the stream"),
            text => Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
        }))
    });
    (send, Body::new(frames))
}

type FrameOrError = Result<Frame<Bytes>, Box<dyn std::error::Error + Send + Sync>>;

struct FromFn<F>(F);

impl<F> http_body::Body for FromFn<F>
where
    F: FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<FrameOrError>> + Unpin,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<FrameOrError>> {
        (self.0)(cx)
    }
}

/// The next frame of a body that has data.
pub(crate) async fn next(body: &mut Body) -> Option<Bytes> {
    loop {
        let frame = body.frame().await?.unwrap();
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Some(data);
        }
    }
}

/// An event or a span, with what it said.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) level: tracing::Level,
    pub(crate) target: String,
    pub(crate) fields: BTreeMap<String, String>,
    /// The fields of the spans that it happened in.
    pub(crate) within: Vec<BTreeMap<String, String>>,
}

impl Logged {
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }
}

/// What this thread logs, from now on until it is dropped.
pub(crate) struct Log {
    kept: Arc<Mutex<Kept>>,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Default)]
struct Kept {
    events: Vec<Logged>,
    spans: Vec<BTreeMap<String, String>>,
    entered: Vec<usize>,
}

impl Log {
    pub(crate) fn new() -> Self {
        let kept = Arc::<Mutex<Kept>>::default();
        let guard = tracing::subscriber::set_default(Keeps(Arc::clone(&kept)));
        Self {
            kept,
            _guard: guard,
        }
    }

    /// What was logged under a target, since it was asked for last.
    pub(crate) fn take(&self, target: &str) -> Vec<Logged> {
        let events = &mut self.kept.lock().unwrap().events;
        let (taken, left) = events.drain(..).partition(|event| event.target == target);
        *events = left;
        taken
    }

    /// All spans, as they are now.
    pub(crate) fn spans(&self) -> Vec<BTreeMap<String, String>> {
        self.kept.lock().unwrap().spans.clone()
    }

    /// Whether anything that was logged has a text in it.
    pub(crate) fn says(&self, text: &str) -> bool {
        let kept = self.kept.lock().unwrap();
        kept.events
            .iter()
            .any(|event| event.fields.values().any(|field| field.contains(text)))
    }
}

struct Keeps(Arc<Mutex<Kept>>);

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Keeps {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        fields.insert("name".into(), span.metadata().name().into());
        fields.insert("level".into(), span.metadata().level().to_string());
        let spans = &mut self.0.lock().unwrap().spans;
        spans.push(fields);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let at = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut Fields(&mut self.0.lock().unwrap().spans[at]));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        let kept = &mut *self.0.lock().unwrap();
        let within = kept.entered.iter().map(|at| kept.spans[*at].clone());
        kept.events.push(Logged {
            level: *event.metadata().level(),
            target: event.metadata().target().to_owned(),
            fields,
            within: within.collect(),
        });
    }

    fn enter(&self, span: &Id) {
        let at = usize::try_from(span.into_u64()).unwrap() - 1;
        self.0.lock().unwrap().entered.push(at);
    }

    fn exit(&self, span: &Id) {
        let at = usize::try_from(span.into_u64()).unwrap() - 1;
        let entered = &mut self.0.lock().unwrap().entered;
        let last = entered.iter().rposition(|entered| *entered == at).unwrap();
        entered.remove(last);
    }
}

/// Who a listener says is at the other end of a connection to itself.
async fn peer_at(address: Address) -> Peer {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |Extension(peer): Extension<Peer>| async move {
        tell.send(peer).unwrap();
    };
    let settings = Settings {
        address,
        ..Settings::default()
    };
    let listener = Listener::bind(settings).await.unwrap();
    let serving = listener.serve(Endpoint::new(Router::new().fallback(handler)));
    let ask = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";
    match serving.address().address() {
        Address::Tcp(address) => {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(ask).await.unwrap();
            told.recv().await.unwrap()
        }
        Address::Unix(path) => {
            let mut stream = tokio::net::UnixStream::connect(path).await.unwrap();
            stream.write_all(ask).await.unwrap();
            told.recv().await.unwrap()
        }
    }
}

/// A peer in the network: `127.0.0.1`.
pub(crate) async fn tcp_peer() -> Peer {
    peer_at("127.0.0.1:0".parse().unwrap()).await
}

/// A peer that came through a socket file.
pub(crate) async fn unix_peer() -> Peer {
    let folder = tempfile::tempdir().unwrap();
    peer_at(Address::Unix(folder.path().join("socket"))).await
}
