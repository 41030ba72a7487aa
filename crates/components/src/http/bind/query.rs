//! The parameters of the query.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::check::{Check, Checked};
use super::describe::describe_fields;
use super::heads;
use super::schema::Schema;
use crate::http::openapi::{Describe, Operation};
use crate::service_error::{ErrorKind, FieldPlace, ServiceError};

/// The parameters of the query, checked.
///
/// The fields of the struct are texts, numbers, truth values (`true`, `false`), or lists of them. A list
/// is written by repetition, `tag=a&tag=b`; commas do not split. Anything else is written once, and may
/// be missing if it is an `Option` or has a default. Names that the struct does not have are refused,
/// unless it has a flattened map for them.
///
/// # Errors
///
/// 400 if the query is no text, 422 with all that is wrong with the path, the query and the headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

/// Takes no parameter of the query: a request that has one is refused, and not answered as if it had
/// none. Without a [`Query`] of this or another type a route passes over what stands there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct NoParameters {}

impl<T: JsonSchema + 'static> Checked for Query<T> {
    fn check() -> Result<Check, String> {
        Check::named(FieldPlace::Query, Schema::read::<T>())
    }
}

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned + JsonSchema + 'static,
    S: Send + Sync,
{
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        heads::bind::<Self, T>(parts).await.map(Self)
    }
}

impl<T: JsonSchema + 'static> Describe for Query<T> {
    fn describe(operation: &mut Operation) {
        if let Some(check) = operation.check::<Self>() {
            operation.refuses(ErrorKind::Invalid);
            operation.refuses(ErrorKind::Unprocessable);
            describe_fields(&check, operation);
        }
    }
}
