//! Listeners: what a peer at the other end of a real socket sees.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answering;
mod bodies;
mod concurrent;
mod crowds;
mod draining;
mod heads;
mod http2;
mod peer;
mod reloading;
mod rig;
mod settings;
mod tls;
#[cfg(unix)]
mod unix;
