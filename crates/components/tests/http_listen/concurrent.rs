//! More peers than places.

use std::num::NonZeroUsize;

use byname_components::http::listen::Settings;

use crate::rig::{Calls, Peer, router, serve, settings, until};

fn places(count: usize) -> Settings {
    let mut settings = settings();
    settings.limits.connections = NonZeroUsize::new(count).unwrap();
    settings
}

#[tokio::test]
async fn a_thousand_connections_beyond_the_bound_wait_and_are_served() {
    const PLACES: usize = 16;
    let calls = Calls::default();
    let serving = serve(places(PLACES), router(&calls)).await;
    let mut held = Vec::new();
    for _ in 0..PLACES {
        let mut peer = Peer::connect(&serving).await;
        peer.say("GET /hang HTTP/1.1\r\nhost: test\r\n\r\n").await;
        held.push(peer);
    }
    calls.until_begun(PLACES).await;
    let mut waiting = Vec::new();
    for _ in 0..1000 {
        let mut peer = Peer::connect(&serving).await;
        peer.say("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
            .await;
        waiting.push(peer);
    }
    let stats = serving.stats();
    assert_eq!((stats.open, stats.accepted), (PLACES as u64, PLACES as u64));
    drop(held);
    for mut peer in waiting {
        assert_eq!(peer.answer().await.body, "hello");
    }
    calls.until_ended(PLACES).await;
    until(|| serving.stats().open == 0).await;
    let stats = serving.stats();
    assert_eq!(stats.accepted, 1000 + PLACES as u64);
    assert_eq!(stats.requests, 1000 + PLACES as u64);
    assert_eq!(stats.in_flight, 0);
}

#[tokio::test]
async fn requests_of_many_connections_are_counted_exactly() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let mut tasks = Vec::new();
    for _ in 0..32 {
        let mut peer = Peer::connect(&serving).await;
        tasks.push(tokio::spawn(async move {
            for _ in 0..25 {
                assert_eq!(peer.get("/").await.body, "hello");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    until(|| serving.stats().open == 0).await;
    let stats = serving.stats();
    assert_eq!(
        (stats.accepted, stats.requests, stats.in_flight),
        (32, 800, 0)
    );
}
