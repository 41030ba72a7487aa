use axum::Router;
use axum::http::StatusCode;
use axum::routing::get as on_get;
use byname_components::http::middleware::{Recover, RecoverSettings};
use byname_components::http::{Endpoint, Middleware};
use http_body_util::BodyExt as _;

use crate::rig::{Log, answer, ask, before, get, settings, streamed};

fn is_fine() -> bool {
    false
}

fn endpoint() -> Endpoint {
    let router = Router::new()
        .route("/fine", on_get(|| async { "fine" }))
        .route(
            "/at-once",
            on_get(|| async {
                assert!(is_fine(), "hush: password {}", 4711);
            }),
        )
        .route(
            "/later",
            on_get(|| async {
                tokio::task::yield_now().await;
                if true {
                    std::panic::panic_any(7_u8);
                }
            }),
        )
        .route(
            "/streamed",
            on_get(|| async {
                let (send, body) = streamed();
                send.send("first").unwrap();
                send.send("panic").unwrap();
                send.send("never").unwrap();
                body
            }),
        );
    let layer = Recover::new(settings::<RecoverSettings>("")).unwrap();
    before(router, Middleware::new(layer))
}

/// A predecessor told the client what the panic said (lokstra fault 33).
#[tokio::test]
async fn a_panic_is_500_and_what_it_says_is_in_the_log_alone() {
    let (log, endpoint) = (Log::new(), endpoint());
    for path in ["/at-once", "/later"] {
        let answer = answer(&endpoint, get(path)).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        answer.problem();
        assert!(!answer.text().contains("hush") && !answer.text().contains("panic"));
    }
    assert!(log.says("hush: password 4711"));
    assert_eq!(answer(&endpoint, get("/fine")).await.text(), "fine");
}

#[tokio::test]
async fn a_panic_while_a_body_is_made_ends_that_body_alone() {
    let (log, endpoint) = (Log::new(), endpoint());
    let mut body = ask(&endpoint, get("/streamed")).await.into_body();
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "first");
    // An error, so that the connection does not end it as if it were whole.
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(!error.to_string().contains("hush"), "{error}");
    assert!(body.frame().await.is_none());
    assert!(log.says("hush: in the stream"));
    assert_eq!(answer(&endpoint, get("/fine")).await.text(), "fine");
}
