//! A factory's value is built once, whoever asks and however many.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cancelling;
mod concurrent;
mod cycles;
mod dropping;
mod failing;
mod replacing;
mod rig;
mod runtimes;
mod showing;
