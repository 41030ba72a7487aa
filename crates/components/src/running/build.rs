//! From a plan to a service that runs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use byname_registry::Place;
use tokio::time::Instant;

use super::{Alive, CreateError, GetError, Makes, Running};
use crate::config::{Node, Path};
use crate::factory::FactoryEntry;
use crate::life::{Phase, Within, step};
use crate::made::{BoxError, Extras};
use crate::part::{LookupError, Part, Type};
use crate::state::Stage;
use crate::supply::Supply;

/// Whose life it is, and how long each phase of it may take.
struct Life<'l> {
    name: &'l Arc<str>,
    within: Within,
    scope: Option<Scope>,
}

/// The registry's context of the build.
type Scope = byname_registry::Context;

/// A service that is to be built.
struct Order {
    name: Arc<str>,
    factory: Arc<FactoryEntry>,
    settings: Node,
    path: Path,
    before: Vec<Arc<str>>,
    redirects: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    within: Within,
    scope: Option<Scope>,
}

impl Running {
    /// Builds a service of the plan, starts it, and waits until it is ready. What it needs is built
    /// before.
    pub(super) async fn build(self, name: &Arc<str>, scope: Scope) -> Result<Part, CreateError> {
        let plan = self
            .0
            .plans
            .get(name)
            .or_else(|| self.0.elsewhere.get(name));
        let Some(plan) = plan.map(Arc::clone) else {
            return Err(CreateError::Lookup(self.services().unknown(name)));
        };
        let Some(_inside) = self.0.gate.enter() else {
            return Err(CreateError::Stopping);
        };
        let (definition, factory) = match &plan.makes {
            Makes::Given(part, extras) => {
                let extras = extras.lock().unwrap_or_else(PoisonError::into_inner).take();
                let extras = extras.unwrap_or_default();
                let life = Life {
                    name,
                    within: Within::default(),
                    scope: Some(scope),
                };
                if let Err(wrong) = extras.check() {
                    let refused = std::future::ready(Err::<(), _>(wrong));
                    self.take(&life, Phase::Build, refused).await?;
                }
                self.live(&life, Vec::new(), part, extras, |_| Ok(()))
                    .await?;
                return Ok(part.clone());
            }
            Makes::Defined(definition, factory) => (definition, factory),
        };
        let order = Order {
            name: Arc::clone(name),
            factory: Arc::clone(factory),
            settings: self.0.config.settings(definition),
            path: definition.settings_path.clone(),
            before: plan.before.clone(),
            redirects: Arc::clone(&plan.redirects),
            within: definition.within,
            scope: Some(scope),
        };
        self.make(order, |_| Ok(())).await
    }

    /// Makes a service while the application runs, by a factory that was registered, and registers it
    /// under a name that is free. It is started, and stopped with the others.
    ///
    /// `settings` are the factory's; needs are those that the factory declared, met by the services
    /// that there are. Nothing is registered unless the service could be built, started and made
    /// ready, and is a `T`.
    ///
    /// # Errors
    ///
    /// [`CreateError`] says what did not succeed; what had been started is stopped again.
    #[track_caller]
    pub fn create<'r, T: ?Sized + Send + Sync + 'static>(
        &'r self,
        name: &'r str,
        factory: &'r str,
        settings: Node,
    ) -> impl Future<Output = Result<Arc<T>, CreateError>> + Send + 'r {
        let place = Place::caller();
        async move {
            let Some(_inside) = self.0.gate.enter() else {
                return Err(CreateError::Stopping);
            };
            let factories = &self.registries().factories;
            let Some(factory) = factories.read(factory, Arc::clone) else {
                return Err(CreateError::Lookup(
                    self.registries().unknown_factory(factory),
                ));
            };
            if factory.makes() != Type::of::<T>() {
                return Err(CreateError::Lookup(LookupError::WrongType {
                    kind: "factory".into(),
                    name: factory.name().into(),
                    asked: Type::of::<T>().name(),
                    found: factory.service_type(),
                    place: factory.place().clone(),
                }));
            }
            let before = self.before(&factory, name)?;
            let order = Order {
                name: name.into(),
                factory,
                settings,
                path: Path::root(),
                before,
                redirects: Arc::default(),
                within: Within::default(),
                scope: None,
            };
            let services = self.services().clone();
            let part = self
                .clone()
                .make(order, move |part| {
                    let registered = services.registry().register_at(name, part.clone(), place);
                    registered.map(|_| ()).map_err(CreateError::Taken)
                })
                .await?;
            match part.get::<T>() {
                Some(service) => Ok(Arc::clone(service)),
                None => Err(CreateError::Lookup(self.services().unknown(name))),
            }
        }
    }

    /// The services that a factory needs to be built before, by name.
    fn before(&self, factory: &FactoryEntry, own: &str) -> Result<Vec<Arc<str>>, CreateError> {
        use crate::need::NeedKind;
        let services = self.services();
        let mut before = Vec::new();
        for need in factory.needs() {
            let is_there = services.registry().contains(need.name());
            match need.kind() {
                NeedKind::Required if !is_there => {
                    return Err(CreateError::Lookup(services.unknown(need.name())));
                }
                NeedKind::Required => before.push(Arc::clone(need.shared_name())),
                NeedKind::Optional if is_there => before.push(Arc::clone(need.shared_name())),
                NeedKind::All => {
                    let listed = services.list();
                    let of_type = listed.entries().filter(|(name, entry)| {
                        let made = entry
                            .value()
                            .map(Part::of)
                            .or_else(|| self.0.graph.service(name).map(|service| service.of));
                        *name != own && made == Some(need.of())
                    });
                    before.extend(of_type.map(|(name, _)| Arc::<str>::from(name)));
                }
                _ => {}
            }
        }
        Ok(before)
    }

    /// Builds it, and leads it into its life.
    async fn make(
        self,
        order: Order,
        accept: impl FnOnce(&Part) -> Result<(), CreateError>,
    ) -> Result<Part, CreateError> {
        let Order {
            name,
            factory,
            settings,
            path,
            before,
            redirects,
            within,
            scope,
        } = order;
        let life = Life {
            name: &name,
            within,
            scope,
        };
        let mut parts = BTreeMap::new();
        for needed in &before {
            let part = self.services().registry().resolve_async(needed).await;
            let part = part.map_err(|error| CreateError::Need(GetError::Build(error)))?;
            parts.insert(Arc::clone(needed), Part::clone(&part));
        }
        let supply = Supply {
            name: Arc::clone(&name),
            redirects,
            parts,
            values: self.registries().values.clone(),
            app: self.downgrade(),
        };
        let settings = factory
            .read(&settings, &path)
            .map_err(CreateError::Settings)?;
        // The factory's own code runs in the step, also what it does before its future is made.
        let building = async move {
            let made = factory.make(settings.value, &supply)?.await?;
            made.1.check()?;
            Ok(made)
        };
        let (part, extras) = self.take(&life, Phase::Build, building).await?;
        self.live(&life, before, &part, extras, accept).await?;
        Ok(part)
    }

    /// Starts what was built, waits until it is ready, and counts it among what is alive.
    async fn live(
        &self,
        life: &Life<'_>,
        before: Vec<Arc<str>>,
        part: &Part,
        mut extras: Extras,
        accept: impl FnOnce(&Part) -> Result<(), CreateError>,
    ) -> Result<(), CreateError> {
        let (name, within) = (life.name, life.within);
        for phase in [Phase::Start, Phase::Ready] {
            let Some(hook) = extras.hooks[phase.index()].take() else {
                continue;
            };
            let taken = self.take(life, phase, async move { hook().await }).await;
            if let Err(error) = taken {
                if phase == Phase::Ready {
                    undo(name, within, extras).await;
                }
                return Err(error);
            }
        }
        if let Err(error) = accept(part) {
            undo(name, within, extras).await;
            return Err(error);
        }
        let checks = std::mem::take(&mut extras.checks);
        for check in checks {
            if let Err(error) = self.checks().register(check.of(name)) {
                tracing::warn!("a health check of `{name}` could not be added: {error}");
            }
        }
        // Before anybody can have the service, and so before anything that needs it is alive.
        let alive = Arc::new(Alive::new(name, before, within, extras));
        // The names of services are names.
        let _ = self.0.alive.put(name, alive);
        self.set_state(name, |state| state.stage = Stage::Running);
        Ok(())
    }

    /// Takes a step of a service's life, and notes it.
    async fn take<T: Send + 'static>(
        &self,
        life: &Life<'_>,
        phase: Phase,
        work: impl Future<Output = Result<T, BoxError>> + Send + 'static,
    ) -> Result<T, CreateError> {
        let Life {
            name,
            within,
            scope,
        } = life;
        self.set_state(name, |state| state.stage = Stage::In(phase));
        let began = Instant::now();
        // Whatever asks for a service in there is known to ask for this one's sake, so that a circle is
        // found out.
        let taken = match scope {
            Some(scope) => step(within.of(phase), scope.scope(work)).await,
            None => step(within.of(phase), work).await,
        };
        let took = began.elapsed();
        self.set_state(name, |state| {
            state.took[phase.index()] = Some(took);
            state.error = None;
            if let Err(error) = &taken {
                state.stage = Stage::Failed(phase);
                state.error = Some(error.to_string().into());
            }
        });
        taken.map_err(|error| CreateError::Step { phase, error })
    }
}

/// What was started is stopped again, because it did not become part of the application.
async fn undo(name: &str, within: Within, mut extras: Extras) {
    let Some(hook) = extras.hooks[Phase::Stop.index()].take() else {
        return;
    };
    if let Err(error) = step(within.of(Phase::Stop), async move { hook().await }).await {
        tracing::warn!("the stop of `{name}`, which did not get ready, {error}");
    }
}
