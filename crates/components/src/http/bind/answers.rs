//! Answers that say what they are.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, NoContent, Response};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Serialize;

use super::json::Json;
use crate::http::openapi::{DescribeAnswer, Operation};

/// Answers that something was made (201), with the thing as JSON, and where it is.
///
/// # Examples
///
/// ```
/// use axum::response::IntoResponse as _;
/// use byname_components::http::bind::Created;
///
/// let answer = Created::at("/users/7", "ada").into_response();
/// assert_eq!(answer.status(), 201);
/// assert_eq!(answer.headers()["location"], "/users/7");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created<T> {
    location: Option<String>,
    value: T,
}

impl<T> Created<T> {
    /// Answers with what was made at the target of the request itself, as `PUT` does: that is what 201 says
    /// without a location (RFC 9110, section 15.3.2). Of what is elsewhere, [`at`](Self::at) says where.
    pub fn new(value: T) -> Self {
        Self {
            location: None,
            value,
        }
    }

    /// Answers with what was made, and where it is: a URL, of which what no URL may contain is escaped.
    pub fn at(location: impl Into<String>, value: T) -> Self {
        Self {
            location: Some(location.into()),
            value,
        }
    }
}

/// What is escaped of a location; what is escaped already stays so.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\');

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.value).into_response();
        if response.status() != StatusCode::OK {
            return response;
        }
        *response.status_mut() = StatusCode::CREATED;
        let location = self.location.map(|location| {
            let escaped = utf8_percent_encode(&location, ESCAPED).to_string();
            HeaderValue::try_from(escaped)
        });
        if let Some(Ok(location)) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

impl<T: JsonSchema> DescribeAnswer for Created<T> {
    fn describe(operation: &mut Operation) {
        operation.answer_with::<T>("201", "It was made", "application/json");
        let said = "Where it is, if it is not at the target of the request";
        operation.answer_header::<String>("201", "location", said, false);
    }
}

impl DescribeAnswer for NoContent {
    fn describe(operation: &mut Operation) {
        operation.answer("204", "It is done");
    }
}
