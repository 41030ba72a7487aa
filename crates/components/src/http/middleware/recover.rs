//! Panics end one request, and nothing else.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tower::Layer;
use tower::util::MapResponse;
use tower_http::catch_panic::{CatchPanic, CatchPanicLayer};

use super::settings::{SettingsError, built_in};
use crate::service_error::ServiceError;

/// The settings of [`Recover`]: there are none.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(extend("additionalProperties" = false))]
pub struct RecoverSettings {}

/// Answers 500 where a handler, or a middleware behind this one, panics. What the panic says is in the
/// log and nowhere else.
///
/// A panic while the body is made ends that body, so that the client sees that something is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recover;

built_in!(Recover, RecoverSettings);

impl Recover {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// None, with these settings.
    pub fn new(RecoverSettings {}: RecoverSettings) -> Result<Self, SettingsError> {
        Ok(Self)
    }
}

/// What answers when a panic was caught.
type Answer = fn(Box<dyn Any + Send>) -> Response;
/// What a panic was caught in gives its body to.
type Guard = fn(Response<tower_http::body::UnsyncBoxBody<Bytes, Boxed>>) -> Response;
type Boxed = Box<dyn std::error::Error + Send + Sync>;

impl<S> Layer<S> for Recover {
    type Service = MapResponse<CatchPanic<S, Answer>, Guard>;

    fn layer(&self, inner: S) -> Self::Service {
        let caught = CatchPanicLayer::custom(answer as Answer).layer(inner);
        MapResponse::new(caught, guard as Guard)
    }
}

fn answer(payload: Box<dyn Any + Send>) -> Response {
    ServiceError::internal(Panicked::new(&*payload)).into_response()
}

fn guard(response: Response<tower_http::body::UnsyncBoxBody<Bytes, Boxed>>) -> Response {
    response.map(|body| Body::new(Guarded(Some(Body::new(body)))))
}

/// A panic, for the log.
#[derive(Debug)]
struct Panicked(String);

impl Panicked {
    fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self(text.unwrap_or("with something that is no text").to_owned())
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a handler panicked: {}", self.0)
    }
}

impl std::error::Error for Panicked {}

/// A body that is dropped when it panics.
struct Guarded(Option<Body>);

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = Boxed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Boxed>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        // Whatever state the panic left the body in, nobody sees it again.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx))) {
            Ok(frame) => frame.map_err(Into::into),
            Err(payload) => {
                let panicked = Panicked::new(&*payload);
                tracing::error!(cause = %panicked, "an answer was cut off");
                self.0 = None;
                Poll::Ready(Some(Err("the rest of the answer could not be made".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}
