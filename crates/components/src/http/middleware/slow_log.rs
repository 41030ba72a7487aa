//! Events for requests that took long.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::around::{Look, looking_layer};
use super::level::{LogLevel, event_at};
use super::settings::{SettingsError, built_in};
use super::watched::{End, Ended, watch};
use crate::config::units::Duration as Span;
use crate::http::{MatchedRoute, RequestId};

/// The settings of [`SlowLog`].
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct SlowLogSettings {
    /// From which time on a request is told.
    pub threshold: Span,
    /// The same for single routes, by what they are called (`/users/{id}`).
    pub routes: BTreeMap<String, Span>,
    /// Until when a request is measured.
    pub until: SlowUntil,
    /// The level of the events.
    pub level: LogLevel,
}

impl Default for SlowLogSettings {
    fn default() -> Self {
        Self {
            threshold: Span::new(Duration::from_secs(1)),
            routes: BTreeMap::new(),
            until: SlowUntil::Head,
            level: LogLevel::Warn,
        }
    }
}

/// Until when a request is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SlowUntil {
    /// Until the answer begins.
    Head,
    /// Until the answer has ended: for streams that is as long as they are listened to.
    End,
}

/// Writes an event for every request that took long: target `byname::slow`, with `method`, `route`,
/// `path`, `status`, `duration_ms`, `threshold_ms`, `request_id` and `end`.
///
/// `end` is that of the access log; `head` where the time until the answer began was measured. A
/// request that was given up after that time is told too, without a status.
#[derive(Clone, Debug)]
pub struct SlowLog(Arc<SlowLogSettings>);

built_in!(SlowLog, SlowLogSettings);
looking_layer!(SlowLog);

impl SlowLog {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// None, with these settings.
    pub fn new(settings: SlowLogSettings) -> Result<Self, SettingsError> {
        Ok(Self(Arc::new(settings)))
    }
}

/// What is told of a request, if it took long. That is decided when this is dropped.
#[derive(Debug)]
#[allow(unnameable_types, reason = "kept by a layer that is sealed")]
pub struct Line {
    settings: Arc<SlowLogSettings>,
    begun: Instant,
    method: Method,
    uri: Uri,
    /// The route, which may be known only when the request is over.
    matched: Option<MatchedRoute>,
    /// What a router of axum calls the route, where no listener does.
    path: Option<Arc<str>>,
    request_id: Option<HeaderValue>,
    status: Option<StatusCode>,
    end: &'static str,
}

impl Look for SlowLog {
    type Kept = Line;

    fn before(&self, request: &mut Request) -> Result<Line, Response> {
        let extensions = request.extensions();
        let whole = extensions.get::<OriginalUri>().map(|uri| &uri.0);
        let path = extensions.get::<MatchedPath>();
        Ok(Line {
            settings: Arc::clone(&self.0),
            begun: Instant::now(),
            method: request.method().clone(),
            uri: whole.unwrap_or_else(|| request.uri()).clone(),
            matched: extensions.get().cloned(),
            path: path.map(|path| path.as_str().into()),
            request_id: extensions.get::<RequestId>().map(|id| id.0.clone()),
            status: None,
            end: "unanswered",
        })
    }

    fn after(&self, mut line: Line, response: &mut Response) {
        line.status = Some(response.status());
        let extensions = response.extensions();
        if let Some(RequestId(id)) = extensions.get() {
            line.request_id = Some(id.clone());
        }
        match self.0.until {
            SlowUntil::Head => line.end = "head",
            SlowUntil::End => {
                let method = line.method.clone();
                watch(&method, response, line);
            }
        }
    }
}

impl Ended for Line {
    fn ended(&mut self, end: End, _: u64) {
        self.end = end.name();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        let matched = self.matched.as_ref().and_then(MatchedRoute::path);
        let route = matched.or(self.path.as_deref());
        let own = route.and_then(|route| self.settings.routes.get(route));
        let threshold = own.unwrap_or(&self.settings.threshold).get();
        if took < threshold {
            return;
        }
        let millis = |span: Duration| span.as_secs_f64() * 1000.0;
        let request_id = self.request_id.as_ref().and_then(|id| id.to_str().ok());
        event_at!(
            self.settings.level,
            target: "byname::slow",
            method = self.method.as_str(),
            route,
            path = self.uri.path(),
            status = self.status.map(|status| status.as_u16()),
            duration_ms = millis(took),
            threshold_ms = millis(threshold),
            request_id,
            end = self.end,
            "slow request"
        );
    }
}
