//! How a listener ends.

use std::time::Duration;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::routing::{any, get};
use axum::{Extension, body::Body};
use byname_components::http::listen::Draining;
use futures_util::StreamExt as _;
use tokio::net::TcpStream;

use crate::rig::{Calls, PATIENCE, Peer, patiently, port, router, serve, settings, until};

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn idle_connections_are_closed_and_new_ones_refused() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let mut fresh = Peer::connect(&serving).await;
    let mut used = Peer::connect(&serving).await;
    assert_eq!(used.get("/").await.status, 200);
    until(|| serving.stats().open == 2).await;
    assert_eq!(serving.drain(PATIENCE).await, 0);
    assert_eq!(
        (fresh.rest().await, used.rest().await),
        (String::new(), String::new())
    );
    TcpStream::connect(port(&serving)).await.unwrap_err();
    // Again, and nothing is left to do.
    assert_eq!(serving.drain(PATIENCE).await, 0);
    assert_eq!(serving.stats().cut, 0);
}

#[tokio::test]
async fn the_present_request_is_answered_as_the_last_one() {
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let gone = std::sync::Arc::new(tokio::sync::Mutex::new(Some(gone)));
    let calls = Calls::default();
    let begun = calls.clone();
    let waits = Router::new().route(
        "/",
        get(move || async move {
            let _call = begun.begin();
            let gone = gone.lock().await.take().unwrap();
            gone.await.unwrap();
            "done"
        }),
    );
    let serving = serve(settings(), waits).await;
    let mut peer = Peer::connect(&serving).await;
    peer.say("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    calls.until_begun(1).await;
    let draining = async {
        let ((), cut) = tokio::join!(
            async {
                // The listener is closed before anything is waited for.
                until_refused(&serving).await;
                go.send(()).unwrap();
            },
            serving.drain(PATIENCE)
        );
        cut
    };
    let (cut, rest) = tokio::join!(draining, peer.rest());
    assert_eq!(cut, 0);
    assert!(
        rest.starts_with("HTTP/1.1 200 OK\r\n") && rest.ends_with("done"),
        "{rest}"
    );
    assert!(rest.contains("connection: close\r\n"), "{rest}");
}

async fn until_refused(serving: &byname_components::http::listen::Serving) {
    let address = port(serving);
    patiently(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_left_after_the_limit_is_cut_and_counted() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    let mut peers = Vec::new();
    for path in ["/hang", "/hang", "/stream"] {
        let mut peer = Peer::connect(&serving).await;
        peer.say(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"))
            .await;
        peers.push(peer);
    }
    calls.until_begun(3).await;
    assert_eq!(serving.drain(SHORT).await, 3);
    assert_eq!(calls.ended(), 3, "they are dropped when it says so");
    assert_eq!((serving.stats().open, serving.stats().cut), (0, 3));
    for mut peer in peers {
        peer.gone().await;
    }
}

/// Waits for the drain where it is asked to, and for ever where not.
fn sockets(calls: &Calls) -> Router {
    let socket = |polite: bool| {
        let calls = calls.clone();
        any(
            move |Extension(draining): Extension<Draining>, upgrade: WebSocketUpgrade| async move {
                upgrade.on_upgrade(move |mut socket| async move {
                    let _call = calls.begin();
                    tokio::select! {
                        _ = socket.recv() => {}
                        () = draining.begun(), if polite => {}
                    }
                })
            },
        )
    };
    Router::new()
        .route("/polite", socket(true))
        .route("/deaf", socket(false))
}

#[tokio::test]
async fn web_sockets_end_by_themselves_or_are_cut() {
    let calls = Calls::default();
    let serving = serve(settings(), sockets(&calls)).await;
    let mut ends = Vec::new();
    for path in ["polite", "deaf"] {
        let stream = Peer::connect(&serving).await.0;
        let url = format!("ws://test/{path}");
        let (socket, _) = patiently(tokio_tungstenite::client_async(url, stream))
            .await
            .unwrap();
        ends.push(socket);
    }
    calls.until_begun(2).await;
    assert_eq!(serving.stats().upgraded, 2);
    assert_eq!(serving.drain(SHORT).await, 1);
    calls.until_ended(2).await;
    assert_eq!((serving.stats().open, serving.stats().upgraded), (0, 0));
    for mut socket in ends {
        // Both are gone; neither said goodbye.
        assert!(
            patiently(socket.next())
                .await
                .is_none_or(|said| said.is_err())
        );
    }
}

#[tokio::test]
async fn an_answer_without_an_end_hears_of_the_drain() {
    let events = Router::new().route(
        "/",
        get(|Extension(draining): Extension<Draining>| async {
            let last = futures_util::stream::once(async move {
                draining.begun().await;
                assert!(draining.has_begun());
                Ok::<_, std::convert::Infallible>("bye")
            });
            let first = futures_util::stream::once(async { Ok("hi") });
            Body::from_stream(first.chain(last))
        }),
    );
    let serving = serve(settings(), events).await;
    let mut peer = Peer::connect(&serving).await;
    peer.say("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    peer.until("hi\r\n").await;
    let (cut, rest) = tokio::join!(serving.drain(PATIENCE), peer.rest());
    assert_eq!(cut, 0);
    assert!(rest.ends_with("3\r\nbye\r\n0\r\n\r\n"), "{rest}");
}

#[tokio::test]
async fn dropping_it_closes_everything_at_once() {
    let calls = Calls::default();
    let serving = serve(settings(), router(&calls)).await;
    let address = port(&serving);
    let mut peer = Peer::connect(&serving).await;
    peer.say("GET /hang HTTP/1.1\r\nhost: test\r\n\r\n").await;
    calls.until_begun(1).await;
    drop(serving);
    calls.until_ended(1).await;
    peer.gone().await;
    patiently(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_waits_for_a_place_is_refused_with_the_rest() {
    let calls = Calls::default();
    let mut one = settings();
    one.limits.connections = std::num::NonZeroUsize::MIN;
    let serving = serve(one, router(&calls)).await;
    let mut first = Peer::connect(&serving).await;
    first.say("GET /hang HTTP/1.1\r\nhost: test\r\n\r\n").await;
    calls.until_begun(1).await;
    let mut second = Peer::connect(&serving).await;
    assert_eq!(serving.drain(SHORT).await, 1);
    first.gone().await;
    second.gone().await;
    assert_eq!(serving.stats().accepted, 1);
}
