//! The primitives that the model checker must see: `std`'s, or loom's under `cfg(loom)`.
//!
//! Code of this crate takes its atomics, mutexes, threads and cells from here and nowhere else, so
//! that one `RUSTFLAGS="--cfg loom"` turns every protocol into one that loom can explore.

#[cfg(not(loom))]
pub(crate) use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread,
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread,
};

/// Locks `mutex`, whether or not an earlier holder panicked.
///
/// Nothing here runs a caller's code under a lock, so a poisoned lock still guards a whole value.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Waits on `condvar` until notified (or for no reason at all), whatever an earlier holder did.
pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar
        .wait(guard)
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Waits on `condvar` as [`wait`] does, for `time` at most; under loom, whose clock stands still,
/// without an end.
pub(crate) fn wait_timeout<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    time: std::time::Duration,
) -> MutexGuard<'a, T> {
    condvar
        .wait_timeout(guard, time)
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .0
}
