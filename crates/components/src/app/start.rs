//! From what is declared to what runs.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};

use byname_registry::{Place, Registry};

use super::check::Parts as Checking;
use super::peers::clients;
use super::sections::{Sections, ServerDefinition};
use super::{App, Declared, Definition};
use crate::chosen::{ServerChoice, ServerName};
use crate::clients::Clients;
use crate::config::{Config, Node, Path};
use crate::factory::FactoryEntry;
use crate::graph::Graph;
use crate::health::{Checks, HealthOptions};
use crate::life::{Gate, in_order};
use crate::middleware::Middlewares;
use crate::problem::Problems;
use crate::registries::Registries;
use crate::reload::Current;
use crate::running::{Failure, GetError, Inner, Makes, Plan, Running, StopError, set_state};
use crate::state::{Stage, State};
use crate::values::Values;

/// What a check found, and a start needs.
pub(crate) struct Checked {
    pub(crate) graph: Graph,
    pub(crate) config: Config,
    pub(crate) definitions: BTreeMap<Arc<str>, Definition>,
    /// Services in whose place there is a client: what was given in code for one is not used.
    pub(crate) elsewhere: BTreeSet<Arc<str>>,
    pub(crate) values: Values,
    middleware: Middlewares,
    clients: Clients,
    current: ServerChoice,
    parallel: usize,
    drain_delay: std::time::Duration,
    reload: bool,
    health: HealthOptions,
}

/// Why an application was not started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// It was not even tried: this is wrong.
    Problems(Problems),
    /// Services could not be built, started or made ready. What had been started was stopped again.
    Failed {
        /// The services, each with the chain of those that need it, the last being itself, and why.
        services: Vec<NotStarted>,
        /// What went wrong while the others were stopped.
        stopping: Vec<Failure>,
    },
}

/// A service that could not be built, started or made ready.
#[derive(Clone, Debug)]
pub struct NotStarted {
    /// From a service that nothing needs down to this one.
    pub chain: Vec<Arc<str>>,
    /// Where it was defined.
    pub place: Place,
    /// Why.
    pub error: GetError,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problems(problems) => problems.fmt(f),
            Self::Failed { services, stopping } => {
                for (at, service) in services.iter().enumerate() {
                    if at > 0 {
                        f.write_str("\n")?;
                    }
                    service.fmt(f)?;
                }
                for failure in stopping {
                    write!(f, "\nwhile the others were stopped: {failure}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.chain.last().map_or("", |name| name);
        write!(
            f,
            "error: service `{name}` did not start: {}\n  {}: it is defined here",
            self.error, self.place
        )?;
        if self.chain.len() > 1 {
            write!(f, "\n  needed by: {}", self.chain.join(" -> "))?;
        }
        Ok(())
    }
}

impl Error for StartError {}

impl Declared {
    /// Looks at everything, as the files are now.
    pub(crate) fn checked(&self, registries: &Registries) -> (Problems, Option<Checked>) {
        let mut problems = self.problems.clone();
        let config = match self.layers.load() {
            Ok(config) => config,
            Err(wrong) => {
                problems.extend(wrong);
                return (problems, None);
            }
        };
        // Which server this is decides which values are laid over those of the file; so that is found
        // out first, and whatever else is wrong is told of what counts then.
        let current = ServerChoice::new();
        let first = Sections::read(config.root(), &mut Problems::new());
        let chosen = self.chosen(&current, &first, &mut problems).cloned();
        let config = match config.lay(&values_of(chosen.as_ref())) {
            Ok(config) => config,
            Err(wrong) => {
                problems.extend(wrong);
                return (problems, None);
            }
        };
        problems.extend(config.warnings().clone());
        #[cfg_attr(not(feature = "http"), allow(unused_mut, reason = "HTTP adds to it"))]
        let mut sections = Sections::read(config.root(), &mut problems);
        let server = chosen.as_ref();
        #[cfg_attr(
            not(feature = "http"),
            allow(unused_variables, reason = "nothing is published")
        )]
        let (clients, undecided) = clients(registries, &current, &sections, server, &mut problems);
        let values = values(&sections, &mut problems);
        let middleware = registries.middleware.aside();
        for (name, node) in &sections.middleware {
            problems.extend(middleware.declare(name, node));
        }
        problems.extend(middleware.check());
        #[cfg_attr(not(feature = "http"), allow(unused_mut, reason = "HTTP adds to it"))]
        let mut listed = sections.listed();
        let roots = server.and_then(|server| server.services.clone());
        #[cfg(not(feature = "http"))]
        let elsewhere = BTreeSet::new();
        #[cfg(feature = "http")]
        let (roots, elsewhere) = {
            let assembling = crate::http::Assembling {
                registries,
                middleware: &middleware,
                clients: &clients,
                undecided: &undecided,
                routers: &sections.routers,
                servers: &sections.servers,
                chosen: server,
                definitions: &sections.definitions,
                given: &self.given,
                publish: &sections.publish,
                within: sections.within,
                name: sections.name.as_deref().unwrap_or("Byname"),
            };
            let assembled = assembling.assemble(&mut problems);
            listed.extend(assembled.used);
            // A server that lists nothing has everything but what others have for it.
            let elsewhere = assembled.elsewhere;
            let roots = roots.or_else(|| {
                let own = sections.definitions.values();
                let own = own.filter(|one| !elsewhere.contains(&one.name));
                let named = own.map(|one| (Arc::clone(&one.name), one.place.clone()));
                (!elsewhere.is_empty()).then(|| named.collect())
            });
            for definition in assembled.definitions {
                sections
                    .definitions
                    .insert(Arc::clone(&definition.name), definition);
            }
            let roots = roots.map(|roots| roots.into_iter().chain(assembled.roots));
            (roots.map(Iterator::collect::<Vec<_>>), elsewhere)
        };
        let mut given = self.given.clone();
        given.retain(|name, _| !elsewhere.contains(name));
        let checking = Checking {
            definitions: &sections.definitions,
            disabled: &sections.disabled,
            given: &given,
            factories: &registries.factories,
            values: &values,
            demands: &self.demands,
            roots: roots.as_deref(),
            listed: &listed,
        };
        let graph = checking.check(&mut problems);
        let checked = graph.filter(|_| !problems.is_fatal()).map(|graph| Checked {
            graph,
            definitions: sections.definitions,
            elsewhere,
            values,
            middleware,
            clients,
            current,
            parallel: sections.parallel,
            drain_delay: sections.drain_delay,
            reload: sections.reload,
            health: sections.health,
            config: config.with_secrets(secrets(&config, registries)),
        });
        (problems, checked)
    }

    /// The configuration, with what must not be shown marked.
    pub(crate) fn config(&self, registries: &Registries) -> Result<Config, Problems> {
        let config = self.layers.load()?;
        let secrets = secrets(&config, registries);
        Ok(config.with_secrets(secrets))
    }

    /// The server that this process is.
    fn chosen<'s>(
        &self,
        current: &ServerChoice,
        sections: &'s Sections,
        problems: &mut Problems,
    ) -> Option<&'s ServerDefinition> {
        let declared: Vec<(ServerName, Place)> = sections
            .servers
            .iter()
            .map(|server| (name_of(server), server.place.clone()))
            .collect();
        match current.choose(&declared, self.server.as_deref()) {
            Ok(None) => None,
            Ok(Some(chosen)) => sections
                .servers
                .iter()
                .find(|server| name_of(server) == chosen),
            Err(problem) => {
                problems.extend(problem);
                None
            }
        }
    }
}

impl App {
    /// Starts it: every service is built, started and made ready after those that it needs, as many
    /// at a time as `life.parallel` says; lazy ones are left until somebody asks for them.
    ///
    /// To be called in a tokio runtime, which the services then run in.
    ///
    /// # Errors
    ///
    /// [`StartError::Problems`] with everything that is wrong, before anything is built;
    /// [`StartError::Failed`] if a service fails, panics or takes too long: then nothing more is
    /// begun, and what was started is stopped again.
    ///
    /// Whoever drops the future gives up: what has been started then is not stopped in order.
    pub async fn start(self) -> Result<Running, StartError> {
        let running = self.begin()?;
        running.up().await?;
        Ok(running)
    }

    /// Looks at everything, and makes what is to be started by [`Running::up`]; nothing is built yet.
    ///
    /// For those who want to be able to stop it in the middle of the start; the others
    /// [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// [`StartError::Problems`] with everything that is wrong.
    pub fn begin(self) -> Result<Running, StartError> {
        let (problems, checked) = self.declared.checked(&self.registries);
        let Some(checked) = checked else {
            return Err(StartError::Problems(problems));
        };
        for problem in &problems {
            tracing::warn!("{problem}");
        }
        Ok(self.running(checked))
    }

    fn running(mut self, checked: Checked) -> Running {
        let states: &Registry<State> = &self.registries.states;
        let mut before: BTreeMap<&str, Vec<Arc<str>>> = BTreeMap::new();
        for service in checked.graph.services() {
            set_state(states, service.name(), |state| state.stage = Stage::Waiting);
            let needed = checked.graph.needs(service);
            let needed = needed.filter(|(edge, _)| edge.kind().is_built_before());
            let mut names: Vec<Arc<str>> = needed.map(|(_, to)| Arc::clone(&to.name)).collect();
            names.sort_unstable();
            names.dedup();
            before.insert(service.name(), names);
        }
        let mut plans = BTreeMap::new();
        for (name, (part, extras)) in std::mem::take(&mut self.parts) {
            if checked.elsewhere.contains(&name) {
                continue;
            }
            let given = self.declared.given.get(&name);
            let plan = Plan {
                makes: Makes::Given(part, Mutex::new(Some(extras))),
                before: Vec::new(),
                redirects: Arc::default(),
                place: given.map_or_else(Place::caller, |given| given.place.clone()),
            };
            before.remove(&*name);
            plans.insert(name, Arc::new(plan));
        }
        let mut elsewhere = BTreeMap::new();
        for (name, definition) in checked.definitions {
            // What the graph has is used, and its factory is known.
            let in_graph = before.remove(&*name);
            if in_graph.is_none() && !definition.on_demand {
                continue;
            }
            let Some(factory) = definition.factory(&self.registries.factories) else {
                continue;
            };
            let is_in_graph = in_graph.is_some();
            // What is made when it is asked for needs nothing but what is required.
            let required = || {
                factory
                    .needs()
                    .iter()
                    .map(|need| Arc::clone(need.shared_name()))
            };
            let before = in_graph.unwrap_or_else(|| required().collect());
            let redirects = definition.needs.iter();
            let redirects = redirects.map(|(need, (to, _))| (Arc::clone(need), Arc::clone(to)));
            let plan = Plan {
                redirects: Arc::new(redirects.collect()),
                before,
                place: definition.place.clone(),
                makes: Makes::Defined(definition, factory),
            };
            let plans = if is_in_graph {
                &mut plans
            } else {
                &mut elsewhere
            };
            plans.insert(name, Arc::new(plan));
        }
        // A set of its own: what is set at run time is not in the file.
        self.registries.values = Values::new();
        if let Err(error) = self
            .registries
            .values
            .follow(&Values::new(), &checked.values)
        {
            tracing::warn!("the configuration values could not be published: {error}");
        }
        let of_code = self.registries.clone();
        self.registries.middleware = checked.middleware;
        self.registries.clients = checked.clients;
        self.registries.current = checked.current;
        self.registries.checks = Checks::new(checked.health);
        self.registries
            .checks
            .switch_off("the application is starting");
        Running::new(Inner {
            registries: self.registries,
            graph: checked.graph,
            plans,
            elsewhere,
            alive: Registry::<()>::builder().label("alive").build(),
            gate: Gate::new(),
            parallel: checked.parallel,
            drain_delay: checked.drain_delay,
            reload: checked.reload,
            demanded: self
                .declared
                .demands
                .iter()
                .map(|demand| Arc::clone(&demand.name))
                .collect(),
            config: Current::new(self.declared, of_code, checked.config, checked.values),
        })
    }
}

impl Running {
    /// Builds and starts what is to be there from the beginning, as [`App::start`] does; to be called
    /// once, after [`App::begin`].
    ///
    /// Whoever drops the future gives up the start, and then has to [`stop`](Self::stop) what has been
    /// started.
    ///
    /// # Errors
    ///
    /// [`StartError::Failed`]; then it has been stopped already.
    pub async fn up(&self) -> Result<(), StartError> {
        let eager = self.graph().eager(&self.0.demanded);
        let order: Vec<usize> = self
            .graph()
            .services()
            .filter_map(|service| self.graph().at(service.name()))
            .filter(|at| eager[*at])
            .collect();
        let numbers: HashMap<usize, usize> = order
            .iter()
            .enumerate()
            .map(|(number, at)| (*at, number))
            .collect();
        let nodes = self.graph().nodes();
        let done = in_order(
            order.len(),
            |number| {
                let before = nodes[order[number]].edges.iter();
                before
                    .filter(|edge| edge.kind.is_built_before())
                    .map(|edge| numbers[&edge.to])
                    .collect()
            },
            self.0.parallel,
            |outcome: &Result<(), GetError>| outcome.is_err(),
            |number| {
                let (app, name) = (self.clone(), Arc::clone(&nodes[order[number]].name));
                async move {
                    let services = app.services().registry();
                    let resolved = services.resolve_async(&name).await;
                    resolved.map(|_| ()).map_err(GetError::Build)
                }
            },
        )
        .await;
        let failed: Vec<NotStarted> = done
            .into_iter()
            .filter_map(|(number, outcome)| {
                // Before the chain, which takes a walk over the graph: hardly any has one to show.
                let error = outcome.err()?;
                let service = &nodes[order[number]];
                Some(NotStarted {
                    chain: chain_to(self.graph(), order[number]),
                    place: service.place().clone(),
                    error,
                })
            })
            .collect();
        if failed.is_empty() {
            self.checks().switch_on();
            return Ok(());
        }
        let stopping = self.end(false).await;
        Err(StartError::Failed {
            services: failed,
            stopping: stopping
                .err()
                .map_or_else(Vec::new, |StopError(failures)| failures),
        })
    }
}

/// Where secrets are, as far as the types of settings tell; all of what no type tells of.
fn secrets(config: &Config, registries: &Registries) -> Vec<Path> {
    // What is wrong with it is told elsewhere.
    let sections = Sections::read(config.root(), &mut Problems::new());
    let mut secrets = Vec::new();
    for definition in sections.definitions.values() {
        let path = &definition.settings_path;
        let factory = definition.factory(&registries.factories);
        match factory.map(|factory| factory.read(&super::settings_of(definition), path)) {
            Some(Ok(read)) => secrets.extend(read.secrets),
            Some(Err(_)) | None => secrets.push(path.clone()),
        }
    }
    for (name, node) in &sections.middleware {
        secrets.extend(registries.middleware.secrets(name, node));
    }
    secrets.extend(sections.secrets);
    #[cfg(feature = "http")]
    for (kind, settings, path) in sections.routers.iter().flat_map(|one| one.body.kinds()) {
        let factory = registries.kinds.read(kind, Arc::clone);
        match factory.map(|factory| factory.read(settings, &path)) {
            Some(Ok(read)) => secrets.extend(read.secrets),
            Some(Err(_)) | None => secrets.push(path),
        }
    }
    let listed = registries.factories.snapshot();
    let factories: Vec<Arc<FactoryEntry>> = listed
        .entries()
        .filter_map(|(_, entry)| entry.value().map(Arc::clone))
        .collect();
    for need in factories.iter().flat_map(|factory| factory.needs()) {
        // A name that is no path is told elsewhere.
        let Ok(name) = need.name().parse::<Path>() else {
            continue;
        };
        let path = Path::from([Path::root().key("values").steps(), name.steps()].concat());
        if let Some(node) = config.root().at(&path) {
            secrets.extend(need.secrets(node, &path));
        }
    }
    let services = Path::root().key("services");
    secrets.extend(
        sections
            .disabled
            .keys()
            .map(|name| services.key(Arc::clone(name)).key("settings")),
    );
    secrets
}

pub(super) fn name_of(server: &ServerDefinition) -> ServerName {
    ServerName::new(Arc::clone(&server.deployment), Arc::clone(&server.name))
}

#[cfg(feature = "http")]
impl ServerDefinition {
    /// Its name with that of its deployment, where that has one.
    pub(crate) fn full_name(&self) -> String {
        name_of(self).to_string()
    }
}

/// Where the values of a server and its deployment are, and what they are laid over.
fn values_of(server: Option<&ServerDefinition>) -> Vec<(Path, Path)> {
    let values = Path::root().key("values");
    let Some(server) = server else {
        return Vec::new();
    };
    let mut of_server = server.path.clone();
    of_server = of_server.key("values");
    let of_deployment = server
        .deployment_path
        .as_ref()
        .map(|path| path.key("values"));
    let paths = of_deployment.into_iter().chain([of_server]);
    paths.map(|path| (path, values.clone())).collect()
}

fn values(sections: &Sections, problems: &mut Problems) -> Values {
    let layers: Vec<&Node> = sections.values.iter().collect();
    match Values::of(&layers) {
        Ok(values) => values,
        Err(wrong) => {
            problems.extend(wrong);
            Values::new()
        }
    }
}

/// The shortest chain of needs to a service from one that nothing needs.
fn chain_to(graph: &Graph, to: usize) -> Vec<Arc<str>> {
    let nodes = graph.nodes();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        for edge in &node.edges {
            users[edge.to].push(at);
        }
    }
    let mut came: HashMap<usize, usize> = HashMap::from([(to, to)]);
    let mut queue = VecDeque::from([to]);
    while let Some(at) = queue.pop_front() {
        if users[at].is_empty() {
            let mut chain = vec![Arc::clone(&nodes[at].name)];
            let mut here = at;
            while here != to {
                here = came[&here];
                chain.push(Arc::clone(&nodes[here].name));
            }
            return chain;
        }
        for user in &users[at] {
            if !came.contains_key(user) {
                came.insert(*user, at);
                queue.push_back(*user);
            }
        }
    }
    vec![Arc::clone(&nodes[to].name)]
}
