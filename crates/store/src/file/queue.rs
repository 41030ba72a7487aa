//! The queue of those who want to write: fair, and the first lock of the order.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::repair::Cleaned;
use crate::error::{Holder, StoreError};
use crate::lease::{Lease, LeaseId};
use crate::pending::Completer;
use crate::transaction::Transaction;

/// Something to be done by whoever may write.
#[derive(Debug)]
pub(crate) enum Job {
    Commit(Transaction, Completer<u64>),
    Grant(Duration, Completer<Lease>),
    KeepAlive(LeaseId, Completer<Lease>),
    Revoke(LeaseId, Completer<u64>),
    Restore(u64, Completer<u64>),
    Adopt(Completer<u64>),
    Sweep(Completer<Cleaned>),
    /// Takes up what was written by hand, and answers what is in the document's place then.
    Absorb(Completer<u64>),
}

impl Job {
    /// Begins; false when it was withdrawn.
    pub(crate) fn begin(&self) -> bool {
        match self {
            Self::Commit(_, completer)
            | Self::Revoke(_, completer)
            | Self::Restore(_, completer)
            | Self::Adopt(completer)
            | Self::Absorb(completer) => completer.begin(),
            Self::Sweep(completer) => completer.begin(),
            Self::Grant(_, completer) | Self::KeepAlive(_, completer) => completer.begin(),
        }
    }

    fn is_withdrawn(&self) -> bool {
        match self {
            Self::Commit(_, completer)
            | Self::Revoke(_, completer)
            | Self::Restore(_, completer)
            | Self::Adopt(completer)
            | Self::Absorb(completer) => completer.is_withdrawn(),
            Self::Sweep(completer) => completer.is_withdrawn(),
            Self::Grant(_, completer) | Self::KeepAlive(_, completer) => completer.is_withdrawn(),
        }
    }

    /// Whether somebody outside has asked for it. The store asks itself for little: at most one text
    /// is to be taken up at a time.
    fn is_asked_for(&self) -> bool {
        !matches!(self, Self::Absorb(_))
    }

    pub(crate) fn refuse(self, error: StoreError) {
        match self {
            Self::Commit(_, completer)
            | Self::Revoke(_, completer)
            | Self::Restore(_, completer)
            | Self::Adopt(completer)
            | Self::Absorb(completer) => completer.complete(Err(error)),
            Self::Sweep(completer) => completer.complete(Err(error)),
            Self::Grant(_, completer) | Self::KeepAlive(_, completer) => {
                completer.complete(Err(error));
            }
        }
    }
}

#[derive(Debug)]
struct Queued {
    job: Job,
    since: Instant,
    wait: Duration,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: VecDeque<Queued>,
    /// How many of them somebody outside has asked for.
    asked_for: usize,
    /// How many were not taken because there were too many.
    turned_away: u64,
    /// Nothing more is taken; what is there is still done if the lock is free.
    closing: bool,
    /// Leases are to be looked at.
    expire: bool,
    /// Whether somebody serves the queue.
    served: bool,
}

impl Inner {
    fn count(&mut self) {
        let jobs = self.jobs.iter();
        self.asked_for = jobs.filter(|queued| queued.job.is_asked_for()).count();
    }
}

/// What the writer is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Work,
    End,
}

/// The jobs of one open store, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Queue {
    /// How many that somebody outside has asked for may wait.
    most: usize,
    inner: Mutex<Inner>,
    more: Condvar,
}

impl Queue {
    /// Makes a queue in which at most `most` jobs wait that somebody outside has asked for.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            inner: Mutex::default(),
            more: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job, unless there are too many. Returns true to whoever must start a writer.
    pub(crate) fn push(&self, job: Job, wait: Duration) -> bool {
        let mut inner = self.lock();
        if inner.closing {
            drop(inner);
            job.refuse(closed());
            return false;
        }
        if job.is_asked_for() {
            if inner.asked_for >= self.most {
                inner.turned_away += 1;
                drop(inner);
                job.refuse(StoreError::Full {
                    limit: self.most as u64,
                });
                return false;
            }
            inner.asked_for += 1;
        }
        inner.jobs.push_back(Queued {
            job,
            since: Instant::now(),
            wait,
        });
        let start = !std::mem::replace(&mut inner.served, true);
        drop(inner);
        self.more.notify_one();
        start
    }

    /// Asks for a look at the leases. Returns true to whoever must start a writer.
    pub(crate) fn look_at_leases(&self) -> bool {
        let mut inner = self.lock();
        inner.expire = true;
        let start = !inner.closing && !std::mem::replace(&mut inner.served, true);
        drop(inner);
        self.more.notify_one();
        start
    }

    /// Waits until there is something to do, at most `time`.
    pub(crate) fn next(&self, time: Option<Duration>) -> Next {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        let mut inner = self.lock();
        loop {
            if !inner.jobs.is_empty() {
                return Next::Work;
            }
            if inner.closing {
                return Next::End;
            }
            if inner.expire {
                return Next::Work;
            }
            inner = match deadline {
                None => self
                    .more
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        inner.expire = true;
                        continue;
                    }
                    let waited = self.more.wait_timeout(inner, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Takes at most `most` jobs, which begin, and whether leases are to be looked at.
    pub(crate) fn take(&self, most: usize) -> (Vec<Job>, bool) {
        let mut inner = self.lock();
        let count = inner.jobs.len().min(most);
        let jobs = inner
            .jobs
            .drain(..count)
            .map(|queued| queued.job)
            .collect::<Vec<_>>();
        inner.asked_for -= jobs.iter().filter(|job| job.is_asked_for()).count();
        let expire = std::mem::take(&mut inner.expire);
        drop(inner);
        (jobs.into_iter().filter(Job::begin).collect(), expire)
    }

    /// While the lock is held elsewhere: answers those whose time is up, and says whether anybody is
    /// left to wait for. `holder` is asked for at most once.
    pub(crate) fn time_out(&self, holder: impl FnOnce() -> Option<Holder>) -> bool {
        let now = Instant::now();
        let mut inner = self.lock();
        let closing = inner.closing;
        inner.jobs.retain(|queued| !queued.job.is_withdrawn());
        let over = |queued: &Queued| now.saturating_duration_since(queued.since) >= queued.wait;
        let mut late = Vec::new();
        if closing || inner.jobs.iter().any(over) {
            let (gone, left) = std::mem::take(&mut inner.jobs)
                .into_iter()
                .partition::<VecDeque<_>, _>(|queued| closing || over(queued));
            inner.jobs = left;
            late.extend(gone);
        }
        inner.count();
        // Leases are looked at again when the next one is due.
        let left = !inner.jobs.is_empty();
        if !left {
            inner.expire = false;
        }
        drop(inner);
        if late.is_empty() {
            return left;
        }
        let holder = holder();
        for Queued { job, since, .. } in late {
            job.refuse(if closing {
                closed()
            } else {
                StoreError::Busy {
                    waited: now.saturating_duration_since(since),
                    holder: holder.clone(),
                }
            });
        }
        left
    }

    /// Answers everybody who waits with `error`.
    pub(crate) fn refuse_all(&self, error: &StoreError) {
        let mut inner = self.lock();
        inner.expire = false;
        let jobs = std::mem::take(&mut inner.jobs);
        inner.asked_for = 0;
        drop(inner);
        for queued in jobs {
            queued.job.refuse(error.clone());
        }
    }

    /// How many jobs were not taken because there were too many.
    pub(crate) fn turned_away(&self) -> u64 {
        self.lock().turned_away
    }

    /// Takes no more jobs.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.more.notify_all();
    }
}

pub(crate) fn closed() -> StoreError {
    StoreError::Closed {
        why: "the store was closed before this had begun",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::Duration;

    use super::{Job, Queue};
    use crate::StoreError;
    use crate::pending::Pending;

    const LONG: Duration = Duration::from_secs(3600);

    fn push(queue: &Queue, job: impl FnOnce(crate::Completer<u64>) -> Job) -> Pending<u64> {
        let (completer, pending) = Pending::new();
        queue.push(job(completer), LONG);
        pending
    }

    fn is_turned_away(pending: &Pending<u64>) -> bool {
        matches!(pending.outcome(), Some(Err(StoreError::Full { limit: 2 })))
    }

    #[test]
    fn what_the_store_asks_itself_for_is_not_turned_away() {
        let queue = Queue::new(2);
        let asked: Vec<_> = (0..4).map(|_| push(&queue, Job::Adopt)).collect();
        let own = push(&queue, Job::Absorb);
        let turned_away: Vec<_> = asked.iter().map(is_turned_away).collect();
        assert_eq!(turned_away, [false, false, true, true]);
        assert!(own.outcome().is_none());
        assert_eq!(queue.turned_away(), 2);
        // What the store asked for itself took nobody's place either.
        let (jobs, _) = queue.take(2);
        assert_eq!(jobs.len(), 2);
        let asked: Vec<_> = (0..3).map(|_| push(&queue, Job::Adopt)).collect();
        let turned_away: Vec<_> = asked.iter().map(is_turned_away).collect();
        assert_eq!(turned_away, [false, false, true]);
        assert_eq!(queue.turned_away(), 3);
    }

    #[test]
    fn who_leaves_makes_room() {
        let queue = Queue::new(2);
        let first = push(&queue, Job::Adopt);
        let second = push(&queue, Job::Adopt);
        assert!(first.withdraw());
        assert!(is_turned_away(&push(&queue, Job::Adopt)));
        // The writer looks while it waits for the lock.
        assert!(queue.time_out(|| None));
        let third = push(&queue, Job::Adopt);
        assert!(second.outcome().is_none() && third.outcome().is_none());
        assert!(is_turned_away(&push(&queue, Job::Adopt)));
        queue.refuse_all(&StoreError::Withdrawn);
        let again: Vec<_> = (0..2).map(|_| push(&queue, Job::Adopt)).collect();
        assert!(again.iter().all(|pending| pending.outcome().is_none()));
        assert_eq!(queue.turned_away(), 2);
    }
}
