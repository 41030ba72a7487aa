//! What other servers have, found by its name.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod routers;
mod said;
mod settings;
mod shown;
