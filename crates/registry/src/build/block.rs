//! Waiting for a build on a thread.

use std::{
    sync::Arc,
    task::{Poll, Wake, Waker},
    time::Duration,
};

use super::{
    cell::{Build, Kind},
    context::current,
    error::BuildError,
    wait::Wait,
};
use crate::sync::{Condvar, Mutex, lock};

impl Build {
    /// Builds on this thread, or waits here until another has built.
    ///
    /// # Errors
    ///
    /// The failure of the build; `NeedsAsync` if the factory is asynchronous and has not built yet;
    /// `Cycle`, `TooDeep` or `Deadline` if this wait cannot end well.
    pub(crate) fn wait(self: &Arc<Self>) -> Result<(), BuildError> {
        if self.kind() == Kind::Sync {
            return self.block();
        }
        self.result_now().unwrap_or_else(|| {
            Err(BuildError::NeedsAsync {
                path: self.path_from(current().as_ref()),
            })
        })
    }

    /// Builds on this thread, or waits here until others have built; drives an asynchronous factory
    /// too, parking the thread while it is pending.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait), but instead of `NeedsAsync` it is `InsideRuntime` if the result is
    /// not there and this thread runs tasks: if `inside_runtime` says so, or if a build that a task
    /// drives is on this call stack.
    pub(crate) fn wait_blocking(
        self: &Arc<Self>,
        inside_runtime: impl FnOnce() -> bool,
    ) -> Result<(), BuildError> {
        if let Some(result) = self.result_now() {
            return result;
        }
        let frame = current();
        if frame.as_ref().is_some_and(|frame| frame.in_task) || inside_runtime() {
            return Err(BuildError::InsideRuntime {
                path: self.path_from(frame.as_ref()),
            });
        }
        self.block()
    }

    fn result_now(&self) -> Option<Result<(), BuildError>> {
        let now = self.rules().clock.now();
        self.result(None, now)
    }

    fn block(self: &Arc<Self>) -> Result<(), BuildError> {
        let parker = Arc::new(Parker {
            woken: Mutex::new(false),
            wake: Condvar::new(),
        });
        let waker = Waker::from(Arc::clone(&parker));
        let mut wait = Wait::new(self, false);
        loop {
            if let Poll::Ready(result) = wait.step(&waker) {
                return result;
            }
            parker.park(wait.remaining());
        }
    }
}

/// Where one wait parks its thread; a token of its own, so no unpark meant for a caller's code is
/// taken away from it.
struct Parker {
    woken: Mutex<bool>,
    wake: Condvar,
}

impl Parker {
    /// Waits for a wake since the last call, at most about `longest`; may return without one.
    fn park(&self, longest: Duration) {
        let mut woken = lock(&self.woken);
        if !*woken {
            let waited = self.wake.wait_timeout(woken, longest);
            woken = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        *woken = false;
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *lock(&self.woken) = true;
        self.wake.notify_one();
    }
}
