//! How many connections are served at a time.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many connections are served at a time; further ones wait in the system's backlog. A clone is
/// the same.
#[derive(Clone, Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    all: Arc<AtomicUsize>,
}

/// A number of places that a semaphore can have.
fn bounded(all: NonZeroUsize) -> usize {
    all.get().min(Semaphore::MAX_PERMITS)
}

impl Places {
    pub(super) fn new(all: NonZeroUsize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(bounded(all))),
            all: Arc::new(AtomicUsize::new(bounded(all))),
        }
    }

    /// Takes a place that is free.
    pub(super) fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Waits for a place; it is free again when what is returned is dropped.
    pub(super) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed, so the permit is always there.
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Changes how many there are; where there are fewer, connections that are served keep theirs
    /// until they end.
    ///
    /// To be called in a tokio runtime.
    pub(super) fn set(&self, all: NonZeroUsize) {
        let all = bounded(all);
        let before = self.all.swap(all, Ordering::Relaxed);
        if all > before {
            self.free.add_permits(all - before);
            return;
        }
        let taken = (before - all) - self.free.forget_permits(before - all);
        let free = Arc::clone(&self.free);
        tokio::spawn(async move {
            for _ in 0..taken {
                // The semaphore is never closed.
                if let Ok(permit) = free.acquire().await {
                    permit.forget();
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::Duration;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn places_come_at_once_and_go_as_they_become_free() {
        let places = |all| NonZeroUsize::new(all).unwrap();
        let some = Places::new(places(2));
        let take = || some.free.clone().try_acquire_owned().ok();
        let (first, second) = (take(), take());
        assert!(first.is_some() && second.is_some() && take().is_none());
        some.set(places(3));
        let third = take();
        assert!(third.is_some() && take().is_none());
        some.set(places(1));
        drop((first, second));
        // What takes the places away runs before this sleeps to its end.
        tokio::time::sleep(SHORT).await;
        assert!(take().is_none(), "the third still has the only one");
        drop(third);
        tokio::time::sleep(SHORT).await;
        let only = take();
        assert!(only.is_some() && take().is_none());
        some.set(places(4));
        assert_eq!(some.free.available_permits(), 3);
    }
}
