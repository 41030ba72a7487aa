//! The size of a request's body.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use byname_components::config::units::Bytes;
use byname_components::http::listen::{BodyLimit, Settings};
use bytes::Bytes as Buffer;

use crate::rig::{Calls, Peer, router, serve, settings};

fn at_most(bytes: u64) -> Settings {
    let mut settings = settings();
    settings.limits.body = BodyLimit::AtMost(Bytes::new(bytes));
    settings
}

/// A body in chunks of seven bytes, and the rest.
fn chunked(length: usize) -> String {
    let mut body = String::new();
    let mut left = length;
    while left > 0 {
        let size = left.min(7);
        body = format!("{body}{size:x}\r\n{}\r\n", "x".repeat(size));
        left -= size;
    }
    body + "0\r\n\r\n"
}

#[tokio::test]
async fn an_announced_body_is_refused_before_the_handler_runs() {
    let calls = Calls::default();
    let serving = serve(at_most(1000), router(&calls)).await;
    let post =
        |length| format!("POST /count HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n");
    let mut peer = Peer::connect(&serving).await;
    peer.say(&(post(1000) + "\r\n" + &"x".repeat(1000))).await;
    assert_eq!(peer.answer().await.body, "1000");
    peer.say(&(post(1001) + "\r\n")).await;
    let answer = peer.answer().await;
    assert_eq!(answer.status, 413);
    assert!(
        answer
            .head
            .contains("content-type: application/problem+json")
    );
    assert!(answer.head.contains("connection: close"));
    assert!(answer.body.contains("\"limit\":1000"), "{}", answer.body);
    assert_eq!(calls.begun(), 1);
    assert_eq!(serving.stats().too_large, 1);
}

#[tokio::test]
async fn who_asks_before_it_sends_is_not_told_to_go_on_with_too_much() {
    let serving = serve(at_most(1000), router(&Calls::default())).await;
    let post = |length| {
        format!(
            "POST /count HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    let mut peer = Peer::connect(&serving).await;
    peer.say(&post(3)).await;
    assert_eq!(
        peer.until("\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    peer.say("xyz").await;
    assert_eq!(peer.answer().await.body, "3");
    peer.say(&post(1001)).await;
    let rest = peer.rest().await;
    assert!(rest.starts_with("HTTP/1.1 413 "), "{rest}");
}

/// Of a predecessor's body limit: a chunked body that was too large was a 500, and one of exactly the
/// limit was refused.
#[tokio::test]
async fn a_chunked_body_of_exactly_the_limit_passes_and_one_byte_more_is_a_413() {
    let serving = serve(at_most(1000), router(&Calls::default())).await;
    for (length, status) in [(0, 200), (999, 200), (1000, 200), (1001, 413), (5000, 413)] {
        let mut peer = Peer::connect(&serving).await;
        peer.say("POST /count HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        peer.say(&chunked(length)).await;
        let answer = peer.answer().await;
        assert_eq!(answer.status, status, "{length}");
        if status == 200 {
            assert_eq!(answer.body, length.to_string());
        } else {
            assert!(answer.head.contains("application/problem+json"));
        }
    }
    assert_eq!(serving.stats().too_large, 2);
}

#[tokio::test]
async fn axums_own_readers_say_the_same() {
    let read = Router::new()
        .route(
            "/",
            post(|body: Buffer| async move { body.len().to_string() }),
        )
        .layer(DefaultBodyLimit::disable());
    let serving = serve(at_most(1000), read).await;
    for (length, status) in [(1000, 200), (1001, 413)] {
        let mut peer = Peer::connect(&serving).await;
        peer.say("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        peer.say(&chunked(length)).await;
        assert_eq!(peer.answer().await.status, status);
    }
}

#[tokio::test]
async fn a_peer_that_sends_on_and_on_reads_why_it_was_refused() {
    let serving = serve(at_most(1000), router(&Calls::default())).await;
    let mut peer = Peer::connect(&serving).await;
    let length = 8 << 20;
    let head = format!("POST /count HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n");
    peer.say(&head).await;
    // All of it, before the answer is looked at: a connection closed over it would be reset.
    peer.say(&"x".repeat(length)).await;
    assert_eq!(peer.answer().await.status, 413);
}

#[tokio::test]
async fn no_limit_and_no_body_are_said_in_words() {
    let mut unlimited = settings();
    unlimited.limits.body = BodyLimit::Unlimited;
    let length = (2 << 20) + 1;
    for (settings, length, status) in [
        (settings(), length, 413),
        (unlimited, length, 200),
        (at_most(0), 0, 200),
        (at_most(0), 1, 413),
    ] {
        let serving = serve(settings, router(&Calls::default())).await;
        let mut peer = Peer::connect(&serving).await;
        let head =
            format!("POST /count HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n");
        peer.say(&(head + &"x".repeat(length))).await;
        assert_eq!(peer.answer().await.status, status, "{length}");
    }
}
