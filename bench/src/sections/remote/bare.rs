//! The clients that everything else is set beside.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// What the client of a trait accepts, and so everybody does here.
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("application/json, application/problem+json");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) type Hyper = Client<HttpConnector, Full<Bytes>>;

/// A client of hyper-util as it comes, but for the timer that its pool needs.
pub(super) fn hyper() -> Hyper {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connector)
}

/// A client of reqwest as it comes; the environment's proxies are none of this.
pub(super) fn reqwest() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("a client without TLS")
}

/// A request with the headers that all send.
pub(super) fn request(method: Method, uri: Uri, content: Bytes) -> Request<Bytes> {
    let has_content = !content.is_empty();
    let mut request = Request::new(content);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, ACCEPTED);
    if has_content {
        headers.insert(CONTENT_TYPE, JSON);
    }
    request
}

/// Calls by hyper-util, and reads the answer.
pub(super) async fn by_hyper(client: &Hyper, request: Request<Bytes>) -> Bytes {
    let response = client.request(request.map(Full::new)).await;
    let response = response.expect("an answer of the tiny server");
    assert!(response.status().is_success(), "{}", response.status());
    let content = response.into_body().collect().await;
    content.expect("a whole answer").to_bytes()
}

/// Calls by reqwest, and reads the answer.
pub(super) async fn by_reqwest(
    client: &reqwest::Client,
    method: Method,
    url: &str,
    content: Bytes,
) -> Bytes {
    let mut request = client.request(method, url).header(ACCEPT, ACCEPTED);
    if !content.is_empty() {
        request = request.header(CONTENT_TYPE, JSON).body(content);
    }
    let response = request.send().await.expect("an answer of the tiny server");
    assert!(response.status().is_success(), "{}", response.status());
    response.bytes().await.expect("a whole answer")
}
