use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get as on_get;
use byname_components::http::middleware::{
    AccessLog, AccessLogSettings, RequestIdSettings, RequestIds,
};
use byname_components::http::{Endpoint, MatchedRoute, Middleware};
use http_body_util::BodyExt as _;
use tower::Layer as _;
use tracing::Level;

use crate::rig::{Log, Logged, answer, ask, before, from, get, next, request, settings, streamed};

const TARGET: &str = "byname::access";

fn layer(yaml: &str) -> Middleware {
    Middleware::new(AccessLog::new(settings::<AccessLogSettings>(yaml)).unwrap())
}

fn router() -> Router {
    Router::new()
        .route("/users/{id}", on_get(|| async { "seven bytes, and more" }))
        .route(
            "/fails",
            on_get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
        )
        .route("/none", on_get(|| async { StatusCode::NO_CONTENT }))
        .route(
            "/waits",
            on_get(|| async { tokio::time::sleep(Duration::from_millis(1500)).await }),
        )
}

fn one(log: &Log) -> Logged {
    let mut events = log.take(TARGET);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_request_is_one_event_with_what_it_was() {
    let (log, endpoint) = (Log::new(), before(router(), layer("")));
    let asked = from("192.0.2.7:5555", get("/users/7?token=hush"));
    assert_eq!(answer(&endpoint, asked).await.status, StatusCode::OK);
    let event = one(&log);
    assert_eq!(event.level, Level::INFO);
    for (field, value) in [
        ("method", "GET"),
        ("path", "/users/7"),
        ("status", "200"),
        ("bytes", "21"),
        ("client", "192.0.2.7"),
        ("peer", "192.0.2.7"),
        ("end", "complete"),
        ("message", "request"),
    ] {
        assert_eq!(event.get(field), Some(value), "{field}");
    }
    assert_eq!((event.get("query"), event.get("request_id")), (None, None));
    assert!(!log.says("hush"));
    answer(&endpoint, get("/waits")).await;
    assert_eq!(one(&log).get("duration_ms"), Some("1500.0"));
}

/// A predecessor logged 200 for a 500 (lokstra fault 34).
#[tokio::test]
async fn the_status_is_the_one_that_was_sent() {
    let (log, endpoint) = (Log::new(), before(router(), layer("")));
    for (path, status) in [("/fails", "500"), ("/nowhere", "404"), ("/none", "204")] {
        answer(&endpoint, get(path)).await;
        let event = one(&log);
        assert_eq!(
            (event.get("status"), event.get("end")),
            (Some(status), Some("complete"))
        );
    }
}

#[tokio::test]
async fn the_route_and_the_identity_are_told_wherever_the_middleware_stands() {
    let routed = || Endpoint::new(router());
    let ids = || Middleware::new(RequestIds::new(RequestIdSettings::default()).unwrap());
    let inside = ids().layer(layer("").layer(routed()));
    let outside = layer("").layer(ids().layer(routed()));
    let log = Log::new();
    for endpoint in [inside, outside] {
        let mut asked = get("/users/7");
        asked
            .extensions_mut()
            .insert(MatchedRoute::new("/users/:id"));
        let answer = answer(&endpoint, asked).await;
        let event = one(&log);
        assert_eq!(event.get("route"), Some("/users/:id"));
        assert_eq!(event.get("request_id"), answer.header("x-request-id"));
    }
}

/// An endpoint whose answer somebody sends.
fn streaming() -> (tokio::sync::mpsc::UnboundedSender<&'static str>, Endpoint) {
    let (send, body) = streamed();
    let body = Arc::new(std::sync::Mutex::new(Some(body)));
    let handler = move || async move { body.lock().unwrap().take().unwrap() };
    (
        send,
        before(Router::new().route("/", on_get(handler)), layer("")),
    )
}

#[tokio::test]
async fn a_streamed_answer_is_told_when_it_has_ended_with_what_was_sent() {
    let (log, (send, endpoint)) = (Log::new(), streaming());
    let mut body = ask(&endpoint, get("/")).await.into_body();
    for text in ["first", "second"] {
        send.send(text).unwrap();
        assert_eq!(next(&mut body).await.unwrap(), text);
        assert!(log.take(TARGET).is_empty());
    }
    drop(send);
    assert!(body.frame().await.is_none());
    let event = one(&log);
    assert_eq!(
        (event.get("bytes"), event.get("end")),
        (Some("11"), Some("complete"))
    );
    drop(body);
    assert!(log.take(TARGET).is_empty());
}

#[tokio::test]
async fn an_answer_that_is_cut_off_or_fails_is_told_as_that_with_what_was_sent() {
    let (log, (send, endpoint)) = (Log::new(), streaming());
    let mut body = ask(&endpoint, get("/")).await.into_body();
    send.send("first").unwrap();
    next(&mut body).await.unwrap();
    send.send("not taken").unwrap();
    drop(body);
    let event = one(&log);
    assert_eq!(
        (event.get("bytes"), event.get("end")),
        (Some("5"), Some("cut-off"))
    );
    assert_eq!(event.get("status"), Some("200"));

    let (send, endpoint) = streaming();
    send.send("first").unwrap();
    send.send("fail").unwrap();
    let body = ask(&endpoint, get("/")).await.into_body();
    assert!(body.collect().await.is_err());
    let event = one(&log);
    assert_eq!(
        (event.get("bytes"), event.get("end")),
        (Some("5"), Some("failed"))
    );
}

/// A connection does not ask a body for its end when it has what was announced, nor for anything of an
/// answer to HEAD.
#[tokio::test]
async fn an_answer_of_which_all_was_taken_is_complete_though_its_end_was_not_seen() {
    let (log, (send, body)) = (Log::new(), streamed());
    let body = Arc::new(std::sync::Mutex::new(Some(body)));
    let handler = move || async move {
        let body = body.lock().unwrap().take().unwrap_or_default();
        Response::builder()
            .header("content-length", "5")
            .body(body)
            .unwrap()
    };
    let endpoint = before(Router::new().route("/", on_get(handler)), layer(""));
    let mut body = ask(&endpoint, get("/")).await.into_body();
    send.send("first").unwrap();
    next(&mut body).await.unwrap();
    drop(body);
    assert_eq!(one(&log).get("end"), Some("complete"));
    drop(ask(&endpoint, request("HEAD", "/", &[])).await);
    let event = one(&log);
    assert_eq!(
        (event.get("end"), event.get("bytes")),
        (Some("complete"), Some("0"))
    );
}

#[tokio::test]
async fn a_request_that_is_given_up_before_there_is_an_answer_is_told_as_that() {
    let handler = || std::future::pending::<()>();
    let endpoint = before(Router::new().route("/", on_get(handler)), layer(""));
    let log = Log::new();
    tokio::select! {
        biased;
        _ = ask(&endpoint, get("/")) => panic!("it never answers"),
        () = tokio::task::yield_now() => {}
    }
    let event = one(&log);
    assert_eq!(
        (event.get("end"), event.get("status")),
        (Some("unanswered"), None)
    );
}

#[tokio::test]
async fn each_setting_has_its_effect() {
    let log = Log::new();
    let endpoint = before(router(), layer("{ level: debug, query: true }"));
    answer(&endpoint, get("/none?a=b&c")).await;
    let event = one(&log);
    assert_eq!(
        (event.level, event.get("query")),
        (Level::DEBUG, Some("a=b&c"))
    );

    let endpoint = before(router(), layer("{ skip: [/none, '/users/*'] }"));
    for path in ["/none", "/users/7"] {
        answer(&endpoint, get(path)).await;
        assert!(log.take(TARGET).is_empty(), "{path}");
    }
    for path in ["/none/more", "/fails"] {
        answer(&endpoint, get(path)).await;
        one(&log);
    }

    let trusted = before(router(), layer("proxies: { trusted: [10.0.0.0/8] }"));
    for (peer, client) in [("10.0.0.1", "192.0.2.7"), ("172.16.0.1", "172.16.0.1")] {
        let asked = request("GET", "/none", &[("x-forwarded-for", "192.0.2.7")]);
        answer(&trusted, from(peer, asked)).await;
        let event = one(&log);
        assert_eq!(
            (event.get("peer"), event.get("client")),
            (Some(peer), Some(client))
        );
    }
    assert!(AccessLog::new(settings("skip: [health]")).is_err());
}

#[tokio::test]
async fn the_length_of_an_answer_stays_known() {
    use http_body::Body as _;
    let endpoint = before(router(), layer(""));
    let body: Body = ask(&endpoint, get("/users/7")).await.into_body();
    assert_eq!(body.size_hint().exact(), Some(21));
}
