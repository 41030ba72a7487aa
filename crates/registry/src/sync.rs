//! The primitives that the model checker must see: `std`'s, or loom's under `cfg(loom)`.
//!
//! Code of this crate takes its atomics, mutexes, threads and cells from here and nowhere else, so
//! that one `RUSTFLAGS="--cfg loom"` turns every protocol into one that loom can explore.

#[cfg(not(loom))]
pub(crate) use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread, thread_local,
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread, thread_local,
};

/// Tells a freed thing from a live one under the model checker, where nothing is really freed.
#[cfg(loom)]
pub(crate) struct Alive(std::sync::atomic::AtomicBool);

#[cfg(loom)]
impl Alive {
    pub(crate) fn new() -> Self {
        Self(std::sync::atomic::AtomicBool::new(true))
    }

    pub(crate) fn check(&self) {
        assert!(
            self.0.load(std::sync::atomic::Ordering::Relaxed),
            "used after it was freed"
        );
    }

    pub(crate) fn end(&self) {
        let alive = self.0.swap(false, std::sync::atomic::Ordering::Relaxed);
        assert!(alive, "freed twice");
    }
}

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
