//! From what a file says of routers and servers to services of the graph.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use byname_registry::{Place, nearest};

use super::answers::{Answers, node_of};
use super::behind::Behind;
use super::mounts::Mounts;
use super::openapi;
use super::plan::{From, KindUse, Leaf, Planner, under};
use super::router::RouterEntry;
use super::sections::{ListenerSection, Named, OpenApi, PublishSection, RouterSection};
use super::server::{Server, ServerPlan};
use crate::app::{Definition, Given, ServerDefinition};
use crate::clients::{Clients, Undecided};
use crate::config::Path;
use crate::factory::FactoryEntry;
use crate::life::{Phase, Within};
use crate::middleware::Middlewares;
use crate::need::Declared;
use crate::part::Type;
use crate::problem::{Problem, Problems};
use crate::registries::Registries;
use crate::service::{self, Convention, Interface, Places, Plan};

/// How much longer than its requests a listener may take to drain, before it is given up.
const SPARE: Duration = Duration::from_secs(30);

/// What is assembled.
pub(crate) struct Assembling<'a> {
    pub(crate) registries: &'a Registries,
    pub(crate) middleware: &'a Middlewares,
    pub(crate) clients: &'a Clients,
    pub(crate) undecided: &'a Undecided,
    pub(crate) routers: &'a [RouterSection],
    pub(crate) servers: &'a [ServerDefinition],
    pub(crate) chosen: Option<&'a ServerDefinition>,
    pub(crate) definitions: &'a BTreeMap<Arc<str>, Definition>,
    /// The services that were given in code.
    pub(crate) given: &'a BTreeMap<Arc<str>, Given>,
    pub(crate) publish: &'a BTreeMap<Arc<str>, PublishSection>,
    pub(crate) within: Within,
    pub(crate) name: &'a str,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Assembled {
    /// Routers, kinds of routes and listeners of the chosen server; clients in the place of services
    /// that are elsewhere.
    pub(crate) definitions: Vec<Definition>,
    /// Services of the file and of code in whose place there is a client.
    pub(crate) elsewhere: BTreeSet<Arc<str>>,
    /// What the chosen server has besides the services that it lists.
    pub(crate) roots: Vec<Named>,
    /// Services that any server needs for its routes.
    pub(crate) used: BTreeSet<Arc<str>>,
}

/// A service that is published, or called where it is.
pub(super) struct Published {
    pub(super) plan: Arc<Plan>,
    middleware: Vec<Named>,
    of_methods: Vec<Vec<Named>>,
}

impl Assembling<'_> {
    pub(crate) fn assemble(&self, problems: &mut Problems) -> Assembled {
        let mut planner = Planner {
            registries: self.registries,
            middleware: self.middleware,
            routers: self.routers,
            kinds: BTreeMap::new(),
            needs: BTreeMap::new(),
            used_routers: BTreeSet::new(),
            used_middleware: BTreeSet::new(),
        };
        planner.check(problems);
        // What only other routers of the file have is used by those, if they are.
        planner.used_routers.clear();
        let published = self.published(&mut planner, problems);
        let mut assembled = Assembled::default();
        let mut mounts = Mounts::default();
        let mut behind = Behind::default();
        let mut kinds = std::mem::take(&mut planner.kinds);
        for server in self.servers {
            let is_chosen = self
                .chosen
                .is_some_and(|one| one.full_name() == server.full_name());
            planner.layers(&server.http.middleware, problems);
            for listener in &server.http.listeners {
                planner.layers(&listener.middleware, problems);
                let services = Self::services_of(server, listener, &published, problems);
                let leaves = planner.listener(listener, services, problems);
                mounts.add(server, &leaves, is_chosen);
                behind.add((server, listener), &leaves);
                for leaf in &leaves {
                    assembled.used.extend(self.needed_by(leaf, &planner));
                }
                self.unguarded((server, listener), &leaves, &planner, problems);
                if is_chosen {
                    let chosen = (server, listener, leaves);
                    self.listener(chosen, &planner, &published, &mut assembled, problems);
                }
            }
            assembled
                .used
                .extend(server.http.publish.iter().map(|(name, _)| Arc::clone(name)));
        }
        if let Some(server) = self.chosen {
            unheard(server, problems);
            assembled.roots.extend(server.http.publish.iter().cloned());
            self.clients_of_services(server, &published, &mut assembled);
            self.clients_of_routers(server, &mounts, &mut assembled);
        }
        // A router that is wrong may lack routes.
        if !problems.is_fatal() {
            behind.check(self.middleware, problems);
        }
        self.addresses(problems);
        // What is used here is checked as a service of the graph.
        kinds.retain(|node, _| !assembled.definitions.iter().any(|one| one.name == *node));
        for one in kinds.values() {
            if let Err(wrong) = one.factory.read(&one.settings, &one.path) {
                problems.extend(wrong);
            }
        }
        self.unused(&planner, problems);
        assembled
    }

    /// How every service is published that some server publishes, or that says how it would be.
    fn published(
        &self,
        planner: &mut Planner<'_>,
        problems: &mut Problems,
    ) -> BTreeMap<Arc<str>, Published> {
        let mut named: BTreeMap<Arc<str>, Place> = BTreeMap::new();
        for (name, section) in self.publish {
            named.insert(Arc::clone(name), section.place.clone());
        }
        for server in self.servers {
            for (name, place) in &server.http.publish {
                named
                    .entry(Arc::clone(name))
                    .or_insert_with(|| place.clone());
            }
        }
        let mut published = BTreeMap::new();
        for (name, place) in named {
            let section = self.publish.get(&name);
            if let Some(section) = section {
                planner.layers(&section.middleware, problems);
                for (names, _) in section.of_methods.values() {
                    planner.layers(names, problems);
                }
            }
            if let Some(one) = self.publication(&name, &place, section, problems) {
                published.insert(name, one);
            }
        }
        published
    }

    fn publication(
        &self,
        name: &Arc<str>,
        place: &Place,
        section: Option<&PublishSection>,
        problems: &mut Problems,
    ) -> Option<Published> {
        let definition = self.definitions.get(name);
        let of = match (self.given.get(name), definition) {
            (Some(given), _) => given.of,
            // A factory that is not known is told of elsewhere.
            (None, Some(definition)) => definition.factory(&self.registries.factories)?.makes(),
            (None, None) => {
                problems.push(
                    Problem::error(format!("service `{name}` is published, and not defined"))
                        .nearest(&nearest(self.definitions.keys(), name))
                        .at(place.clone(), ""),
                );
                return None;
            }
        };
        let Some(interface) = self.interface(of) else {
            let mut problem = Problem::error(format!(
                "service `{name}` cannot be published: nothing says what a `{}` does",
                of.name()
            ))
            .at(place.clone(), "it is published here")
            .help("register its trait, which has the attribute `service`: `registrar.interface::<dyn …>()`");
            if let Some(definition) = definition {
                problem = problem.at(definition.place.clone(), "and defined here");
            }
            problems.push(problem);
            return None;
        };
        let convention = section.map_or(super::sections::CONVENTION, |section| &section.convention);
        let convention_place = section.map_or(place, |section| &section.convention_place);
        let rule = match self
            .registries
            .conventions
            .require::<dyn Convention>(convention)
        {
            Ok(rule) => rule,
            Err(error) => {
                problems.push(
                    Problem::error(format!("service `{name}` cannot be published: {error}"))
                        .at(convention_place.clone(), ""),
                );
                return None;
            }
        };
        let overrides = section
            .map(|section| section.overrides.clone())
            .unwrap_or_default();
        let places = Places::of(section.map(|section| &section.said));
        let plan = service::plan_of_file(&interface, &*rule, convention, &overrides, places);
        let plan = match plan {
            Ok(plan) => plan,
            Err(wrong) => {
                let at =
                    |problem: Problem| problem.at(place.clone(), format!("of service `{name}`"));
                problems.extend(wrong.into_iter().map(at));
                return None;
            }
        };
        let methods: Vec<Arc<str>> = plan.methods().collect();
        for (method, (_, place)) in section.into_iter().flat_map(|section| &section.of_methods) {
            if !methods.contains(method) {
                problems.push(
                    Problem::error(format!(
                        "service `{name}` has no route for a method `{method}`"
                    ))
                    .nearest(&nearest(methods.iter(), method))
                    .at(place.clone(), ""),
                );
            }
        }
        let of_method = |method: &Arc<str>| {
            let names = section.and_then(|section| section.of_methods.get(method));
            names.map_or_else(Vec::new, |(names, _)| names.clone())
        };
        Some(Published {
            of_methods: methods.iter().map(of_method).collect(),
            middleware: section.map_or_else(Vec::new, |section| section.middleware.clone()),
            plan: Arc::new(plan),
        })
    }

    fn interface(&self, of: Type) -> Option<Arc<Interface>> {
        let listed = self.registries.interfaces.snapshot();
        let found = listed.iter().find(|(_, interface)| interface.of() == of);
        found.map(|(_, interface)| Arc::clone(interface))
    }

    /// The routes of the services that a server publishes on a listener.
    fn services_of(
        server: &ServerDefinition,
        listener: &ListenerSection,
        published: &BTreeMap<Arc<str>, Published>,
        problems: &mut Problems,
    ) -> Vec<Leaf> {
        if !listener.publish {
            return Vec::new();
        }
        let mut leaves = Vec::new();
        let mut seen: BTreeMap<&str, &Place> = BTreeMap::new();
        for (name, place) in &server.http.publish {
            if let Some(first) = seen.insert(name, place) {
                problems.push(
                    Problem::error(format!("service `{name}` is published twice"))
                        .at(place.clone(), "here")
                        .at(first.clone(), "and here before"),
                );
                continue;
            }
            let Some(one) = published.get(name) else {
                continue;
            };
            let routes = one
                .plan
                .descriptions()
                .into_iter()
                .zip(&one.of_methods)
                .enumerate();
            let mut own: Vec<Leaf> = routes
                .map(|(at, (route, layers))| Leaf {
                    method: route.method,
                    path: route.path.to_string(),
                    operation: route.operation,
                    place: route.place,
                    mounted: place.clone(),
                    layers: layers.clone(),
                    mounts: Vec::new(),
                    from: From::Service {
                        name: Arc::clone(name),
                        at,
                    },
                })
                .collect();
            under(&mut own, "", &one.middleware);
            leaves.extend(own);
        }
        leaves
    }

    /// Warns of what is not for everybody, and answers anybody in the network.
    fn unguarded(
        &self,
        (server, listener): (&ServerDefinition, &ListenerSection),
        leaves: &[Leaf],
        planner: &Planner<'_>,
        problems: &mut Problems,
    ) {
        let is_near = match &listener.settings.address {
            super::listen::Address::Tcp(address) => address.ip().is_loopback(),
            super::listen::Address::Unix(_) => true,
        };
        let tls = listener.settings.tls.as_ref();
        if is_near || tls.is_some_and(|tls| tls.client_ca.is_some()) {
            return;
        }
        let asks = |(name, _): &Named| self.middleware.authenticates(name);
        let mut around = server.http.middleware.iter().chain(&listener.middleware);
        if around.any(asks) {
            return;
        }
        for leaf in leaves {
            let From::Kind { node } = &leaf.from else {
                continue;
            };
            let guarded = planner.kinds.get(node);
            let Some(one) = guarded.filter(|one| one.factory.is_guarded()) else {
                continue;
            };
            if leaf.layers.iter().any(asks) {
                continue;
            }
            problems.push(
                Problem::warning(format!(
                    "anybody who reaches this listener is answered by `{}`, which is not for everybody",
                    one.kind
                ))
                .at(leaf.place.clone(), "it answers here")
                .at(listener.place.clone(), "the listener")
                .help(format!(
                    "listen on a loopback address, or put middleware before it that asks who it is: {}",
                    self.who_asks()
                )),
            );
        }
    }

    /// The types of middleware that authenticate.
    fn who_asks(&self) -> String {
        let factories = self.middleware.factories().snapshot();
        let asking = factories.iter().filter(|(_, one)| one.authenticates());
        let names: Vec<_> = asking.map(|(name, _)| format!("`{name}`")).collect();
        names.join(" or ")
    }

    /// The services that a route needs.
    fn needed_by(&self, leaf: &Leaf, planner: &Planner<'_>) -> Vec<Arc<str>> {
        let factory = match &leaf.from {
            From::Service { name, .. } => return vec![Arc::clone(name)],
            From::Kind { node } => planner.kinds.get(node).map(|one| Arc::clone(&one.factory)),
            From::Router { name, .. } => {
                let entry = self
                    .registries
                    .routers
                    .get::<RouterEntry>(name)
                    .ok()
                    .flatten();
                entry.map(|entry| Arc::clone(entry.factory()))
            }
        };
        let needs = factory.iter().flat_map(|factory| factory.needs());
        let redirected = planner.needs.get(&node_of(&leaf.from));
        needs
            .map(|need| {
                let to = redirected.and_then(|needs| needs.get(need.name()));
                to.map_or_else(|| Arc::clone(need.shared_name()), |(to, _)| Arc::clone(to))
            })
            .collect()
    }

    /// The services of the graph that a listener of the chosen server is.
    fn listener(
        &self,
        (server, listener, leaves): (&ServerDefinition, &ListenerSection, Vec<Leaf>),
        planner: &Planner<'_>,
        published: &BTreeMap<Arc<str>, Published>,
        assembled: &mut Assembled,
        problems: &mut Problems,
    ) {
        let mut needs: BTreeMap<Arc<str>, Declared> = BTreeMap::new();
        for leaf in &leaves {
            let node = node_of(&leaf.from);
            let (of, definition) = match &leaf.from {
                From::Router { name, .. } => {
                    let entry = self
                        .registries
                        .routers
                        .get::<RouterEntry>(name)
                        .ok()
                        .flatten();
                    let Some(entry) = entry else { continue };
                    let of = entry.factory().makes();
                    let needs = planner.needs.get(&node).cloned().unwrap_or_default();
                    let definition = self.of_router(&node, name, &entry);
                    (
                        of,
                        Some(Definition {
                            needs,
                            routed: Some(leaf.mounted.clone()),
                            ..definition
                        }),
                    )
                }
                From::Kind { node } => {
                    let Some(one) = planner.kinds.get(node) else {
                        continue;
                    };
                    (one.factory.makes(), Some(self.of_kind(node, one)))
                }
                From::Service { name, .. } => {
                    let Some(one) = published.get(name) else {
                        continue;
                    };
                    (one.plan.interface().of(), None)
                }
            };
            needs
                .entry(Arc::clone(&node))
                .or_insert_with(|| Declared::required(Arc::clone(&node), of, leaf.mounted.clone()));
            if let Some(definition) = definition
                && !assembled.definitions.iter().any(|one| one.name == node)
            {
                assembled.definitions.push(definition);
            }
        }
        let around = server.http.middleware.iter().chain(&listener.middleware);
        let around: Vec<Arc<str>> = around.map(|(name, _)| Arc::clone(name)).collect();
        let openapi = listener.openapi.as_ref().map(|described| {
            let text = self.described(described, &around, &leaves);
            (Arc::from(described.path.as_str()), text)
        });
        if let Some((path, _)) = &openapi
            && let Some(leaf) = leaves.iter().find(|leaf| leaf.path == **path)
        {
            problems.push(
                Problem::error(format!(
                    "`{path}` is a route, and where the routes are described"
                ))
                .at(leaf.mounted.clone(), "the route")
                .at(listener.place.clone(), "the listener")
                .help("say `openapi: false`, or another path"),
            );
        }
        let used = published
            .iter()
            .map(|(name, one)| (Arc::clone(name), Arc::clone(&one.plan)));
        let plan = Arc::new(ServerPlan {
            answers: Answers {
                leaves,
                published: used.collect(),
                around,
            },
            settings: listener.settings.clone(),
            node: listener.node.clone(),
            path: listener.path.clone(),
            openapi,
        });
        let name: Arc<str> = listener.path.to_string().into();
        let needs = needs.into_values().collect();
        let factory =
            FactoryEntry::composed::<Server, _>("listener", listener.place.clone(), needs, {
                move |supply| plan.make(supply)
            });
        assembled
            .roots
            .push((Arc::clone(&name), listener.place.clone()));
        // It is not given up while it finishes requests for as long as it may.
        let drain = Duration::from(listener.settings.timeouts.drain) + SPARE;
        let drain = drain.max(self.within.of(Phase::Drain));
        assembled.definitions.push(Definition {
            within: self.within.with(Phase::Drain, drain),
            settings: Some(listener.node.clone()),
            settings_path: listener.path.clone(),
            ..self.definition(name, "listener", factory.into(), listener.place.clone())
        });
    }

    /// The description of what is routed, each route as it is behind all that stands before it.
    fn described(&self, described: &OpenApi, around: &[Arc<str>], leaves: &[Leaf]) -> Arc<str> {
        let title = described.title.as_deref().unwrap_or(self.name);
        let info = openapi::Info {
            title: title.to_owned(),
            version: described.version.clone(),
            description: described.description.clone(),
        };
        let routed = leaves.iter().filter_map(|leaf| {
            let mut operation = Arc::clone(&leaf.operation);
            let layers = leaf.layers.iter().map(|(name, _)| name);
            for name in around.iter().chain(layers) {
                self.middleware.describe_before(name, &mut operation);
            }
            Some((leaf.method.clone()?, leaf.path.clone(), operation))
        });
        let document = openapi::document(info, routed);
        // A tree of JSON always serialises.
        serde_json::to_string_pretty(&document)
            .unwrap_or_default()
            .into()
    }

    fn of_router(&self, node: &Arc<str>, name: &Arc<str>, entry: &RouterEntry) -> Definition {
        let factory = Arc::clone(entry.factory());
        self.definition(Arc::clone(node), name, factory, entry.place().clone())
    }

    fn of_kind(&self, node: &Arc<str>, one: &KindUse) -> Definition {
        let factory = Arc::clone(&one.factory);
        Definition {
            factory_place: one.kind_place.clone(),
            settings: Some(one.settings.clone()),
            settings_path: one.path.clone(),
            ..self.definition(Arc::clone(node), &one.kind, factory, one.place.clone())
        }
    }

    pub(super) fn definition(
        &self,
        name: Arc<str>,
        factory: &str,
        own: Arc<FactoryEntry>,
        place: Place,
    ) -> Definition {
        Definition {
            settings_path: Path::root()
                .key("services")
                .key(Arc::clone(&name))
                .key("settings"),
            name,
            factory: factory.into(),
            factory_place: place.clone(),
            own: Some(own),
            settings: None,
            needs: BTreeMap::new(),
            lazy: false,
            on_demand: false,
            within: self.within,
            routed: None,
            place,
        }
    }

    /// Tells listeners that are at one address.
    fn addresses(&self, problems: &mut Problems) {
        let mut seen: Vec<(&ServerDefinition, &ListenerSection)> = Vec::new();
        for server in self.servers {
            for listener in &server.http.listeners {
                let address = &listener.settings.address;
                let same = seen.iter().find(|(other, one)| {
                    other.deployment == server.deployment
                        && one.settings.address.conflicts_with(address)
                        && may_share_a_machine(other, server)
                });
                if let Some((_, first)) = same {
                    problems.push(
                        Problem::error(format!("two listeners are at {address}"))
                            .at(first.place.clone(), "one is here")
                            .at(listener.place.clone(), "the other here"),
                    );
                }
                seen.push((server, listener));
            }
        }
    }

    fn unused(&self, planner: &Planner<'_>, problems: &mut Problems) {
        if self.servers.is_empty() {
            return;
        }
        let within = self.routers.iter().flat_map(|section| section.body.named());
        let nested: BTreeSet<_> = within.collect();
        for section in self.routers {
            if !planner.used_routers.contains(&section.name) && !nested.contains(&section.name) {
                problems.push(
                    Problem::warning(format!("router `{}` is used by no server", section.name))
                        .at(section.place.clone(), "it is defined here")
                        .help("list it under a listener's `routers`, or take it out"),
                );
            }
        }
        for name in self.middleware.names() {
            if let Some(place) = self.middleware.place(&name)
                && !planner.used_middleware.contains(&*name)
            {
                problems.push(
                    Problem::warning(format!("middleware `{name}` is used by nothing"))
                        .at(place, "it is defined here"),
                );
            }
        }
    }
}

/// Whether two servers may be on one machine: not if they say that they are reached at two hosts.
fn may_share_a_machine(one: &ServerDefinition, other: &ServerDefinition) -> bool {
    let host = |server: &ServerDefinition| {
        let url: axum::http::Uri = server.url.as_deref()?.parse().ok()?;
        url.host().map(str::to_owned)
    };
    match (host(one), host(other)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// Tells services that this server publishes and no listener of it answers for.
fn unheard(server: &ServerDefinition, problems: &mut Problems) {
    let http = &server.http;
    if http.listeners.iter().any(|listener| listener.publish) {
        return;
    }
    for (service, place) in &http.publish {
        let full = server.full_name();
        let problem = Problem::error(format!(
            "server `{full}` publishes `{service}`, and no listener of it answers for that"
        ));
        problems.push(match http.listeners.as_slice() {
            [] => problem
                .at(place.clone(), "")
                .help("give the server a listener: `listeners: { main: { address: … } }`"),
            [listener, ..] => problem
                .at(place.clone(), "")
                .at(listener.place.clone(), "this one has `publish: false`"),
        });
    }
}
