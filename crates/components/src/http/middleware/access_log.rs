//! One event for every request.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::around::{Look, looking_layer};
use super::auth::Identity;
use super::client::{Proxies, ProxySettings};
use super::level::{LogLevel, event_at};
use super::settings::{SettingsError, built_in};
use super::watched::{End, Ended, watch};
use crate::http::{MatchedRoute, RequestId};

/// The settings of [`AccessLog`].
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct AccessLogSettings {
    /// The level of the events.
    pub level: LogLevel,
    /// Whether the query is told, as it was sent: it may have secrets in it.
    pub query: bool,
    /// Paths of which nothing is told: whole ones, or the beginning of some with `*` at the end.
    pub skip: Vec<String>,
    /// The proxies that are believed when they say who the client is.
    pub proxies: ProxySettings,
}

impl Default for AccessLogSettings {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            query: false,
            skip: Vec::new(),
            proxies: ProxySettings::default(),
        }
    }
}

/// Writes an event for every request, when its answer has ended: target `byname::access`, with
/// `method`, `route`, `path`, `query`, `status`, `bytes`, `duration_ms`, `client`, `peer`,
/// `request_id`, `identity` and `end`.
///
/// `end` is `complete`; `cut-off`, if the client went away or the server stopped before all was sent;
/// `failed`, if the body could not be made; `unanswered`, if the request was given up, or its handler
/// panicked, before there was an answer. `bytes` is what the connection took of the body.
#[derive(Clone, Debug)]
pub struct AccessLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    level: LogLevel,
    query: bool,
    skip: Vec<String>,
    proxies: Proxies,
}

built_in!(AccessLog, AccessLogSettings);
looking_layer!(AccessLog);

impl AccessLog {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// A path that does not begin with `/`, or proxies that cannot be read.
    pub fn new(settings: AccessLogSettings) -> Result<Self, SettingsError> {
        for path in &settings.skip {
            if !path.starts_with('/') {
                let message = format!("has `{path}`; a path begins with `/`");
                return Err(SettingsError::new("skip", message));
            }
        }
        Ok(Self(Arc::new(Inner {
            level: settings.level,
            query: settings.query,
            skip: settings.skip,
            proxies: Proxies::new(&settings.proxies)?,
        })))
    }

    fn skips(&self, path: &str) -> bool {
        self.0.skip.iter().any(|skip| match skip.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => path == skip,
        })
    }
}

/// What is told of a request. It is told when this is dropped, whatever happened until then.
#[derive(Debug)]
#[allow(unnameable_types, reason = "kept by a layer that is sealed")]
pub struct Line {
    level: LogLevel,
    begun: Instant,
    method: Method,
    uri: Uri,
    query: bool,
    client: Option<IpAddr>,
    peer: Option<Cow<'static, str>>,
    /// The route, which may be known only when the request is over.
    matched: Option<MatchedRoute>,
    /// What a router of axum calls the route, where no listener does.
    path: Option<Arc<str>>,
    request_id: Option<HeaderValue>,
    identity: Option<Identity>,
    status: Option<StatusCode>,
    end: Option<(End, u64)>,
}

impl Look for AccessLog {
    type Kept = Option<Line>;

    fn before(&self, request: &mut Request) -> Result<Self::Kept, Response> {
        let extensions = request.extensions();
        let whole = extensions.get::<OriginalUri>().map(|uri| &uri.0);
        let uri = whole.unwrap_or_else(|| request.uri());
        if self.skips(uri.path()) {
            return Ok(None);
        }
        let path = extensions.get::<MatchedPath>();
        Ok(Some(Line {
            level: self.0.level,
            begun: Instant::now(),
            method: request.method().clone(),
            uri: uri.clone(),
            query: self.0.query,
            client: self.0.proxies.client(extensions, request.headers()),
            peer: super::client::peer(extensions),
            matched: extensions.get().cloned(),
            path: path.map(|path| path.as_str().into()),
            request_id: extensions.get::<RequestId>().map(|id| id.0.clone()),
            identity: extensions.get().cloned(),
            status: None,
            end: None,
        }))
    }

    fn after(&self, kept: Self::Kept, response: &mut Response) {
        let Some(mut line) = kept else { return };
        line.status = Some(response.status());
        let extensions = response.extensions();
        if let Some(RequestId(id)) = extensions.get() {
            line.request_id = Some(id.clone());
        }
        if let Some(identity) = extensions.get::<Identity>() {
            line.identity = Some(identity.clone());
        }
        let method = line.method.clone();
        watch(&method, response, line);
    }
}

impl Ended for Line {
    fn ended(&mut self, end: End, bytes: u64) {
        self.end = Some((end, bytes));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let matched = self.matched.as_ref().and_then(MatchedRoute::path);
        let route = matched.or(self.path.as_deref());
        let query = self.query.then(|| self.uri.query()).flatten();
        let request_id = self.request_id.as_ref().and_then(|id| id.to_str().ok());
        event_at!(
            self.level,
            target: "byname::access",
            method = self.method.as_str(),
            route,
            path = self.uri.path(),
            query,
            status = self.status.map(|status| status.as_u16()),
            bytes = self.end.map_or(0, |(_, bytes)| bytes),
            duration_ms = self.begun.elapsed().as_secs_f64() * 1000.0,
            client = self.client.map(tracing::field::display),
            peer = self.peer.as_deref(),
            request_id,
            identity = self.identity.as_ref().map(|identity| &*identity.0),
            end = self.end.map_or("unanswered", |(end, _)| end.name()),
            "request"
        );
    }
}
