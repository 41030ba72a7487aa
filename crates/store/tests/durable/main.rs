//! Durable registries over a store in memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod changing;
mod concurrent;
mod following;
mod reading;
mod rig;
mod unknown;
