//! Every change is heard: in order, with the revisions it covers, or a snapshot in its place.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod concurrent;
mod dropping;
mod every_change;
mod policies;
mod rig;
mod running;
mod tasks;
