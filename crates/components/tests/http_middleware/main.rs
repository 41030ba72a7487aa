//! What the middleware that comes with it does before handlers, setting by setting.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access_log;
mod auth;
mod body_limit;
mod cache_control;
mod client;
mod compression;
mod concurrent;
mod cors;
mod document;
mod headers;
mod in_files;
mod rate_limit;
mod ready;
mod recover;
mod request_id;
mod rig;
mod routed;
mod schema;
mod security_headers;
mod slow_log;
mod timeout;
mod trace;
