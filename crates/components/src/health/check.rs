//! One check of a service.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::report::Probe;
use super::run::Runs;

/// Why a check does not pass.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;
/// What is asked each time.
pub(super) type Ask =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> + Send + Sync>;

/// Which question a [`Check`] has a say in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decides {
    /// Whether the process should go on at all.
    Liveness,
    /// Whether it should be sent requests.
    Readiness,
    /// Both.
    Both,
}

impl Decides {
    pub(super) fn answers(self, probe: Probe) -> bool {
        matches!(
            (self, probe),
            (Self::Both, _)
                | (Self::Liveness, Probe::Liveness)
                | (Self::Readiness, Probe::Readiness)
        )
    }
}

/// A question that a service answers about itself: can it reach its database, is its queue moving.
///
/// A clone is the same check: it shares what came out last, and is not run beside the original.
#[derive(Clone)]
pub struct Check {
    pub(super) key: Arc<str>,
    pub(super) service: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) decides: Decides,
    pub(super) optional: bool,
    pub(super) within: Option<Duration>,
    pub(super) ask: Ask,
    pub(super) runs: Arc<Runs>,
}

impl Check {
    /// Makes a check of `service`. It passes each time that the future which `ask` returns yields
    /// `Ok`. It decides [`Readiness`](Decides::Readiness) unless told otherwise.
    ///
    /// Each run is a task of the runtime of whoever asked. At its deadline the future is dropped. A
    /// run that blocks its thread cannot be ended: it keeps that thread, is reported as still
    /// running, and is not begun a second time.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_components::{Check, Decides};
    /// use std::time::Duration;
    ///
    /// let check = Check::new("db", "ping", || async { Ok::<(), std::io::Error>(()) })
    ///     .decides(Decides::Both)
    ///     .within(Duration::from_secs(1));
    /// assert_eq!(check.key(), "db/ping");
    /// ```
    #[must_use]
    pub fn new<F, E>(service: &str, name: &str, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self {
            key: format!("{service}/{name}").into(),
            service: service.into(),
            name: name.into(),
            decides: Decides::Readiness,
            optional: false,
            within: None,
            ask: Arc::new(move || {
                let answer = ask();
                Box::pin(async move { answer.await.map_err(Into::into) })
            }),
            runs: Arc::default(),
        }
    }

    /// Makes it a check of `service`, whatever it was made for.
    #[must_use]
    pub(crate) fn of(mut self, service: &str) -> Self {
        self.key = format!("{service}/{}", self.name).into();
        self.service = service.into();
        self
    }

    /// Sets which question it has a say in.
    #[must_use]
    pub fn decides(mut self, decides: Decides) -> Self {
        self.decides = decides;
        self
    }

    /// Lets it be reported and decide nothing.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Sets how long one run may take. Default: [`HealthOptions::within`](super::HealthOptions).
    #[must_use]
    pub fn within(mut self, within: Duration) -> Self {
        self.within = Some(within);
        self
    }

    /// Returns what it is registered as: `service/name`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the service it belongs to.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Whether it decides nothing.
    #[cfg(feature = "http")]
    pub(crate) fn is_optional(&self) -> bool {
        self.optional
    }

    /// Returns its name within the service.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("key", &self.key)
            .field("decides", &self.decides)
            .field("optional", &self.optional)
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}
