use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get as on_get;
use byname_components::http::middleware::{SlowLog, SlowLogSettings};
use byname_components::http::{Endpoint, MatchedRoute, Middleware};
use http_body_util::BodyExt as _;
use tokio::time::sleep;
use tower::Layer as _;
use tracing::Level;

use crate::rig::{Log, Logged, answer, ask, get, settings, streamed};

/// `/MILLIS/STATUS` answers after so many milliseconds with that status; the
/// route is called `/SLOW` if [`routed`] said so. `/streamed` ends its body after ten seconds.
fn endpoint(yaml: &str) -> Endpoint {
    let handler = |request: Request| async move {
        let (millis, status) = request.uri().path()[1..].split_once('/').unwrap();
        sleep(Duration::from_millis(millis.parse().unwrap())).await;
        let mut response: Response = Response::default();
        *response.status_mut() = StatusCode::from_bytes(status.as_bytes()).unwrap();
        response
    };
    let stream = || async {
        let (send, body) = streamed();
        tokio::spawn(async move {
            sleep(Duration::from_secs(10)).await;
            send.send("end").unwrap();
        });
        body
    };
    let router = Router::new()
        .route("/streamed", on_get(stream))
        .fallback(handler);
    let layer = SlowLog::new(settings::<SlowLogSettings>(yaml)).unwrap();
    Middleware::new(layer).layer(Endpoint::new(router))
}

/// A request for the route `/SLOW`.
fn routed(path: &str) -> Request {
    let mut request = get(path);
    request.extensions_mut().insert(MatchedRoute::new("/SLOW"));
    request
}

fn take(log: &Log) -> Option<Logged> {
    let mut events = log.take("byname::slow");
    assert!(events.len() <= 1);
    events.pop()
}

/// A predecessor told 200 of whatever was slow (lokstra fault 34).
#[tokio::test(start_paused = true)]
async fn what_is_slow_is_told_with_its_status_and_time() {
    let (log, endpoint) = (Log::new(), endpoint(""));
    answer(&endpoint, get("/999/200")).await;
    assert!(take(&log).is_none());
    answer(&endpoint, routed("/1000/500")).await;
    let event = take(&log).unwrap();
    assert_eq!(event.level, Level::WARN);
    for (field, value) in [
        ("method", "GET"),
        ("path", "/1000/500"),
        ("route", "/SLOW"),
        ("status", "500"),
        ("duration_ms", "1000.0"),
        ("threshold_ms", "1000.0"),
        ("end", "head"),
    ] {
        assert_eq!(event.get(field), Some(value), "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_setting_has_its_effect() {
    let log = Log::new();
    let yaml = "{ threshold: 100ms, routes: { /SLOW: 5s }, level: error }";
    let own = endpoint(yaml);
    answer(&own, get("/100/200")).await;
    assert_eq!(take(&log).unwrap().level, Level::ERROR);
    answer(&own, routed("/4999/200")).await;
    assert!(take(&log).is_none());
    answer(&own, routed("/5000/200")).await;
    assert_eq!(take(&log).unwrap().get("threshold_ms"), Some("5000.0"));

    let head = ask(&endpoint(""), get("/streamed")).await;
    head.into_body().collect().await.unwrap();
    assert!(take(&log).is_none());
    let whole = ask(&endpoint("until: end"), get("/streamed")).await;
    assert!(take(&log).is_none());
    whole.into_body().collect().await.unwrap();
    let event = take(&log).unwrap();
    assert_eq!(event.get("duration_ms"), Some("10000.0"));
    assert_eq!(event.get("end"), Some("complete"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_request_that_is_given_up_is_told_too() {
    let (log, endpoint) = (Log::new(), endpoint(""));
    let asked = tokio::time::timeout(Duration::from_secs(2), ask(&endpoint, get("/3000/200")));
    assert!(asked.await.is_err());
    let event = take(&log).unwrap();
    assert_eq!(
        (event.get("status"), event.get("end")),
        (None, Some("unanswered"))
    );
    assert_eq!(event.get("duration_ms"), Some("2000.0"));
}
