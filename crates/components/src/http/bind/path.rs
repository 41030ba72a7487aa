//! The parameters of the path.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::check::{Check, Checked, Shape};
use super::describe::describe_fields;
use super::fields::part;
use super::heads;
use super::schema::Schema;
use crate::http::openapi::{Describe, Operation, Parameter};
use crate::service_error::{ErrorKind, FieldPlace, ServiceError};

/// The parameters of the path, checked.
///
/// A struct takes them by name, and may leave some; a number, text or truth value takes the only one; a
/// tuple takes all in their order. A route whose path lacks what is taken is an error when the
/// application is checked.
///
/// # Errors
///
/// 400 if the path is no text, 422 with all that is wrong with the path, the query and the headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: JsonSchema + 'static> Checked for Path<T> {
    fn check() -> Result<Check, String> {
        Check::of_path(Schema::read::<T>())
    }
}

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + JsonSchema + 'static,
    S: Send + Sync,
{
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        heads::bind::<Self, T>(parts).await.map(Self)
    }
}

impl<T: JsonSchema + 'static> Describe for Path<T> {
    fn describe(operation: &mut Operation) {
        let Some(check) = operation.check::<Self>() else {
            return;
        };
        operation.refuses(ErrorKind::Invalid);
        operation.refuses(ErrorKind::Unprocessable);
        let root = check.schema.resolve(&check.schema.root);
        let parts = match (&check.shape, root.get("prefixItems")) {
            (Shape::Single(_), _) => vec![&check.schema.root],
            (Shape::Ordered(_), Some(items)) => items.as_array().into_iter().flatten().collect(),
            _ => return describe_fields(&check, operation),
        };
        let positions = parts.into_iter().map(|it| Parameter {
            place: FieldPlace::Path,
            name: String::new(),
            required: true,
            schema: part(&check.schema, it),
        });
        operation.set_positions(positions.collect());
    }
}
