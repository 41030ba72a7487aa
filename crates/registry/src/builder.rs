//! How a registry is set up.

use std::sync::Arc;
use std::time::Duration;

use crate::build::{Clock, Rules, Timer};
use crate::observe::Options;
use crate::registry::Registry;

/// How many superseded values an idle registry may hold back unless told otherwise.
pub(crate) const HOLD_BACK: usize = 64;
/// How often a transaction runs its closure unless told otherwise.
pub(crate) const ATTEMPTS: usize = 16;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hold_back: usize,
    pub(crate) attempts: usize,
    pub(crate) following: bool,
    pub(crate) longest_wait: Duration,
    pub(crate) rules: Arc<Rules>,
    pub(crate) inside_runtime: fn() -> bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hold_back: HOLD_BACK,
            attempts: ATTEMPTS,
            following: false,
            longest_wait: Options::LONGEST_DEADLINE,
            rules: Arc::new(Rules {
                label: "registry".into(),
                ..Rules::default()
            }),
            inside_runtime: inside_known_runtime,
        }
    }
}

/// Whether this thread runs tasks of a runtime that this crate was built to know.
fn inside_known_runtime() -> bool {
    #[cfg(feature = "tokio")]
    {
        tokio::runtime::Handle::try_current().is_ok()
    }
    #[cfg(not(feature = "tokio"))]
    {
        false
    }
}

/// Sets up a [`Registry`].
///
/// # Examples
///
/// ```
/// use byname_registry::Registry;
///
/// let services: Registry<u16> = Registry::builder().label("services").hold_back(0).build();
/// assert!(services.is_empty());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Builder {
    settings: Settings,
}

impl Builder {
    /// Names the registry in messages, as in `services/db`. Default: `registry`.
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.rules().label = label.into();
        self
    }

    /// Sets how many superseded values an idle registry may hold back. Default: 64.
    ///
    /// Looking at the readers costs a change between a fraction of a microsecond and ten, depending
    /// on how many cores are reading, so it is done once in so many changes. With 0 every change
    /// looks: a superseded value that nobody uses is dropped before the change returns or, where
    /// another thread is looking at that moment, by that thread right after. While writers supersede
    /// values faster than one thread frees them, eight times as many and 512 more may be held back;
    /// then a writer waits.
    pub fn hold_back(mut self, values: usize) -> Self {
        self.settings.hold_back = values;
        self
    }

    /// Sets how often a transaction runs its closure before it gives up with a conflict.
    /// Default: 16; 0 is taken as 1.
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.settings.attempts = attempts.max(1);
        self
    }

    /// Makes a registry that follows a store: it adopts the store's revisions and changes through
    /// [`publish`](Registry::publish) and [`resync`](Registry::resync) only.
    pub fn following(mut self) -> Self {
        self.settings.following = true;
        self
    }

    /// Sets the longest deadline of observers with [`Policy::Wait`](crate::Policy::Wait); a longer one
    /// is cut to it. Default: [`Options::LONGEST_DEADLINE`]. With zero no change waits for an
    /// observer, for registries that are changed where others would be held up too: who does not
    /// receive in time is resynchronised.
    pub fn longest_wait(mut self, deadline: Duration) -> Self {
        self.settings.longest_wait = deadline;
        self
    }

    fn rules(&mut self) -> &mut Rules {
        Arc::make_mut(&mut self.settings.rules)
    }

    /// Sets how long one wait for a build may take. Default: 30 s.
    ///
    /// The build goes on if others wait for it.
    pub fn build_deadline(mut self, deadline: Duration) -> Self {
        self.rules().deadline = deadline;
        self
    }

    /// Sets how many builds may be nested in one another on one call stack. Default: 64; 0 is taken
    /// as 1.
    pub fn build_depth(mut self, depth: usize) -> Self {
        self.rules().depth = depth.max(1);
        self
    }

    /// Sets the clock that measures deadlines and [`Retry::After`](crate::Retry::After). Default: the
    /// machine's monotonic clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.rules().clock = Arc::new(clock);
        self
    }

    /// Sets the timer that ends asynchronous waits for a build at their deadline. Default: none;
    /// then such a wait looks at its deadline only when it is polled for another reason.
    pub fn timer(mut self, timer: impl Timer + 'static) -> Self {
        self.rules().timer = Some(Arc::new(timer));
        self
    }

    /// Sets how [`resolve_blocking`](Registry::resolve_blocking) knows that the calling thread runs
    /// the tasks of an asynchronous runtime and must not be blocked.
    ///
    /// Default: with the feature `tokio`, whether there is a current tokio runtime; else `false`.
    pub fn inside_runtime(mut self, inside_runtime: fn() -> bool) -> Self {
        self.settings.inside_runtime = inside_runtime;
        self
    }

    /// Makes the registry, empty, at revision 0.
    #[must_use]
    pub fn build<V: Send + Sync + 'static>(self) -> Registry<V> {
        Registry::with_settings(self.settings)
    }
}
