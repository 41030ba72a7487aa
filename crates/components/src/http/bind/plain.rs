//! Content that is no more than text, or bytes.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde_json::json;

use super::content::{collected, content, content_type, unsupported};
use super::schema::Schema;
use crate::http::openapi::{Describe, Operation};
use crate::service_error::{ErrorKind, ServiceError};

/// The content of a request as a text: `text/plain` in UTF-8, or of no type that is said.
///
/// # Errors
///
/// 415 if the content is of another type or charset, 413 if it is longer than the limit, 400 if it is no
/// text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub String);

const TEXT: &str = "text/plain";

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = ServiceError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ServiceError> {
        if !is_text(request.headers()) {
            return Err(unsupported(request.headers(), TEXT));
        }
        let content = content(request).await?;
        let text = String::from_utf8(content.into()).map(Self);
        text.map_err(|_| ServiceError::new(ErrorKind::Invalid, "the content is no text (UTF-8)"))
    }
}

/// Whether the content is text that is read here: in UTF-8, of which US-ASCII is a part.
fn is_text(headers: &HeaderMap) -> bool {
    let Some(said) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let mut parameters = said.to_str().unwrap_or_default().split(';').skip(1);
    let is_read = parameters.all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or_default();
        let value = value.trim().trim_matches('"');
        let is = |charset: &str| value.eq_ignore_ascii_case(charset);
        !name.trim().eq_ignore_ascii_case("charset") || is("utf-8") || is("us-ascii")
    });
    is_read && content_type(headers).as_deref() == Some(TEXT)
}

impl Describe for Text {
    fn describe(operation: &mut Operation) {
        let text = Schema::plain(json!({ "type": "string" }));
        operation.set_body(TEXT, false, Some(text));
        operation.refuses(ErrorKind::Invalid);
        operation.refuses(ErrorKind::TooLarge);
        operation.refuses(ErrorKind::Unsupported);
    }
}

/// The content of a request as it came, of whatever type and in whatever coding: bytes.
///
/// # Errors
///
/// 413 if the content is longer than the limit, 400 if it ended before it was whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Content {
    type Rejection = ServiceError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ServiceError> {
        collected(request).await.map(Self)
    }
}

impl Describe for Content {
    fn describe(operation: &mut Operation) {
        operation.set_body("*/*", false, None);
        operation.refuses(ErrorKind::Invalid);
        operation.refuses(ErrorKind::TooLarge);
    }
}
