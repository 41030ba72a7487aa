//! Which build the running code belongs to.
//!
//! A thread-local frame is set while a build's future is made, polled or dropped, and put back
//! afterwards; so an ask needs no argument to be known as part of a build, whatever thread polls it.
//! What leaves the polling thread carries a [`Context`] instead.

use std::{cell::RefCell, fmt, future::poll_fn, marker::PhantomData, pin::pin, sync::Arc};

use super::{error::BuildName, error::BuildPath, graph::Attempt};
use crate::sync::thread_local;

thread_local! {
    #[allow(clippy::missing_const_for_thread_local, reason = "loom's macro takes no const block")]
    static CURRENT: RefCell<Option<Frame>> = RefCell::new(None);
}

/// The innermost build on this call stack.
#[derive(Clone)]
pub(super) struct Frame {
    /// The attempt whose future is running.
    pub(super) attempt: Arc<Attempt>,
    /// How many builds are nested on this call stack, this one included.
    pub(super) depth: usize,
    /// Whether a task of an asynchronous runtime is below on this call stack.
    pub(super) in_task: bool,
}

impl Frame {
    /// Makes the frame of `attempt`, nested in `outer`.
    pub(super) fn around(attempt: Arc<Attempt>, outer: Option<&Self>, in_task: bool) -> Self {
        Self {
            attempt,
            depth: outer.map_or(0, |outer| outer.depth) + 1,
            in_task: in_task || outer.is_some_and(|outer| outer.in_task),
        }
    }
}

/// Returns the innermost build on this call stack.
///
/// A thread that is being torn down has none: its destructors ask as outsiders.
pub(super) fn current() -> Option<Frame> {
    CURRENT
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Runs `call` as part of `frame`, and puts the former frame back also when `call` panics.
pub(super) fn within<R>(frame: Frame, call: impl FnOnce() -> R) -> R {
    struct Restore(Option<Frame>, PhantomData<*const ()>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let former = self.0.take();
            drop(CURRENT.try_with(|current| current.replace(former)));
        }
    }
    let Ok(former) = CURRENT.try_with(|current| current.replace(Some(frame))) else {
        return call();
    };
    let _restore = Restore(former, PhantomData);
    call()
}

/// Identifies a build to itself: given to a factory, for what it hands to other threads and tasks.
///
/// A factory that asks a registry for other entries needs no context: while it runs, and while its
/// future is polled, every ask on that thread is known to come from it. A thread or task that the
/// factory starts and then waits for is not known unless it asks within [`enter`](Self::enter) or
/// [`scope`](Self::scope); without that, a cycle through it ends only at the deadline of its wait.
///
/// A context keeps neither the registry nor the build alive, and may outlive both.
#[derive(Clone)]
pub struct Context {
    attempt: Arc<Attempt>,
}

impl Context {
    pub(super) fn new(attempt: Arc<Attempt>) -> Self {
        Self { attempt }
    }

    /// Returns the entry that is being built.
    #[must_use]
    pub fn name(&self) -> &BuildName {
        self.attempt.name()
    }

    /// Returns the entry that is being built, after those that asked for it when its build began.
    #[must_use]
    pub fn path(&self) -> BuildPath {
        self.attempt.path()
    }

    /// Runs `call` as part of this build, on whatever thread.
    ///
    /// # Panics
    ///
    /// Only if `call` does.
    pub fn enter<R>(&self, call: impl FnOnce() -> R) -> R {
        let outer = current();
        within(self.frame(outer.as_ref(), false), call)
    }

    /// Returns a future that runs `future` as part of this build, in whatever task.
    ///
    /// # Panics
    ///
    /// The returned future panics only if `future` does.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let context = self.clone();
        async move {
            let mut future = pin!(future);
            poll_fn(move |cx| {
                let outer = current();
                within(context.frame(outer.as_ref(), true), || {
                    future.as_mut().poll(cx)
                })
            })
            .await
        }
    }

    /// Makes the frame of this build on a call stack of its own, which nests nothing new.
    fn frame(&self, outer: Option<&Frame>, in_task: bool) -> Frame {
        let around = Frame::around(Arc::clone(&self.attempt), outer, in_task);
        Frame {
            depth: around.depth - 1,
            ..around
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Context")
            .field(&format_args!("{}", self.path()))
            .finish()
    }
}
