//! The content of a request, read whole.

use std::error::Error;

use axum::RequestExt as _;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError};

use crate::service_error::{ErrorKind, ServiceError};

/// Reads the content of a request, up to the limit of the route: that of
/// [`DefaultBodyLimit`](axum::extract::DefaultBodyLimit), 2 MiB unless something sets it.
pub(super) async fn content(request: Request) -> Result<Bytes, ServiceError> {
    uncoded(request.headers())?;
    collected(request).await
}

/// Reads the content of a request as [`content`] does, in whatever coding it is.
pub(super) async fn collected(request: Request) -> Result<Bytes, ServiceError> {
    whole(request.into_limited_body(), too_large).await
}

/// Reads content whole. What is beyond a limit of the body is refused as this says.
pub(crate) async fn whole(
    body: Body,
    too_large: impl FnOnce() -> ServiceError,
) -> Result<Bytes, ServiceError> {
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(unread(&error, too_large)),
    }
}

fn too_large() -> ServiceError {
    ServiceError::new(ErrorKind::TooLarge, "the content is too large")
}

/// Refuses content in a coding: nothing here takes it off, and what is read as what it is not is told
/// wrongly (RFC 9110, section 8.4).
pub(crate) fn uncoded(headers: &HeaderMap) -> Result<(), ServiceError> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    match codings.find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        None => Ok(()),
        Some(_) => Err(ServiceError::new(
            ErrorKind::Unsupported,
            "the content is in a coding that is not read; send it as it is, without `content-encoding`",
        )),
    }
}

/// Why content could not be read. What a middleware has to say of it comes out as it says it.
fn unread(error: &(dyn Error + 'static), too_large: impl FnOnce() -> ServiceError) -> ServiceError {
    for cause in std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| {
        (*error).source()
    }) {
        if let Some(said) = cause.downcast_ref::<ServiceError>() {
            return said.clone();
        }
        if cause.is::<LengthLimitError>() {
            return too_large();
        }
    }
    let message = "the content ended before it was whole";
    ServiceError::new(ErrorKind::Invalid, message)
}

/// The type of the content, without its parameters, in lower case.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(essence(value))
}

/// A type without its parameters, in lower case.
pub(super) fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Refuses content of another type.
pub(super) fn unsupported(headers: &HeaderMap, expected: &str) -> ServiceError {
    let is = if headers.contains_key(header::CONTENT_TYPE) {
        "has another type"
    } else {
        "has no type"
    };
    ServiceError::new(
        ErrorKind::Unsupported,
        format!("the content {is}; expected `{expected}`"),
    )
}
