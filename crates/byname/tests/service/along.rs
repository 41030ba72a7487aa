//! What goes along with a call.

use std::time::Duration;

use axum::http::HeaderValue;
use byname::service::CallContext;
use byname::{ErrorKind, ServiceError};

use crate::samples::by_rest;

#[tokio::test]
async fn the_deadline_and_the_identity_of_a_request_go_along() {
    let samples = by_rest().await;
    let call = || samples.agree(async |samples| samples.context().await);
    assert_eq!(call().await, Ok((false, None, None)));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(3600);
    let context = CallContext::default()
        .with_deadline(deadline)
        .with_request_id(HeaderValue::from_static("request-7"));
    let told = context.scope(call()).await;
    assert_eq!(told, Ok((true, Some("request-7".to_owned()), None)));
}

#[tokio::test]
async fn a_trace_goes_along() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let samples = by_rest().await;
    let request = axum::http::Request::get("/").header("traceparent", TRACE);
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    let told = CallContext::of(&parts)
        .scope(samples.agree(async |samples| samples.context().await))
        .await;
    assert_eq!(told, Ok((false, None, Some(TRACE.to_owned()))));
}

#[tokio::test]
async fn a_call_whose_time_is_over_is_an_error_and_takes_no_more() {
    let samples = by_rest().await;
    let [_, others @ ..] = samples.ways();
    for (way, samples) in others {
        let context = CallContext::default().with_deadline(tokio::time::Instant::now());
        let told = context.scope(samples.count()).await;
        let kind = told.as_ref().map_err(ServiceError::kind);
        assert_eq!(kind, Err(ErrorKind::Timeout), "{way}");
        assert_eq!(
            samples.count().await,
            Ok(0),
            "{way}: the first call did not arrive"
        );
    }
}
