//! A span around every request, and the trace that it belongs to.

mod context;

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tower::{Layer, Service};
use tracing::field::{Empty, display};
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Span};

use super::client::{Proxies, ProxySettings, Trust, check_trust};
use super::level::LogLevel;
use super::settings::{SettingsError, built_in};
use crate::http::{MatchedRoute, RequestId};
pub use context::TraceContext;

/// The settings of [`Trace`].
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TraceSettings {
    /// The level of the spans.
    pub level: LogLevel,
    /// Whose `traceparent` is continued; for everybody else a new trace begins.
    pub trust: Trust,
    /// The proxies that `trust` may mean.
    pub proxies: ProxySettings,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            trust: Trust::Always,
            proxies: ProxySettings::default(),
        }
    }
}

/// Puts a span around every request: target `byname::trace`, name `request`, with `method`, `path`,
/// `route`, `status`, `request_id`, `trace_id`, `span_id` and `parent_id`.
///
/// It is entered whenever the request is worked at, also while its body is made, and ends with the
/// body. What is behind finds the [`TraceContext`] in the extensions, and in `traceparent` what it has
/// to send on to other servers; `tracestate` stays with a trace that is continued.
#[derive(Clone, Debug)]
pub struct Trace(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    level: LogLevel,
    trust: Trust,
    proxies: Proxies,
}

built_in!(Trace, TraceSettings);

const PARENT: HeaderName = HeaderName::from_static("traceparent");
const STATE: HeaderName = HeaderName::from_static("tracestate");

/// Makes a span at a level that is known when it is made.
macro_rules! span_at {
    ($level:expr, $($what:tt)*) => {
        match $level {
            LogLevel::Trace => tracing::trace_span!($($what)*),
            LogLevel::Debug => tracing::debug_span!($($what)*),
            LogLevel::Info => tracing::info_span!($($what)*),
            LogLevel::Warn => tracing::warn_span!($($what)*),
            LogLevel::Error => tracing::error_span!($($what)*),
        }
    };
}

impl Trace {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Proxies that cannot be read, or none where they are trusted.
    pub fn new(settings: TraceSettings) -> Result<Self, SettingsError> {
        check_trust(settings.trust, &settings.proxies)?;
        Ok(Self(Arc::new(Rules {
            level: settings.level,
            trust: settings.trust,
            proxies: Proxies::new(&settings.proxies)?,
        })))
    }

    /// The trace that a request is continued in, or a new one.
    fn context(&self, request: &mut Request) -> TraceContext {
        let believed = self.0.proxies.believe(self.0.trust, request.extensions());
        let headers = request.headers_mut();
        let mut all = headers.get_all(PARENT).iter();
        let continued = match (all.next(), all.next()) {
            (Some(one), None) if believed => one.to_str().ok().and_then(TraceContext::of),
            _ => None,
        };
        let context = continued.unwrap_or_else(|| {
            // What is said about another trace means nothing in this one.
            headers.remove(STATE);
            TraceContext::begin()
        });
        if let Ok(parent) = HeaderValue::try_from(context.to_string()) {
            headers.insert(PARENT, parent);
        }
        request.extensions_mut().insert(context);
        context
    }

    fn span(&self, request: &Request, context: TraceContext) -> Span {
        let extensions = request.extensions();
        let whole = extensions.get::<OriginalUri>().map(|uri| &uri.0);
        let span = span_at!(
            self.0.level,
            target: "byname::trace",
            "request",
            method = request.method().as_str(),
            path = whole.unwrap_or_else(|| request.uri()).path(),
            route = Empty,
            status = Empty,
            request_id = Empty,
            trace_id = context.trace_id(),
            span_id = context.span_id(),
            parent_id = context.parent_id(),
        );
        if let Some(route) = extensions.get::<MatchedPath>() {
            span.record("route", route.as_str());
        }
        if let Some(RequestId(id)) = extensions.get() {
            record_id(&span, id);
        }
        span
    }
}

fn record_id(span: &Span, id: &HeaderValue) {
    if let Ok(id) = id.to_str() {
        span.record("request_id", display(id));
    }
}

impl<S> Layer<S> for Trace {
    type Service = TraceService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TraceService {
            trace: self.clone(),
            inner,
        }
    }
}

/// A service with a span around its requests.
#[derive(Clone, Debug)]
pub struct TraceService<S> {
    trace: Trace,
    inner: S,
}

impl<S> Service<Request> for TraceService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let context = self.trace.context(&mut request);
        let span = self.trace.span(&request, context);
        let matched = request.extensions().get().cloned();
        let future = span.in_scope(|| self.inner.call(request));
        TraceFuture {
            told: Told {
                span: span.clone(),
                matched,
            },
            future: future.instrument(span),
        }
    }
}

pin_project! {
    /// The answer of a service with a span around it.
    pub struct TraceFuture<F> {
        #[pin]
        future: Instrumented<F>,
        told: Told,
    }
}

/// Tells the span its route when this is dropped, whatever happened until then.
struct Told {
    span: Span,
    matched: Option<MatchedRoute>,
}

impl Told {
    fn route(&mut self) {
        let matched = self.matched.take();
        if let Some(route) = matched.as_ref().and_then(MatchedRoute::path) {
            self.span.record("route", route);
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.route();
    }
}

impl<F> Future for TraceFuture<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(response) = ready!(this.future.poll(cx));
        // The body may outlive this.
        this.told.route();
        let span = this.told.span.clone();
        span.record("status", response.status().as_u16());
        let extensions = response.extensions();
        if let Some(RequestId(id)) = extensions.get() {
            record_id(&span, id);
        }
        Poll::Ready(Ok(response.map(|body| Body::new(Traced { body, span }))))
    }
}

impl<F> fmt::Debug for TraceFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceFuture").finish_non_exhaustive()
    }
}

/// A body that is made within a span.
struct Traced {
    body: Body,
    span: Span,
}

impl http_body::Body for Traced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let _entered = this.span.enter();
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
