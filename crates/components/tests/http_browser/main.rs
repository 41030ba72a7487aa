//! What a real browser makes of an application: pages, what pages of other origins may do, streams,
//! sockets, and requests that a page gives up.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aborting;
mod files;
mod origins;
mod rig;
mod security;
mod sockets;
