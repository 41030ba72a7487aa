//! Futures without a runtime: on one thread to the end, or many, one deterministic step at a time.

mod executor;

pub use executor::{Executor, Task};

use std::{
    error, fmt,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// Runs `future` to its end on this thread, which is parked while there is nothing to do.
///
/// # Examples
///
/// ```
/// assert_eq!(byname_testkit::block_on(async { 1 + 1 }), 2);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    match run(future, None) {
        Some(output) => output,
        None => unreachable!("without a deadline only the output ends the wait"),
    }
}

/// Runs `future` on this thread for `limit` at most.
///
/// The limit bounds a failure: a future that comes to its end is never delayed by it.
///
/// # Errors
///
/// [`TimedOut`] if the future has not come to its end by then; it is dropped.
///
/// # Examples
///
/// ```
/// use byname_testkit::{PATIENCE, block_on_within};
/// use std::time::Duration;
///
/// assert_eq!(block_on_within(PATIENCE, async { 1 })?, 1);
/// assert!(block_on_within(Duration::ZERO, std::future::pending::<()>()).is_err());
/// # Ok::<(), byname_testkit::TimedOut>(())
/// ```
pub fn block_on_within<F: Future>(limit: Duration, future: F) -> Result<F::Output, TimedOut> {
    run(future, Some(Instant::now() + limit)).ok_or(TimedOut { limit })
}

/// A future did not come to its end within the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    limit: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the future did not come to its end within {:?}; was its waker lost?",
            self.limit
        )
    }
}

impl error::Error for TimedOut {}

/// Wakes a parked thread.
struct Unpark {
    thread: Thread,
    /// Tells a wake from a spurious return of `park`, and from one meant for other code.
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release: pairs with the Acquire in `run`; the poll sees what was done before the wake.
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

fn run<F: Future>(future: F, deadline: Option<Instant>) -> Option<F::Output> {
    let unpark = Arc::new(Unpark {
        thread: thread::current(),
        woken: AtomicBool::new(true),
    });
    let waker = Waker::from(unpark.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        while !unpark.woken.swap(false, Ordering::Acquire) {
            let Some(deadline) = deadline else {
                thread::park();
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            thread::park_timeout(left);
        }
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PATIENCE, Recording};
    use std::{cell::Cell, future::poll_fn};

    #[test]
    fn polls_once_for_each_wake_and_not_for_an_unpark_of_others() {
        let polls = Cell::new(0);
        let woken = block_on(poll_fn(|cx| {
            polls.set(polls.get() + 1);
            match polls.get() {
                1 => {
                    thread::current().unpark();
                    let waker = cx.waker().clone();
                    thread::spawn(move || waker.wake());
                    Poll::Pending
                }
                2 => {
                    cx.waker().wake_by_ref();
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                _ => Poll::Ready("done"),
            }
        }));
        assert_eq!((woken, polls.get()), ("done", 3));
    }

    #[test]
    fn a_future_that_hangs_is_dropped_at_the_limit() {
        struct Dropped(Recording<()>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.push(());
            }
        }
        let dropped = Recording::new();
        let guard = Dropped(dropped.clone());
        let hanging = async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        };
        let limit = Duration::from_millis(1);
        assert_eq!(block_on_within(limit, hanging), Err(TimedOut { limit }));
        assert_eq!(dropped.len(), 1);
        assert_eq!(block_on_within(PATIENCE, async { 7 }), Ok(7));
    }
}
