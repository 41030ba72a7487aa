//! How a file store is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::json::Json;
use crate::store::Limits;

/// Says of a value that somebody wrote by hand why it is none.
pub(crate) type Check = dyn Fn(&str, &Json) -> Result<(), String> + Send + Sync;

/// Tells the time for leases: it goes on while the machine sleeps, and all processes of one boot agree
/// on it.
pub trait BootClock: Send + Sync + 'static {
    /// Returns the time since the machine was started.
    fn now(&self) -> Duration;

    /// Names this run of the machine.
    fn boot(&self) -> String;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBootClock;

impl BootClock for SystemBootClock {
    fn now(&self) -> Duration {
        #[cfg(target_os = "linux")]
        {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
            let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
            let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
            Duration::new(seconds, nanoseconds)
        }
        #[cfg(not(target_os = "linux"))]
        {
            // Without such a clock the wall clock must do.
            std::time::SystemTime::UNIX_EPOCH
                .elapsed()
                .unwrap_or_default()
        }
    }

    fn boot(&self) -> String {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        id.map(|id| id.trim().to_owned()).unwrap_or_default()
    }
}

/// How a [`FileStore`](crate::FileStore) is opened.
#[derive(Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, set by a method of its name"
)]
pub struct FileOptions {
    pub(crate) keep: usize,
    pub(crate) wait: Duration,
    pub(crate) queue: usize,
    pub(crate) watch: bool,
    pub(crate) poll: Option<Duration>,
    pub(crate) read_only: bool,
    pub(crate) repair: bool,
    pub(crate) network: bool,
    pub(crate) mode: u32,
    pub(crate) settle: Duration,
    pub(crate) limits: Limits,
    pub(crate) check: Option<Arc<Check>>,
    pub(crate) clock: Arc<dyn BootClock>,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            keep: 16,
            wait: Duration::from_secs(30),
            queue: 65_536,
            watch: true,
            poll: Some(Duration::from_secs(10)),
            read_only: false,
            repair: false,
            network: false,
            mode: 0o600,
            settle: Duration::from_millis(200),
            limits: Limits::default(),
            check: None,
            clock: Arc::new(SystemBootClock),
        }
    }
}

impl FileOptions {
    /// Takes the defaults that the other methods name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps so many revisions beside the document, the present one included; 16 by default. With
    /// 0, an edit that was based on an earlier revision cannot be merged, and is set aside.
    #[must_use]
    pub fn keep(mut self, revisions: usize) -> Self {
        self.keep = revisions;
        self
    }

    /// Waits at most so long for the right to write; 30 s by default, zero tries once. A transaction
    /// may say otherwise for itself.
    #[must_use]
    pub fn wait(mut self, time: Duration) -> Self {
        self.wait = time;
        self
    }

    /// Lets so many changes wait, at least one, those that are being made not included; 65,536 by
    /// default. What is more is refused as [`Full`](crate::StoreError::Full) at once. A change that was
    /// withdrawn has its place until the writer looks at the queue again, which it does while it waits
    /// for the right to write and when it has it.
    #[must_use]
    pub fn queue(mut self, most: usize) -> Self {
        self.queue = most.max(1);
        self
    }

    /// Whether to hear of changes by other processes and hands from the system; true by default.
    /// Without it they are found by the poll, by the next commit and by
    /// [`refresh`](crate::Store::refresh).
    #[must_use]
    pub fn watch(mut self, watch: bool) -> Self {
        self.watch = watch;
        self
    }

    /// How often to look at the document even if nothing was heard; 10 s by default, `None` never.
    #[must_use]
    pub fn poll(mut self, period: Option<Duration>) -> Self {
        self.poll = period;
        self
    }

    /// Whether to write nothing at all; false by default. Opening never needs to write, so this is for
    /// those who want to be sure.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Opens even if there is no state to show, for [`restore`](crate::FileStore::restore) and
    /// [`adopt`](crate::FileStore::adopt): the mirror is empty then, and every commit is refused.
    #[must_use]
    pub fn for_repair(mut self) -> Self {
        self.repair = true;
        self
    }

    /// Whether the document may be on a network file system; false by default. Locks and the shared
    /// word then reach the processes of one machine only, and only they may use it.
    #[must_use]
    pub fn allow_network(mut self, allow: bool) -> Self {
        self.network = allow;
        self
    }

    /// The permissions of a document that is created; 0600 by default. Those of one that exists are
    /// kept, and what is beside it has the same.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    /// How long to look at a text that cannot be read before taking it for broken: whoever saves it
    /// may not be done. 200 ms by default.
    #[must_use]
    pub fn settle(mut self, time: Duration) -> Self {
        self.settle = time;
        self
    }

    /// How much the store takes.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Refuses hand-written values for which `check` gives a reason: the whole edit is then broken,
    /// at the place of that entry. If `check` panics, whatever was asked of the store fails with
    /// [`Check`](crate::StoreError::Check), and the edit waits until it is checked again.
    #[must_use]
    pub fn check(
        mut self,
        check: impl Fn(&str, &Json) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.check = Some(Arc::new(check));
        self
    }

    /// Takes the time of leases from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: impl BootClock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl fmt::Debug for FileOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileOptions")
            .field("keep", &self.keep)
            .field("wait", &self.wait)
            .field("queue", &self.queue)
            .field("watch", &self.watch)
            .field("poll", &self.poll)
            .field("read_only", &self.read_only)
            .field("mode", &format_args!("{:o}", self.mode))
            .finish_non_exhaustive()
    }
}
