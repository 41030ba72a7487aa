//! What a handler that describes itself refuses is problem details, whatever it takes.
//!
//! `String`, `Bytes`, `Extension` and `WebSocketUpgrade` of axum described themselves once: what they
//! refuse is `text/plain`, which no description said, and a missing extension told the name of its type.

use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{Request, header};
use byname_components::http::bind::{Content, Extension, Text, WebSocketUpgrade};
use byname_components::http::openapi::{Info, document};
use byname_components::http::routes::Routes;
use serde_json::json;
use tower::ServiceExt as _;

use crate::rig::{Answer, ask, get, send};

/// What a middleware would give to a request.
#[derive(Clone)]
struct Inner(&'static str);

async fn note(Text(text): Text) -> String {
    text
}

async fn keep(Content(content): Content) -> Vec<u8> {
    content.into()
}

async fn given(Extension(Inner(given)): Extension<Inner>) -> &'static str {
    given
}

async fn maybe(given: Option<Extension<Inner>>) -> &'static str {
    given.map_or("nobody", |Extension(Inner(given))| given)
}

async fn socket(_: WebSocketUpgrade) -> &'static str {
    "up"
}

fn routes() -> Routes {
    Routes::new()
        .post("/note", note)
        .post("/keep", keep)
        .get("/given", given)
        .get("/maybe", maybe)
        .get("/socket", socket)
}

/// The statuses that are described of a route as problem details.
fn refusals(path: &str, method: &str) -> Vec<String> {
    let info = Info {
        title: "Notes".into(),
        version: "1".into(),
        description: None,
    };
    let document = document(info, routes().described());
    let answers = document["paths"][path][method]["responses"].as_object();
    let problems = answers.expect("answers").iter().filter(|(_, answer)| {
        let content = answer["content"].as_object();
        content.is_some_and(|it| it.contains_key("application/problem+json"))
    });
    problems.map(|(status, _)| status.clone()).collect()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, path: &str, method: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.is_problem();
    let refusals = refusals(path, method);
    let told = refusals.contains(&status.to_string()) || refusals.contains(&"default".into());
    assert!(told, "{status} of {path}: {refusals:?}");
}

#[tokio::test]
async fn text_that_is_none_is_problem_details() {
    let bytes = Body::from(&b"\xff"[..]);
    refused(
        &send(&routes(), "/note", "text/plain", bytes).await,
        400,
        "/note",
        "post",
    );
    for kind in [
        "application/x-www-form-urlencoded",
        "text/plain; charset=iso-8859-1",
        "text/html",
    ] {
        refused(
            &send(&routes(), "/note", kind, "a").await,
            415,
            "/note",
            "post",
        );
    }
    for kind in [
        "text/plain",
        "Text/Plain; Charset=\"UTF-8\"",
        "text/plain;format=flowed",
    ] {
        assert_eq!(
            send(&routes(), "/note", kind, "\u{e9}").await.text(),
            "\u{e9}",
            "{kind}"
        );
    }
    let untyped = Request::post("/note").body("a".into()).expect("a request");
    assert_eq!(ask(&routes(), untyped).await.text(), "a");
    let coded = Request::post("/note").header(header::CONTENT_ENCODING, "gzip");
    let coded = coded.body("a".into()).expect("a request");
    refused(&ask(&routes(), coded).await, 415, "/note", "post");
}

/// A listener may let through more than axum's extractors take.
#[tokio::test]
async fn content_that_is_too_long_is_problem_details() {
    for path in ["/note", "/keep"] {
        let long = "x".repeat((2 << 20) + 1);
        refused(
            &send(&routes(), path, "text/plain", long).await,
            413,
            path,
            "post",
        );
        let router = routes().router(()).expect("right routes");
        let router = router.layer(DefaultBodyLimit::max(3));
        for (text, status) in [("abc", 200), ("abcd", 413)] {
            let request = Request::post(path)
                .body(Body::from(text))
                .expect("a request");
            let answer = router.clone().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), status, "{path} {text}");
        }
    }
}

#[tokio::test]
async fn content_is_taken_as_it_came() {
    let coded = Request::post("/keep").header(header::CONTENT_ENCODING, "gzip");
    let coded = coded.body(Body::from(&b"\xff\x00"[..])).expect("a request");
    assert_eq!(ask(&routes(), coded).await.content, b"\xff\x00");
}

#[tokio::test]
async fn a_missing_extension_is_an_error_inside_that_tells_no_type() {
    let answer = get(&routes(), "/given").await;
    refused(&answer, 500, "/given", "get");
    assert!(!answer.text().contains("Inner"), "{}", answer.text());
    assert_eq!(get(&routes(), "/maybe").await.text(), "nobody");

    let given = || {
        let mut request = Request::get("/given")
            .body(Body::empty())
            .expect("a request");
        request.extensions_mut().insert(Inner("ann"));
        request
    };
    assert_eq!(ask(&routes(), given()).await.text(), "ann");
    let mut request = given();
    *request.uri_mut() = "/maybe".parse().expect("a path");
    assert_eq!(ask(&routes(), request).await.text(), "ann");
}

#[tokio::test]
async fn a_request_for_no_socket_is_problem_details() {
    refused(&get(&routes(), "/socket").await, 400, "/socket", "get");
    let old = Request::get("/socket")
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "8")
        .header(header::SEC_WEBSOCKET_KEY, "AAAAAAAAAAAAAAAAAAAAAA==");
    let old = old.body(Body::empty()).expect("a request");
    refused(&ask(&routes(), old).await, 400, "/socket", "get");
}

/// What a router of axum has that nobody looks into, it answers as axum does.
#[tokio::test]
async fn a_mounted_router_answers_what_it_does_not_have_without_content() {
    let inner = axum::Router::new().route("/there", axum::routing::get(|| async { "there" }));
    let routes = Routes::new().mount("/inner", inner.clone());
    assert_eq!(get(&routes, "/inner/there").await.text(), "there");
    let answer = get(&routes, "/inner/nowhere").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (404, ""));
    let answer = send(&routes, "/inner/there", "text/plain", "").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (405, ""));

    let inner = inner.fallback(|| async {
        let kind = byname_components::ErrorKind::NotFound;
        byname_components::ServiceError::new(kind, "there is nothing here")
    });
    let answer = get(&Routes::new().mount("/inner", inner), "/inner/nowhere").await;
    answer.is_problem();
    assert_eq!(answer.json()["detail"], json!("there is nothing here"));
}

#[test]
fn what_is_refused_is_described() {
    let described = |path: &str, method: &str| refusals(path, method).join(" ");
    assert_eq!(described("/note", "post"), "400 413 415 default");
    assert_eq!(described("/keep", "post"), "400 413 default");
    assert_eq!(described("/socket", "get"), "400 default");
    assert_eq!(described("/given", "get"), "default");
}
