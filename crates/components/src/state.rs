//! Where each service is in its life.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::life::Phase;

/// Where a service is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Nothing has been done yet; a lazy one may stay so.
    Waiting,
    /// It is in this phase.
    In(Phase),
    /// It runs.
    Running,
    /// It has ended.
    Stopped,
    /// This phase did not succeed.
    Failed(Phase),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::In(Phase::Build) => "building",
            Self::In(Phase::Start) => "starting",
            Self::In(Phase::Ready) => "getting ready",
            Self::In(Phase::Drain) => "draining",
            Self::In(Phase::Stop) => "stopping",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Failed(Phase::Build) => "could not be built",
            Self::Failed(Phase::Start) => "could not be started",
            Self::Failed(Phase::Ready) => "did not get ready",
            Self::Failed(Phase::Drain) => "did not drain",
            Self::Failed(Phase::Stop) => "did not stop",
        })
    }
}

/// What is known of a service's life.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) stage: Stage,
    pub(crate) since: SystemTime,
    pub(crate) took: [Option<Duration>; Phase::COUNT],
    pub(crate) error: Option<Arc<str>>,
}

impl State {
    pub(crate) fn waiting() -> Self {
        Self {
            stage: Stage::Waiting,
            since: SystemTime::now(),
            took: [None; Phase::COUNT],
            error: None,
        }
    }

    /// Returns where it is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Returns since when.
    #[must_use]
    pub fn since(&self) -> SystemTime {
        self.since
    }

    /// Returns how long a phase took; `None` while it has not ended.
    #[must_use]
    pub fn took(&self, phase: Phase) -> Option<Duration> {
        self.took[phase.index()]
    }

    /// Returns what went wrong in the phase that did not succeed.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}
