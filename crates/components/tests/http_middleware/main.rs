//! What the middleware that comes with it does before handlers, setting by setting.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access_log;
mod body_limit;
mod compression;
mod cors;
mod in_files;
mod ready;
mod recover;
mod request_id;
#[allow(dead_code, reason = "what looks at spans is being written")]
mod rig;
mod timeout;
