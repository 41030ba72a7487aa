//! How much attention an event asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The level of events that a middleware writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// What only somebody asks for who looks for a fault.
    Trace,
    /// What helps to find one.
    Debug,
    /// What is as it should be.
    Info,
    /// What may become a fault.
    Warn,
    /// What is one.
    Error,
}

/// Writes an event at a level that is known when it is written.
macro_rules! event_at {
    ($level:expr, $($what:tt)*) => {
        match $level {
            crate::http::middleware::LogLevel::Trace => tracing::trace!($($what)*),
            crate::http::middleware::LogLevel::Debug => tracing::debug!($($what)*),
            crate::http::middleware::LogLevel::Info => tracing::info!($($what)*),
            crate::http::middleware::LogLevel::Warn => tracing::warn!($($what)*),
            crate::http::middleware::LogLevel::Error => tracing::error!($($what)*),
        }
    };
}
pub(super) use event_at;
