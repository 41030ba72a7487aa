//! JSON.

use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check::{Check, Checked};
use super::checks::Checks;
use super::content::{content, essence, unsupported};
use super::heads::compiled;
use super::schema::Schema;
use super::tell::Telling;
use crate::http::openapi::{Describe, DescribeAnswer, Operation};
use crate::service_error::{ErrorKind, FieldPlace, ServiceError};

/// JSON: the content of a request, checked, or an answer.
///
/// The content type is `application/json`, or another that ends with `+json`. An `Option` of it is none
/// if the request says no content type.
///
/// # Errors
///
/// 415 if the content is of another type, 413 if it is longer than the limit, 400 with the line and
/// column if it is no JSON, 422 with all that is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

pub(super) const JSON: &str = "application/json";

impl<T: JsonSchema + 'static> Checked for Json<T> {
    fn check() -> Result<Check, String> {
        Check::whole(Schema::read::<T>())
    }
}

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned + JsonSchema + 'static,
    S: Send + Sync,
{
    type Rejection = ServiceError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ServiceError> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        if !content_type.is_some_and(is_json) {
            return Err(unsupported(request.headers(), JSON));
        }
        let checks = request.extensions().get().cloned();
        let content = content(request).await?;
        let checks: std::sync::Arc<Checks> = checks.unwrap_or_default();
        let check = compiled::<Self>(&checks)?;
        let value = crate::http::json::read(&content).map_err(|error| malformed(&error))?;
        let telling = Telling::new(FieldPlace::Body);
        check.bind(value, telling).map(Self)
    }
}

impl<T, S> OptionalFromRequest<S> for Json<T>
where
    T: DeserializeOwned + JsonSchema + 'static,
    S: Send + Sync,
{
    type Rejection = ServiceError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ServiceError> {
        if request.headers().contains_key(header::CONTENT_TYPE) {
            let read = <Self as FromRequest<S>>::from_request(request, state);
            read.await.map(Some)
        } else {
            Ok(None)
        }
    }
}

/// Whether this is the type of JSON (RFC 8259), or of a format on top of it (RFC 6839, section 3.1).
pub(crate) fn is_json(content_type: &HeaderValue) -> bool {
    // As nearly all say it, which is known at a glance.
    if content_type == JSON {
        return true;
    }
    let kind = content_type.to_str().map(essence).unwrap_or_default();
    kind == JSON
        || kind
            .split_once('/')
            .is_some_and(|(_, format)| format.ends_with("+json"))
}

/// Refuses what is no JSON.
fn malformed(error: &serde_json::Error) -> ServiceError {
    ServiceError::new(
        ErrorKind::Invalid,
        format!("the content is no JSON: {error}"),
    )
    .with_detail("line", error.line())
    .with_detail("column", error.column())
}

impl<T: JsonSchema + 'static> Describe for Json<T> {
    fn describe(operation: &mut Operation) {
        if let Some(check) = operation.check::<Self>() {
            operation.set_body(JSON, true, Some(check.schema.clone()));
            operation.refuses(ErrorKind::Invalid);
            operation.refuses(ErrorKind::TooLarge);
            operation.refuses(ErrorKind::Unsupported);
            operation.refuses(ErrorKind::Unprocessable);
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(content) => {
                let kind = HeaderValue::from_static(JSON);
                ([(header::CONTENT_TYPE, kind)], content).into_response()
            }
            Err(error) => ServiceError::internal(error).into_response(),
        }
    }
}

impl<T: JsonSchema> DescribeAnswer for Json<T> {
    fn describe(operation: &mut Operation) {
        operation.answer_with::<T>("200", "It is done", JSON);
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}
