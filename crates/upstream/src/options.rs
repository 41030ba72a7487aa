//! How an upstream calls.

use std::time::Duration;

use http::StatusCode;

use crate::balance::Balance;
use crate::breaker::BreakerOptions;
use crate::budget::BudgetOptions;
use crate::error::{Error, Phase};
use crate::health::HealthOptions;

/// How an [`Upstream`](crate::Upstream) calls its backends. Everything has a default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What may be tried again.
    pub retry: RetryOptions,
    /// How a backend is chosen.
    pub balance: Balance,
    /// When a backend is left out.
    pub health: HealthOptions,
    /// When a backend is not called at all.
    pub breaker: BreakerOptions,
    /// Which answers are failures of the backend.
    pub failed: FailedAnswers,
    /// Which connections are kept.
    pub pool: PoolOptions,
    /// How much at once.
    pub limits: Limits,
    /// Whose word is taken for who a backend over TLS is.
    #[cfg(feature = "tls")]
    pub trust: crate::trust::Trust,
}

/// Which answers are failures of the backend, to its breaker and to its health.
///
/// A backend that cannot be connected to, breaks off or takes too long has failed in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailedAnswers {
    /// All that say that a server failed: 500 to 599.
    #[default]
    ServerErrors,
    /// Those that say that nobody was there to answer: 502, 503 and 504. For backends whose 500 is about
    /// what was asked, and says nothing about the next call.
    Gateway,
}

impl FailedAnswers {
    pub(crate) fn has(self, status: StatusCode) -> bool {
        match self {
            Self::ServerErrors => status.is_server_error(),
            Self::Gateway => matches!(status.as_u16(), 502..=504),
        }
    }
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect to a backend, with the agreement on TLS where there is one. Default 1 s.
    pub connect: Duration,
    /// One try, from its connection to the head of the answer. Default 10 s.
    pub per_try: Duration,
    /// The whole call, to the head of the answer: waiting for a place, all tries, and the pauses
    /// between them. Default 30 s.
    pub total: Duration,
    /// How long an answer's body may give nothing while somebody waits for it. Default 1 min.
    pub idle_body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            per_try: Duration::from_secs(10),
            total: Duration::from_secs(30),
            idle_body: Duration::from_secs(60),
        }
    }
}

/// Which calls are tried again, how often, and when.
///
/// Tried again is what has certainly not reached a backend, and of idempotent calls also what was cut
/// off, what timed out, and what was answered with 502, 503 or 504.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryOptions {
    /// How often a call is tried in all; 1 is never again. Default 3.
    pub tries: u32,
    /// The longest pause before the second try; a pause is drawn evenly from zero to it. Default
    /// 25 ms.
    ///
    /// Twice as long before each further try.
    pub pause: Duration,
    /// The longest pause before any try. Default 1 s.
    pub pause_max: Duration,
    /// The longest `Retry-After` (RFC 9110, 10.2.3) that is waited for; an answer that asks for more
    /// is not tried again. Default 2 s.
    pub retry_after_max: Duration,
    /// How much is tried again in proportion to all calls.
    pub budget: BudgetOptions,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            tries: 3,
            pause: Duration::from_millis(25),
            pause_max: Duration::from_secs(1),
            retry_after_max: Duration::from_secs(2),
            budget: BudgetOptions::default(),
        }
    }
}

/// Which connections to a backend are kept while nobody uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// How many; 0 keeps none. Default 64.
    pub idle: usize,
    /// For how long; at most a day. Default 90 s.
    ///
    /// Best a little less than the backend keeps its own: a request on a connection that the other side
    /// closes at that moment is lost, and one that is not idempotent is not repeated.
    pub idle_time: Duration,
    /// How often a connection of HTTP/2 that is in use is asked whether it still stands; it is closed
    /// when it does not answer for as long again. At most a day; default 20 s.
    pub ping: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            idle: 64,
            idle_time: Duration::from_secs(90),
            ping: Duration::from_secs(20),
        }
    }
}

/// How much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many calls a backend has at once, to the end of their answers; at least 1. Default 1024.
    pub in_flight: usize,
    /// How many calls wait when all backends have as many; the next is refused. Default 1024.
    pub waiting: usize,
    /// How long a call waits. Default 1 s.
    pub wait: Duration,
    /// The largest head of an answer, in bytes; at least 8192. Default 65,536.
    pub head: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 1024,
            waiting: 1024,
            wait: Duration::from_secs(1),
            head: 65_536,
        }
    }
}

#[cfg(feature = "tls")]
impl Options {
    /// Sets whose word is taken for who a backend over TLS is.
    #[must_use]
    pub fn trust(mut self, trust: crate::trust::Trust) -> Self {
        self.trust = trust;
        self
    }
}

macro_rules! setters {
    ($($name:ident: $kind:ty, $what:literal;)*) => {
        impl Options {
            $(
                #[doc = $what]
                #[must_use]
                pub fn $name(mut self, $name: $kind) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}

setters! {
    timeouts: Timeouts, "Sets how long things may take.";
    retry: RetryOptions, "Sets what may be tried again.";
    balance: Balance, "Sets how a backend is chosen.";
    health: HealthOptions, "Sets when a backend is left out.";
    failed: FailedAnswers, "Sets which answers are failures of the backend.";
    breaker: BreakerOptions, "Sets when a backend is not called at all.";
    pool: PoolOptions, "Sets which connections are kept.";
    limits: Limits, "Sets how much at once.";
}

impl Options {
    /// Looks whether everything is within its bounds.
    ///
    /// # Errors
    ///
    /// The first thing that is not.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = self
            .timeouts
            .wrong()
            .or_else(|| self.retry.wrong())
            .or_else(|| self.health.wrong())
            .or_else(|| self.breaker.wrong())
            .or_else(|| self.pool.wrong())
            .or_else(|| self.limits.wrong());
        match wrong {
            Some(wrong) => Err(Error::new(Phase::Settings, wrong)),
            None => Ok(()),
        }
    }

    /// How long a try must have had for a call's own deadline to be held against the backend: half of
    /// what any try would have had.
    pub(crate) fn fair(&self) -> Duration {
        self.timeouts.per_try.min(self.timeouts.total) / 2
    }
}

impl Timeouts {
    fn wrong(&self) -> Option<&'static str> {
        let spans = [self.connect, self.per_try, self.total, self.idle_body];
        let zero = spans.into_iter().any(|span| span.is_zero());
        zero.then_some("a timeout is longer than nothing")
    }
}

impl RetryOptions {
    fn wrong(&self) -> Option<&'static str> {
        if self.tries == 0 {
            return Some("a call is tried at least once");
        }
        if self.pause_max < self.pause {
            return Some("the longest pause is not below the first");
        }
        self.budget.wrong()
    }
}

/// Clocks can tell it from any moment on.
const DAY: Duration = Duration::from_secs(86_400);

impl PoolOptions {
    fn wrong(&self) -> Option<&'static str> {
        let times = [self.idle_time, self.ping];
        let wrong = times.iter().any(|time| time.is_zero() || *time > DAY);
        wrong.then_some("the times of a pool are longer than nothing, and at most a day")
    }
}

impl Limits {
    fn wrong(&self) -> Option<&'static str> {
        if self.in_flight == 0 {
            return Some("a backend has at least 1 call at once");
        }
        (self.head < 8192).then_some("the head of an answer may have at least 8192 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_bounds() {
        Options::default().check().expect("bounds");
    }

    #[test]
    fn what_is_out_of_its_bounds_is_told() {
        let wrong = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            let error = options.check().expect_err("out of bounds");
            assert_eq!(error.phase(), Phase::Settings);
        };
        wrong(|options| options.timeouts.connect = Duration::ZERO);
        wrong(|options| options.timeouts.per_try = Duration::ZERO);
        wrong(|options| options.timeouts.total = Duration::ZERO);
        wrong(|options| options.timeouts.idle_body = Duration::ZERO);
        wrong(|options| options.retry.tries = 0);
        wrong(|options| options.retry.pause_max = Duration::ZERO);
        wrong(|options| options.retry.budget.share = 2.0);
        wrong(|options| options.health.failures = 0);
        wrong(|options| options.breaker.trials = 0);
        wrong(|options| options.pool.idle_time = Duration::ZERO);
        wrong(|options| options.pool.ping = Duration::ZERO);
        wrong(|options| options.pool.idle_time = Duration::MAX);
        wrong(|options| options.pool.ping = Duration::MAX);
        wrong(|options| options.limits.in_flight = 0);
        wrong(|options| options.limits.head = 1);
    }
}
