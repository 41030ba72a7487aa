//! JSON with a line feed behind it: a terminal shows its prompt on the next line.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use byname_components::ServiceError;
use byname_components::http::bind::Json;
use byname_components::http::openapi::{DescribeAnswer, Operation};
use schemars::JsonSchema;
use serde::Serialize;

/// Answers with JSON, as one line.
pub(super) struct Line<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Line<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(mut content) => {
                content.push(b'\n');
                let kind = HeaderValue::from_static("application/json");
                ([(header::CONTENT_TYPE, kind)], content).into_response()
            }
            Err(error) => ServiceError::internal(error).into_response(),
        }
    }
}

impl<T: JsonSchema> DescribeAnswer for Line<T> {
    fn describe(operation: &mut Operation) {
        Json::<T>::describe(operation);
    }
}
