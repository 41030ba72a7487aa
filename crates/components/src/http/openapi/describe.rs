//! What says what it is: extractors and answers.

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, OriginalUri, RawQuery, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, Version};
use axum::response::sse::Sse;
use axum::response::{Html, Response};
use serde_json::json;

use super::Operation;
use crate::http::bind::Schema;
use crate::service_error::ServiceError;

/// An extractor that says what it takes of a request.
///
/// Of axum's extractors those do that refuse nothing; in the place of the others stand those of
/// [`bind`](crate::http::bind), whose refusals are problem details, as the description says.
///
/// An extractor of one's own implements it: with nothing in it, if what it takes need not be said
/// (`impl Describe for Caller {}`), or with what the extractors say that it is made of.
///
/// # Examples
///
/// ```
/// use byname_components::http::openapi::{Describe, Operation, Security};
///
/// struct Caller(String);
///
/// impl Describe for Caller {
///     fn describe(operation: &mut Operation) {
///         operation.security(Security::Bearer);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it takes of a request",
    note = "the extractors of `byname_components::http::bind` do; for one of your own, implement \
            `Describe`"
)]
pub trait Describe {
    /// Tells what it takes; nothing, unless it says so.
    fn describe(operation: &mut Operation) {
        let _ = operation;
    }
}

/// An answer that says what it is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what answer it is",
    note = "`Json`, `Created`, `NoContent` of `byname_components::http::bind` do, and \
            `Result<_, ServiceError>` of them; for one of your own, implement `DescribeAnswer`"
)]
pub trait DescribeAnswer {
    /// Tells what it is.
    fn describe(operation: &mut Operation);
}

macro_rules! silent {
    ($($of:ty),* $(,)?) => { $(impl Describe for $of {})* };
}

silent!(
    (),
    HeaderMap,
    MatchedPath,
    Method,
    OriginalUri,
    RawQuery,
    Uri,
    Version,
);

impl<S> Describe for State<S> {}

/// Any content, which is read as it comes.
impl Describe for Request {
    fn describe(operation: &mut Operation) {
        operation.set_body("*/*", false, None);
    }
}

impl Describe for Body {
    fn describe(operation: &mut Operation) {
        operation.set_body("*/*", false, None);
    }
}

/// What is not there, or wrong, is for the handler to see.
impl<T: Describe, E> Describe for Result<T, E> {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

/// What may be missing: content that is described is not required.
impl<T: Describe> Describe for Option<T> {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
        operation.body_is_optional();
    }
}

impl DescribeAnswer for () {
    fn describe(operation: &mut Operation) {
        operation.answer("200", "It is done");
    }
}

fn text() -> Schema {
    Schema::plain(json!({ "type": "string" }))
}

impl DescribeAnswer for String {
    fn describe(operation: &mut Operation) {
        operation.set_answer("200", "A text", "text/plain", Some(text()));
    }
}

impl DescribeAnswer for &'static str {
    fn describe(operation: &mut Operation) {
        <String as DescribeAnswer>::describe(operation);
    }
}

impl<T> DescribeAnswer for Html<T> {
    fn describe(operation: &mut Operation) {
        operation.set_answer("200", "A page", "text/html", Some(text()));
    }
}

impl DescribeAnswer for Bytes {
    fn describe(operation: &mut Operation) {
        operation.set_answer("200", "Bytes", "application/octet-stream", None);
    }
}

impl DescribeAnswer for Vec<u8> {
    fn describe(operation: &mut Operation) {
        <Bytes as DescribeAnswer>::describe(operation);
    }
}

impl<S> DescribeAnswer for Sse<S> {
    fn describe(operation: &mut Operation) {
        let said = "Events, as they happen";
        operation.set_answer("200", said, "text/event-stream", Some(text()));
    }
}

/// Any content, under any status.
impl DescribeAnswer for Response {
    fn describe(operation: &mut Operation) {
        operation.answer("default", "An answer that is not described");
    }
}

/// Any status, without content.
impl DescribeAnswer for StatusCode {
    fn describe(operation: &mut Operation) {
        operation.answer("default", "An answer without content");
    }
}

/// The same under any status that says that it went well.
impl<T: DescribeAnswer> DescribeAnswer for (StatusCode, T) {
    fn describe(operation: &mut Operation) {
        let mut other = Operation::default();
        T::describe(&mut other);
        operation.take_answers(other, "2XX");
    }
}

impl DescribeAnswer for ServiceError {
    fn describe(operation: &mut Operation) {
        operation.may_fail();
    }
}

impl<T: DescribeAnswer, E: DescribeAnswer> DescribeAnswer for Result<T, E> {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
        E::describe(operation);
    }
}
