//! What a client shows, to whom, and where it is seen.

use axum::body::Body;
use axum::http::Request;
use byname_components::config::PrintOptions;
use byname_components::{App, Severity};

use crate::said::{Near, Peer, app, file, within};

const SECRET: &str = "hunter2-hunter2";

#[tokio::test]
async fn a_client_shows_its_token_and_its_key() {
    for (said, expected) in [
        ("{}".to_owned(), &[][..]),
        (
            format!("{{ token: {SECRET} }}"),
            &["authorization: Bearer hunter2-hunter2"],
        ),
        (
            format!("{{ key: {{ value: {SECRET} }} }}"),
            &["x-api-key: hunter2-hunter2"],
        ),
        (
            format!("{{ token: {SECRET}, key: {{ header: X-Mine, value: other }} }}"),
            &["authorization: Bearer hunter2-hunter2", "x-mine: other"],
        ),
    ] {
        let mut peer = Peer::new().await;
        let near = Near::of(&peer, &said).await;
        // It is this process that asks: what somebody else has shown to it is not its own.
        let request = Request::get("/ok")
            .header("authorization", "Bearer forged")
            .header("x-api-key", "forged")
            .header("x-mine", "forged")
            .body(Body::empty())
            .unwrap();
        within(near.client.send(request)).await.unwrap();
        let head = peer.asked().await.to_lowercase();
        for line in expected {
            let (name, _) = line.split_once(':').unwrap();
            let said = head.lines().filter(|one| one.starts_with(name));
            let said: Vec<_> = said.collect();
            assert_eq!(said, [line.to_lowercase()], "{head}");
        }
        let forged = head.matches("forged").count();
        assert_eq!(forged, 3 - expected.len(), "{head}");
        near.stop().await;
    }
}

#[tokio::test]
async fn what_a_client_shows_is_seen_nowhere() {
    let peer = Peer::new().await;
    let said = format!("{{ token: {SECRET}, key: {{ value: {SECRET} }} }}");
    let url = format!("http://{}", peer.address);
    let app = app(&file(&url, &said));
    let config = app.config().unwrap();
    let printed = config.print(&PrintOptions::default());
    assert!(
        printed.contains("token: '***'")
            || printed.contains("token: \"***\"")
            || printed.contains("token: ***"),
        "{printed}"
    );
    assert!(!printed.contains(SECRET), "{printed}");
    let running = app.start().await.unwrap();
    let clients = &running.registries().clients;
    let seen = format!(
        "{:?} {:?} {:?}",
        clients.at("router:items", "far").unwrap(),
        clients.get("router:items"),
        running
            .service::<byname_components::http::RouterClient>("router:items")
            .await,
    );
    assert!(!seen.contains(SECRET), "{seen}");
    running.stop().await.unwrap();
}

#[test]
fn what_no_header_can_say_is_told_and_not_shown() {
    for (said, word) in [
        (format!("token: '{SECRET} '"), "has a blank"),
        (format!("token: \"{SECRET}\\n\""), "has a blank"),
        ("token: ''".to_owned(), "is empty"),
        ("token: [1]".to_owned(), "token"),
        (
            format!("key: {{ value: '{SECRET}ä' }}"),
            "no header can say",
        ),
        (
            format!("key: {{ header: 'a b', value: {SECRET} }}"),
            "`a b`",
        ),
        (
            format!("key: {{ header: Authorization, value: {SECRET} }}"),
            "`token`",
        ),
        (
            format!("key: {{ header: Host, value: {SECRET} }}"),
            "belongs to the connection",
        ),
        (
            format!("key: {{ header: Upgrade, value: {SECRET} }}"),
            "belongs to the connection",
        ),
        (
            format!("key: {{ header: x-mine, valu: {SECRET} }}"),
            "did you mean `value`",
        ),
    ] {
        let app: App = app(&file("http://127.0.0.1:1", &said));
        let told = app.check();
        assert!(told.is_fatal(), "{said}: {told}");
        let told = told.to_string();
        assert!(told.contains(word), "{told}");
        assert!(told.contains("the application:7:"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_key_that_the_network_can_read_is_a_warning() {
    let told = |url: &str, said: &str| {
        let told = app(&file(url, said)).check();
        assert_eq!(told.errors(), 0, "{told}");
        let warned = told
            .iter()
            .filter(|one| one.severity() == Severity::Warning);
        warned.map(ToString::to_string).collect::<Vec<_>>()
    };
    for said in [
        format!("token: {SECRET}"),
        format!("key: {{ value: {SECRET} }}"),
    ] {
        let warned = told("http://10.0.0.1:80", &said);
        let [only] = warned.as_slice() else {
            panic!("{warned:?}");
        };
        for word in [
            "`router:items`",
            "`http://10.0.0.1:80`",
            "read by the network",
            "the application:7:",
        ] {
            assert!(only.contains(word), "{only}");
        }
        assert!(!only.contains("hunter2"), "{only}");
        for url in [
            "http://127.0.0.1:80",
            "http://[::1]:80",
            "unix:/run/a.sock",
            "https://10.0.0.1",
        ] {
            assert_eq!(told(url, &said), [""; 0], "{url}");
        }
    }
    assert_eq!(told("http://10.0.0.1:80", "retry: { tries: 1 }"), [""; 0]);
}
