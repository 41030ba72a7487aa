//! The end of an application, in order.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::{Alive, Running};
use crate::life::{Gate, Phase, StepError, Within, in_order, step};
use crate::state::Stage;

/// A step of a service's life that did not succeed.
#[derive(Clone, Debug)]
pub struct Failure {
    pub(crate) service: Arc<str>,
    pub(crate) phase: Phase,
    pub(crate) error: StepError,
}

impl Failure {
    /// Returns the name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns what went wrong.
    #[must_use]
    pub fn error(&self) -> &StepError {
        &self.error
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} of `{}` {}", self.phase, self.service, self.error)
    }
}

/// What went wrong while an application ended; all else was done nevertheless.
#[derive(Clone, Debug)]
pub struct StopError(pub(crate) Vec<Failure>);

impl StopError {
    /// Returns what went wrong, in the order in which it did.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.0
    }
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, failure) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            failure.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for StopError {}

/// Also when whoever stops gives up half-way, nobody waits for ever.
struct End<'g>(&'g Gate);
impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Running {
    /// Ends the application: readiness goes off at once, then every service drains and then every
    /// service stops, each after all that need it.
    ///
    /// Between readiness and draining passes the delay that was set (`life.drain-delay`), in which
    /// requests still come from those who have not heard. Each step has its deadline; one that fails,
    /// panics or hangs is told in the end and keeps nobody else from being stopped. Registries can be
    /// read and changed all the time. Whoever comes second waits for the end, and is not told what went
    /// wrong. Whoever drops the future gives up: what has not been stopped then is not stopped in order.
    ///
    /// # Errors
    ///
    /// Everything that went wrong.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.end(true).await
    }

    pub(crate) async fn end(&self, drain: bool) -> Result<(), StopError> {
        self.checks().drain();
        if !self.0.gate.close() {
            self.0.gate.ended().await;
            return Ok(());
        }
        let _end = End(&self.0.gate);
        if drain && !self.0.drain_delay.is_zero() {
            tokio::time::sleep(self.0.drain_delay).await;
        }
        // What is being built gets the time that it has, and is stopped like the rest.
        let longest = self.0.plans.values().map(|plan| plan.within());
        let longest = longest.map(|within| building(&within)).max();
        let building = longest.unwrap_or_else(|| building(&Within::default()));
        if timeout(building, self.0.gate.empty()).await.is_err() {
            tracing::warn!("stopping although services are still being built");
        }
        let listed = self.0.alive.snapshot();
        let alive: Vec<(Arc<str>, Arc<Alive>)> = listed
            .entries()
            .filter_map(|(name, entry)| Some((name.into(), Arc::clone(entry.value()?))))
            .collect();
        let mut failures = Vec::new();
        if drain {
            self.all(&alive, Phase::Drain, &mut failures).await;
        }
        self.all(&alive, Phase::Stop, &mut failures).await;
        if failures.is_empty() {
            Ok(())
        } else {
            Err(StopError(failures))
        }
    }

    /// Takes a step of all that are alive, each after all that were built of it.
    async fn all(
        &self,
        alive: &[(Arc<str>, Arc<Alive>)],
        phase: Phase,
        failures: &mut Vec<Failure>,
    ) {
        let index: HashMap<&str, usize> = alive
            .iter()
            .enumerate()
            .map(|(at, (name, _))| (&**name, at))
            .collect();
        let mut users = vec![Vec::new(); alive.len()];
        for (at, (_, one)) in alive.iter().enumerate() {
            for before in &one.before {
                if let Some(before) = index.get(&**before) {
                    users[*before].push(at);
                }
            }
        }
        let done = in_order(
            alive.len(),
            |at| users[at].clone(),
            self.0.parallel,
            |_| false,
            |at| {
                let (name, one) = (Arc::clone(&alive[at].0), Arc::clone(&alive[at].1));
                let app = self.clone();
                async move { app.step_of(&name, &one, phase).await }
            },
        )
        .await;
        failures.extend(done.into_iter().filter_map(|(_, failure)| failure));
    }

    async fn step_of(&self, name: &Arc<str>, alive: &Alive, phase: Phase) -> Option<Failure> {
        self.set_state(name, |state| state.stage = Stage::In(phase));
        let began = Instant::now();
        let taken = match alive.hook(phase) {
            Some(hook) => step(alive.within.of(phase), async move { hook().await }).await,
            None => Ok(()),
        };
        if phase == Phase::Stop {
            if let Err(error) = self.checks().remove_service(name) {
                tracing::warn!("the health checks of `{name}` stay: {error}");
            }
            // It is there: nobody else removes what is alive.
            let _ = self.0.alive.remove(name);
        }
        self.set_state(name, |state| {
            state.took[phase.index()] = Some(began.elapsed());
            match &taken {
                Ok(()) if phase == Phase::Stop => state.stage = Stage::Stopped,
                Ok(()) => {}
                Err(error) => {
                    state.stage = Stage::Failed(phase);
                    state.error = Some(error.to_string().into());
                }
            }
        });
        taken.err().map(|error| Failure {
            service: Arc::clone(name),
            phase,
            error,
        })
    }
}

/// How long a build may take, from the factory to being ready.
fn building(within: &Within) -> std::time::Duration {
    within.of(Phase::Build) + within.of(Phase::Start) + within.of(Phase::Ready)
}
