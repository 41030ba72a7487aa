//! What comes with it to stand before a handler.
//!
//! Each type here is a [`tower::Layer`] for anything that takes a request of axum and answers it: an
//! [`Endpoint`](super::Endpoint), a router of axum, a route. In a file each has a name ([`module`]);
//! what its settings mean is told in `docs/middleware.md`.
#![allow(
    clippy::needless_pass_by_value,
    reason = "every layer is made from its settings, whatever it keeps of them"
)]

mod access_log;
mod around;
mod body_limit;
mod client;
mod compression;
mod cors;
mod level;
mod random;
mod recover;
mod request_id;
mod settings;
mod timeout;
mod vary;
mod watched;

use std::sync::Arc;

use super::Middleware;
use crate::made::BoxError;
use crate::middleware::Instances;
use crate::registrar::Registrar;
use settings::{BuiltIn, Made};

pub use access_log::{AccessLog, AccessLogSettings};
pub use around::{Around, AroundFuture};
pub use body_limit::{BodyLimit, BodyLimitSettings};
pub use client::{ForwardedBy, Proxies, ProxySettings, Trust};
pub use compression::{Coding, Compression, CompressionLevel, CompressionSettings};
pub use cors::{Cors, CorsSettings};
pub use level::LogLevel;
pub use recover::{Recover, RecoverSettings};
pub use request_id::{RequestIdSettings, RequestIds};
pub use settings::SettingsError;
pub use timeout::{Timeout, TimeoutFuture, TimeoutService, TimeoutSettings};

/// Registers every type of middleware that comes with it.
///
/// Whoever names one of them in a file gets one instance for all places that it stands at.
pub fn module(registrar: &mut Registrar<'_>) {
    register::<AccessLog>(registrar, "access-log");
    register::<BodyLimit>(registrar, "body-limit");
    register::<Compression>(registrar, "compression");
    register::<Cors>(registrar, "cors");
    register::<Recover>(registrar, "recover");
    register::<RequestIds>(registrar, "request-id");
    register::<Timeout>(registrar, "timeout");
}

/// Registers a layer that its settings alone make.
fn register<B: BuiltIn>(registrar: &mut Registrar<'_>, name: &str) {
    registrar.middleware(name, Instances::Shared, |Made(layer): Made<B>| async {
        Ok::<_, BoxError>(Arc::new(layer.into_middleware()))
    });
}
