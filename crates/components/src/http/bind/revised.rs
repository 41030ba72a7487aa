//! Answers of which is told what revision they were taken from.

use std::marker::PhantomData;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::json::JSON;
use crate::http::openapi::{DescribeAnswer, Operation};
use crate::service_error::ServiceError;

/// The revision of a registry that an answer was taken from.
const REVISION: HeaderName = HeaderName::from_static("byname-revision");

/// Answers with JSON that was taken from one revision of a registry, and tells that revision in the
/// header field `byname-revision`.
///
/// # Examples
///
/// ```
/// use axum::response::IntoResponse as _;
/// use byname_components::http::bind::Revised;
///
/// let answer = Revised::<Vec<String>>::of(7, &["ada", "grace"])?.into_response();
/// assert_eq!(answer.headers()["byname-revision"], "7");
/// # Ok::<(), byname_components::ServiceError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Revised<T> {
    revision: u64,
    content: Vec<u8>,
    of: PhantomData<fn() -> T>,
}

impl<T> Revised<T> {
    /// Writes a value down, which need not live as long as the answer does. Its type is that of the
    /// answer, but for the lifetimes of what it borrows.
    ///
    /// # Errors
    ///
    /// An error inside, if it cannot be written as JSON.
    pub fn of(revision: u64, value: &(impl Serialize + ?Sized)) -> Result<Self, ServiceError> {
        let mut content = serde_json::to_vec(value).map_err(ServiceError::internal)?;
        // A terminal shows its prompt on the next line.
        content.push(b'\n');
        Ok(Self {
            revision,
            content,
            of: PhantomData,
        })
    }
}

impl<T> IntoResponse for Revised<T> {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(JSON)),
            (REVISION, HeaderValue::from(self.revision)),
        ];
        (headers, self.content).into_response()
    }
}

impl<T: JsonSchema> DescribeAnswer for Revised<T> {
    fn describe(operation: &mut Operation) {
        operation
            .answer_with::<T>("200", "What there is, of one revision", JSON)
            .answer_header::<u64>(
                "200",
                REVISION.as_str(),
                "The revision that the answer was taken from",
                true,
            );
    }
}
