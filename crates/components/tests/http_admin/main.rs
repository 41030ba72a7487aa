//! What the admin pages promise.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asking;
mod changes;
mod concurrent;
mod config;
mod graph;
mod health;
mod metrics;
mod registries;
mod rig;
mod services;
