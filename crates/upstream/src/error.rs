//! Why a call has no answer.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why a call has no answer: in which phase it ended, whose fault that is, whether a backend may have
/// acted on it, and whether trying again can help.
///
/// What it says names backends, and is written for logs; none of it belongs into an answer to a peer.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    phase: Phase,
    message: Cow<'static, str>,
    upstream: Option<Arc<str>>,
    backend: Option<Arc<str>>,
    tries: u32,
    reached: bool,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Where a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Before any call: the options or the backends are wrong.
    Settings,
    /// The request cannot be sent to a backend as it is.
    Request,
    /// There is no backend.
    NoBackend,
    /// All backends' breakers refused it.
    Breaker,
    /// All backends had as many calls as they may, and as many waited, or it waited too long.
    Overloaded,
    /// No connection came about.
    Connect,
    /// A try took too long.
    TryTimeout,
    /// The call took too long.
    TotalTimeout,
    /// The connection broke, or what came was no answer of HTTP, or too large a head.
    Protocol,
    /// The answer's body was cut off, or gave nothing for too long.
    Body,
    /// The answer's body is larger than its reader allows.
    TooLarge,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// Whoever called.
    Caller,
    /// The options, or the list of backends.
    Configuration,
    /// A backend, or the network.
    Peer,
    /// What surrounds the call: too much at once.
    Environment,
}

impl Phase {
    /// Whose fault an end in this phase is.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::Request => Blame::Caller,
            Self::Settings | Self::NoBackend => Blame::Configuration,
            Self::Overloaded => Blame::Environment,
            Self::Breaker
            | Self::Connect
            | Self::TryTimeout
            | Self::TotalTimeout
            | Self::Protocol
            | Self::Body
            | Self::TooLarge => Blame::Peer,
        }
    }
}

impl Error {
    pub(crate) fn new(phase: Phase, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            phase,
            message: message.into(),
            upstream: None,
            backend: None,
            tries: 0,
            reached: false,
            retry_after: None,
            source: None,
        }))
    }

    pub(crate) fn of(mut self, upstream: &Arc<str>) -> Self {
        self.0.upstream = Some(Arc::clone(upstream));
        self
    }

    pub(crate) fn at(mut self, backend: &Arc<str>) -> Self {
        self.0.backend = Some(Arc::clone(backend));
        self
    }

    pub(crate) fn reached(mut self, reached: bool) -> Self {
        self.0.reached |= reached;
        self
    }

    pub(crate) fn tried(mut self, tries: u32) -> Self {
        self.0.tries = tries;
        self
    }

    pub(crate) fn after(mut self, after: Option<Duration>) -> Self {
        self.0.retry_after = after;
        self
    }

    pub(crate) fn because(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Where the call ended.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.0.phase
    }

    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        self.0.phase.blame()
    }

    /// Whether a backend may have received the request, in this or an earlier try, and acted on it.
    ///
    /// Of a try that was not answered in time, this is known exactly only where the call is not
    /// idempotent; where it is, the answer is yes.
    #[must_use]
    pub fn may_have_reached(&self) -> bool {
        self.0.reached
    }

    /// Whether the same call may succeed later, with nothing else changed.
    ///
    /// A caller who repeats one that is not idempotent asks [`may_have_reached`](Self::may_have_reached)
    /// first.
    #[must_use]
    pub fn retry_can_help(&self) -> bool {
        !matches!(
            self.0.phase,
            Phase::Settings | Phase::Request | Phase::TooLarge
        )
    }

    /// When trying again has a chance, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The backend of the last try.
    #[must_use]
    pub fn backend(&self) -> Option<&str> {
        self.0.backend.as_deref()
    }

    /// How often a backend was tried.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.0.tries
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(upstream) = &inner.upstream {
            write!(f, "upstream `{upstream}`: ")?;
        }
        if let Some(backend) = &inner.backend {
            write!(f, "{backend}: ")?;
        }
        f.write_str(&inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("phase", &inner.phase)
            .field("message", &inner.message)
            .field("upstream", &inner.upstream)
            .field("backend", &inner.backend)
            .field("tries", &inner.tries)
            .field("reached", &inner.reached)
            .field("retry_after", &inner.retry_after)
            .field("source", &inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}
