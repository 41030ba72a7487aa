//! All checks of an application.

use std::sync::Arc;
use std::time::Duration;

use byname_registry::{ChangeError, Place, Registry, Snapshot, TransactionError};
use tokio::sync::{Semaphore, watch};

use super::check::Check;
use super::report::{Look, Probe, Report};
use super::run::{Pending, Rules};

/// How checks are run where they do not say themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthOptions {
    /// How long one run may take. Default: 5 s.
    pub within: Duration,
    /// How long what came out is kept. Default: 250 ms; with zero only who asks during a run shares
    /// it.
    pub keep: Duration,
    /// How many runs there are at a time; a run that was given up does not count. Default: 32; 0 is
    /// taken as 1.
    pub parallel: usize,
}

impl Default for HealthOptions {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(5),
            keep: Duration::from_millis(250),
            parallel: 32,
        }
    }
}

/// The checks of an application, by the name `service/check`. A clone is another name for the same.
///
/// # Consistency
///
/// - However many ask at once, a check has one run at a time, and all get its result; so do those
///   who ask within [`keep`](HealthOptions::keep) after it.
/// - An answer takes at most the longest deadline and 50 ms while there are no more checks than may
///   run at a time, and that time again for each further batch of them, whatever the checks do.
/// - Checks may come and go while others ask: an answer is about those that were there when it was
///   asked for.
/// - No lock is held while a check runs.
///
/// # Examples
///
/// ```
/// use byname_components::{Check, Checks, Probe};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let checks = Checks::default();
/// checks.register(Check::new("db", "ping", || async { Err::<(), _>("connection refused") }))?;
/// let report = checks.ask(Probe::Readiness).await;
/// assert!(!report.is_passing());
/// assert_eq!(report.to_string(), "readiness: no\n  db/ping: failing: connection refused");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Checks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry<Check>,
    options: HealthOptions,
    permits: Arc<Semaphore>,
    /// Why there is no readiness whatever the checks say.
    off: watch::Sender<Option<Arc<str>>>,
}

impl Default for Checks {
    fn default() -> Self {
        Self::new(HealthOptions::default())
    }
}

impl Checks {
    /// Makes an empty set of checks.
    #[must_use]
    pub fn new(options: HealthOptions) -> Self {
        let parallel = options.parallel.clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Inner {
            registry: Registry::<()>::builder().label("checks").build(),
            options,
            permits: Arc::new(Semaphore::new(parallel)),
            off: watch::Sender::new(None),
        }))
    }

    /// Returns the registry: to list, observe, replace several at once.
    #[must_use]
    pub fn registry(&self) -> &Registry<Check> {
        &self.0.registry
    }

    /// Returns how checks are run.
    #[must_use]
    pub fn options(&self) -> HealthOptions {
        self.0.options
    }

    /// Adds a check. Returns the revision.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Taken`] with both places if its service has a check of that name.
    #[track_caller]
    pub fn register(&self, check: Check) -> Result<u64, ChangeError> {
        self.register_at(check, Place::caller())
    }

    /// Adds a check on behalf of `place`.
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register).
    pub fn register_at(&self, check: Check, place: Place) -> Result<u64, ChangeError> {
        let key = Arc::clone(&check.key);
        self.0.registry.register_at(&key, check, place)
    }

    /// Removes the check registered as `key`. Returns the revision.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Absent`] if there is none.
    #[track_caller]
    pub fn remove(&self, key: &str) -> Result<u64, ChangeError> {
        self.0.registry.remove(key)
    }

    /// Removes all checks of a service, as one revision. Returns how many there were.
    ///
    /// # Errors
    ///
    /// [`TransactionError`] if the registry is sealed, or others keep changing it.
    pub fn remove_service(&self, service: &str) -> Result<usize, TransactionError<ChangeError>> {
        let removed = self.0.registry.transaction(|draft| {
            let keys: Vec<_> = draft
                .iter()
                .filter(|(_, check)| &*check.service == service)
                .map(|(key, _)| key.to_owned())
                .collect();
            for key in &keys {
                draft.remove(key)?;
            }
            Ok(keys.len())
        })?;
        Ok(removed.value)
    }

    /// Asks the checks that have a say in `probe`; see [`Checks`] for what is promised. While
    /// readiness is switched off, that is the answer at once, with what is known of the checks.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with time enabled.
    pub async fn ask(&self, probe: Probe) -> Report {
        self.answer(probe, false).await
    }

    /// Asks without using what was kept from earlier. A run that is under way is joined.
    ///
    /// # Panics
    ///
    /// As [`ask`](Self::ask).
    pub async fn ask_anew(&self, probe: Probe) -> Report {
        self.answer(probe, true).await
    }

    async fn answer(&self, probe: Probe, refresh: bool) -> Report {
        let snapshot = self.0.registry.snapshot();
        if probe == Probe::Liveness {
            return Report::new(probe, None, self.look(&snapshot, probe, refresh).await);
        }
        let mut off = self.0.off.subscribe();
        let reason = tokio::select! {
            biased;
            // The sender lives in `self`.
            Ok(reason) = off.wait_for(Option::is_some) => reason.clone(),
            looks = self.look(&snapshot, probe, refresh) => return Report::new(probe, None, looks),
        };
        let known = relevant(&snapshot, probe)
            .filter_map(Check::known)
            .collect();
        Report::new(probe, reason, known)
    }

    async fn look(&self, snapshot: &Snapshot<Check>, probe: Probe, refresh: bool) -> Vec<Look> {
        let rules = Rules {
            within: self.0.options.within,
            keep: self.0.options.keep,
            permits: Arc::clone(&self.0.permits),
        };
        // All are begun before one is waited for.
        let begun: Vec<_> = relevant(snapshot, probe)
            .map(|check| (check, check.begin(&rules, refresh)))
            .collect();
        let mut looks = Vec::with_capacity(begun.len());
        for (check, pending) in begun {
            looks.push(match pending {
                Pending::Ready(look) => look,
                Pending::Wait(flight) => check.land(flight).await,
            });
        }
        looks
    }

    /// Switches readiness off because the server is stopping: see [`switch_off`](Self::switch_off).
    pub fn drain(&self) {
        self.switch_off("the server is draining");
    }

    /// Switches readiness off: from now on the answer is no, at once, for this reason; so it is for
    /// those who are waiting for one. Liveness is asked as before.
    pub fn switch_off(&self, reason: &str) {
        self.0.off.send_replace(Some(reason.into()));
    }

    /// Lets the checks decide again.
    pub fn switch_on(&self) {
        self.0.off.send_replace(None);
    }
}

fn relevant(snapshot: &Snapshot<Check>, probe: Probe) -> impl Iterator<Item = &Check> {
    snapshot
        .iter()
        .map(|(_, check)| check)
        .filter(move |check| check.decides.answers(probe))
}
