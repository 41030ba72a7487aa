//! Requests and answers of HTTP/1.1.

use std::convert::Infallible;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::Message;
use axum::response::sse::{Event, Sse};
use axum::routing::{any, get};
use futures_util::SinkExt as _;
use futures_util::stream::{StreamExt as _, once, pending};
use tokio_tungstenite::tungstenite;

use crate::rig::{Calls, Peer, patiently, router, serve, settings, until};

#[tokio::test]
async fn requests_are_answered_one_after_another_on_one_connection() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let mut peer = Peer::connect(&serving).await;
    for _ in 0..3 {
        let answer = peer.get("/").await;
        assert_eq!((answer.status, &*answer.body), (200, "hello"));
    }
    drop(peer);
    until(|| serving.stats().open == 0).await;
    let stats = serving.stats();
    assert_eq!((stats.accepted, stats.requests, stats.in_flight), (1, 3, 0));
}

#[tokio::test]
async fn requests_that_come_in_one_go_are_answered_in_their_order() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let mut peer = Peer::connect(&serving).await;
    let get = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";
    let post = |body: &str| {
        let length = body.len();
        format!("POST /count HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let all = [&*post("four"), get, &post("sixsix"), get].concat();
    peer.say(&all).await;
    for expected in ["4", "hello", "6", "hello"] {
        assert_eq!(peer.answer().await.body, expected);
    }
    assert_eq!(peer.get("/").await.status, 200);
}

/// A predecessor gave handlers a context without an end: a client that had gone was worked for to the end.
#[tokio::test]
async fn a_client_that_goes_away_cancels_its_request() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    for path in ["/hang", "/stream"] {
        let before = calls.begun();
        let mut peer = Peer::connect(&serving).await;
        peer.say(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"))
            .await;
        calls.until_begun(before + 1).await;
        assert_eq!(calls.ended(), before, "{path}");
        drop(peer);
        calls.until_ended(before + 1).await;
        until(|| serving.stats().open == 0 && serving.stats().in_flight == 0).await;
    }
}

#[tokio::test]
async fn a_panic_is_a_500_and_nothing_of_it_is_told() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let mut peer = Peer::connect(&serving).await;
    let answer = peer.get("/panic").await;
    assert_eq!(answer.status, 500);
    assert!(
        answer
            .head
            .contains("content-type: application/problem+json")
    );
    assert!(!answer.body.contains("purpose"), "{}", answer.body);
    // The connection goes on.
    assert_eq!(peer.get("/").await.status, 200);
    assert_eq!(serving.stats().panics, 1);
}

#[tokio::test]
async fn a_client_that_goes_away_after_its_body_has_been_read_cancels_its_request() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    let mut peer = Peer::connect(&serving).await;
    peer.say("POST /read HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nxyz")
        .await;
    calls.until_begun(1).await;
    drop(peer);
    calls.until_ended(1).await;
}

#[tokio::test]
async fn a_panic_in_the_middle_of_an_answer_ends_its_connection_and_no_other() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    let mut other = Peer::connect(&serving).await;
    other
        .say("GET /stream HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    other.until("begun\r\n").await;
    let mut peer = Peer::connect(&serving).await;
    peer.say("GET /panic-late HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    let rest = peer.rest().await;
    assert!(!rest.ends_with("0\r\n\r\n"), "{rest}");
    until(|| serving.stats().open == 1).await;
    assert_eq!(serving.stats().in_flight, 1);
    assert_eq!(calls.ended(), 0);
    assert_eq!(Peer::connect(&serving).await.get("/").await.status, 200);
}

#[tokio::test]
async fn an_answer_without_an_end_comes_piece_by_piece() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let mut peer = Peer::connect(&serving).await;
    peer.say("GET /stream HTTP/1.1\r\nhost: test\r\n\r\n").await;
    peer.until("begun\r\n").await;
    assert_eq!(serving.stats().in_flight, 1);
}

/// A predecessor's wrapper hid what streams need: neither events nor web sockets came through it.
#[tokio::test]
async fn events_come_as_they_happen() {
    let events = Router::new().route(
        "/",
        get(|| async {
            let event = Ok::<_, Infallible>(Event::default().data("one"));
            Sse::new(once(async { event }).chain(pending()))
        }),
    );
    let serving = serve(settings(), events).await;
    let mut peer = Peer::connect(&serving).await;
    peer.say("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    let head = peer.until("\r\n\r\n").await;
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    peer.until("data: one\n\n").await;
}

#[tokio::test]
async fn a_web_socket_is_there_in_both_directions_and_counted() {
    let echo = Router::new().route(
        "/",
        any(|upgrade: WebSocketUpgrade| async {
            upgrade.on_upgrade(|mut socket| async move {
                while let Some(Ok(Message::Text(text))) = socket.recv().await {
                    let _ = socket.send(Message::Text(text)).await;
                }
            })
        }),
    );
    let serving = serve(settings(), echo).await;
    let stream = Peer::connect(&serving).await.0;
    let connecting = tokio_tungstenite::client_async("ws://test/", stream);
    let (mut socket, _) = patiently(connecting).await.unwrap();
    for text in ["one", "two"] {
        let message = tungstenite::Message::text(text);
        socket.send(message.clone()).await.unwrap();
        let said = patiently(socket.next()).await.unwrap().unwrap();
        assert_eq!(said, message);
    }
    let stats = serving.stats();
    assert_eq!((stats.open, stats.upgraded, stats.in_flight), (1, 1, 0));
    drop(socket);
    until(|| serving.stats().open == 0).await;
    assert_eq!(serving.stats().upgraded, 0);
}

/// A target that is a whole URL says which host it is for, and a handler reads `host`: of two that differ
/// the one was checked, and the other answered.
#[tokio::test]
async fn a_host_is_that_of_a_target_that_is_a_whole_url() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    for (version, target, host, status) in [
        ("1.1", "http://a.example/", "host: b.example\r\n", 400),
        ("1.0", "http://a.example/", "host: b.example\r\n", 400),
        ("1.1", "http://a.example:80/", "host: a.example:81\r\n", 400),
        ("1.1", "http://user@a.example/", "host: a.example\r\n", 400),
        ("1.1", "http://a.example/", "", 400),
        ("1.1", "http://a.example/", "host: A.example\r\n", 200),
        ("1.1", "http://a.example:81/", "host: a.example:81\r\n", 200),
        ("1.0", "http://a.example/", "", 200),
    ] {
        let mut peer = Peer::connect(&serving).await;
        peer.say(&format!("GET {target} HTTP/{version}\r\n{host}\r\n"))
            .await;
        let answer = peer.answer().await;
        assert_eq!(answer.status, status, "{version} {target} {host}");
    }
}

/// RFC 9112, section 3.2: what two read differently is not answered by either.
#[tokio::test]
async fn a_request_says_once_which_host_it_is_for() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    for (version, hosts, status) in [
        ("1.1", &[][..], 400),
        ("1.1", &["a", "a"][..], 400),
        ("1.1", &["a b"][..], 400),
        ("1.1", &["user@a"][..], 400),
        ("1.1", &["a/b"][..], 400),
        ("1.0", &["a", "b"][..], 400),
        ("1.1", &[""][..], 200),
        ("1.1", &["[::1]:80"][..], 200),
        ("1.1", &["under_scored.example:8080"][..], 200),
        ("1.0", &[][..], 200),
    ] {
        let hosts: Vec<_> = hosts
            .iter()
            .map(|host| format!("host: {host}\r\n"))
            .collect();
        let hosts = hosts.concat();
        let mut peer = Peer::connect(&serving).await;
        peer.say(&format!("GET / HTTP/{version}\r\n{hosts}\r\n"))
            .await;
        let answer = peer.answer().await;
        assert_eq!(answer.status, status, "{version} {hosts}");
        if status == 400 {
            assert!(
                answer.head.contains("application/problem+json"),
                "{}",
                answer.head
            );
            peer.gone().await;
        }
    }
}
