//! Running one check, once at a time.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinError;
use tokio::time::{Instant, timeout, timeout_at};

use super::check::{Ask, BoxError, Check};
use super::report::{Look, Outcome};

/// How long a run that was told to end at its deadline may take to be gone. One that is not gone by
/// then blocks its thread.
const GRACE: Duration = Duration::from_millis(50);

/// What came out of a run.
#[derive(Debug)]
pub(super) struct Taken {
    outcome: Outcome,
    began: Instant,
    at: Instant,
}

/// The runs of one check. The lock is held for a look at these fields only.
#[derive(Default)]
pub(super) struct Runs(Mutex<State>);

#[derive(Default)]
struct State {
    latest: Option<Arc<Taken>>,
    /// The run under way, until it has ended; where it was given up and has not ended, its result is
    /// there already.
    flight: Option<watch::Receiver<Option<Arc<Taken>>>>,
}

/// What an asker gets of a check.
pub(super) enum Pending {
    Ready(Look),
    Wait(watch::Receiver<Option<Arc<Taken>>>),
}

/// What a run goes by.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) within: Duration,
    pub(super) keep: Duration,
    pub(super) permits: Arc<Semaphore>,
}

impl Runs {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Check {
    /// Takes what is kept, joins the run under way, or begins one.
    pub(super) fn begin(&self, rules: &Rules, refresh: bool) -> Pending {
        let now = Instant::now();
        let mut state = self.runs.state();
        if let Some(latest) = &state.latest
            && !refresh
            && now.duration_since(latest.at) < rules.keep
        {
            return Pending::Ready(self.look(latest, now, true));
        }
        // A flight that nobody carries on any more ended with its runtime.
        if let Some(flight) = &state.flight
            && flight.has_changed().is_ok()
        {
            return match &*flight.borrow() {
                Some(given_up) => Pending::Ready(self.still_running(given_up, now)),
                None => Pending::Wait(flight.clone()),
            };
        }
        let (tell, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        drop(state);
        let within = self.within.unwrap_or(rules.within);
        tokio::spawn(fly(
            Arc::clone(&self.runs),
            Arc::clone(&self.ask),
            within,
            Arc::clone(&rules.permits),
            tell,
        ));
        Pending::Wait(flight)
    }

    /// Waits for the result of the run that was joined or begun.
    pub(super) async fn land(&self, mut flight: watch::Receiver<Option<Arc<Taken>>>) -> Look {
        let taken = match flight.wait_for(Option::is_some).await {
            Ok(taken) => taken.clone(),
            Err(_) => None,
        };
        let now = Instant::now();
        match taken {
            Some(taken) => self.look(&taken, now, false),
            None => self.look(
                &Taken {
                    outcome: Outcome::Failing {
                        error: "the runtime that ran the check has ended".into(),
                    },
                    began: now,
                    at: now,
                },
                now,
                false,
            ),
        }
    }

    /// Returns what is known, whatever its age.
    pub(super) fn known(&self) -> Option<Look> {
        let latest = self.runs.state().latest.clone()?;
        Some(self.look(&latest, Instant::now(), true))
    }

    fn look(&self, taken: &Taken, now: Instant, cached: bool) -> Look {
        Look {
            key: Arc::clone(&self.key),
            service: Arc::clone(&self.service),
            name: Arc::clone(&self.name),
            optional: self.optional,
            outcome: taken.outcome.clone(),
            took: taken.at.duration_since(taken.began),
            at: taken.at.into_std(),
            age: now.duration_since(taken.at),
            cached,
        }
    }

    fn still_running(&self, given_up: &Taken, now: Instant) -> Look {
        let taken = Taken {
            outcome: Outcome::StillRunning {
                lasting: now.duration_since(given_up.began),
            },
            began: given_up.began,
            at: now,
        };
        self.look(&taken, now, false)
    }
}

/// Carries one run from its beginning to its end, whoever waits for it.
async fn fly(
    runs: Arc<Runs>,
    ask: Ask,
    within: Duration,
    permits: Arc<Semaphore>,
    tell: watch::Sender<Option<Arc<Taken>>>,
) {
    // The semaphore is never closed; were it, the run would go on without a bound.
    let permit = permits.acquire_owned().await.ok();
    let began = Instant::now();
    let mut run = tokio::spawn(async move { ask().await });
    let land = |outcome, at, ended| {
        let taken = Arc::new(Taken { outcome, began, at });
        let mut state = runs.state();
        state.latest = Some(Arc::clone(&taken));
        if ended {
            state.flight = None;
        }
        drop(state);
        tell.send_replace(Some(taken));
    };
    if let Ok(ended) = timeout_at(began + within, &mut run).await {
        land(outcome(ended), Instant::now(), true);
        return;
    }
    let at = Instant::now();
    run.abort();
    let gone = timeout(GRACE, &mut run).await.is_ok();
    land(Outcome::TimedOut { after: within }, at, gone);
    // Others are not kept from running by one that blocks its thread.
    drop(permit);
    if !gone {
        let _: Result<_, JoinError> = run.await;
        runs.state().flight = None;
    }
}

fn outcome(ended: Result<Result<(), BoxError>, JoinError>) -> Outcome {
    match ended {
        Ok(Ok(())) => Outcome::Passing,
        Ok(Err(error)) => Outcome::Failing {
            error: chain(&*error).into(),
        },
        Err(error) => match error.try_into_panic() {
            Ok(panic) => Outcome::Panicked {
                message: message(&*panic).into(),
            },
            // Only the end of its runtime cancels a run before its deadline.
            Err(error) => Outcome::Failing {
                error: error.to_string().into(),
            },
        },
    }
}

/// An error and what it came from. A text that already ends with its source's is not repeated.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "(no message)"
    }
}
