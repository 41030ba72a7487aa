//! The container: what is declared, checked, built, started and stopped.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checking;
mod reloading;
mod rig;
mod running;
mod starting;
mod stopping;
mod wiring;
