//! What the admin pages promise.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alone;
mod asking;
mod changes;
mod concurrent;
mod config;
mod graph;
mod health;
mod metrics;
mod registries;
mod requests;
mod rig;
mod services;
