//! Calls over real sockets, to servers that fail in every way.
#![cfg(not(loom))]

mod answering;
mod balancing;
mod breaking;
mod cancelling;
mod concurrent;
mod failing;
mod limiting;
mod pooling;
mod retrying;
mod rig;
#[cfg(feature = "tls")]
mod secured;
#[cfg(unix)]
mod sockets;
mod streaming;
mod timing;
