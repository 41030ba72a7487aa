use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use byname_registry::Clock;

use super::MemoryStore;
use crate::store::Limits;

/// Sets up a [`MemoryStore`].
///
/// # Examples
///
/// ```
/// use byname_store::{Json, MemoryStore, Store, Transaction};
///
/// let store = MemoryStore::options().steps([2, 5]).open();
/// let put = || store.submit(Transaction::new().put("db", Json::new("1").unwrap())).wait();
/// assert_eq!((put()?, put()?, put()?), (2, 7, 9));
/// # Ok::<(), byname_store::StoreError>(())
/// ```
#[must_use]
pub struct MemoryOptions {
    pub(super) id: Option<Arc<str>>,
    pub(super) steps: Vec<u64>,
    pub(super) limits: Limits,
    pub(super) wait: Duration,
    pub(super) queue: usize,
    /// Whether time passes by itself, so that a thread has to do what is due.
    pub(super) running: bool,
    pub(super) clock: Arc<dyn Clock>,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            id: None,
            steps: Vec::new(),
            limits: Limits::default(),
            wait: Duration::from_secs(30),
            queue: 65_536,
            running: true,
            clock: Arc::new(Monotonic(Instant::now())),
        }
    }
}

impl MemoryOptions {
    /// Sets the id of the registry. Default: a new one.
    pub fn id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Lets revisions grow by these steps, in turn and over again; 0 counts as 1. Default: by 1.
    pub fn steps(mut self, steps: impl IntoIterator<Item = u64>) -> Self {
        self.steps = steps.into_iter().map(|step| step.max(1)).collect();
        self
    }

    /// Sets how much the store takes.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long a transaction that does not say so waits for the right to write while the store
    /// is [held](MemoryStore::hold). Default: 30 s.
    pub fn wait(mut self, time: Duration) -> Self {
        self.wait = time;
        self
    }

    /// Lets so many changes wait while the store is [held](MemoryStore::hold); what is more is refused
    /// as [`Full`](crate::StoreError::Full). Default: 65,536; at least 1.
    pub fn queue(mut self, most: usize) -> Self {
        self.queue = most.max(1);
        self
    }

    /// Sets the clock that measures leases and waits. Default: the machine's monotonic clock.
    ///
    /// A store with a clock of its own has no thread: what becomes due is done when something is
    /// asked, and by [`expire_due`](MemoryStore::expire_due).
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self.running = false;
        self
    }

    /// Makes an empty registry, and a handle on it.
    #[must_use]
    pub fn open(self) -> MemoryStore {
        MemoryStore::with(self)
    }
}

impl fmt::Debug for MemoryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOptions")
            .field("id", &self.id)
            .field("steps", &self.steps)
            .field("limits", &self.limits)
            .field("wait", &self.wait)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

/// Counts from its creation, by the machine's monotonic clock.
struct Monotonic(Instant);

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
