//! What a build has to do with time: how long a failure is kept, and how long a wait may take.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

/// Decides when a failed build is tried again.
///
/// Whatever the choice, everybody who waited for the failed build gets its error, a build is tried
/// again only because somebody asks, and replacing the entry starts afresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// The next ask builds again.
    #[default]
    NextAsk,
    /// The error is kept: every further ask gets it, until the entry is replaced.
    Never,
    /// The error is kept this long after the failure; the next ask after that builds again.
    After(Duration),
}

/// Tells the time that passed since a moment of its own choice.
///
/// Implementations never go backwards. They are asked outside every lock.
///
/// # Examples
///
/// Time that a test moves by hand:
///
/// ```
/// use std::{sync::Mutex, time::Duration};
///
/// use byname_registry::Clock;
///
/// #[derive(Default)]
/// struct ByHand(Mutex<Duration>);
///
/// impl Clock for ByHand {
///     fn now(&self) -> Duration {
///         *self.0.lock().unwrap()
///     }
/// }
///
/// let clock = ByHand::default();
/// *clock.0.lock().unwrap() += Duration::from_secs(5);
/// assert_eq!(clock.now(), Duration::from_secs(5));
/// ```
pub trait Clock: Send + Sync {
    /// Returns the time since the moment this clock counts from.
    fn now(&self) -> Duration;
}

/// Lets an asynchronous wait end at its deadline though nothing else wakes it.
///
/// Usually one line over the timer of the runtime in use. Without one, an asynchronous wait checks
/// its deadline whenever it is polled, and not between. A wait that blocks a thread needs none.
pub trait Timer: Send + Sync {
    /// Returns a future that is ready when `duration` has passed.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Counts from its creation, by the machine's monotonic clock.
#[derive(Debug)]
pub(crate) struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What holds for every build of one registry.
#[derive(Clone)]
pub(crate) struct Rules {
    /// The name of the registry in paths.
    pub(crate) label: Arc<str>,
    /// How long one wait may take.
    pub(crate) deadline: Duration,
    /// How many builds may be nested in one another on one call stack; with 0 nothing can be built.
    pub(crate) depth: usize,
    /// Measures deadlines and [`Retry::After`].
    pub(crate) clock: Arc<dyn Clock>,
    /// Ends asynchronous waits at their deadline.
    pub(crate) timer: Option<Arc<dyn Timer>>,
}

impl Default for Rules {
    /// Returns no label, 30 s, 64 nested builds, the machine's monotonic clock, and no timer.
    fn default() -> Self {
        Self {
            label: Arc::from(""),
            deadline: Duration::from_secs(30),
            depth: 64,
            clock: Arc::new(SystemClock::default()),
            timer: None,
        }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("label", &self.label)
            .field("deadline", &self.deadline)
            .field("depth", &self.depth)
            .field("timer", &self.timer.is_some())
            .finish_non_exhaustive()
    }
}
