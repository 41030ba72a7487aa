//! A bound for the bodies of requests.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{LengthLimitError, Limited};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::around::{Look, looking_layer};
use super::settings::{SettingsError, built_in};
use crate::config::units::Bytes as Size;
use crate::http::openapi::Operation;
use crate::service_error::{ErrorKind, ServiceError};

/// The settings of [`BodyLimit`].
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct BodyLimitSettings {
    /// The largest body. One of exactly this size is taken.
    pub max: Size,
}

impl Default for BodyLimitSettings {
    fn default() -> Self {
        Self {
            max: Size::new(2 * 1024 * 1024),
        }
    }
}

/// Answers 413 to requests with a larger body.
///
/// One that announces its size is refused before any of it is read, one that does not when more
/// arrives. What is behind reads the body as it comes; nothing is read ahead. Where one stands behind
/// another, the smaller one holds; in place of the limit that axum's extractors have of themselves.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    max: u64,
}

built_in!(BodyLimit, BodyLimitSettings);
looking_layer!(BodyLimit);

/// Says what it is to stand behind one.
pub(super) fn describe(_: &BodyLimitSettings, operation: &mut Operation) {
    operation.refuses(ErrorKind::TooLarge);
}

impl BodyLimit {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// None, with these settings.
    pub fn new(settings: BodyLimitSettings) -> Result<Self, SettingsError> {
        Ok(Self {
            max: settings.max.get(),
        })
    }

    fn too_large(self) -> Response {
        let message = format!("the body is larger than {}", Size::new(self.max));
        let error = ServiceError::new(ErrorKind::TooLarge, message);
        error.with_detail("max-bytes", self.max).into_response()
    }
}

impl Look for BodyLimit {
    /// Whether more has arrived than may.
    type Kept = Arc<AtomicBool>;

    fn before(&self, request: &mut Request) -> Result<Self::Kept, Response> {
        let length = request.headers().get(header::CONTENT_LENGTH);
        let announced = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let least = request.body().size_hint().lower();
        if announced.unwrap_or(0).max(least) > self.max {
            return Err(self.too_large());
        }
        DefaultBodyLimit::disable().apply(request);
        let exceeded = Arc::new(AtomicBool::new(false));
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::new(Bounded {
            body: Limited::new(body, usize::try_from(self.max).unwrap_or(usize::MAX)),
            exceeded: Arc::clone(&exceeded),
        });
        Ok(exceeded)
    }

    fn after(&self, exceeded: Self::Kept, response: &mut Response) {
        // Whoever read the body saw an error, and called it by some name or other. One that did
        // without the rest, and succeeded, is left alone.
        let status = response.status();
        let failed = status.is_client_error() || status.is_server_error();
        // Relaxed: the body is read by the same task, or by one whose end this task has waited for.
        if failed && exceeded.load(Ordering::Relaxed) {
            let extensions = std::mem::take(response.extensions_mut());
            *response = self.too_large();
            response.extensions_mut().extend(extensions);
        }
    }
}

/// A body that says whether more has arrived than may.
struct Bounded {
    body: Limited<Body>,
    exceeded: Arc<AtomicBool>,
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Err(error)) = &frame
            && error.is::<LengthLimitError>()
        {
            self.exceeded.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
