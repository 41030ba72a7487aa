//! What comes with it to stand before a handler.
//!
//! Each type here is a [`tower::Layer`] for anything that takes a request of axum and answers it: an
//! [`Endpoint`](super::Endpoint), a router of axum, a route. In a file each has a name, which every
//! application knows; what its settings mean is told in `docs/middleware.md`.
#![allow(
    clippy::needless_pass_by_value,
    reason = "every layer is made from its settings, whatever it keeps of them"
)]

mod access_log;
mod around;
mod auth;
mod body_limit;
mod cache_control;
mod client;
mod compression;
mod cors;
mod headers;
mod level;
mod random;
mod rate_limit;
mod recover;
mod request_id;
mod security_headers;
mod settings;
mod slow_log;
mod timeout;
mod trace;
mod vary;
mod watched;

use std::sync::Arc;

use super::Middleware;
use crate::made::BoxError;
use crate::middleware::Instances;
use crate::registrar::Registrar;
pub(crate) use settings::is_of_the_connection;
use settings::{BuiltIn, Made, Planned};

pub use access_log::{AccessLog, AccessLogSettings};
pub use around::{Around, AroundFuture};
pub use auth::{
    ApiKeyAuth, ApiKeyAuthSettings, BearerAuth, BearerAuthSettings, Identity, KeyError, KeySettings,
};
pub use body_limit::{BodyLimit, BodyLimitSettings};
pub use cache_control::{CacheControl, CacheControlSettings, CacheScope};
pub use client::{ForwardedBy, Proxies, ProxySettings, Trust};
pub use compression::{Coding, Compression, CompressionLevel, CompressionSettings};
pub use cors::{Cors, CorsSettings};
pub use headers::{HeaderEdits, Headers, HeadersSettings};
pub use level::LogLevel;
pub use rate_limit::{LimitBy, RateLimit, RateLimitSettings};
pub use recover::{Recover, RecoverSettings};
pub use request_id::{RequestIdSettings, RequestIds};
pub use security_headers::{HeaderChoice, SecurityHeaders, SecurityHeadersSettings};
pub use settings::SettingsError;
pub use slow_log::{SlowLog, SlowLogSettings, SlowUntil};
pub use timeout::{Timeout, TimeoutFuture, TimeoutService, TimeoutSettings};
pub use trace::{Trace, TraceContext, TraceFuture, TraceService, TraceSettings};

/// Registers every type of middleware that comes with it.
///
/// Whoever names one of them in a file gets one instance for all places that it stands at.
pub(crate) fn module(registrar: &mut Registrar<'_>) {
    register::<AccessLog>(registrar, "access-log");
    register::<BodyLimit>(registrar, "body-limit");
    register::<CacheControl>(registrar, "cache-control");
    register::<Compression>(registrar, "compression");
    register::<Cors>(registrar, "cors");
    register::<Headers>(registrar, "headers");
    register::<RateLimit>(registrar, "rate-limit");
    register::<Recover>(registrar, "recover");
    register::<RequestIds>(registrar, "request-id");
    register::<SecurityHeaders>(registrar, "security-headers");
    register::<SlowLog>(registrar, "slow-log");
    register::<Timeout>(registrar, "timeout");
    register::<Trace>(registrar, "trace");
    registrar.describe_middleware("body-limit", body_limit::describe);
    registrar.describe_middleware("compression", compression::describe);
    registrar.describe_middleware("rate-limit", rate_limit::describe);
    registrar.describe_middleware("timeout", timeout::describe);
    registrar.describe_middleware("bearer-auth", auth::describe_bearer);
    registrar.describe_middleware("api-key", auth::describe_key);
    registrar.auth_middleware(
        "bearer-auth",
        Instances::Shared,
        |Planned(settings): Planned<BearerAuth>| async {
            let layer = BearerAuth::load(settings).await?;
            Ok::<_, KeyError>(Arc::new(Middleware::new(layer)))
        },
    );
    registrar.auth_middleware(
        "api-key",
        Instances::Shared,
        |Planned(settings): Planned<ApiKeyAuth>| async {
            let layer = ApiKeyAuth::load(settings).await?;
            Ok::<_, KeyError>(Arc::new(Middleware::new(layer)))
        },
    );
}

/// Registers a layer that its settings alone make.
fn register<B: BuiltIn>(registrar: &mut Registrar<'_>, name: &str) {
    registrar.middleware(name, Instances::Shared, |Made(layer): Made<B>| async {
        Ok::<_, BoxError>(Arc::new(layer.into_middleware()))
    });
}
