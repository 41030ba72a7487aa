use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::post;
use byname_components::http::middleware::{BodyLimit, BodyLimitSettings};
use byname_components::http::{Endpoint, Middleware};
use http_body_util::BodyExt as _;
use tower::Layer as _;

use crate::rig::{answer, before, settings, streamed};

fn layer(yaml: &str) -> Middleware {
    Middleware::new(BodyLimit::new(settings::<BodyLimitSettings>(yaml)).unwrap())
}

/// `/echo` answers the body; `/own` calls every error its own; `/brave` answers 200 in any case;
/// `/unread` does not look.
fn endpoint(yaml: &str) -> Endpoint {
    let router = Router::new()
        .route("/echo", post(|body: Bytes| async move { body }))
        .route(
            "/own",
            post(|request: Request| async move {
                match request.into_body().collect().await {
                    Ok(body) => (StatusCode::OK, body.to_bytes()),
                    Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()),
                }
            }),
        )
        .route(
            "/brave",
            post(|request: Request| async move {
                let _ = request.into_body().collect().await;
                "fine"
            }),
        )
        .route(
            "/unread",
            post(|| async { (StatusCode::NOT_FOUND, "unread") }),
        );
    before(router, layer(yaml))
}

fn announced(path: &str, body: &'static str) -> Request {
    Request::post(path).body(Body::from(body)).unwrap()
}

/// A body of unknown length, in frames.
fn chunked(path: &str, frames: &[&'static str]) -> Request {
    let (send, body) = streamed();
    for frame in frames {
        send.send(frame).unwrap();
    }
    Request::post(path).body(body).unwrap()
}

/// A predecessor answered 500 to a chunked body that was too large, and refused one of exactly the
/// limit (lokstra fault 34).
#[tokio::test]
async fn a_body_of_exactly_the_limit_passes_and_a_byte_more_is_413_announced_or_not() {
    let endpoint = endpoint("max: 8B");
    for path in ["/echo", "/own"] {
        for fits in [
            announced(path, "12345678"),
            chunked(path, &["1234", "5678"]),
        ] {
            let fits = answer(&endpoint, fits).await;
            assert_eq!((fits.status, fits.text()), (StatusCode::OK, "12345678"));
        }
        for large in [
            announced(path, "123456789"),
            chunked(path, &["1234", "5678", "9"]),
        ] {
            let large = answer(&endpoint, large).await;
            assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
            let problem = large.problem();
            assert_eq!(problem["detail"], "the body is larger than 8B");
            assert_eq!(problem["details"]["max-bytes"], 8);
        }
    }
}

#[tokio::test]
async fn what_is_announced_is_refused_before_it_is_read() {
    let endpoint = endpoint("max: 8B");
    let (_never, body) = streamed();
    let request = Request::post("/echo")
        .header("content-length", "9")
        .body(body);
    let refused = answer(&endpoint, request.unwrap()).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    refused.problem();
}

#[tokio::test]
async fn who_does_without_the_rest_and_succeeds_is_left_alone() {
    let endpoint = endpoint("max: 8B");
    let brave = answer(&endpoint, chunked("/brave", &["123456789"])).await;
    assert_eq!((brave.status, brave.text()), (StatusCode::OK, "fine"));
    let unread = answer(&endpoint, chunked("/unread", &["123456789"])).await;
    assert_eq!(
        (unread.status, unread.text()),
        (StatusCode::NOT_FOUND, "unread")
    );
}

#[tokio::test]
async fn the_smaller_of_two_holds() {
    for (outer, inner) in [("max: 8B", "max: 4B"), ("max: 4B", "max: 8B")] {
        let both = layer(outer).layer(endpoint(inner));
        for (frames, status) in [(&["1234"], 200), (&["12345"], 413)] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(answer(&both, chunked("/own", frames)).await.status, status);
        }
    }
}

/// The limit that extractors of axum have of themselves, 2 MB, does not hold in its place.
#[tokio::test]
async fn a_limit_above_that_of_extractors_holds() {
    let large: &'static str = "x".repeat(3 * 1024 * 1024).leak();
    let by_default = answer(&endpoint(""), announced("/echo", large)).await;
    assert_eq!(by_default.status, StatusCode::PAYLOAD_TOO_LARGE);
    let taken = answer(&endpoint("max: 3MiB"), announced("/echo", large)).await;
    assert_eq!(
        (taken.status, taken.body.len()),
        (StatusCode::OK, large.len())
    );
}
