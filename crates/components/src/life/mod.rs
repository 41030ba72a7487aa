//! The phases of a service's life, and how one step of it is taken.

mod gate;
mod order;

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;

use crate::factory::chain;
use crate::made::BoxError;

pub(crate) use gate::Gate;
pub(crate) use order::in_order;

/// A phase of a service's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Its factory makes it.
    Build,
    /// It begins to work.
    Start,
    /// It waits until it can be used.
    Ready,
    /// It finishes what is under way.
    Drain,
    /// It ends.
    Stop,
}

impl Phase {
    pub(crate) const COUNT: usize = 5;

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Build => 0,
            Self::Start => 1,
            Self::Ready => 2,
            Self::Drain => 3,
            Self::Stop => 4,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Build => "build",
            Self::Start => "start",
            Self::Ready => "ready",
            Self::Drain => "drain",
            Self::Stop => "stop",
        })
    }
}

/// How long each phase of a service may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within(pub(crate) [Duration; Phase::COUNT]);

impl Within {
    /// Returns how long a phase may take.
    #[must_use]
    pub fn of(&self, phase: Phase) -> Duration {
        self.0[phase.index()]
    }

    /// Sets how long a phase may take.
    #[must_use]
    pub fn with(mut self, phase: Phase, time: Duration) -> Self {
        self.0[phase.index()] = time;
        self
    }
}

impl Default for Within {
    /// 30 seconds for each phase, and 10 for the stop.
    fn default() -> Self {
        let usual = Duration::from_secs(30);
        Self([usual; Phase::COUNT]).with(Phase::Stop, Duration::from_secs(10))
    }
}

/// Why a step of a service's life did not succeed. A clone shares the cause.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StepError {
    /// It returned an error.
    Failed(Arc<dyn Error + Send + Sync>),
    /// It panicked; this is what the panic said.
    Panicked(Arc<str>),
    /// It took longer than it may, and was given up.
    TimedOut(Duration),
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "failed: {}", chain(&**error)),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::TimedOut(time) => write!(f, "took longer than {time:?}, and was given up"),
        }
    }
}

impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            _ => None,
        }
    }
}

/// Takes a step in a task of its own, so that one that blocks, panics or hangs stops nobody else.
///
/// A step that is given up is told so at its next `.await`; one that blocks its thread stays there.
pub(crate) async fn step<T: Send + 'static>(
    within: Duration,
    step: impl Future<Output = Result<T, BoxError>> + Send + 'static,
) -> Result<T, StepError> {
    /// Whoever gives up waiting gives up the step.
    struct Abort(tokio::task::AbortHandle);
    impl Drop for Abort {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    let mut task = tokio::spawn(step.in_current_span());
    let _abort = Abort(task.abort_handle());
    match tokio::time::timeout(within, &mut task).await {
        Ok(Ok(Ok(value))) => Ok(value),
        Ok(Ok(Err(error))) => Err(StepError::Failed(error.into())),
        Ok(Err(error)) => Err(match error.try_into_panic() {
            Ok(panic) => StepError::Panicked(message(&*panic).into()),
            Err(error) => StepError::Failed(Arc::new(error)),
        }),
        Err(_) => Err(StepError::TimedOut(within)),
    }
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "(it said nothing)".into())
}
