//! The module that `docs/extending.md` builds does what is said there.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod concurrent;
mod document;
#[allow(
    unreachable_pub,
    reason = "a module says what it offers, whoever takes it"
)]
#[path = "../../examples/extending/notices.rs"]
mod notices;
mod rig;
mod using;
