//! Header fields.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::check::{Check, Checked};
use super::describe::describe_fields;
use super::heads;
use super::schema::Schema;
use crate::http::openapi::{Describe, Operation};
use crate::service_error::{ErrorKind, FieldPlace, ServiceError};

/// Header fields, checked.
///
/// The fields of the struct are named as header fields are, in lower case:
/// `#[serde(rename_all = "kebab-case")]` does so. They are texts (UTF-8), numbers, truth values, or lists of
/// them. A list is written with commas, in one line or in several (RFC 9110, 5.3); anything else is
/// written once. Header fields that the struct does not have are nobody's concern.
///
/// # Errors
///
/// 400 if the path or the query is no text, 422 with all that is wrong with the path, the query and the
/// headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<T>(pub T);

impl<T: JsonSchema + 'static> Checked for Headers<T> {
    fn check() -> Result<Check, String> {
        Check::named(FieldPlace::Header, Schema::read::<T>())
    }
}

impl<T, S> FromRequestParts<S> for Headers<T>
where
    T: DeserializeOwned + JsonSchema + 'static,
    S: Send + Sync,
{
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        heads::bind::<Self, T>(parts).await.map(Self)
    }
}

impl<T: JsonSchema + 'static> Describe for Headers<T> {
    fn describe(operation: &mut Operation) {
        if let Some(check) = operation.check::<Self>() {
            operation.refuses(ErrorKind::Unprocessable);
            describe_fields(&check, operation);
        }
    }
}
