//! Many futures on one thread, in an order that can be had again.

use crate::{Rng, sync::lock};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
};

/// Runs futures on this thread, one poll after another, in an order that can be had again.
///
/// Nothing runs by itself: [`step`](Self::step) polls one task that was woken, and
/// [`run_until_stalled`](Self::run_until_stalled) does so until none is. With [`new`](Self::new)
/// tasks run in the order they were woken; with [`seeded`](Self::seeded) a woken task is picked at
/// random, so that many seeds try many interleavings and one seed is always the same one. A task
/// can be cancelled between any two steps.
///
/// Wakers may be used from other threads; then the order is no longer this executor's alone.
///
/// # Examples
///
/// ```
/// use byname_testkit::Executor;
///
/// let mut executor = Executor::new();
/// let task = executor.spawn(async { 6 * 7 });
/// assert!(!task.is_finished());
/// executor.run_until_stalled();
/// assert_eq!(task.take(), Some(42));
/// ```
pub struct Executor {
    tasks: BTreeMap<usize, Spawned>,
    next: usize,
    woken: Arc<Mutex<Vec<usize>>>,
    rng: Option<Rng>,
    polls: usize,
}

struct Spawned {
    future: Pin<Box<dyn Future<Output = ()>>>,
    waker: Waker,
}

/// Puts a task into the list of those to poll, once.
struct Wakes {
    id: usize,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        let mut woken = lock(&self.woken);
        if !woken.contains(&self.id) {
            woken.push(self.id);
        }
    }
}

/// A task of an [`Executor`]: where its output appears.
pub struct Task<T> {
    id: usize,
    output: Rc<RefCell<Output<T>>>,
}

enum Output<T> {
    Running,
    Ready(T),
    Taken,
}

impl Executor {
    /// Makes an executor that polls tasks in the order they were woken.
    #[must_use]
    pub fn new() -> Self {
        let woken = Arc::default();
        Self {
            tasks: BTreeMap::new(),
            next: 0,
            woken,
            rng: None,
            polls: 0,
        }
    }

    /// Makes an executor that polls woken tasks in the random order of `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            rng: Some(Rng::seeded(seed)),
            ..Self::new()
        }
    }

    /// Adds `future`, to be polled for the first time by a later step.
    pub fn spawn<F>(&mut self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let id = self.next;
        self.next += 1;
        let output = Rc::new(RefCell::new(Output::Running));
        let sink = output.clone();
        let future = Box::pin(async move {
            let value = future.await;
            *sink.borrow_mut() = Output::Ready(value);
        });
        let waker = Waker::from(Arc::new(Wakes {
            id,
            woken: self.woken.clone(),
        }));
        waker.wake_by_ref();
        self.tasks.insert(id, Spawned { future, waker });
        Task { id, output }
    }

    /// Polls one task that was woken, and returns whether there was one.
    pub fn step(&mut self) -> bool {
        loop {
            let id = {
                let mut woken = lock(&self.woken);
                match (woken.len(), &mut self.rng) {
                    (0, _) => return false,
                    (_, None) => woken.remove(0),
                    (count, Some(rng)) => woken.remove(rng.below(count)),
                }
            };
            // A task that is finished or cancelled may still be woken.
            let Some(task) = self.tasks.get_mut(&id) else {
                continue;
            };
            self.polls += 1;
            let mut context = Context::from_waker(&task.waker);
            if task.future.as_mut().poll(&mut context) == Poll::Ready(()) {
                self.tasks.remove(&id);
            }
            return true;
        }
    }

    /// Polls tasks until none is woken, and returns how many are left unfinished.
    ///
    /// Tasks that wake one another for ever keep it going for ever.
    pub fn run_until_stalled(&mut self) -> usize {
        while self.step() {}
        self.tasks.len()
    }

    /// Drops the future of `task` where it stands; nothing happens if it is finished.
    pub fn cancel<T>(&mut self, task: &Task<T>) {
        self.tasks.remove(&task.id);
    }

    /// Returns how many polls were made.
    #[must_use]
    pub fn polls(&self) -> usize {
        self.polls
    }
}

impl Default for Executor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("unfinished", &self.tasks.len())
            .field("woken", &lock(&self.woken))
            .field("polls", &self.polls)
            .finish_non_exhaustive()
    }
}

impl<T> Task<T> {
    /// Returns whether the task has come to its end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(*self.output.borrow(), Output::Running)
    }

    /// Takes the output out, once, when the task has come to its end.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        let mut output = self.output.borrow_mut();
        if matches!(*output, Output::Running) {
            return None;
        }
        match std::mem::replace(&mut *output, Output::Taken) {
            Output::Ready(value) => Some(value),
            Output::Running | Output::Taken => None,
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finished = self.is_finished();
        f.debug_struct("Task")
            .field("id", &self.id)
            .field("is_finished", &finished)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DropCounter;
    use std::{collections::HashSet, future::poll_fn};

    /// Gives way once.
    async fn give_way() {
        let mut first = true;
        poll_fn(|cx| {
            if std::mem::replace(&mut first, false) {
                cx.waker().wake_by_ref();
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    /// Runs three tasks of two steps each, and returns the order of the steps.
    fn order(mut executor: Executor) -> Vec<(usize, usize)> {
        let order = Rc::new(RefCell::new(Vec::new()));
        for task in 0..3 {
            let order = order.clone();
            let _task = executor.spawn(async move {
                for step in 0..2 {
                    order.borrow_mut().push((task, step));
                    give_way().await;
                }
            });
        }
        assert_eq!(executor.run_until_stalled(), 0);
        assert_eq!(executor.polls(), 9);
        order.take()
    }

    #[test]
    fn tasks_take_turns() {
        assert_eq!(
            order(Executor::new()),
            [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
        );
    }

    #[test]
    fn a_seed_is_one_order_and_many_seeds_are_all_orders() {
        let orders: HashSet<_> = (0..3_000)
            .map(|seed| order(Executor::seeded(seed)))
            .collect();
        // Two steps each of three tasks, the two in order: 6! / 2^3.
        assert_eq!(orders.len(), 90);
        assert_eq!(order(Executor::seeded(5)), order(Executor::seeded(5)));
    }

    #[test]
    fn a_cancelled_task_is_dropped_at_once_and_never_polled_again() {
        let drops = DropCounter::new();
        let mut executor = Executor::new();
        let held = drops.count(());
        let task = executor.spawn(async move {
            let _held = held;
            give_way().await;
        });
        assert!(executor.step());
        drops.assert_live(1);
        executor.cancel(&task);
        drops.assert_all_dropped();
        assert!(!executor.step() && !task.is_finished());
        assert_eq!((task.take(), executor.polls()), (None, 1));
    }

    #[test]
    fn an_output_is_taken_once() {
        let mut executor = Executor::new();
        let task = executor.spawn(async { "output" });
        assert_eq!(task.take(), None);
        assert_eq!(executor.run_until_stalled(), 0);
        assert!(task.is_finished());
        assert_eq!((task.take(), task.take()), (Some("output"), None));
        assert!(task.is_finished());
    }

    #[test]
    fn a_stalled_executor_tells_how_many_wait_and_goes_on_when_woken_from_another_thread() {
        let mut executor = Executor::new();
        let waker = Arc::new(Mutex::new(None::<Waker>));
        let place = waker.clone();
        let task = executor.spawn(async move {
            let mut polled = false;
            poll_fn(|cx| {
                *lock(&place) = Some(cx.waker().clone());
                if std::mem::replace(&mut polled, true) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        });
        assert_eq!(executor.run_until_stalled(), 1);
        std::thread::spawn(move || lock(&waker).take().unwrap().wake())
            .join()
            .unwrap();
        assert_eq!(executor.run_until_stalled(), 0);
        assert!(task.is_finished());
    }
}
