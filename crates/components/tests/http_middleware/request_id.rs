use axum::Router;
use axum::routing::get as on_get;
use axum::{Extension, http::HeaderMap};
use byname_components::http::middleware::{RequestIdSettings, RequestIds};
use byname_components::http::{Endpoint, Middleware, RequestId};

use crate::rig::{answer, ask, before, from, get, request, settings};

/// Answers the identity that the request has, in its extensions and in a header.
fn endpoint(yaml: &str) -> Endpoint {
    let handler = |Extension(RequestId(id)): Extension<RequestId>, headers: HeaderMap| async move {
        let all: Vec<_> = headers.get_all("x-request-id").iter().cloned().collect();
        assert!(all.is_empty() || all == [id.clone()]);
        id.to_str().unwrap().to_owned()
    };
    let layer = RequestIds::new(settings::<RequestIdSettings>(yaml)).unwrap();
    before(
        Router::new().route("/", on_get(handler)),
        Middleware::new(layer),
    )
}

async fn id_for(endpoint: &Endpoint, brought: &str) -> String {
    let request = request("GET", "/", &[("x-request-id", brought)]);
    let answer = answer(endpoint, from("10.0.0.1", request)).await;
    assert_eq!(answer.header("x-request-id"), Some(answer.text()));
    answer.text().to_owned()
}

fn is_new(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| b"0123456789abcdef".contains(&byte))
}

#[tokio::test]
async fn every_request_has_a_new_identity_that_its_answer_tells() {
    let endpoint = endpoint("");
    let one = answer(&endpoint, get("/")).await;
    let other = answer(&endpoint, get("/")).await;
    assert!(is_new(one.text()) && is_new(other.text()));
    assert_ne!(one.text(), other.text());
    assert_eq!(one.header("x-request-id"), Some(one.text()));
    // Also of an answer that no route gave, and for whatever stands before.
    let none = ask(&endpoint, get("/none")).await;
    let told = none.extensions().get::<RequestId>().unwrap();
    assert_eq!(none.headers().get("x-request-id"), Some(&told.0));
}

#[tokio::test]
async fn nobodys_identity_is_kept_unless_told() {
    assert!(is_new(&id_for(&endpoint(""), "mine").await));
    assert_eq!(id_for(&endpoint("trust: always"), "mine").await, "mine");
    let proxies = "{ trust: proxies, proxies: { trusted: [10.0.0.0/8] } }";
    assert_eq!(id_for(&endpoint(proxies), "mine").await, "mine");
    let others = "{ trust: proxies, proxies: { trusted: [192.168.0.0/16] } }";
    assert!(is_new(&id_for(&endpoint(others), "mine").await));
    let unknown = answer(
        &endpoint(proxies),
        request("GET", "/", &[("x-request-id", "mine")]),
    )
    .await;
    assert!(is_new(unknown.text()));
}

#[tokio::test]
async fn an_identity_that_is_too_long_or_of_other_letters_is_not_kept() {
    let endpoint = endpoint("{ trust: always, max-length: 8 }");
    assert_eq!(id_for(&endpoint, "12345678").await, "12345678");
    assert_eq!(id_for(&endpoint, "a-_.:+/=").await, "a-_.:+/=");
    for brought in ["123456789", "", "a b", "a\"b", "a,b", "<b>", "é"] {
        assert!(is_new(&id_for(&endpoint, brought).await), "{brought}");
    }
    let two = request(
        "GET",
        "/",
        &[("x-request-id", "one"), ("x-request-id", "two")],
    );
    assert!(is_new(answer(&endpoint, two).await.text()));
}

#[tokio::test]
async fn the_header_has_the_name_that_is_set() {
    let endpoint = endpoint("{ header: Request-Id, trust: always }");
    let asked = request(
        "GET",
        "/",
        &[("request-id", "mine"), ("x-request-id", "mine")],
    );
    let told = answer(&endpoint, asked).await;
    assert_eq!(
        (told.header("request-id"), told.header("x-request-id")),
        (Some("mine"), None)
    );
}

#[tokio::test]
async fn behind_another_one_the_identity_stays() {
    let outer = RequestIds::new(RequestIdSettings::default()).unwrap();
    let both = tower::Layer::layer(&Middleware::new(outer), endpoint("trust: never"));
    let answer = answer(&both, get("/")).await;
    assert_eq!(answer.header("x-request-id"), Some(answer.text()));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    for (yaml, why) in [
        ("header: a b", "`header` has `a b`, which names no header"),
        // It was taken, and every answer said a length of its own.
        (
            "header: Content-Length",
            "`header` has `Content-Length`, which belongs to the connection",
        ),
        ("max-length: 0", "`max-length` is 0; it may be 1 to 256"),
        ("max-length: 257", "`max-length` is 257; it may be 1 to 256"),
        (
            "trust: proxies",
            "`trust` is `proxies`, and `proxies.trusted` names none",
        ),
        (
            "proxies: { trusted: [10.0.0.1/8] }",
            "`proxies.trusted` has `10.0.0.1/8`: the address has bits behind those that count",
        ),
    ] {
        let error = RequestIds::new(settings(yaml)).unwrap_err();
        assert_eq!(error.to_string(), why);
    }
}
