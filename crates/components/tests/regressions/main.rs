//! Faults that others shipped in their containers, each with a test that would fail if it were here:
//! what went wrong and where, and what holds instead.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod building;
mod circles;
mod configuring;
mod ending;
mod naming;
mod ordering;
mod rig;
