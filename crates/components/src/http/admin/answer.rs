//! Answers, and what requests ask for in their query.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::service_error::{ErrorKind, FieldError, FieldPlace, ServiceError};

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

/// The parameters of a query, of which each may be there once.
pub(super) fn parameters<const N: usize>(
    query: Option<&str>,
    known: [&str; N],
) -> Result<[Option<String>; N], ServiceError> {
    let mut found = [const { None }; N];
    let pairs = query.unwrap_or_default().split('&');
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name);
        let Some(at) = known.iter().position(|known| *known == name) else {
            return Err(wrong(&name, "is no parameter of this path"));
        };
        if found[at].replace(decoded(value)).is_some() {
            return Err(wrong(&name, "is there twice"));
        }
    }
    Ok(found)
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// A parameter of the query has a value that it cannot have.
pub(super) fn wrong(parameter: &str, message: impl Into<String>) -> ServiceError {
    let error = ServiceError::new(ErrorKind::Invalid, "the query of the request is wrong");
    error.with_field(FieldError {
        r#in: FieldPlace::Query,
        field: parameter.to_owned(),
        message: message.into(),
    })
}
