//! What checks promise.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answering;
mod concurrent;
mod switching;
