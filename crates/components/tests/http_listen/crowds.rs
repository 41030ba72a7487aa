//! What one peer may have of a listener, and what is told when it is full.

use std::num::NonZeroUsize;

use crate::rig::{Calls, Peer, router, serve, settings, until};

const HANG: &str = "GET /hang HTTP/1.1\r\nhost: test\r\n\r\n";

#[tokio::test]
async fn a_peer_has_no_more_connections_than_it_may() {
    let mut settings = settings();
    settings.limits.per_peer = NonZeroUsize::new(2);
    let serving = serve(settings.clone(), router(&Calls::default())).await;
    let mut first = Peer::connect(&serving).await;
    let mut second = Peer::connect(&serving).await;
    assert_eq!(first.get("/").await.status, 200);
    assert_eq!(second.get("/").await.status, 200);
    let mut third = Peer::connect(&serving).await;
    third.gone().await;
    assert_eq!(serving.stats().peers_refused, 1);
    assert_eq!((serving.stats().accepted, serving.stats().open), (2, 2));
    drop(first);
    until(|| serving.stats().open == 1).await;
    let mut fourth = Peer::connect(&serving).await;
    assert_eq!(fourth.get("/").await.status, 200);
    // More, or as many as there are places, are taken while it answers.
    settings.limits.per_peer = None;
    serving.reload(settings).unwrap();
    let mut fifth = Peer::connect(&serving).await;
    assert_eq!(fifth.get("/").await.status, 200);
    assert_eq!(serving.stats().peers_refused, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn who_comes_through_a_socket_file_is_no_single_peer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let mut settings = settings();
    settings.address = format!("unix:{}", path.display()).parse().unwrap();
    settings.limits.per_peer = NonZeroUsize::new(1);
    let serving = serve(settings, router(&Calls::default())).await;
    let mut peers = Vec::new();
    for _ in 0..3 {
        let stream = tokio::net::UnixStream::connect(&path).await.unwrap();
        let mut peer = Peer(stream);
        assert_eq!(peer.get("/").await.status, 200);
        peers.push(peer);
    }
    assert_eq!(serving.stats().open, 3);
}

#[tokio::test]
async fn requests_beyond_those_at_a_time_are_told_to_come_later() {
    let calls = Calls::default();
    let mut settings = settings();
    settings.limits.requests = NonZeroUsize::new(1);
    let serving = serve(settings, router(&calls)).await;
    let mut first = Peer::connect(&serving).await;
    first.say(HANG).await;
    calls.until_begun(1).await;
    for refused in 1..4 {
        let mut second = Peer::connect(&serving).await;
        let answer = second.get("/").await;
        assert_eq!(answer.status, 503);
        assert!(
            answer.head.contains("retry-after: 1\r\n"),
            "{}",
            answer.head
        );
        assert!(answer.head.contains("application/problem+json"));
        assert_eq!(serving.stats().overloaded, refused);
    }
    // Who is gone takes no place.
    drop(first);
    until(|| serving.stats().in_flight == 0).await;
    let mut third = Peer::connect(&serving).await;
    for _ in 0..3 {
        assert_eq!(third.get("/").await.status, 200);
    }
    assert_eq!(serving.stats().overloaded, 3);
}

/// That all places are taken was told by nothing: whoever waited saw no answer, and who looked at the
/// counters saw nothing refused.
#[tokio::test]
async fn that_further_connections_wait_for_a_place_is_counted() {
    let mut settings = settings();
    settings.limits.connections = NonZeroUsize::MIN;
    let serving = serve(settings, router(&Calls::default())).await;
    assert_eq!(serving.stats().waits, 0);
    let mut first = Peer::connect(&serving).await;
    assert_eq!(first.get("/").await.status, 200);
    until(|| serving.stats().waits == 1).await;
    drop(first);
    let mut second = Peer::connect(&serving).await;
    assert_eq!(second.get("/").await.status, 200);
    until(|| serving.stats().waits == 2).await;
}
