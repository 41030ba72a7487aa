//! The primitives that the model checker must see: `std`'s, or loom's under `cfg(loom)`.
//!
//! Code of this crate takes its atomics, mutexes, threads and cells from here and nowhere else, so
//! that one `RUSTFLAGS="--cfg loom"` turns every protocol into one that loom can explore.

#[cfg(not(loom))]
#[allow(unused_imports, reason = "the registry takes the rest")]
pub(crate) use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread, thread_local,
};

#[cfg(loom)]
#[allow(unused_imports, reason = "the registry takes the rest")]
pub(crate) use loom::{
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread, thread_local,
};

/// Locks `mutex`, whether or not an earlier holder panicked.
///
/// Nothing here runs a caller's code under a lock, so a poisoned lock still guards a whole value.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
