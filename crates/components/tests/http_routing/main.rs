//! What a file says of routers and listeners is what the sockets answer; what is wrong is told before.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answering;
mod conflicts;
mod described;
mod ending;
mod limits;
mod order;
mod published;
mod reloading;
mod rig;
mod secrets;
mod settings;
