//! What an endpoint makes of requests that no client of ours sends.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::notes::{Near, Notes, planned};
use crate::config::units::Bytes as Size;
use crate::http::Deadline;
use crate::part::Part;
use crate::service::{Overrides, contract};

async fn asked(overrides: &Overrides, request: Request<Body>) -> (StatusCode, Value) {
    let near: Arc<dyn Notes> = Arc::new(Near);
    let router = contract::routed(&planned(overrides), &Part::new(near)).expect("routes");
    let response = router.oneshot(request).await.expect("an answer");
    let status = response.status();
    let content = response
        .into_body()
        .collect()
        .await
        .expect("content")
        .to_bytes();
    (status, serde_json::from_slice(&content).unwrap_or_default())
}

fn put(text: &str, kind: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::put("/notes/a").header("x-text", text);
    let request = request.header("content-type", kind);
    request.body(body.into()).expect("a request")
}

async fn answer(request: Request<Body>) -> (StatusCode, Value) {
    asked(&Overrides::default(), request).await
}

#[tokio::test]
async fn an_answer_is_json_and_nothing_is_204() {
    let get = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    assert_eq!(
        answer(get("/notes/a%2Fb")).await,
        (StatusCode::OK, json!("a/b"))
    );
    assert_eq!(
        answer(get("/notes/none")).await,
        (StatusCode::NO_CONTENT, Value::Null)
    );
    assert_eq!(answer(get("/notes/~")).await, (StatusCode::OK, json!("")));
    assert_eq!(
        answer(get("/notes/~..")).await,
        (StatusCode::OK, json!(".."))
    );
    assert_eq!(
        answer(get("/notes/~a")).await,
        (StatusCode::OK, json!("~a"))
    );
    let (status, told) = answer(get("/notes/%ff")).await;
    assert_eq!(
        (status, &told["status"]),
        (StatusCode::BAD_REQUEST, &json!(400))
    );
}

#[tokio::test]
async fn all_that_is_wrong_with_a_request_is_told_with_its_places() {
    let request = Request::put("/notes/a").header("content-type", "application/json");
    let request = request
        .body(Body::from(r#"{"mark": 256, "marc/x": 1}"#))
        .expect("a request");
    let (status, told) = answer(request).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let errors = told["errors"].as_array().expect("faults");
    let places: Vec<String> = errors
        .iter()
        .map(|fault| format!("{} {}", fault["in"].as_str().unwrap_or(""), fault["field"]))
        .collect();
    assert_eq!(
        places,
        ["header \"x-text\"", "body \"/marc~1x\"", "body \"/mark\""],
        "{told}"
    );
}

#[tokio::test]
async fn content_that_is_none_is_refused() {
    for (request, status) in [
        (put("t", "text/plain", r#"{"mark": 1}"#), 415),
        (put("t", "application/json", "{"), 400),
        (put("t", "application/json", "[1]"), 422),
        (put("t", "application/json", "7"), 422),
        (put("%ff", "application/json", "{}"), 422),
        (put("t", "application/json", r#"{"mark": "1"}"#), 422),
        (
            put("t", "application/json; charset=utf-8", r#"{"mark": 1}"#),
            200,
        ),
        (
            put("t", "application/merge-patch+json", r#"{"mark": 1.0}"#),
            200,
        ),
        (put("t", "application/json", r#"{"mark": null}"#), 200),
        (put("t", "application/json", "{}"), 200),
        (put("t", "text/plain", ""), 200),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(answer(request).await.0, status, "{shown}");
    }
    let twice = Request::put("/notes/a")
        .header("x-text", "a")
        .header("x-text", "b");
    let twice = twice.body(Body::empty()).expect("a request");
    assert_eq!(answer(twice).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn content_that_is_too_long_is_refused_at_the_byte() {
    for (most, status) in [(11, StatusCode::OK), (10, StatusCode::PAYLOAD_TOO_LARGE)] {
        let overrides = Overrides {
            max_request: Size::new(most),
            ..Overrides::default()
        };
        let request = put("t", "application/json", r#"{"mark": 1}"#);
        assert_eq!(asked(&overrides, request).await.0, status);
    }
}

/// It was read whole, only to be refused for its head.
#[tokio::test]
async fn content_in_a_coding_is_refused_before_it_is_read() {
    let overrides = Overrides {
        max_request: Size::new(10),
        ..Overrides::default()
    };
    let mut request = put("t", "application/json", r#"{"mark": 1}"#);
    let coding = axum::http::HeaderValue::from_static("gzip");
    request.headers_mut().insert("content-encoding", coding);
    let (status, _) = asked(&overrides, request).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_is_not_done() {
    let request = || Request::get("/notes/a");
    let late = request()
        .header("byname-timeout-ms", "0")
        .body(Body::empty());
    let (status, told) = answer(late.expect("a request")).await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(told["status"], 408);
    assert_eq!(told["code"], "byname.too-late");
    // A time that was set here is not the fault of whoever asked.
    let mut late = request().body(Body::empty()).expect("a request");
    late.extensions_mut()
        .insert(Deadline(tokio::time::Instant::now()));
    assert_eq!(answer(late).await.0, StatusCode::GATEWAY_TIMEOUT);
    let early = request()
        .header("byname-timeout-ms", "1")
        .body(Body::empty());
    assert_eq!(answer(early.expect("a request")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_hidden_method_is_not_served() {
    let hidden = json!({ "methods": { "write": { "hidden": true } } });
    let overrides: Overrides = serde_json::from_value(hidden).expect("overrides");
    let request = put("t", "application/json", "{}");
    assert_eq!(
        asked(&overrides, request).await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let planned = planned(&overrides);
    let descriptions = planned.descriptions();
    assert_eq!(descriptions.len(), 1);
    assert_eq!(descriptions[0].method, Some(Method::GET));
}

#[tokio::test]
async fn content_that_can_be_read_in_two_ways_is_refused() {
    let kind = "application/json";
    let (status, told) = answer(put("a", kind, "{\"x\":1,\"x\":2}")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
    let mut coded = put("a", kind, "{}");
    let gzip = axum::http::HeaderValue::from_static("gzip");
    coded.headers_mut().insert("content-encoding", gzip);
    assert_eq!(answer(coded).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
