//! Who the client is, as the listeners say.

use axum::extract::Request;
use byname_components::http::middleware::{Proxies, ProxySettings};

use crate::rig::{from, request, settings, tcp_peer, unix_peer};

fn client(yaml: &str, request: &Request) -> Option<String> {
    let proxies = Proxies::new(&settings::<ProxySettings>(yaml)).unwrap();
    let client = proxies.client(request.extensions(), request.headers());
    client.map(|address| address.to_string())
}

fn asked() -> Request {
    request("GET", "/", &[("x-forwarded-for", "1.1.1.1, 192.0.2.1")])
}

#[tokio::test]
async fn a_client_is_the_peer_of_the_connection_or_whom_a_trusted_one_names() {
    let (tcp, unix) = (tcp_peer().await, unix_peer().await);
    let through = |peer: &byname_components::http::listen::Peer| {
        let mut request = asked();
        request.extensions_mut().insert(peer.clone());
        request
    };
    assert_eq!(client("", &through(&tcp)).as_deref(), Some("127.0.0.1"));
    assert_eq!(
        client("trusted: [127.0.0.0/8]", &through(&tcp)).as_deref(),
        Some("192.0.2.1")
    );
    assert_eq!(
        client("trusted: [unix]", &through(&tcp)).as_deref(),
        Some("127.0.0.1")
    );
    assert_eq!(client("", &through(&unix)), None);
    assert_eq!(client("trusted: [127.0.0.0/8]", &through(&unix)), None);
    assert_eq!(
        client("trusted: [unix]", &through(&unix)).as_deref(),
        Some("192.0.2.1")
    );
    // A listener's word counts before that of anything else.
    assert_eq!(
        client("", &from("9.9.9.9", through(&tcp))).as_deref(),
        Some("127.0.0.1")
    );
    assert_eq!(client("", &asked()), None);
    // All are trusted: the first one is the client.
    let all = "trusted: [0.0.0.0/0]";
    assert_eq!(client(all, &through(&tcp)).as_deref(), Some("1.1.1.1"));
}
