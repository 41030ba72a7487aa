//! Answers.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use crate::service_error::{ErrorKind, ServiceError};

/// An answer of this type. None is kept by anybody: it is about this moment.
pub(super) fn answer(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<axum::body::Body>,
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    // A terminal shows its prompt on the next line.
    answer(status, "application/json", format!("{value}\n"))
}

pub(super) fn text(kind: &'static str, text: String) -> Response {
    answer(StatusCode::OK, kind, text)
}

/// The application has ended, or not begun.
pub(super) fn gone() -> Response {
    ServiceError::new(ErrorKind::Unavailable, "the application does not run").into_response()
}
