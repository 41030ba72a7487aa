//! From what is declared to what runs.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};

use byname_registry::{Place, Registry};

use super::check::Parts as Checking;
use super::sections::{ClientSection, Sections, ServerDefinition};
use super::{App, Declared, Definition};
use crate::chosen::{ServerChoice, ServerName};
#[cfg(feature = "http")]
use crate::clients::ROUTER;
use crate::clients::{Client, Clients, Undecided};
use crate::config::{Config, Node, Path};
use crate::factory::FactoryEntry;
use crate::graph::Graph;
use crate::health::{Checks, HealthOptions};
use crate::life::{Gate, in_order};
use crate::middleware::Middlewares;
use crate::problem::{Problem, Problems};
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
        #[cfg(feature = "http")]
        let roots = {
            let assembling = crate::http::Assembling {
                registries,
                middleware: &middleware,
                clients: &clients,
                undecided: &undecided,
                routers: &sections.routers,
                servers: &sections.servers,
                chosen: server,
                definitions: &sections.definitions,
                given: self
                    .given
                    .iter()
                    .map(|(name, given)| (Arc::clone(name), given.of))
                    .collect(),
                publish: &sections.publish,
                within: sections.within,
                name: sections.name.as_deref().unwrap_or("Byname"),
            };
            let assembled = assembling.assemble(&mut problems);
            listed.extend(assembled.used);
            // A server that lists nothing has everything but what others have for it.
            let roots = roots.or_else(|| {
                let mut elsewhere = assembled
                    .definitions
                    .iter()
                    .map(|definition| &definition.name);
                let named = sections.definitions.values();
                elsewhere
                    .any(|name| sections.definitions.contains_key(name))
                    .then(|| {
                        named
                            .filter(|one| {
                                !assembled
                                    .definitions
                                    .iter()
                                    .any(|other| other.name == one.name)
                            })
                            .map(|one| (Arc::clone(&one.name), one.place.clone()))
                            .collect()
                    })
            });
            for definition in assembled.definitions {
                sections
                    .definitions
                    .insert(Arc::clone(&definition.name), definition);
            }
            roots.map(|roots| roots.into_iter().chain(assembled.roots).collect::<Vec<_>>())
        };
        let checking = Checking {
            definitions: &sections.definitions,
            disabled: &sections.disabled,
            given: &self.given,
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

/// Defines the clients, and works out which of them this server uses.
fn clients(
    registries: &Registries,
    current: &ServerChoice,
    sections: &Sections,
    chosen: Option<&ServerDefinition>,
    problems: &mut Problems,
) -> (Clients, Undecided) {
    let clients = registries.clients.aside();
    let mut define = |client: Client, place: &Place| {
        let service = Arc::clone(&client.service);
        if let Err(error) = clients.define_at(client, place.clone()) {
            let taken = crate::registrar::taken("client", &service, place.clone(), &error);
            problems.push(taken);
        }
    };
    // Servers of one deployment know each other.
    let neighbours = sections.servers.iter();
    let neighbours = neighbours
        .filter(|server| chosen.is_some_and(|chosen| chosen.deployment == server.deployment));
    for server in neighbours {
        let published = server.published().iter().cloned();
        #[cfg(feature = "http")]
        let published = {
            let routers = server.routers(&sections.routers).into_iter();
            let named = |(router, place)| (format!("{ROUTER}{router}").into(), place);
            published.chain(routers.map(named))
        };
        for (service, place) in published {
            let own = sections
                .clients
                .iter()
                .find(|(name, section, _)| *name == service && is_meant(section, server));
            // A URL that is wrong is wrong where it stands.
            let place = own
                .filter(|(_, section, _)| section.url.is_some())
                .map_or(place, |(_, _, place)| place.clone());
            let section = own.map(|(_, section, _)| section);
            let (url, trust) = reached(section, server);
            let client = Client {
                service: Arc::clone(&service),
                server: name_of(server).to_string().into(),
                url: url.unwrap_or_default(),
                trust,
            };
            define(client, &place);
        }
    }
    for (service, section, place) in &sections.clients {
        let server = sections
            .servers
            .iter()
            .find(|server| is_meant(section, server));
        let Some(server) = server else {
            let names = sections
                .servers
                .iter()
                .map(|server| name_of(server).to_string());
            let near = byname_registry::nearest(names, &section.server);
            problems.push(
                Problem::error(format!(
                    "client `{service}` is of server `{}`, which is not declared",
                    section.server
                ))
                .nearest(&near)
                .at(place.clone(), ""),
            );
            continue;
        };
        let full = name_of(server).to_string();
        let is_published = clients
            .definitions()
            .read(&format!("{service}@{full}"), |_| ())
            .is_some();
        if !is_published {
            // One of which nothing says what it publishes may be anybody's.
            let is_told = !server.published().is_empty()
                || chosen.is_some_and(|chosen| name_of(chosen) == name_of(server));
            let elsewhere = published_of(&clients, service);
            if is_told || !elsewhere.is_empty() {
                problems.push(not_published(service, &full, place, &elsewhere));
                continue;
            }
            let (Some(url), trust) = reached(Some(section), server) else {
                problems.push(
                    Problem::error(format!("nothing says where client `{service}` is reached"))
                        .at(place.clone(), "give the client a `url`")
                        .at(server.place.clone(), "or its server"),
                );
                continue;
            };
            let client = Client {
                service: Arc::clone(service),
                server: full.as_str().into(),
                url,
                trust,
            };
            if let Err(error) = clients.define_at(client, place.clone()) {
                let taken = crate::registrar::taken("client", service, place.clone(), &error);
                problems.push(taken);
                continue;
            }
        }
        // That it is written down is the choice among several that publish it.
        if let Err(error) = clients.prefer_at(service, &full, place.clone()) {
            let taken = crate::registrar::taken("client", service, place.clone(), &error);
            problems.push(taken);
        }
    }
    let current = current.current().map(|name| name.to_string());
    let undecided = clients.rebuild_declared(current.as_deref());
    let undecided = undecided.unwrap_or_else(|wrong| {
        problems.extend(wrong);
        Undecided::new()
    });
    (clients, undecided)
}

/// Where a service is published.
fn published_of(clients: &Clients, service: &str) -> Vec<(Arc<str>, Place)> {
    let definitions = clients.definitions().snapshot();
    let of = definitions.entries().filter_map(|(_, entry)| {
        let client = entry.value().filter(|client| *client.service == *service)?;
        Some((Arc::clone(&client.server), entry.place().clone()))
    });
    of.collect()
}

/// A client of a server that does not have the service: were it taken, one would be made there that nobody
/// else knows.
fn not_published(
    service: &str,
    server: &str,
    place: &Place,
    elsewhere: &[(Arc<str>, Place)],
) -> Problem {
    let message = format!("server `{server}` does not publish `{service}`");
    let mut problem = Problem::error(message).at(place.clone(), "it is chosen here");
    for (other, place) in elsewhere {
        problem = problem.at(place.clone(), format!("server `{other}` does"));
    }
    problem
}

/// Where a server is reached for a service that a section may be about, and who is trusted there.
fn reached(section: Option<&ClientSection>, server: &ServerDefinition) -> Reached {
    let url = section.and_then(|section| section.url.as_deref().map(Arc::from));
    let trust = section.and_then(|section| section.trust.as_deref().map(Arc::from));
    let trust = trust.or_else(|| server.trust.clone());
    (url.or_else(|| server.url.clone()), trust)
}

type Reached = (Option<Arc<str>>, Option<Arc<std::path::Path>>);

/// Whether a client is of a server.
fn is_meant(section: &ClientSection, server: &ServerDefinition) -> bool {
    name_of(server).to_string() == *section.server || *server.name == *section.server
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

fn name_of(server: &ServerDefinition) -> ServerName {
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
