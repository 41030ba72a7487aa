//! What came out of asking.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// Should the process go on, or be started anew?
    Liveness,
    /// Should it be sent requests?
    Readiness,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Liveness => "liveness",
            Self::Readiness => "readiness",
        })
    }
}

/// How a check came out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Well.
    Passing,
    /// It returned an error.
    Failing {
        /// The error and what it came from, separated by colons.
        error: Arc<str>,
    },
    /// It panicked.
    Panicked {
        /// What the panic said.
        message: Arc<str>,
    },
    /// It did not answer in time, and was given up.
    TimedOut {
        /// The time it had.
        after: Duration,
    },
    /// A run that was given up earlier still blocks its thread, so no other was begun.
    StillRunning {
        /// How long that run has lasted.
        lasting: Duration,
    },
}

impl Outcome {
    /// Returns whether it came out well.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Passing)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passing => f.write_str("passing"),
            Self::Failing { error } => write!(f, "failing: {error}"),
            Self::Panicked { message } => write!(f, "panicked: {message}"),
            Self::TimedOut { after } => write!(f, "did not answer within {after:?}"),
            Self::StillRunning { lasting } => write!(
                f,
                "an earlier run was given up and still blocks its thread, for {lasting:?} by now"
            ),
        }
    }
}

/// One check in a [`Report`].
#[derive(Clone, Debug)]
pub struct Look {
    pub(super) key: Arc<str>,
    pub(super) service: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) optional: bool,
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
    pub(super) at: Instant,
    pub(super) age: Duration,
    pub(super) cached: bool,
}

impl Look {
    /// Returns what the check is registered as: `service/name`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the service that it belongs to.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the name of the check within its service.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether it decides nothing.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// Returns how it came out.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Returns how long the run took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Returns when the run ended; of one that is still running, when that was found.
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }

    /// Returns how long ago that was when the report was made.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Returns whether it had come out before this report was asked for.
    #[must_use]
    pub fn is_cached(&self) -> bool {
        self.cached
    }

    fn decides_against(&self) -> bool {
        !self.optional && !self.outcome.is_passing()
    }
}

/// The answer to a [`Probe`], and what each check said. A clone shares it.
#[derive(Clone, Debug)]
pub struct Report(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    probe: Probe,
    /// Why there is no readiness whatever the checks say.
    off: Option<Arc<str>>,
    looks: Vec<Look>,
}

impl Report {
    pub(super) fn new(probe: Probe, off: Option<Arc<str>>, looks: Vec<Look>) -> Self {
        Self(Arc::new(Inner { probe, off, looks }))
    }

    /// Returns what was asked.
    #[must_use]
    pub fn probe(&self) -> Probe {
        self.0.probe
    }

    /// Returns the answer: yes if nothing has been switched off and every check passes that is not
    /// optional. With no checks it is yes.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.0.off.is_none() && !self.0.looks.iter().any(Look::decides_against)
    }

    /// Returns why readiness was switched off from outside, if it was.
    #[must_use]
    pub fn switched_off(&self) -> Option<&str> {
        self.0.off.as_deref()
    }

    /// Returns what each check said, ordered by key.
    #[must_use]
    pub fn looks(&self) -> &[Look] {
        &self.0.looks
    }

    /// Returns what the check registered as `key` said, if it was asked.
    #[must_use]
    pub fn look(&self, key: &str) -> Option<&Look> {
        self.0.looks.iter().find(|look| &*look.key == key)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = if self.is_passing() { "yes" } else { "no" };
        write!(f, "{}: {answer}", self.0.probe)?;
        if let Some(reason) = &self.0.off {
            write!(f, ", {reason}")?;
        }
        for look in &self.0.looks {
            let optional = if look.optional { " (optional)" } else { "" };
            write!(f, "\n  {}{optional}: {}", look.key, look.outcome)?;
        }
        Ok(())
    }
}
