//! The writers' side: who observes a registry, and how a commit reaches them.

use core::{fmt, mem, task::Waker, time::Duration};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    change::Change,
    options::Options,
    queue::{Pending, Queue},
    subscription::Subscription,
};
use crate::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
    lock,
};

/// What a subscription needs of the registry that it observes.
///
/// The subscription owns it, so it keeps the registry's entries alive (as a snapshot does): a
/// subscription that lags when the registry ends is still told the last state. It is therefore
/// not the handle whose last drop calls [`Observers::close`].
pub(crate) trait Observed<P, N>: Send + Sync {
    /// Returns the observers of the registry, the same ones for as long as it lives.
    fn observers(&self) -> &Observers<P>;

    /// Takes a snapshot of the newest revision and calls `then` with that revision, once, under
    /// the writers' mutex: after the push of that revision and before the next commit. `then`
    /// runs no caller's code and takes no lock but that of one queue.
    fn frozen(&self, then: &mut dyn FnMut(u64)) -> N;
}

/// Replaced as a whole, so that a writer needs the list's lock only to share it.
type Queues<P> = Arc<Box<[Arc<Queue<P>>]>>;

/// The queues of one registry's subscriptions.
///
/// A commit goes: [`enter`](Self::enter) yields the writers' guard, once there is room; the new
/// revision becomes visible; unless [`is_empty`](Self::is_empty), [`push`](Self::push) under that
/// guard; the guard is dropped; the [`Wakes`] run.
pub(crate) struct Observers<P> {
    all: Mutex<Queues<P>>,
    /// How many there are, and how many of them let writers wait.
    ///
    /// Both are raised under the writers' mutex, where writers read them before they commit, so
    /// Relaxed suffices; a writer that misses a fall finds a shorter list.
    present: AtomicUsize,
    patient: AtomicUsize,
}

/// The proof that every queue has room for one more change, and the right to push one.
#[must_use = "a commit that changes nothing drops it"]
#[derive(Debug)]
pub(crate) struct Admission(());

/// How long one writer has waited for which queues, to make one commit.
///
/// Time spent on one queue counts for no other, so that a slow observer does not cost its
/// neighbour a resynchronisation.
pub(super) struct Patience<P> {
    queues: Vec<(Arc<Queue<P>>, Duration)>,
}

impl<P> Patience<P> {
    pub(super) fn spent(&mut self, queue: &Arc<Queue<P>>) -> &mut Duration {
        let known = self.queues.iter().position(|(q, _)| Arc::ptr_eq(q, queue));
        let place = known.unwrap_or_else(|| {
            self.queues.push((Arc::clone(queue), Duration::ZERO));
            self.queues.len() - 1
        });
        &mut self.queues[place].1
    }
}

impl<P> Observers<P> {
    pub(crate) fn new() -> Self {
        Self {
            all: Mutex::new(Arc::new(Box::default())),
            present: AtomicUsize::new(0),
            patient: AtomicUsize::new(0),
        }
    }

    /// Whether nobody observes; a commit then neither builds a change nor pushes. Exact under
    /// the writers' mutex, but for a subscription that ends at this moment.
    pub(crate) fn is_empty(&self) -> bool {
        self.present.load(Ordering::Relaxed) == 0
    }

    /// Takes the writers' mutex by `lock` when every queue that lets writers wait has room.
    ///
    /// Waits outside every lock, then locks and looks again, because another writer may have
    /// taken the room; no longer for each queue than its deadline, after which the queue counts
    /// as having room. With no such queue this is `lock` and two loads. Call it while holding no
    /// lock.
    pub(crate) fn enter<G>(&self, mut lock: impl FnMut() -> G) -> (G, Admission) {
        let mut patience = Patience { queues: Vec::new() };
        loop {
            for queue in self.patient().iter().flat_map(|all| all.iter()) {
                Queue::wait_for_room(queue, &mut patience);
            }
            let guard = lock();
            let patient = self.patient();
            let mut queues = patient.iter().flat_map(|all| all.iter());
            if queues.all(|queue| Queue::admits(queue, &mut patience)) {
                return (guard, Admission(()));
            }
            drop(guard);
        }
    }

    /// Returns the queues to look at before a commit; `None` when none lets writers wait.
    fn patient(&self) -> Option<Queues<P>> {
        (self.patient.load(Ordering::Relaxed) > 0).then(|| self.all())
    }

    fn all(&self) -> Queues<P> {
        Arc::clone(&lock(&self.all))
    }

    /// Hands `change` to every queue. Call it under the writers' mutex that was entered with
    /// `admission`, after the change is visible to readers; unlock; then let the wakes run.
    #[expect(clippy::needless_pass_by_value, reason = "the right to push is spent")]
    pub(crate) fn push(&self, admission: Admission, change: &Arc<Change<P>>) -> Wakes<P>
    where
        P: Clone,
    {
        let Admission(()) = admission;
        let mut wakes = Wakes::default();
        for queue in self.all().iter() {
            Queue::push(queue, change, &mut wakes);
        }
        wakes
    }

    /// Begins a subscription of a receiver that knows the state of `revision`. Call it under the
    /// writers' mutex under which the snapshot of that revision is taken; the newest revision
    /// has been pushed.
    pub(crate) fn subscribe<N>(
        &self,
        options: Options,
        revision: u64,
        observed: Box<dyn Observed<P, N>>,
    ) -> Subscription<P, N> {
        let queue = Arc::new(Queue::new(options, revision));
        let mut all = lock(&self.all);
        let more = all.iter().chain([&queue]).map(Arc::clone).collect();
        let before = mem::replace(&mut *all, Arc::new(more));
        self.count(&all);
        drop(all);
        drop(before);
        Subscription::new(queue, observed)
    }

    /// Forgets `queue`, which is stopped.
    pub(super) fn remove(&self, queue: &Arc<Queue<P>>) {
        let mut all = lock(&self.all);
        let others = all.iter().filter(|other| !Arc::ptr_eq(other, queue));
        let others = others.map(Arc::clone).collect();
        let before = mem::replace(&mut *all, Arc::new(others));
        self.count(&all);
        drop(all);
        drop(before);
    }

    /// Counts `all`, under its lock.
    fn count(&self, all: &[Arc<Queue<P>>]) {
        let patient = all.iter().filter(|queue| queue.makes_writers_wait());
        self.patient.store(patient.count(), Ordering::Relaxed);
        self.present.store(all.len(), Ordering::Relaxed);
    }

    /// Ends every subscription after what it has pending: there will be no more changes. Call it
    /// when the last handle of the registry is dropped, while holding no lock.
    pub(crate) fn close(&self) {
        let mut wakes = Wakes::default();
        for queue in self.all().iter() {
            Queue::close(queue, &mut wakes);
        }
    }
}

impl<P> fmt::Debug for Observers<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers")
            .field("present", &self.present)
            .finish_non_exhaustive()
    }
}

/// What is left to do of a push when no lock is held any more: to wake receivers, and to drop
/// what no queue holds now. Dropping it does it.
#[must_use = "run it after unlocking"]
pub(crate) struct Wakes<P> {
    pub(super) threads: Vec<Arc<Queue<P>>>,
    pub(super) tasks: Vec<Waker>,
    pub(super) discarded: Vec<Pending<P>>,
    pub(super) superseded: Vec<P>,
}

impl<P> Wakes<P> {
    /// Wakes and drops. Call it while holding no lock.
    pub(crate) fn run(self) {
        drop(self);
    }
}

impl<P> Default for Wakes<P> {
    fn default() -> Self {
        Self {
            threads: Vec::new(),
            tasks: Vec::new(),
            discarded: Vec::new(),
            superseded: Vec::new(),
        }
    }
}

impl<P> Drop for Wakes<P> {
    fn drop(&mut self) {
        for queue in self.threads.drain(..) {
            queue.unpark();
        }
        for waker in self.tasks.drain(..) {
            // One observer's executor that panics must not cost the others their wake-up.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

impl<P> fmt::Debug for Wakes<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wakes")
            .field("threads", &self.threads.len())
            .field("tasks", &self.tasks.len())
            .finish_non_exhaustive()
    }
}
