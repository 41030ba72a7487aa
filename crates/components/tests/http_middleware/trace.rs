use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::routing::get as on_get;
use axum::{Extension, Router};
use byname_components::http::middleware::{
    RequestIdSettings, RequestIds, Trace, TraceContext, TraceSettings,
};
use byname_components::http::{Endpoint, MatchedRoute, Middleware};
use http_body_util::BodyExt as _;
use tower::Layer as _;

use crate::rig::{Log, answer, ask, before, from, get, request, settings, streamed};

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Answers what is to be sent on, and logs something meanwhile.
fn endpoint(yaml: &str) -> Endpoint {
    let handler = |Extension(context): Extension<TraceContext>, request: Request| async move {
        tokio::task::yield_now().await;
        tracing::info!(target: "inside", "at work");
        let parent = request.headers()["traceparent"].to_str().unwrap();
        assert_eq!(parent, context.to_string());
        let state = request
            .headers()
            .get("tracestate")
            .map_or("", |state| state.to_str().unwrap());
        format!("{parent} {state}")
    };
    let routed = Endpoint::new(Router::new().route("/it", on_get(handler)));
    let ids = RequestIds::new(RequestIdSettings::default()).unwrap();
    let trace = Trace::new(settings::<TraceSettings>(yaml)).unwrap();
    Middleware::new(trace).layer(Middleware::new(ids).layer(routed))
}

fn traced(parent: &str) -> Request {
    let headers = [("traceparent", parent), ("tracestate", "a=b")];
    let mut request = request("GET", "/it", &headers);
    request.extensions_mut().insert(MatchedRoute::new("/{it}"));
    request
}

#[tokio::test]
async fn a_request_is_worked_at_within_its_span() {
    let (log, endpoint) = (Log::new(), endpoint(""));
    let answer = answer(&endpoint, traced(GIVEN)).await;
    let inside = log.take("inside");
    assert_eq!(inside[0].within.len(), 1);
    assert_eq!(inside[0].within[0]["trace_id"], ID);
    let span = &log.spans()[0];
    for (field, value) in [
        ("name", "request"),
        ("method", "GET"),
        ("path", "/it"),
        ("route", "/{it}"),
        ("status", "200"),
        ("trace_id", ID),
        ("parent_id", "00f067aa0ba902b7"),
    ] {
        assert_eq!(span[field], value, "{field}");
    }
    assert_eq!(Some(&*span["request_id"]), answer.header("x-request-id"));
    let expected = format!("00-{ID}-{}-01 a=b", span["span_id"]);
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn without_a_trace_that_can_be_read_one_begins() {
    let endpoint = endpoint("");
    let mut seen = Vec::new();
    let two = {
        let mut two = traced(GIVEN);
        two.headers_mut()
            .append("traceparent", GIVEN.parse().unwrap());
        two
    };
    for request in [get("/it"), traced("00-0-0-00"), two] {
        let text = answer(&endpoint, request).await.text().to_owned();
        // What is said about the other trace does not stay.
        let context = TraceContext::of(text.strip_suffix(' ').unwrap()).unwrap();
        assert_ne!(context.trace_id(), ID);
        seen.push(context.trace_id());
    }
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn each_setting_has_its_effect() {
    let trusted = "{ trust: proxies, proxies: { trusted: [10.0.0.1] } }";
    for (yaml, peer, continued) in [
        ("trust: always", "192.0.2.1", true),
        ("trust: never", "192.0.2.1", false),
        (trusted, "10.0.0.1", true),
        (trusted, "10.0.0.2", false),
    ] {
        let text = answer(&endpoint(yaml), from(peer, traced(GIVEN)))
            .await
            .text()
            .to_owned();
        assert_eq!(text.contains(ID), continued, "{yaml} {peer}");
        assert_eq!(text.ends_with("a=b"), continued);
    }
    assert!(Trace::new(settings("trust: proxies")).is_err());
    let log = Log::new();
    for level in ["trace", "debug", "info", "warn", "error"] {
        answer(&endpoint(&format!("level: {level}")), get("/it")).await;
        assert_eq!(log.spans().pop().unwrap()["level"], level.to_uppercase());
    }
}

#[tokio::test]
async fn a_body_is_made_within_the_span_too() {
    let (send, body) = streamed();
    let logs = body.map_frame(|frame| {
        tracing::info!(target: "inside", "a frame");
        frame
    });
    let body = Arc::new(Mutex::new(Some(axum::body::Body::new(logs))));
    let handler = move || async move { body.lock().unwrap().take().unwrap() };
    let trace = Trace::new(TraceSettings::default()).unwrap();
    let endpoint = before(
        Router::new().route("/", on_get(handler)),
        Middleware::new(trace),
    );
    let log = Log::new();
    let body = ask(&endpoint, get("/")).await.into_body();
    send.send("text").unwrap();
    drop(send);
    assert_eq!(body.collect().await.unwrap().to_bytes(), "text");
    assert_eq!(log.take("inside")[0].within[0]["name"], "request");
}
