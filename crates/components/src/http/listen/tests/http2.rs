//! HTTP/2 on the paused clock.

use axum::http::{Method, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::*;

/// The preface, and settings that say nothing (RFC 9113, 3.4 and 6.5).
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

type Client = (SendRequest<Body>, JoinHandle<hyper::Result<()>>);

/// A client, which answers what the protocol asks.
async fn client(peer: DuplexStream) -> Client {
    let connecting = handshake(TokioExecutor::new(), TokioIo::new(peer));
    let (sender, connection) = connecting.await.unwrap();
    (sender, tokio::spawn(connection))
}

async fn get(sender: &mut SendRequest<Body>) -> String {
    let request = Request::get("http://test/").body(Body::empty()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    let body = response.into_body().collect().await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_requests_is_told_and_closed() {
    let served = serve(settings(), hello());
    let (mut sender, connection) = client(served.peer).await;
    assert_eq!(get(&mut sender).await, "hello");
    sleep(Duration::from_secs(40)).await;
    assert_eq!(get(&mut sender).await, "hello");
    connection.await.unwrap().unwrap();
    served.task.await.unwrap();
    assert_eq!(served.began.elapsed().as_secs(), 90);
    assert_eq!(served.counters.stats().idle_timeouts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_go_when_it_is_told_is_cut() {
    let mut served = serve(settings(), hello());
    served.peer.write_all(BEGIN).await.unwrap();
    let mut said = Vec::new();
    served.peer.read_to_end(&mut said).await.unwrap();
    served.task.await.unwrap();
    // Once for the first request, once for its end.
    assert_eq!(served.began.elapsed().as_secs(), 7 + 7);
    assert_eq!(served.counters.stats().header_timeouts, 1);
}

#[tokio::test(start_paused = true)]
async fn who_begins_and_says_no_more_is_closed_at_the_stop() {
    let mut served = serve(settings(), hello());
    served.peer.write_all(BEGIN).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    served.stop.cancel();
    let mut said = Vec::new();
    served.peer.read_to_end(&mut said).await.unwrap();
    assert_eq!(served.began.elapsed().as_secs(), 1 + 7);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_lasts_keeps_its_connection() {
    let router = Router::new().route(
        "/",
        axum::routing::get(|| async {
            sleep(Duration::from_secs(1000)).await;
            Body::new(Pieces {
                left: 10,
                next: Box::pin(sleep(Duration::from_secs(100))),
            })
        }),
    );
    let served = serve(settings(), router);
    let (mut sender, _connection) = client(served.peer).await;
    assert_eq!(get(&mut sender).await, "piece".repeat(10));
    assert_eq!(served.began.elapsed().as_secs(), 2000);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_is_a_408_and_the_connection_goes_on() {
    let served = serve(settings(), hello());
    let (mut sender, _connection) = client(served.peer).await;
    // One piece, and then nothing.
    let body = Body::new(Pieces {
        left: 2,
        next: Box::pin(sleep(Duration::from_secs(5))),
    });
    let request = Request::builder()
        .method(Method::POST)
        .uri("http://test/count");
    let response = sender
        .send_request(request.body(body).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(served.began.elapsed().as_secs(), 5 + 11);
    assert_eq!(served.counters.stats().body_timeouts, 1);
    assert_eq!(get(&mut sender).await, "hello");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up() {
    let mut served = serve(settings(), large());
    served.peer.write_all(BEGIN).await.unwrap();
    // `GET http://test/` as the whole of stream 1 (RFC 9113, 6.2; RFC 7541, A and 6).
    let request = b"\0\0\x09\x01\x05\0\0\0\x01\x82\x86\x84\x41\x04test";
    served.peer.write_all(request).await.unwrap();
    served.task.await.unwrap();
    assert_eq!(served.began.elapsed().as_secs(), 23);
    let stats = served.counters.stats();
    assert_eq!((stats.requests, stats.write_timeouts), (1, 1));
}

/// The preface, and settings by which no stream may be given anything (RFC 9113, section 6.5.2).
const NO_WINDOW: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
/// `GET http://test/` as the whole of stream 1 (RFC 9113, section 6.2; RFC 7541, A and 6).
const GET: &[u8] = b"\0\0\x09\x01\x05\0\0\0\x01\x82\x86\x84\x41\x04test";
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0 a ping ";

/// Reads everything and says `PING` every second, until the connection is closed; returns what was read.
async fn ping(peer: DuplexStream) -> Vec<u8> {
    let (mut reading, mut writing) = tokio::io::split(peer);
    let pinging = tokio::spawn(async move {
        while writing.write_all(PING).await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut said = Vec::new();
    let _ = reading.read_to_end(&mut said).await;
    pinging.abort();
    said
}

// A stream whose peer opens no window stood for as long as the connection, with all that its answer held:
// the socket took everything, as there was nothing but answers to PING. And a connection whose peer pinged
// and never answered the PING behind our GOAWAY (RFC 9113, section 6.8) stood for ever after its time.
#[tokio::test(start_paused = true)]
async fn a_peer_that_opens_no_window_is_given_up_though_it_pings() {
    let mut served = serve(settings(), large());
    served.peer.write_all(NO_WINDOW).await.unwrap();
    served.peer.write_all(GET).await.unwrap();
    let said = ping(served.peer).await;
    served.task.await.unwrap();
    let stats = served.counters.stats();
    // RST_STREAM of stream 1, with CANCEL.
    let reset = b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08";
    assert!(said.windows(reset.len()).any(|part| part == reset));
    assert_eq!((stats.write_timeouts, stats.in_flight), (1, 0));
    // The stream's end, the time for a next request, and that to go.
    assert_eq!(served.began.elapsed().as_secs(), 23 + 50 + 7);
}

#[tokio::test(start_paused = true)]
async fn who_takes_an_answer_slowly_and_steadily_has_all_of_it() {
    let served = serve(settings(), large());
    let handshake = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(16 * 1024)
        .handshake(TokioIo::new(served.peer));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://test/").body(Body::empty()).unwrap();
    let mut body = sender.send_request(request).await.unwrap().into_body();
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        count += frame.unwrap().into_data().unwrap().len();
        sleep(Duration::from_secs(20)).await;
    }
    assert_eq!(count, 64 * 1024);
    assert_eq!(served.counters.stats().write_timeouts, 0);
}
