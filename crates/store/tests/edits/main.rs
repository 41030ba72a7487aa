//! A document that is edited by hand while programs use it: every valid edit becomes a revision,
//! and no text is lost.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod amid;
mod broken;
mod concurrent;
mod entries;
#[path = "../place/mod.rs"]
mod place;
mod rig;
mod taking_up;
