//! Forms.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::check::{Check, Checked, Shape};
use super::checks::Checks;
use super::content::{content, content_type, unsupported};
use super::heads::compiled;
use super::pairs::pairs;
use super::schema::Schema;
use super::tell::Telling;
use crate::http::openapi::{Describe, Operation};
use crate::service_error::{ErrorKind, FieldPlace, ServiceError};

/// A form: the content of a request of the type `application/x-www-form-urlencoded`, checked.
///
/// Its fields are read as those of a [`Query`](super::Query) are, but for names that the struct does not
/// have: as in JSON they are allowed, unless the struct denies them (`#[serde(deny_unknown_fields)]`).
///
/// # Errors
///
/// 415 if the content is of another type, 413 if it is longer than the limit, 400 if it is no text, 422
/// with all that is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form<T>(pub T);

const FORM: &str = "application/x-www-form-urlencoded";

impl<T: JsonSchema + 'static> Checked for Form<T> {
    fn check() -> Result<Check, String> {
        Check::named(FieldPlace::Body, Schema::read::<T>().of_texts())
    }
}

impl<T, S> FromRequest<S> for Form<T>
where
    T: DeserializeOwned + JsonSchema + 'static,
    S: Send + Sync,
{
    type Rejection = ServiceError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ServiceError> {
        if content_type(request.headers()).as_deref() != Some(FORM) {
            return Err(unsupported(request.headers(), FORM));
        }
        let checks = request.extensions().get().cloned();
        let content = content(request).await?;
        let checks: Arc<Checks> = checks.unwrap_or_default();
        let check = compiled::<Self>(&checks)?;
        let mut telling = Telling::new(FieldPlace::Body);
        let value = match &check.shape {
            Shape::Named(fields) => fields.read(pairs(&content, "the form")?, true, &mut telling),
            _ => Value::Null,
        };
        check.bind(value, telling).map(Self)
    }
}

impl<T: JsonSchema + 'static> Describe for Form<T> {
    fn describe(operation: &mut Operation) {
        if let Some(check) = operation.check::<Self>() {
            operation.set_body(FORM, true, Some(check.schema.clone()));
            operation.refuses(ErrorKind::Invalid);
            operation.refuses(ErrorKind::TooLarge);
            operation.refuses(ErrorKind::Unsupported);
            operation.refuses(ErrorKind::Unprocessable);
        }
    }
}
