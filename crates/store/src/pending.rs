//! Waiting for what a store does.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::error::StoreError;

enum Phase<T> {
    /// Nothing has been done; it may be withdrawn.
    Waiting,
    /// It is being done, and will be done or refused.
    Begun,
    Done(Result<T, StoreError>),
}

struct Inner<T> {
    phase: Phase<T>,
    wakers: Vec<Waker>,
}

struct Shared<T> {
    inner: Mutex<Inner<T>>,
    done: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // Nothing panics while this is held.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, mut inner: MutexGuard<'_, Inner<T>>, result: Result<T, StoreError>) {
        inner.phase = Phase::Done(result);
        let wakers = std::mem::take(&mut inner.wakers);
        drop(inner);
        self.done.notify_all();
        for waker in wakers {
            // One executor that panics must not cost the others their wake-up, nor the one who
            // answers, and with him all who wait for him, his thread.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

/// Something that a store has been asked to do.
///
/// It is done whether or not anybody waits: dropping this withdraws nothing, and a clone tells later
/// how it went. A caller who gives up calls [`withdraw`](Self::withdraw).
///
/// It is a future of any runtime; [`wait`](Self::wait) blocks the thread instead.
pub struct Pending<T> {
    shared: Arc<Shared<T>>,
}

impl<T: Clone> Pending<T> {
    /// Makes a pending operation and what completes it: for those who write a store.
    #[must_use]
    pub fn new() -> (Completer<T>, Self) {
        let shared = Arc::new(Shared {
            inner: Mutex::new(Inner {
                phase: Phase::Waiting,
                wakers: Vec::new(),
            }),
            done: Condvar::new(),
        });
        let pending = Self {
            shared: Arc::clone(&shared),
        };
        (
            Completer {
                shared: Some(shared),
            },
            pending,
        )
    }

    /// Makes one that is done.
    #[must_use]
    pub fn done(result: Result<T, StoreError>) -> Self {
        let (completer, pending) = Self::new();
        completer.complete(result);
        pending
    }

    /// Waits until it is done.
    ///
    /// # Errors
    ///
    /// What the store answers.
    pub fn wait(&self) -> Result<T, StoreError> {
        let mut inner = self.shared.lock();
        loop {
            if let Phase::Done(result) = &inner.phase {
                return result.clone();
            }
            inner = self
                .shared
                .done
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits at most `time`; `None` when it is not done by then.
    #[must_use]
    pub fn wait_for(&self, time: Duration) -> Option<Result<T, StoreError>> {
        let deadline = Instant::now().checked_add(time);
        let mut inner = self.shared.lock();
        loop {
            if let Phase::Done(result) = &inner.phase {
                return Some(result.clone());
            }
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => Duration::MAX,
            };
            if left.is_zero() {
                return None;
            }
            let waited = self.shared.done.wait_timeout(inner, left);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns how it went, if it is done.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<T, StoreError>> {
        match &self.shared.lock().phase {
            Phase::Done(result) => Some(result.clone()),
            _ => None,
        }
    }

    /// Withdraws it if it has not begun; the outcome is then [`StoreError::Withdrawn`]. Returns
    /// whether nothing of it has happened or will.
    #[must_use = "what has begun is not withdrawn"]
    pub fn withdraw(&self) -> bool {
        let inner = self.shared.lock();
        match &inner.phase {
            Phase::Waiting => {
                self.shared.finish(inner, Err(StoreError::Withdrawn));
                true
            }
            Phase::Begun => false,
            Phase::Done(result) => {
                matches!(result, Err(error) if !matches!(error, StoreError::Unknown { .. }))
            }
        }
    }
}

impl<T> Clone for Pending<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Clone> Future for Pending<T> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.shared.lock();
        if let Phase::Done(result) = &inner.phase {
            return Poll::Ready(result.clone());
        }
        if !inner
            .wakers
            .iter()
            .any(|waker| waker.will_wake(context.waker()))
        {
            inner.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.shared.lock().phase {
            Phase::Waiting => "Pending(waiting)",
            Phase::Begun => "Pending(begun)",
            Phase::Done(_) => "Pending(done)",
        })
    }
}

/// The store's side of a [`Pending`].
///
/// Dropped without an answer, it answers for itself: closed if nothing had begun, unknown otherwise.
pub struct Completer<T> {
    shared: Option<Arc<Shared<T>>>,
}

impl<T> Completer<T> {
    /// Begins: from now on it cannot be withdrawn. Returns false when it has been, or is done.
    #[must_use = "what was withdrawn must not be done"]
    pub fn begin(&self) -> bool {
        let Some(shared) = &self.shared else {
            return false;
        };
        let mut inner = shared.lock();
        let waiting = matches!(inner.phase, Phase::Waiting);
        if waiting {
            inner.phase = Phase::Begun;
        }
        waiting
    }

    /// Whether it has been withdrawn, so that it need not be kept.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.shared
            .as_ref()
            .is_none_or(|shared| matches!(shared.lock().phase, Phase::Done(_)))
    }

    /// Answers. What was withdrawn stays so.
    pub fn complete(mut self, result: Result<T, StoreError>) {
        if let Some(shared) = self.shared.take() {
            let inner = shared.lock();
            if !matches!(inner.phase, Phase::Done(_)) {
                shared.finish(inner, result);
            }
        }
    }
}

impl<T> Drop for Completer<T> {
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else {
            return;
        };
        let inner = shared.lock();
        let answer = match inner.phase {
            Phase::Done(_) => return,
            Phase::Waiting => StoreError::Closed {
                why: "the store was closed before this had begun",
            },
            Phase::Begun => StoreError::Unknown {
                revision: 0,
                doing: "committing",
                path: PathBuf::new(),
                source: Arc::new(io::Error::other("the writer ended before it could tell")),
            },
        };
        shared.finish(inner, Err(answer));
    }
}

impl<T> fmt::Debug for Completer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completer").finish_non_exhaustive()
    }
}
