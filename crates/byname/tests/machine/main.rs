//! `byname machine`: the machines of a data folder, changed by commands, by many of them at once, and
//! by hand.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod by_hand;
mod concurrent;
mod fleet;
mod keeping;
mod rig;
#[path = "../server/mod.rs"]
mod server;
