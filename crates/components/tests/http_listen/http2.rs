//! HTTP/2, by hyper's client.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode, Version};
use axum::response::Response;
use byname_components::config::units::Bytes;
use byname_components::http::listen::{BodyLimit, Protocol, Serving, Settings};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::rig::{Calls, PATIENCE, Peer, patiently, port, router, serve, settings, until};

async fn client(serving: &Serving) -> (SendRequest<Body>, JoinHandle<hyper::Result<()>>) {
    let stream = TcpStream::connect(port(serving)).await.unwrap();
    let connecting = handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = patiently(connecting).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn request(method: Method, path: &str, body: Body) -> Request<Body> {
    let uri = format!("http://test{path}");
    Request::builder()
        .method(method)
        .uri(uri)
        .body(body)
        .unwrap()
}

async fn get(sender: &mut SendRequest<Body>, path: &str) -> hyper::Result<Response<Incoming>> {
    patiently(sender.send_request(request(Method::GET, path, Body::empty()))).await
}

async fn text(response: Response<Incoming>) -> String {
    let body = patiently(response.into_body().collect()).await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn both_versions_are_spoken_on_one_port() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let (mut sender, _task) = client(&serving).await;
    let response = get(&mut sender, "/").await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(text(response).await, "hello");
    assert_eq!(Peer::connect(&serving).await.get("/").await.body, "hello");
    assert_eq!(serving.stats().requests, 2);
}

#[tokio::test]
async fn what_is_not_spoken_is_not_answered() {
    let only = |protocol| Settings {
        protocols: vec![protocol],
        ..settings()
    };
    let one = serve(only(Protocol::Http1), router(&Calls::default())).await;
    let (mut sender, _task) = client(&one).await;
    get(&mut sender, "/").await.unwrap_err();
    assert_eq!(Peer::connect(&one).await.get("/").await.status, 200);
    let two = serve(only(Protocol::Http2), router(&Calls::default())).await;
    let (mut sender, _task) = client(&two).await;
    assert_eq!(
        get(&mut sender, "/").await.unwrap().status(),
        StatusCode::OK
    );
    let mut peer = Peer::connect(&two).await;
    peer.say("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    peer.gone().await;
    assert_eq!(two.stats().requests, 1);
}

#[tokio::test]
async fn a_stream_that_is_given_up_cancels_its_request_and_no_other() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    let (mut sender, _task) = client(&serving).await;
    let mut other = sender.clone();
    let hanging = sender.send_request(request(Method::GET, "/hang", Body::empty()));
    let hanging = tokio::spawn(hanging);
    calls.until_begun(1).await;
    let stream = get(&mut other, "/stream").await.unwrap();
    hanging.abort();
    calls.until_ended(1).await;
    assert_eq!(calls.begun(), 2);
    assert_eq!(get(&mut other, "/").await.unwrap().status(), StatusCode::OK);
    assert_eq!(calls.ended(), 1);
    drop(stream);
    calls.until_ended(2).await;
    until(|| serving.stats().in_flight == 0).await;
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_all_of_its_requests() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    // What is between the two ends is taken away: hyper's client keeps its end for as long as somebody
    // waits for an answer.
    let (end, mut middle) = tokio::io::duplex(1024);
    let mut stream = TcpStream::connect(port(&serving)).await.unwrap();
    let between =
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut middle, &mut stream).await });
    let connecting = handshake(TokioExecutor::new(), TokioIo::new(end));
    let (mut sender, connection) = patiently(connecting).await.unwrap();
    tokio::spawn(connection);
    let requests: Vec<_> = (0..3)
        .map(|_| sender.send_request(request(Method::GET, "/hang", Body::empty())))
        .collect();
    calls.until_begun(3).await;
    between.abort();
    calls.until_ended(3).await;
    drop(requests);
    until(|| serving.stats().open == 0 && serving.stats().in_flight == 0).await;
}

#[tokio::test]
async fn a_panic_ends_its_request_and_not_its_siblings() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    let (mut sender, _task) = client(&serving).await;
    let sibling = get(&mut sender, "/stream").await.unwrap();
    let response = get(&mut sender, "/panic").await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let late = get(&mut sender, "/panic-late").await.unwrap();
    patiently(late.into_body().collect()).await.unwrap_err();
    assert_eq!(
        get(&mut sender, "/").await.unwrap().status(),
        StatusCode::OK
    );
    assert_eq!(calls.ended(), 0);
    drop(sibling);
}

#[tokio::test]
async fn bodies_have_the_same_limit() {
    let mut limited = settings();
    limited.limits.body = BodyLimit::AtMost(Bytes::new(1000));
    let serving = serve(limited, router(&Calls::default())).await;
    let (mut sender, _task) = client(&serving).await;
    for (length, status) in [
        (1000, StatusCode::OK),
        (1001, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let whole = Body::from(vec![b'x'; length]);
        let pieces = vec![b'x'; length].into_iter();
        let pieces = pieces.map(|byte| Ok::<_, std::convert::Infallible>(vec![byte]));
        // Its length is not announced.
        let streamed = Body::from_stream(futures_util::stream::iter(pieces));
        for body in [whole, streamed] {
            let sent = sender.send_request(request(Method::POST, "/count", body));
            let response = patiently(sent).await.unwrap();
            assert_eq!(response.status(), status, "{length}");
        }
    }
    assert_eq!(serving.stats().too_large, 2);
}

#[tokio::test]
async fn heads_have_the_same_limits() {
    let mut limited = settings();
    limited.limits.header = Bytes::new(2000);
    limited.limits.headers = std::num::NonZeroUsize::new(3).unwrap();
    let serving = serve(limited, router(&Calls::default())).await;
    let (mut sender, _task) = client(&serving).await;
    for (count, size, status) in [(3, 1, 200), (4, 1, 431), (1, 1500, 200), (1, 2000, 431)] {
        let mut request = request(Method::GET, "/", Body::empty());
        for index in 0..count {
            let name = axum::http::HeaderName::try_from(format!("x-{index}")).unwrap();
            request
                .headers_mut()
                .insert(name, "x".repeat(size).parse().unwrap());
        }
        // Whoever knows the limit, as hyper's client does, may fail by itself.
        if let Ok(response) = patiently(sender.send_request(request)).await {
            assert_eq!(response.status(), status, "{count} {size}");
        } else {
            assert_eq!((count, size), (1, 2000));
        }
    }
}

#[tokio::test]
async fn a_connection_has_so_many_streams_at_a_time() {
    let mut limited = settings();
    limited.limits.streams = std::num::NonZeroU32::new(2).unwrap();
    let calls = Calls::default();
    let serving = serve(limited, router(&calls)).await;
    let (mut sender, _task) = client(&serving).await;
    // The settings of the listener have arrived with the first answer.
    assert_eq!(
        get(&mut sender, "/").await.unwrap().status(),
        StatusCode::OK
    );
    let mut held = vec![
        get(&mut sender, "/stream").await.unwrap(),
        get(&mut sender, "/stream").await.unwrap(),
    ];
    let third = tokio::spawn(sender.send_request(request(Method::GET, "/", Body::empty())));
    // What is sent behind it on another connection has been answered; the third still waits.
    assert_eq!(Peer::connect(&serving).await.get("/").await.status, 200);
    assert!(!third.is_finished());
    held.pop();
    assert_eq!(
        patiently(third).await.unwrap().unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_drain_answers_what_is_in_flight_and_tells_the_peer() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    let (mut busy, busy_task) = client(&serving).await;
    let (mut idle, idle_task) = client(&serving).await;
    assert_eq!(get(&mut idle, "/").await.unwrap().status(), StatusCode::OK);
    let stream = get(&mut busy, "/stream").await.unwrap();
    let draining = async {
        let cut = serving.drain(PATIENCE).await;
        assert_eq!(cut, 0);
    };
    let peers = async {
        // GOAWAY: the idle one is closed, the other takes no further request.
        patiently(idle_task).await.unwrap().unwrap();
        patiently(async {
            while get(&mut busy, "/").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        assert_eq!(calls.ended(), 0);
        drop(stream);
        patiently(busy_task).await.unwrap().unwrap();
    };
    tokio::join!(draining, peers);
    assert_eq!(serving.stats().open, 0);
}

#[tokio::test]
async fn requests_that_are_cut_are_dropped() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    let (mut sender, _task) = client(&serving).await;
    let requests: Vec<_> = (0..3)
        .map(|_| tokio::spawn(sender.send_request(request(Method::GET, "/hang", Body::empty()))))
        .collect();
    calls.until_begun(3).await;
    assert_eq!(serving.drain(Duration::from_millis(50)).await, 1);
    assert_eq!(calls.ended(), 3);
    for request in requests {
        patiently(request).await.unwrap().unwrap_err();
    }
}

/// RFC 9113, section 8.3.1: what two readers could take for different hosts is not answered.
#[tokio::test]
async fn a_host_is_the_authority() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let (mut sender, _task) = client(&serving).await;
    for (host, status) in [("other", 400), ("TEST", 200)] {
        let mut asked = request(Method::GET, "/", Body::empty());
        asked
            .headers_mut()
            .insert("host", HeaderValue::from_static(host));
        let response = patiently(sender.send_request(asked)).await.unwrap();
        assert_eq!(response.status(), status, "{host}");
    }
}
