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
    /// Nothing more is taken; what is there is still done if the lock is free.
    closing: bool,
    /// Leases are to be looked at.
    expire: bool,
    /// Whether somebody serves the queue.
    served: bool,
}

/// What the writer is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Work,
    End,
}

/// The jobs of one open store, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    more: Condvar,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job. Returns true to whoever must start a writer.
    pub(crate) fn push(&self, job: Job, wait: Duration) -> bool {
        let mut inner = self.lock();
        if inner.closing {
            drop(inner);
            job.refuse(closed());
            return false;
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
        drop(inner);
        for queued in jobs {
            queued.job.refuse(error.clone());
        }
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
