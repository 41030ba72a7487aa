//! What an application's configuration says: the keys of its top level, and what is under them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use byname_registry::{Place, nearest};
use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::Definition;
use super::reading::{each, map_of, only, section, without};
use crate::clients::{
    ClientBreaker, ClientKey, ClientLimits, ClientPool, ClientRetry, ClientSettings, ClientTimeouts,
};
use crate::config::units;
use crate::config::{Map, Node, Path, Secret, Value, read_node};
use crate::health::HealthOptions;
use crate::life::{Phase, Within};
use crate::problem::{Problem, Problems};

/// The keys of the top level.
pub(super) const KEYS: &[&str] = &[
    "name",
    "values",
    "services",
    "middleware",
    "clients",
    "servers",
    "deployments",
    "life",
    "health",
    #[cfg(feature = "http")]
    "routers",
];

/// How long each phase of a service may take.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct WithinSection {
    /// Its factory. Default: 30s.
    build: Option<units::Duration>,
    /// Its start. Default: 30s.
    start: Option<units::Duration>,
    /// Until it is ready after the start. Default: 30s.
    ready: Option<units::Duration>,
    /// Finishing what is under way. Default: 30s.
    drain: Option<units::Duration>,
    /// Its end. Default: 10s.
    stop: Option<units::Duration>,
}

impl WithinSection {
    fn over(self, below: Within) -> Within {
        let set = [
            (Phase::Build, self.build),
            (Phase::Start, self.start),
            (Phase::Ready, self.ready),
            (Phase::Drain, self.drain),
            (Phase::Stop, self.stop),
        ];
        set.into_iter().fold(below, |within, (phase, time)| {
            time.map_or(within, |time| within.with(phase, time.into()))
        })
    }
}

/// How the application is started and stopped.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct LifeSection {
    /// How many services are built, drained or stopped at a time. Default: 8.
    parallel: Option<std::num::NonZeroUsize>,
    /// How long requests are still taken after readiness went off. Default: 0s.
    drain_delay: Option<units::Duration>,
    /// Whether the files are read again when they change. Default: true.
    reload: Option<bool>,
    /// What services may take that do not say themselves.
    within: WithinSection,
}

/// How health checks are run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct HealthSection {
    /// How long a check may take that does not say itself. Default: 5s.
    within: Option<units::Duration>,
    /// How long an answer is kept. Default: 250ms.
    keep: Option<units::Duration>,
    /// How many checks run at a time. Default: 32.
    parallel: Option<std::num::NonZeroUsize>,
}

/// A service, but for its settings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct ServiceSection {
    /// The factory that makes it. Default: its own name.
    #[serde(rename = "type")]
    factory: Option<String>,
    /// Services that stand in the place of the factory's needs.
    needs: BTreeMap<String, String>,
    /// Whether it is built only when it is asked for. Default: false.
    lazy: bool,
    /// Whether it is there at all. Default: true.
    enabled: bool,
    /// How long its phases may take.
    within: WithinSection,
}

impl Default for ServiceSection {
    fn default() -> Self {
        Self {
            factory: None,
            needs: BTreeMap::new(),
            lazy: false,
            enabled: true,
            within: WithinSection::default(),
        }
    }
}

/// A server of a deployment.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct ServerSection {
    /// The services that it has, besides what those need. Default: all.
    pub(super) services: Option<Vec<String>>,
    /// Where others reach it: http://…, https://… or unix:…
    pub(super) url: Option<String>,
    /// The file with the authorities that others trust there, where that is over TLS. Default: those of
    /// the system.
    pub(super) trust: Option<PathBuf>,
}

/// Where a service of another server is reached, and how it is called.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct ClientSection {
    /// The server that publishes it, as `DEPLOYMENT.SERVER` or `SERVER`. Default: whichever does; of
    /// several, none is chosen.
    pub(super) server: Option<String>,
    /// Where it is reached. Default: the server's `url`.
    pub(super) url: Option<String>,
    /// The file with the authorities that are trusted there, where that is over TLS. Default: the server's
    /// `trust`.
    pub(super) trust: Option<PathBuf>,
    /// What is shown as `Authorization: Bearer TOKEN`: to a server with `bearer-auth`, say.
    token: Option<Secret<String>>,
    /// What is shown in a header: to a server with `api-key`, say.
    key: Option<ClientKey>,
    /// How long things may take.
    timeouts: ClientTimeouts,
    /// What is tried again, and when.
    retry: ClientRetry,
    /// When the server is not called at all.
    breaker: ClientBreaker,
    /// Which connections are kept.
    pool: ClientPool,
    /// How much at once.
    limits: ClientLimits,
}

/// A client as it was declared.
#[derive(Clone, Debug)]
pub(super) struct ClientDefinition {
    pub(super) name: Arc<str>,
    pub(super) place: Place,
    pub(super) server: Option<String>,
    pub(super) url: Option<Arc<str>>,
    pub(super) trust: Option<Arc<FilePath>>,
    pub(super) settings: Arc<ClientSettings>,
    /// Where it says what it shows.
    pub(super) shown: Option<Place>,
}

impl ClientDefinition {
    fn new(name: Arc<str>, node: &Node, place: Place, section: ClientSection) -> Self {
        let shown = ["token", "key"].iter().find_map(|key| node.get(key));
        Self {
            name,
            place,
            server: section.server,
            url: section.url.map(Into::into),
            trust: section.trust.map(Into::into),
            settings: Arc::new(ClientSettings {
                timeouts: section.timeouts,
                retry: section.retry,
                breaker: section.breaker,
                pool: section.pool,
                limits: section.limits,
                token: section.token,
                key: section.key,
            }),
            shown: shown.map(|node| node.origin.place()),
        }
    }

    /// Tells what is out of its bounds.
    #[cfg(feature = "http")]
    fn check(&self, node: &Node, problems: &mut Problems) {
        for (key, wrong) in self.settings.wrong() {
            let stands = node.get(key).map(|node| node.origin.place());
            let place = stands.unwrap_or_else(|| self.place.clone());
            let message = format!("`{key}` of client `{}`: {wrong}", self.name);
            problems.push(Problem::error(message).at(place, ""));
        }
    }
}

/// A server as it was declared.
#[derive(Clone, Debug)]
pub(crate) struct ServerDefinition {
    pub(crate) deployment: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) place: Place,
    /// `None` for all.
    pub(crate) services: Option<Vec<(Arc<str>, Place)>>,
    pub(crate) url: Option<Arc<str>>,
    pub(crate) trust: Option<Arc<FilePath>>,
    /// Where it is in the configuration, and its deployment, if that has a name.
    pub(crate) path: Path,
    pub(crate) deployment_path: Option<Path>,
    #[cfg(feature = "http")]
    pub(crate) http: crate::http::ServerSection,
}

impl ServerDefinition {
    /// The services that it publishes, and where that was said.
    #[cfg(feature = "http")]
    pub(super) fn published(&self) -> &[(Arc<str>, Place)] {
        &self.http.publish
    }

    /// The services that it publishes: none, without HTTP.
    #[cfg(not(feature = "http"))]
    #[allow(clippy::unused_self, reason = "as with HTTP")]
    pub(super) fn published(&self) -> &[(Arc<str>, Place)] {
        &[]
    }
}

/// The name of the deployment of servers that belong to none.
pub(super) const DEFAULT_DEPLOYMENT: &str = "default";

/// What the configuration says.
#[derive(Clone, Debug)]
pub(super) struct Sections {
    pub(super) name: Option<String>,
    pub(super) values: Option<Node>,
    pub(super) definitions: BTreeMap<Arc<str>, Definition>,
    pub(super) disabled: BTreeMap<Arc<str>, Place>,
    /// Names, their factories and settings.
    pub(super) middleware: Vec<(Arc<str>, Node)>,
    pub(super) clients: Vec<ClientDefinition>,
    /// Where clients say what must not be shown.
    pub(super) secrets: Vec<Path>,
    pub(super) servers: Vec<ServerDefinition>,
    pub(super) parallel: usize,
    pub(super) drain_delay: Duration,
    pub(super) reload: bool,
    pub(super) health: HealthOptions,
    /// What services may take that do not say themselves.
    pub(super) within: Within,
    #[cfg(feature = "http")]
    pub(super) routers: Vec<crate::http::RouterSection>,
    /// How services are published, by their names.
    #[cfg(feature = "http")]
    pub(super) publish: BTreeMap<Arc<str>, crate::http::PublishSection>,
}

impl Default for Sections {
    fn default() -> Self {
        Self {
            name: None,
            values: None,
            definitions: BTreeMap::new(),
            disabled: BTreeMap::new(),
            middleware: Vec::new(),
            clients: Vec::new(),
            secrets: Vec::new(),
            servers: Vec::new(),
            parallel: 8,
            drain_delay: Duration::ZERO,
            reload: true,
            health: HealthOptions::default(),
            within: Within::default(),
            #[cfg(feature = "http")]
            routers: Vec::new(),
            #[cfg(feature = "http")]
            publish: BTreeMap::new(),
        }
    }
}

impl Sections {
    /// Reads a configuration, and tells all that is wrong with what it says of the application itself.
    pub(super) fn read(root: &Node, problems: &mut Problems) -> Self {
        let mut sections = Self::default();
        let path = Path::root();
        let Some(map) = map_of(root, &path, "an application", problems) else {
            return sections;
        };
        let quoted: Vec<String> = KEYS.iter().map(|key| format!("`{key}`")).collect();
        for (key, _) in map.iter().filter(|(key, _)| !KEYS.contains(&&*key.name)) {
            problems.push(
                Problem::error(format!("unknown key `{}`", key.name))
                    .nearest(&nearest(KEYS.iter(), &key.name))
                    .at(key.origin.place(), "")
                    .help(format!("known keys are {}", quoted.join(", "))),
            );
        }
        sections.name = section(map, "name", problems);
        sections.values = map.get("values").cloned();
        let life: LifeSection = section(map, "life", problems).unwrap_or_default();
        sections.parallel = life.parallel.map_or(sections.parallel, Into::into);
        sections.drain_delay = life.drain_delay.map_or(Duration::ZERO, Into::into);
        sections.reload = life.reload.unwrap_or(true);
        let health: HealthSection = section(map, "health", problems).unwrap_or_default();
        let usual = sections.health;
        sections.health = HealthOptions {
            within: health.within.map_or(usual.within, Into::into),
            keep: health.keep.map_or(usual.keep, Into::into),
            parallel: health.parallel.map_or(usual.parallel, Into::into),
        };
        let within = life.within.over(Within::default());
        sections.within = within;
        #[cfg(feature = "http")]
        {
            sections.routers = crate::http::routers(map, problems);
        }
        each(
            map,
            "services",
            "a service",
            problems,
            |name, node, place, problems| {
                sections.service(name, node, place, within, problems);
            },
        );
        each(
            map,
            "middleware",
            "a middleware",
            problems,
            |name, node, _, _| {
                sections.middleware.push((name, node.clone()));
            },
        );
        each(
            map,
            "clients",
            "a client",
            problems,
            |name, node, place, problems| {
                let path = Path::root().key("clients").key(Arc::clone(&name));
                match read_node::<ClientSection>(node, &path, "a client") {
                    Ok(read) => {
                        sections.secrets.extend(read.secrets);
                        let client = ClientDefinition::new(name, node, place, read.value);
                        #[cfg(feature = "http")]
                        client.check(node, problems);
                        sections.clients.push(client);
                    }
                    Err(wrong) => {
                        sections.secrets.push(path);
                        problems.extend(wrong);
                    }
                }
            },
        );
        let of_default = Path::root();
        sections.servers(map, &of_default, &DEFAULT_DEPLOYMENT.into(), problems);
        each(
            map,
            "deployments",
            "a deployment",
            problems,
            |name, node, _, problems| {
                let path = Path::root().key("deployments").key(Arc::clone(&name));
                let Some(inner) = map_of(node, &path, "a deployment", problems) else {
                    return;
                };
                only(inner, &["servers", "values"], "a deployment", problems);
                sections.servers(inner, &path, &name, problems);
            },
        );
        sections
    }

    fn service(
        &mut self,
        name: Arc<str>,
        node: &Node,
        place: Place,
        within: Within,
        problems: &mut Problems,
    ) {
        let path = Path::root().key("services").key(Arc::clone(&name));
        let settings = node.get("settings").cloned();
        let rest = without(node, "settings");
        #[cfg(feature = "http")]
        let rest = {
            if let Some(given) = node.get("publish") {
                let read = crate::http::publish(given, &path.key("publish"), problems);
                self.publish
                    .extend(read.map(|read| (Arc::clone(&name), read)));
            }
            without(&rest, "publish")
        };
        let section = match read_node::<ServiceSection>(&rest, &path, "a service") {
            Ok(read) => read.value,
            Err(wrong) => {
                problems.extend(wrong);
                // It is there, so that nobody who needs it is told that it is not.
                let factory = match node.get("type").map(|node| &node.value) {
                    Some(Value::Scalar(scalar)) => Some(scalar.text.to_string()),
                    _ => None,
                };
                ServiceSection {
                    factory,
                    ..ServiceSection::default()
                }
            }
        };
        if !section.enabled {
            self.disabled.insert(name, place);
            return;
        }
        let needs = section.needs.into_iter().map(|(need, to)| {
            let stands = node.get("needs").and_then(|needs| needs.get(&need));
            let place = stands.map_or_else(|| place.clone(), |node| node.origin.place());
            (need.into(), (to.into(), place))
        });
        let factory_place = node
            .get("type")
            .map_or_else(|| place.clone(), |node| node.origin.place());
        self.definitions.insert(
            Arc::clone(&name),
            Definition {
                factory: section
                    .factory
                    .map_or_else(|| Arc::clone(&name), Into::into),
                factory_place,
                own: None,
                settings,
                settings_path: path.key("settings"),
                needs: needs.collect(),
                lazy: section.lazy,
                on_demand: false,
                within: section.within.over(within),
                routed: None,
                place,
                name,
            },
        );
    }

    /// The servers under a map's key `servers`.
    fn servers(&mut self, map: &Map, path: &Path, deployment: &Arc<str>, problems: &mut Problems) {
        let deployment_path = (!path.steps().is_empty()).then(|| path.clone());
        let path = path.key("servers");
        each(
            map,
            "servers",
            "a server",
            problems,
            |name, node, place, problems| {
                let path = path.key(Arc::clone(&name));
                let rest = without(node, "values");
                #[cfg(feature = "http")]
                let (rest, http) = {
                    let map = rest.as_map().cloned().unwrap_or_default();
                    let http = crate::http::server(&map, &path, problems);
                    let keys = crate::http::SERVER_KEYS;
                    (
                        keys.iter().fold(rest, |rest, key| without(&rest, key)),
                        http,
                    )
                };
                let section = match read_node::<ServerSection>(&rest, &path, "a server") {
                    Ok(read) => read.value,
                    Err(wrong) => return problems.extend(wrong),
                };
                let stands = |at: usize| match node.get("services").map(|node| &node.value) {
                    Some(Value::List(list)) => list.get(at).map(|node| node.origin.place()),
                    _ => None,
                };
                let services = section.services.map(|services| {
                    let services = services.into_iter().enumerate();
                    services
                        .map(|(at, name)| {
                            (name.into(), stands(at).unwrap_or_else(|| place.clone()))
                        })
                        .collect()
                });
                self.servers.push(ServerDefinition {
                    deployment: Arc::clone(deployment),
                    name,
                    place,
                    services,
                    url: section.url.map(Into::into),
                    trust: section.trust.map(Into::into),
                    deployment_path: deployment_path.clone(),
                    path,
                    #[cfg(feature = "http")]
                    http,
                });
            },
        );
    }

    /// What any server lists; everything if one of them lists nothing.
    pub(super) fn listed(&self) -> BTreeSet<Arc<str>> {
        let mut listed = BTreeSet::new();
        for server in &self.servers {
            match &server.services {
                Some(services) => listed.extend(services.iter().map(|(name, _)| Arc::clone(name))),
                None => listed.extend(self.definitions.keys().cloned()),
            }
        }
        listed
    }
}
