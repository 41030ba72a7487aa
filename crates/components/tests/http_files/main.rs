//! What static files and applications of a single page promise.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod changing;
mod compressed;
mod conditional;
mod describing;
mod folders;
mod hostile;
mod links;
mod ranges;
mod rig;
mod starting;
mod stress;
