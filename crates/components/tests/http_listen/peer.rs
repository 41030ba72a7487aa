//! What a handler knows of who asks.

use axum::routing::get;
use axum::{Extension, Router};
use byname_components::http::listen::{Peer as Who, PeerAddress};

use crate::rig::{Peer, port, serve, settings};

#[tokio::test]
async fn a_request_carries_its_peer() {
    let tell = Router::new().route(
        "/",
        get(|Extension(who): Extension<Who>| async move {
            assert!(!who.tls && who.certificate.is_none());
            format!("{} {}", who.address, who.local)
        }),
    );
    let serving = serve(settings(), tell).await;
    let mut peer = Peer::connect(&serving).await;
    let mine = PeerAddress::Tcp(peer.0.local_addr().unwrap());
    let local = format!("http://{}", port(&serving));
    assert_eq!(serving.address().to_string(), local);
    assert_eq!(peer.get("/").await.body, format!("{mine} {local}"));
}

#[tokio::test]
async fn a_peer_of_ipv4_is_one_also_where_both_are_listened_to() {
    let tell = Router::new().route(
        "/",
        get(|Extension(who): Extension<Who>| async move { who.address.to_string() }),
    );
    let mut everywhere = settings();
    everywhere.address = ":0".parse().unwrap();
    let serving = serve(everywhere, tell).await;
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port(&serving).port()));
    let mut peer = Peer(stream.await.unwrap());
    let mine = peer.0.local_addr().unwrap().to_string();
    assert_eq!(peer.get("/").await.body, mine);
}
