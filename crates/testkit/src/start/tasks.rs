//! The barrier for tasks of any runtime.

use crate::sync::lock;
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

/// Releases a number of tasks at once, on any async runtime, as often as they come together.
///
/// It knows no time: bound the test with the runtime's timeout or
/// [`block_on_within`](crate::block_on_within).
///
/// # Consistency
///
/// What a task did before its wait is visible to every task behind it. A wait that is dropped
/// before its release counts as never begun; one that is dropped after it has been counted.
///
/// # Examples
///
/// ```
/// use byname_testkit::{Executor, TaskBarrier};
/// use std::sync::Arc;
///
/// let barrier = Arc::new(TaskBarrier::new(2));
/// let mut executor = Executor::new();
/// let tasks: Vec<_> = (0..2)
///     .map(|_| {
///         let barrier = barrier.clone();
///         executor.spawn(async move { barrier.wait().await })
///     })
///     .collect();
/// executor.run_until_stalled();
/// assert!(tasks.iter().all(|task| task.is_finished()));
/// ```
#[derive(Debug)]
pub struct TaskBarrier {
    parties: usize,
    gathered: Mutex<Gathered>,
}

#[derive(Debug, Default)]
struct Gathered {
    round: u64,
    next: u64,
    /// The waits of this round and whom to wake, in the order they came.
    waiting: BTreeMap<u64, Waker>,
}

impl TaskBarrier {
    /// Makes a barrier for `parties` tasks.
    #[must_use]
    pub fn new(parties: usize) -> Self {
        Self {
            parties,
            gathered: Mutex::new(Gathered::default()),
        }
    }

    /// Waits until as many tasks as the barrier has parties are here.
    ///
    /// A task is here from the first poll of this future.
    pub fn wait(&self) -> TaskBarrierWait<'_> {
        TaskBarrierWait {
            barrier: self,
            state: State::New,
        }
    }

    /// Returns how many tasks wait at this moment.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.gathered).waiting.len()
    }
}

/// The future of [`TaskBarrier::wait`].
#[derive(Debug)]
#[must_use = "a future waits for nothing until it is polled"]
pub struct TaskBarrierWait<'a> {
    barrier: &'a TaskBarrier,
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    Waiting { round: u64, key: u64 },
    Released,
}

impl Future for TaskBarrierWait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let barrier = self.barrier;
        let mut gathered = lock(&barrier.gathered);
        match self.state {
            State::Released => return Poll::Ready(()),
            State::Waiting { round, .. } if round != gathered.round => {
                self.state = State::Released;
                return Poll::Ready(());
            }
            State::Waiting { key, .. } => {
                gathered.waiting.insert(key, cx.waker().clone());
                return Poll::Pending;
            }
            State::New => {}
        }
        if gathered.waiting.len() + 1 < barrier.parties {
            let (round, key) = (gathered.round, gathered.next);
            gathered.next += 1;
            gathered.waiting.insert(key, cx.waker().clone());
            self.state = State::Waiting { round, key };
            return Poll::Pending;
        }
        gathered.round += 1;
        let released = std::mem::take(&mut gathered.waiting);
        drop(gathered);
        self.state = State::Released;
        for waker in released.into_values() {
            waker.wake();
        }
        Poll::Ready(())
    }
}

impl Drop for TaskBarrierWait<'_> {
    fn drop(&mut self) {
        if let State::Waiting { round, key } = self.state {
            let mut gathered = lock(&self.barrier.gathered);
            if gathered.round == round {
                gathered.waiting.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Executor, PATIENCE, block_on_within, together};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    #[test]
    fn tasks_pass_together_and_in_the_order_they_came() {
        let barrier = Arc::new(TaskBarrier::new(3));
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut executor = Executor::new();
        for index in 0..3 {
            assert_eq!((barrier.waiting(), lock(&order).len()), (index, 0));
            let (barrier, order) = (barrier.clone(), order.clone());
            executor.spawn(async move {
                barrier.wait().await;
                lock(&order).push(index);
            });
            executor.run_until_stalled();
        }
        assert_eq!(*lock(&order), [2, 0, 1]);
        assert_eq!(barrier.waiting(), 0);
    }

    #[test]
    fn a_cancelled_wait_does_not_count() {
        let barrier = Arc::new(TaskBarrier::new(2));
        let mut executor = Executor::new();
        let wait = |executor: &mut Executor| {
            let barrier = barrier.clone();
            let task = executor.spawn(async move { barrier.wait().await });
            executor.run_until_stalled();
            task
        };
        let cancelled = wait(&mut executor);
        executor.cancel(&cancelled);
        assert_eq!(barrier.waiting(), 0);
        let first = wait(&mut executor);
        assert!(!first.is_finished());
        let second = wait(&mut executor);
        assert!(first.is_finished() && second.is_finished() && !cancelled.is_finished());
    }

    #[test]
    fn concurrent_rounds_on_threads() {
        let barrier = TaskBarrier::new(4);
        let arrived = AtomicUsize::new(0);
        together(4, |_| {
            for round in 1..=50 {
                arrived.fetch_add(1, Ordering::Relaxed);
                block_on_within(PATIENCE, barrier.wait()).unwrap();
                assert_eq!(arrived.load(Ordering::Relaxed), round * 4);
                block_on_within(PATIENCE, barrier.wait()).unwrap();
            }
        });
    }
}
