use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use byname_registry::Clock;

use super::handle::Handle;
use super::options::MemoryOptions;
use super::state::{Backup, Missed, State};
use super::timer::Timer;
use crate::error::StoreError;
use crate::lease::{Lease, LeaseId};
use crate::pending::Completer;
use crate::store::Limits;
use crate::transaction::Transaction;

/// What can be submitted.
pub(super) enum Work {
    Commit(Transaction),
    Revoke(LeaseId),
}

/// What was submitted and has not begun.
pub(super) struct Job {
    pub(super) handle: Arc<Handle>,
    pub(super) work: Work,
    pub(super) completer: Completer<u64>,
}

struct Queued {
    job: Job,
    since: Duration,
    /// `None`: later than any time the clock can tell.
    until: Option<Duration>,
}

struct Inner {
    state: State,
    queue: VecDeque<Queued>,
    /// How many hold the right to write.
    held: usize,
    handles: Vec<Arc<Handle>>,
}

/// What all handles share.
///
/// Its lock is never held while a handle's lock is taken, a mirror is published, somebody is
/// answered or the clock is asked. A job refers to its handle and not to the store, so a job that
/// waits keeps nothing alive but itself.
pub(super) struct Backend {
    inner: Mutex<Inner>,
    limits: Limits,
    wait: Duration,
    /// How many jobs may wait while the right to write is held.
    most: usize,
    clock: Arc<dyn Clock>,
    timer: Option<Timer>,
}

impl Backend {
    pub(super) fn new(options: MemoryOptions) -> Arc<Self> {
        let MemoryOptions {
            id,
            steps,
            limits,
            wait,
            queue,
            running,
            clock,
        } = options;
        Arc::new(Self {
            inner: Mutex::new(Inner {
                state: State::new(id, steps, limits),
                queue: VecDeque::new(),
                held: 0,
                handles: Vec::new(),
            }),
            limits,
            wait,
            most: queue,
            clock,
            timer: running.then(Timer::default),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while this is held.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn revision(&self) -> u64 {
        self.lock().state.revision()
    }

    /// Makes a handle that shows the present state.
    pub(super) fn attach(self: &Arc<Self>) -> Arc<Handle> {
        self.run();
        // What is committed from here on is told to the handle, which is among the others; what was
        // committed before is in the whole that it begins with.
        let handle = Arc::new(Handle::new());
        let whole = {
            let mut inner = self.lock();
            inner.handles.push(Arc::clone(&handle));
            inner.state.whole()
        };
        handle.begin(whole);
        self.drive(&handle);
        handle
    }

    pub(super) fn detach(&self, handle: &Arc<Handle>) {
        let mut inner = self.lock();
        inner.handles.retain(|other| !Arc::ptr_eq(other, handle));
    }

    /// What a handle has missed that is at revision `after` of the registry `id`.
    pub(super) fn missed(&self, id: &str, after: u64) -> Missed {
        self.lock().state.missed(id, after)
    }

    pub(super) fn enqueue(self: &Arc<Self>, job: Job, wait: Option<Duration>) {
        let since = self.now();
        let until = since.checked_add(wait.unwrap_or(self.wait));
        let mut inner = self.lock();
        let mut withdrawn = VecDeque::new();
        if inner.held > 0 && inner.queue.len() >= self.most {
            (withdrawn, inner.queue) = std::mem::take(&mut inner.queue)
                .into_iter()
                .partition(|queued| queued.job.completer.is_withdrawn());
        }
        if inner.held > 0 && inner.queue.len() >= self.most {
            drop(inner);
            job.handle.turn_away();
            let limit = self.most as u64;
            job.completer.complete(Err(StoreError::Full { limit }));
            return;
        }
        inner.queue.push_back(Queued { job, since, until });
        drop(inner);
        drop(withdrawn);
        self.run();
    }

    /// Does what is due and what is queued, in this order, and tells everybody.
    pub(super) fn run(self: &Arc<Self>) {
        let now = self.now();
        let mut answers = Vec::new();
        let mut inner = self.lock();
        inner.state.lapse(now);
        if inner.held == 0 {
            while let Some(Queued { job, .. }) = inner.queue.pop_front() {
                if !job.completer.begin() {
                    continue;
                }
                let result = match &job.work {
                    Work::Commit(transaction) => inner.state.commit(transaction),
                    Work::Revoke(id) => inner.state.revoke(*id),
                };
                answers.push((job, result));
            }
        } else {
            let (due, waiting) = std::mem::take(&mut inner.queue)
                .into_iter()
                .partition(|queued| queued.until.is_some_and(|until| until <= now));
            inner.queue = waiting;
            let due: VecDeque<Queued> = due;
            answers.extend(due.into_iter().map(|queued| {
                let waited = now.saturating_sub(queued.since);
                let error = StoreError::Busy {
                    waited,
                    holder: None,
                };
                (queued.job, Err(error))
            }));
        }
        let revision = inner.state.revision();
        let handles = inner.handles.clone();
        let due = inner.due();
        drop(inner);
        if let Some(timer) = &self.timer {
            // Where there is no thread, what is due is done when something is asked.
            let _ = timer.set(due, self);
        }
        // Everybody knows of a commit before anybody is told that it has been made.
        for handle in &handles {
            handle.know(revision, now);
        }
        for (job, result) in answers {
            match result {
                Ok(revision) => {
                    job.handle
                        .when_shown(revision, Some(revision), job.completer);
                    if !handles.iter().any(|live| Arc::ptr_eq(live, &job.handle)) {
                        self.drive(&job.handle);
                    }
                }
                Err(error) => job.completer.complete(Err(error)),
            }
        }
        for handle in &handles {
            self.drive(handle);
        }
        self.trim();
    }

    /// Brings a handle's mirror up to date, if it follows or has been asked something.
    pub(super) fn drive(self: &Arc<Self>, handle: &Arc<Handle>) {
        handle.drive(|id, after| self.missed(id, after));
    }

    /// Forgets what every handle has.
    fn trim(&self) {
        let mut inner = self.lock();
        let reached = inner.handles.iter().map(|handle| handle.revision()).min();
        if let Some(reached) = reached {
            inner.state.forget_log(reached);
        }
    }

    pub(super) fn grant(self: &Arc<Self>, time: Duration) -> Result<Lease, StoreError> {
        self.run();
        let now = self.now();
        let (lease, due) = {
            let mut inner = self.lock();
            let lease = inner.state.leases.grant(time, now);
            (lease, inner.due())
        };
        if let Some(timer) = &self.timer
            && let Err(error) = timer.set(due, self)
        {
            self.lock().state.leases.end(lease.id);
            return Err(StoreError::Io {
                doing: "starting the thread that ends leases",
                path: PathBuf::new(),
                source: Arc::new(io::Error::new(error.kind(), error.to_string())),
            });
        }
        Ok(lease)
    }

    pub(super) fn keep_alive(self: &Arc<Self>, id: LeaseId) -> Result<Lease, StoreError> {
        self.run();
        let now = self.now();
        self.lock().state.leases.keep_alive(id, now)
    }

    pub(super) fn hold(&self) {
        self.lock().held += 1;
    }

    pub(super) fn release(self: &Arc<Self>) {
        self.lock().held -= 1;
        self.run();
    }

    pub(super) fn compact(&self) {
        let handles = {
            let mut inner = self.lock();
            inner.state.compact();
            inner.handles.clone()
        };
        for handle in &handles {
            handle.forget();
        }
    }

    pub(super) fn backup(&self) -> Backup {
        self.lock().state.backup()
    }

    pub(super) fn restore(self: &Arc<Self>, backup: &Backup) {
        self.lock().state.restore(backup);
        self.run();
    }

    #[cfg(test)]
    pub(super) fn timer(&self) -> Option<&Timer> {
        self.timer.as_ref()
    }
}

impl Inner {
    /// When something has to be done next.
    fn due(&self) -> Option<Duration> {
        let waits = self.queue.iter().filter_map(|queued| queued.until);
        waits.chain(self.state.leases.due()).min()
    }
}
