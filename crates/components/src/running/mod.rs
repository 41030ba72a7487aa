//! An application that runs.

mod build;
mod report;
mod stop;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use byname_registry::{ChangeError, Factory, Place, Registry, ResolveError};
use tokio::sync::watch;

use crate::app::{Definition, DemandKey};
use crate::factory::{FactoryEntry, chain};
use crate::graph::Graph;
use crate::health::Checks;
use crate::life::{Gate, Phase, StepError, Within};
use crate::made::{Extras, Hook};
use crate::part::{Key, LookupError, Part, Parts};
use crate::problem::Problems;
use crate::registries::Registries;
use crate::state::State;

pub use report::{StartReport, Timing};
pub use stop::{Failure, StopError};

/// An application that runs; a clone is the same one.
///
/// Dropping the last one ends nothing in order: the services are dropped. [`stop`](Self::stop) does.
#[derive(Clone)]
pub struct Running(pub(crate) Arc<Inner>);

/// A [`Running`] that does not keep it alive.
#[derive(Clone)]
pub(crate) struct WeakRunning {
    inner: Weak<Inner>,
    closing: watch::Receiver<bool>,
}

pub(crate) struct Inner {
    pub(crate) registries: Registries,
    pub(crate) graph: Graph,
    pub(crate) plans: BTreeMap<Arc<str>, Arc<Plan>>,
    /// What is made when it is asked for, and is not part of the graph: clients at servers.
    pub(crate) elsewhere: BTreeMap<Arc<str>, Arc<Plan>>,
    /// What has been started and not stopped yet.
    pub(crate) alive: Registry<Arc<Alive>>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) parallel: usize,
    pub(crate) drain_delay: std::time::Duration,
    /// Whether the files are followed while it waits for a signal.
    pub(crate) reload: bool,
    /// What was asked for before the start: it is there.
    pub(crate) demanded: Vec<Arc<str>>,
    pub(crate) config: crate::reload::Current,
}

/// How a service is made.
pub(crate) struct Plan {
    pub(crate) makes: Makes,
    /// The services that are built before, as the graph says.
    pub(crate) before: Vec<Arc<str>>,
    pub(crate) redirects: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    pub(crate) place: Place,
}

pub(crate) enum Makes {
    /// It is there, and only begins its life.
    Given(Part, Mutex<Option<Extras>>),
    Defined(Definition, Arc<FactoryEntry>),
}

impl Plan {
    fn within(&self) -> Within {
        match &self.makes {
            Makes::Given(..) => Within::default(),
            Makes::Defined(definition, _) => definition.within,
        }
    }
}

/// A service that was started.
pub(crate) struct Alive {
    /// What it was built of.
    before: Vec<Arc<str>>,
    within: Within,
    drain: Mutex<Option<Hook>>,
    stop: Mutex<Option<Hook>>,
    pub(crate) reloads: Option<crate::reload::Reloads>,
    /// Its registries, by the names that they have on the admin pages, each with the revision that it
    /// had when the service became alive.
    #[cfg(feature = "http")]
    pub(crate) listed: Vec<(crate::http::admin::Listed, u64)>,
}

impl Alive {
    pub(crate) fn new(
        name: &str,
        before: Vec<Arc<str>>,
        within: Within,
        mut extras: Extras,
    ) -> Self {
        #[cfg(not(feature = "http"))]
        let _ = name;
        Self {
            #[cfg(feature = "http")]
            listed: extras
                .listed
                .drain(..)
                .map(|listed| (listed.of(name), listed.revision()))
                .collect(),
            before,
            within,
            drain: Mutex::new(extras.hooks[Phase::Drain.index()].take()),
            stop: Mutex::new(extras.hooks[Phase::Stop.index()].take()),
            reloads: extras.reloads,
        }
    }

    /// Takes the hook of a phase, once.
    fn hook(&self, phase: Phase) -> Option<Hook> {
        let hook = match phase {
            Phase::Drain => &self.drain,
            Phase::Stop => &self.stop,
            _ => return None,
        };
        hook.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Why a service could not be had.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum GetError {
    /// There is none of that name, or it is something else.
    Lookup(LookupError),
    /// It could not be built: the error of whoever tried, with what it was built for.
    Build(ResolveError),
    /// There is no application any more.
    Gone,
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup(error) => error.fmt(f),
            Self::Build(error) => f.write_str(&chain(error)),
            Self::Gone => f.write_str("the application does not run any more"),
        }
    }
}

impl Error for GetError {}

impl From<LookupError> for GetError {
    fn from(error: LookupError) -> Self {
        Self::Lookup(error)
    }
}

/// Why a service could not be made while the application runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum CreateError {
    /// There is no factory of that name, or it makes something else.
    Lookup(LookupError),
    /// The settings are wrong.
    Settings(Problems),
    /// The name is taken.
    Taken(ChangeError),
    /// A step did not succeed.
    Step {
        /// Which one.
        phase: Phase,
        /// Why.
        error: StepError,
    },
    /// What it needs could not be had.
    Need(GetError),
    /// The application is stopping.
    Stopping,
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup(error) => error.fmt(f),
            Self::Settings(problems) => problems.fmt(f),
            Self::Taken(error) => error.fmt(f),
            Self::Step { phase, error } => write!(f, "its {phase} {error}"),
            Self::Need(error) => write!(f, "what it needs could not be had: {error}"),
            Self::Stopping => f.write_str("the application is stopping"),
        }
    }
}

impl Error for CreateError {}

impl Running {
    pub(crate) fn new(inner: Inner) -> Self {
        let running = Self(Arc::new(inner));
        for (name, plan) in &running.0.plans {
            running.register(name, plan);
        }
        running
    }

    /// Registers what makes a service of a plan.
    fn register(&self, name: &Arc<str>, plan: &Plan) {
        let (weak, named) = (self.downgrade(), Arc::clone(name));
        let factory = Factory::future(move |context| {
            let (weak, name) = (weak.clone(), Arc::clone(&named));
            async move {
                let app = weak.upgrade().ok_or(GetError::Gone)?;
                let scope = context.clone();
                let build = context.scope(async move { app.build(&name, scope).await });
                // In a task of its own, so that it ends even when nobody waits any more.
                match tokio::spawn(build).await {
                    Ok(part) => part.map_err(crate::made::BoxError::from),
                    Err(error) => Err(error.into()),
                }
            }
        });
        let services = self.services().registry();
        // The names of a plan are names that were checked. One that is taken is that of a client at a
        // server, by somebody who asked for it at the same time.
        let _ = services.register_factory_at(name, factory, plan.place.clone());
    }

    /// Registers a client at a server that somebody asks for, and what that needs; false if there is none
    /// of that name.
    pub(crate) fn register_elsewhere(&self, name: &str) -> bool {
        let Some((name, plan)) = self.0.elsewhere.get_key_value(name) else {
            return false;
        };
        for needed in &plan.before {
            if !self.services().registry().contains(needed) {
                self.register_elsewhere(needed);
            }
        }
        self.register(name, plan);
        true
    }

    pub(crate) fn downgrade(&self) -> WeakRunning {
        WeakRunning {
            inner: Arc::downgrade(&self.0),
            closing: self.0.gate.closing(),
        }
    }

    /// Returns everything that is kept by name.
    #[must_use]
    pub fn registries(&self) -> &Registries {
        &self.0.registries
    }

    /// Returns the services: those that are built, and those that are to be.
    #[must_use]
    pub fn services(&self) -> &Parts {
        &self.0.registries.services
    }

    /// Returns the health checks.
    #[must_use]
    pub fn checks(&self) -> &Checks {
        &self.0.registries.checks
    }

    /// Returns which service needs which.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.0.graph
    }

    /// Returns where each service is in its life.
    #[must_use]
    pub fn states(&self) -> &Registry<State> {
        &self.0.registries.states
    }

    /// Returns a service, building it and what it needs first if that has not been done.
    ///
    /// To be called in a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`GetError::Lookup`] if there is none of that name, with the nearest names, or if it is no
    /// `T`; [`GetError::Build`] if it cannot be built.
    pub async fn service<T: ?Sized + Send + Sync + 'static>(
        &self,
        name: &str,
    ) -> Result<Arc<T>, GetError> {
        match self.services().get(name) {
            Ok(Some(service)) => return Ok(service),
            Err(LookupError::NotBuilt { .. }) => {}
            Ok(None) if self.register_elsewhere(name) => {}
            Ok(None) => return Err(self.services().unknown(name).into()),
            Err(error) => return Err(error.into()),
        }
        let resolved = self.services().registry().resolve_async(name).await;
        let part = resolved.map_err(GetError::Build)?;
        match part.get::<T>() {
            Some(service) => Ok(Arc::clone(service)),
            None => Ok(self.services().require(name)?),
        }
    }

    /// Returns a service as a server has it, `DEPLOYMENT.SERVER` or `SERVER` of the own deployment: on that
    /// server itself the object, on others a client, which is made when it is first asked for. The same as
    /// [`service`](Self::service) with the name `SERVICE@SERVER`, which a factory may also need.
    ///
    /// To be called in a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`GetError::Lookup`] if no such server is known to publish the service, with the nearest names, or
    /// if that is no `T`; [`GetError::Build`] if the client cannot be made.
    pub async fn service_at<T: ?Sized + Send + Sync + 'static>(
        &self,
        service: &str,
        server: &str,
    ) -> Result<Arc<T>, GetError> {
        let client = self.registries().clients.at(service, server)?;
        self.service(&format!("{service}@{}", client.server)).await
    }

    /// Returns the key of a service that was asked for before the start.
    ///
    /// # Panics
    ///
    /// If it was asked for of another application.
    #[must_use]
    pub fn key<T: ?Sized + Send + Sync + 'static>(&self, demanded: &DemandKey<T>) -> Key<T> {
        match self.services().key(&demanded.name) {
            Ok(key) => key,
            Err(error) => panic!("the key was asked for of another application: {error}"),
        }
    }

    /// Returns whether it has begun to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.gate.is_closed()
    }

    pub(crate) fn set_state(&self, name: &str, change: impl FnOnce(&mut State)) {
        set_state(self.states(), name, change);
    }
}

/// Changes a state; only the task that leads a service through its life does so, so that nobody else
/// changes it in between.
pub(crate) fn set_state(states: &Registry<State>, name: &str, change: impl FnOnce(&mut State)) {
    let mut state = states
        .read(name, Clone::clone)
        .unwrap_or_else(State::waiting);
    change(&mut state);
    state.since = std::time::SystemTime::now();
    // The names of services are names.
    let _ = states.put(name, state);
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("services", &self.0.graph.len())
            .field("stopping", &self.is_stopping())
            .finish_non_exhaustive()
    }
}

impl WeakRunning {
    pub(crate) fn upgrade(&self) -> Option<Running> {
        self.inner.upgrade().map(Running)
    }

    pub(crate) async fn stopping(&self) {
        // An error means that the gate is gone, and the application with it.
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }
}
