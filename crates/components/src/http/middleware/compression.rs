//! Answers that take less room on their way.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use http_body::Body as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tower::Layer;
use tower::util::MapResponse;
use tower_http::compression::{self, CompressionLayer};

use super::around::{Around, Look};
use super::settings::{SettingsError, built_in};
use crate::config::units::Bytes;
use crate::http::openapi::Operation;
use crate::service_error::{ErrorKind, ServiceError};

/// The settings of [`Compression`].
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct CompressionSettings {
    /// The codings that may be chosen, where the client accepts them.
    pub codings: Vec<Coding>,
    /// How much time is spent for how little room.
    pub level: CompressionLevel,
    /// Answers that are known to be smaller are left as they are.
    pub min_size: Bytes,
    /// The content types that are compressed: whole ones, `text/*` for all of a kind, `*+json` for all
    /// of a syntax. `text/event-stream` is compressed only where it is named itself.
    pub types: Vec<String>,
}

impl Default for CompressionSettings {
    fn default() -> Self {
        let types = [
            "text/*",
            "application/json",
            "application/javascript",
            "application/wasm",
            "application/xml",
            "application/x-ndjson",
            "application/manifest+json",
            "*+json",
            "*+xml",
        ];
        Self {
            codings: vec![Coding::Br, Coding::Gzip],
            level: CompressionLevel::Default,
            min_size: Bytes::new(1024),
            types: types.map(str::to_owned).to_vec(),
        }
    }
}

/// How an answer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Coding {
    /// Brotli (RFC 7932); chosen where the client likes both as much.
    Br,
    /// gzip (RFC 1952).
    Gzip,
}

/// How much time is spent for how little room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CompressionLevel {
    /// As little time as can be: level 0 of Brotli, 1 of gzip.
    Fastest,
    /// Level 4 of Brotli, 6 of gzip.
    Default,
    /// As little room as can be: level 11 of Brotli, 9 of gzip. For answers that are made while they
    /// are asked for this is slow.
    Best,
}

/// Compresses the bodies of answers, also of those that are streamed: what was written is on its way
/// as soon as nothing more is there to be read.
///
/// Left as they are: what is encoded already, parts of a whole, answers without a body, and what says
/// `no-transform`. A strong `ETag` of an answer that is compressed becomes a weak one, since the bytes
/// are no longer those that it named (RFC 9110, section 8.8.1).
#[derive(Clone, Debug)]
pub struct Compression {
    chosen: Chosen,
    layer: CompressionLayer<Marked>,
}

built_in!(Compression, CompressionSettings);

/// Says what it is to stand behind one.
pub(super) fn describe(_: &CompressionSettings, operation: &mut Operation) {
    operation.refuses(ErrorKind::NotAcceptable);
}

impl Compression {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// No coding, or a content type that cannot be.
    pub fn new(settings: CompressionSettings) -> Result<Self, SettingsError> {
        if settings.codings.is_empty() {
            return Err(SettingsError::new("codings", "has none"));
        }
        let has = |coding| settings.codings.contains(&coding);
        let mut types = Vec::new();
        for text in settings.types {
            types.push(Pattern::new(&text).ok_or_else(|| {
                let message = format!("has `{text}`, which is no content type");
                SettingsError::new("types", message)
            })?);
        }
        let level = match settings.level {
            CompressionLevel::Fastest => compression::CompressionLevel::Fastest,
            CompressionLevel::Default => compression::CompressionLevel::Default,
            CompressionLevel::Best => compression::CompressionLevel::Best,
        };
        let layer = CompressionLayer::new()
            .gzip(has(Coding::Gzip))
            .br(has(Coding::Br))
            .quality(level)
            .compress_when(is_marked as Marked);
        Ok(Self {
            chosen: Chosen(Arc::new(Rules {
                min_size: settings.min_size.get(),
                types,
            })),
            layer,
        })
    }
}

/// Whether an answer is one to compress: what has looked at it has said so.
type Marked = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;
type Told = fn(Response<compression::CompressionBody<axum::body::Body>>) -> Response;

/// In the extensions of answers that are to be compressed: the status that they had.
#[derive(Clone, Copy)]
struct Mark(StatusCode);

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as it is called")]
fn is_marked(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<Mark>().is_some()
}

impl<S> Layer<S> for Compression {
    type Service = MapResponse<compression::Compression<Around<Chosen, S>, Marked>, Told>;

    fn layer(&self, inner: S) -> Self::Service {
        let inner = Around::new(self.chosen.clone(), inner);
        MapResponse::new(self.layer.layer(inner), told as Told)
    }
}

/// Says of an answer what has become of it: the name of what was compressed is a weak one, and what
/// may be sent in no form at all is a problem.
fn told(response: Response<compression::CompressionBody<axum::body::Body>>) -> Response {
    let mut response = response.map(axum::body::Body::new);
    let Some(Mark(status)) = response.extensions_mut().remove() else {
        return response;
    };
    if response.headers().contains_key(header::CONTENT_ENCODING) {
        weaken(response.headers_mut());
    } else if response.status() == StatusCode::NOT_ACCEPTABLE && status != response.status() {
        let message = "the answer can be sent in none of the codings that are accepted";
        let mut refusal = ServiceError::new(ErrorKind::NotAcceptable, message).into_response();
        varies(refusal.headers_mut());
        return refusal;
    }
    response
}

/// Makes the name of an answer a weak one.
fn weaken(headers: &mut HeaderMap) {
    let Some(tag) = headers.get(header::ETAG) else {
        return;
    };
    if let Some(weak) = weak(tag) {
        headers.insert(header::ETAG, weak);
    }
}

/// The weak name beside a strong one.
fn weak(tag: &HeaderValue) -> Option<HeaderValue> {
    let strong = Some(tag.as_bytes()).filter(|tag| !tag.starts_with(b"W/"))?;
    HeaderValue::from_bytes(&[b"W/", strong].concat()).ok()
}

/// Says that another coding might have been chosen.
fn varies(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
}

/// Which answers are compressed.
#[derive(Clone, Debug)]
#[allow(
    unnameable_types,
    reason = "part of a service that is not named either"
)]
pub struct Chosen(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    min_size: u64,
    types: Vec<Pattern>,
}

impl Look for Chosen {
    /// The names that the client has of what was answered before.
    type Kept = Vec<HeaderValue>;

    fn before(&self, request: &mut Request) -> Result<Self::Kept, Response> {
        let names = request.headers().get_all(header::IF_NONE_MATCH);
        Ok(names.iter().cloned().collect())
    }

    fn after(&self, has: Self::Kept, response: &mut Response) {
        let status = response.status();
        if self.0.chooses(response) {
            response.extensions_mut().insert(Mark(status));
        } else if status == StatusCode::NOT_MODIFIED {
            unchanged(&has, response.headers_mut());
        } else if status == StatusCode::PARTIAL_CONTENT && self.0.compresses(response.headers()) {
            varies(response.headers_mut());
        }
    }
}

/// An answer that nothing has changed has the name and the `Vary` of the one that the client has
/// (RFC 9110, section 15.4.5): the weak name, if that was compressed.
fn unchanged(has: &[HeaderValue], headers: &mut HeaderMap) {
    if is_not_to_be_changed(headers) {
        return;
    }
    varies(headers);
    let Some(weak) = headers.get(header::ETAG).and_then(weak) else {
        return;
    };
    let is_it = |one: &[u8]| one.trim_ascii() == weak.as_bytes();
    if has
        .iter()
        .any(|names| names.as_bytes().split(|byte| *byte == b',').any(is_it))
    {
        headers.insert(header::ETAG, weak);
    }
}

impl Rules {
    fn chooses(&self, response: &Response) -> bool {
        let (status, headers) = (response.status(), response.headers());
        let bare = [
            StatusCode::NO_CONTENT,
            StatusCode::RESET_CONTENT,
            StatusCode::PARTIAL_CONTENT,
            StatusCode::NOT_MODIFIED,
        ];
        if status.is_informational()
            || bare.contains(&status)
            || headers.contains_key(header::CONTENT_ENCODING)
            || headers.contains_key(header::CONTENT_RANGE)
            || is_not_to_be_changed(headers)
        {
            return false;
        }
        let length = headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let size = response.body().size_hint().exact().filter(|size| *size > 0);
        // Of an answer to HEAD the body is empty, and its length that of the answer to GET.
        let size = length
            .or(size)
            .or(response.body().is_end_stream().then_some(0));
        if size.is_some_and(|size| size == 0 || size < self.min_size) {
            return false;
        }
        self.compresses(headers)
    }

    /// Whether answers of this content type are compressed.
    fn compresses(&self, headers: &HeaderMap) -> bool {
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let kind = kind
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        self.types.iter().any(|pattern| pattern.is_met_by(&kind))
    }
}

fn is_not_to_be_changed(headers: &HeaderMap) -> bool {
    headers.get_all(header::CACHE_CONTROL).iter().any(|value| {
        let mut words = value.as_bytes().split(|byte| *byte == b',');
        words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
    })
}

/// A content type, or several.
#[derive(Clone, Debug)]
enum Pattern {
    Whole(String),
    /// `text/`.
    Beginning(String),
    /// `+json`.
    Ending(String),
}

/// Events are read as they come: compressing them gains little, and many proxies and browsers hold
/// back what is compressed.
const EVENTS: &str = "text/event-stream";

impl Pattern {
    fn new(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let is_part = |text: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
            !text.is_empty() && text.bytes().all(fits)
        };
        if let Some(kind) = text.strip_suffix("/*") {
            return is_part(kind).then(|| Self::Beginning(format!("{kind}/")));
        }
        if let Some(syntax) = text.strip_prefix("*+") {
            return is_part(syntax).then(|| Self::Ending(format!("+{syntax}")));
        }
        let (kind, below) = text.split_once('/')?;
        (is_part(kind) && is_part(below)).then(|| Self::Whole(text.clone()))
    }

    fn is_met_by(&self, kind: &str) -> bool {
        match self {
            Self::Whole(whole) => kind == whole,
            Self::Beginning(beginning) => kind.starts_with(&**beginning) && kind != EVENTS,
            Self::Ending(ending) => kind.ends_with(&**ending) && kind.contains('/'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_met_whole_by_kind_or_by_syntax() {
        let met = |pattern, kind| Pattern::new(pattern).is_some_and(|of| of.is_met_by(kind));
        assert!(met("application/json", "application/json"));
        assert!(!met("application/json", "application/json5"));
        assert!(met("text/*", "text/html") && !met("text/*", "image/text"));
        assert!(!met("text/*", "text/event-stream"));
        assert!(met("text/event-stream", "text/event-stream"));
        assert!(met("*+json", "application/problem+json") && !met("*+json", "application/json"));
        for text in [
            "", "*", "*/*", "text", "text/", "/x", "a b/c", "text/*x", "*+", "a/b/c",
        ] {
            assert!(Pattern::new(text).is_none(), "{text}");
        }
    }
}
