//! The engine that builds an entry once, however many ask for it.
//!
//! A [`Build`] is the state of one unbuilt entry. It knows nothing of the value: the registry wraps
//! the caller's factory in a future that writes the value into the entry and yields `Ok(())` or the
//! cause of the failure. A factory that is not asynchronous is such a future that is ready at its
//! first poll, so one mechanism serves both kinds.
//!
//! # Protocol
//!
//! Whoever asks becomes a *waiter* and takes a seat in the build. The first waiter starts an
//! *attempt*: one future, which belongs to the build and not to the waiter. A waiter that is polled
//! while the future is idle and has been woken takes it out, polls it outside every lock, and puts it
//! back. When the future wakes, every waiter is woken; so it does not matter which of them is polled
//! next, or whether one of them is dropped instead. When the attempt ends, all its waiters get its
//! result; when its last waiter leaves, its future is dropped and the next ask starts another.
//!
//! An asynchronous future may therefore be polled by any thread that asks, in any runtime or in none:
//! a factory that needs a runtime brings its handle.
//!
//! # Consistency
//!
//! - At most one attempt of a build exists at a time, and no attempt follows a successful one.
//! - Whoever is told that the build succeeded sees everything the build wrote before (the state's
//!   lock is released after the one and taken before the other).
//! - No lock is held while a factory, a future, a waker, a clock, a timer or a destructor of a
//!   caller's value runs.
//! - An attempt begins after the future of the former one has been dropped, so what a build holds
//!   exclusively (a port, a lock file) is free again.
//! - Waiting inside a build is an edge of a wait-for graph; see [`graph`] for why every cycle is found
//!   and why exactly one of its members is told. What the graph cannot see (a thread that a factory
//!   starts and joins, a wait shared by several builds) ends at the deadline.
//!
//! `Arc` is `std`'s also under loom: the wakers of the standard library need it, and no protocol here
//! rests on a count.

mod block;
mod cell;
mod context;
mod error;
mod graph;
mod panics;
mod state;
mod time;
mod wait;

#[cfg(all(test, loom))]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod loom_build;
#[cfg(all(test, not(loom)))]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

pub(crate) use cell::{Build, Kind};
pub use context::Context;
pub use error::{BuildError, BuildName, BuildPath, Cause};
pub use state::BuildStatus;
pub(crate) use time::Rules;
pub use time::{Clock, Retry, Timer};
pub(crate) use wait::Wait;
