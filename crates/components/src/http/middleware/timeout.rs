//! A bound for the time until an answer begins.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderName;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;
use tower::{Layer, Service};

use super::settings::{SettingsError, built_in, header_name};
use crate::config::units::Duration as Span;
use crate::http::Deadline;
use crate::http::bind::Schema;
use crate::http::openapi::{Operation, Parameter};
use crate::service_error::{ErrorKind, FieldError, FieldPlace, ServiceError};

/// The settings of [`Timeout`].
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TimeoutSettings {
    /// How long an answer may take to begin: status and headers. Its body may take longer.
    pub within: Span,
    /// A header in which a client may ask for less, as a whole number of milliseconds or as a length of
    /// time with units; more than `within` it does not get. By default there is none.
    pub header: Option<String>,
}

impl Default for TimeoutSettings {
    fn default() -> Self {
        Self {
            within: Span::new(Duration::from_secs(30)),
            header: None,
        }
    }
}

/// Answers 504 if the answer has not begun in time, and gives up the request.
///
/// The [`Deadline`] of the request is set for what is behind; one that is earlier holds. 504 says that
/// something that is needed for the answer took too long, and that a retry can help; 503 would say
/// that the server as a whole is not available.
#[derive(Clone, Debug)]
pub struct Timeout {
    within: Duration,
    header: Option<Arc<HeaderName>>,
}

built_in!(Timeout, TimeoutSettings);

/// Says what it is to stand behind one.
pub(super) fn describe(settings: &TimeoutSettings, operation: &mut Operation) {
    operation.refuses(ErrorKind::Timeout);
    if let Some(header) = &settings.header {
        operation.refuses(ErrorKind::Invalid);
        let said = "The longest time to wait for the answer: milliseconds, or a time with units";
        operation.push_parameter(Parameter {
            place: FieldPlace::Header,
            name: header.to_lowercase(),
            required: false,
            schema: Schema::plain(json!({ "type": "string", "description": said })),
        });
    }
}

impl Timeout {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// No time at all, or a header that cannot be.
    pub fn new(settings: TimeoutSettings) -> Result<Self, SettingsError> {
        if settings.within.is_zero() {
            let message = "is 0s; nothing can be answered within that";
            return Err(SettingsError::new("within", message));
        }
        let header = settings.header.as_deref();
        let header = header.map(|header| header_name("header", header));
        Ok(Self {
            within: settings.within.get(),
            header: header.transpose()?.map(Arc::new),
        })
    }

    /// How long a request may take.
    fn span(&self, request: &Request) -> Result<Duration, ServiceError> {
        let Some(header) = &self.header else {
            return Ok(self.within);
        };
        let Some(wish) = request.headers().get(&**header) else {
            return Ok(self.within);
        };
        let wish = wish.to_str().ok().and_then(read_span).ok_or_else(|| {
            let field = FieldError {
                r#in: FieldPlace::Header,
                field: header.to_string(),
                message: "is no time; expected milliseconds, or a time with units".into(),
            };
            ServiceError::new(ErrorKind::Invalid, "a header cannot be read").with_field(field)
        })?;
        Ok(wish.min(self.within))
    }
}

/// Reads a time that a client wishes.
fn read_span(text: &str) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A time that is too long to be written is longer than any setting.
        return Some(Duration::from_millis(text.parse().unwrap_or(u64::MAX)));
    }
    text.parse::<Span>().ok().map(Span::get)
}

impl<S> Layer<S> for Timeout {
    type Service = TimeoutService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimeoutService {
            timeout: self.clone(),
            inner,
        }
    }
}

/// A service with a bound for the time until its answers begin.
#[derive(Clone, Debug)]
pub struct TimeoutService<S> {
    timeout: Timeout,
    inner: S,
}

impl<S> Service<Request> for TimeoutService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = TimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let state = match self.timeout.span(&request) {
            Ok(span) => {
                let now = Instant::now();
                // A clock that cannot tell so late a time is never late.
                let own = now.checked_add(span).map(Deadline);
                let set = request.extensions().get::<Deadline>().copied();
                let deadline = match (own, set) {
                    (Some(own), Some(set)) => Some(own.min(set)),
                    (own, set) => own.or(set),
                };
                let Some(deadline) = deadline else {
                    let future = self.inner.call(request);
                    return TimeoutFuture {
                        state: State::Unbounded { future },
                    };
                };
                request.extensions_mut().insert(deadline);
                State::Asked {
                    future: tokio::time::timeout_at(deadline.0, self.inner.call(request)),
                }
            }
            Err(error) => State::Refused { error: Some(error) },
        };
        TimeoutFuture { state }
    }
}

pin_project! {
    /// The answer of a service with a bound for the time until it begins.
    pub struct TimeoutFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = Project]
    enum State<F> {
        Asked { #[pin] future: tokio::time::Timeout<F> },
        Unbounded { #[pin] future: F },
        Refused { error: Option<ServiceError> },
    }
}

impl<F> Future for TimeoutFuture<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Project::Asked { future } => {
                let answered = ready!(future.poll(cx));
                Poll::Ready(answered.unwrap_or_else(|_| Ok(late())))
            }
            Project::Unbounded { future } => future.poll(cx),
            Project::Refused { error } => match error.take() {
                Some(error) => Poll::Ready(Ok(error.into_response())),
                // A future that has answered is not polled again.
                None => Poll::Pending,
            },
        }
    }
}

fn late() -> Response {
    let message = "the answer took too long to begin";
    ServiceError::new(ErrorKind::Timeout, message).into_response()
}

impl<F> fmt::Debug for TimeoutFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_milliseconds_or_has_its_unit() {
        assert_eq!(read_span("250"), Some(Duration::from_millis(250)));
        assert_eq!(read_span("2s"), Some(Duration::from_secs(2)));
        assert_eq!(
            read_span("99999999999999999999999"),
            Some(Duration::from_millis(u64::MAX))
        );
        for text in ["", "-1", "1.5", "soon", "1 s"] {
            assert_eq!(read_span(text), None, "{text}");
        }
    }
}
