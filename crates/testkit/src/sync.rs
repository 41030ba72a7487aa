//! Locks that outlive a panic of the code under test.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Locks `mutex`, whether or not an earlier holder panicked.
///
/// No caller's code runs under a lock of this crate, so a poisoned lock still guards a whole value.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `ready` holds or `deadline` is past; the guard comes back either way.
pub(crate) fn wait_until<'a, T>(
    condvar: &Condvar,
    mut guard: MutexGuard<'a, T>,
    deadline: Instant,
    mut ready: impl FnMut(&T) -> bool,
) -> MutexGuard<'a, T> {
    while !ready(&guard) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        guard = condvar
            .wait_timeout(guard, left)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
    guard
}
