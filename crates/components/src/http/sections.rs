//! What an application's file says of routers and listeners.

use std::collections::BTreeMap;
use std::sync::Arc;

use byname_registry::Place;

use super::listen;
use super::routes::{fault, parameters, prefix_fault};
use crate::app::reading::{map_of, named, only, without};
use crate::config::{Checked, Map, Node, Path, Value, read_node};
use crate::problem::{Problem, Problems};
use crate::service::Overrides;

/// A name in a list, and where it stands.
pub(crate) type Named = (Arc<str>, Place);

/// A router of the file: items under one prefix, behind the same middleware.
#[derive(Clone, Debug)]
pub(crate) struct RouterSection {
    pub(crate) name: Arc<str>,
    pub(crate) place: Place,
    pub(crate) body: Group,
}

/// Items under one prefix, behind the same middleware.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) prefix: String,
    pub(crate) middleware: Vec<Named>,
    pub(crate) items: Vec<Item>,
}

impl Group {
    /// The routers that it names, at whatever depth.
    pub(crate) fn named(&self) -> Vec<&Arc<str>> {
        let items = self.items.iter();
        items
            .flat_map(|item| match &item.what {
                What::Group(group) => group.named(),
                What::Router { name, .. } => vec![name],
                What::Kind { .. } => Vec::new(),
            })
            .collect()
    }
}

impl Group {
    /// The kinds of routes that it has, at whatever depth, with their settings and where these are.
    pub(crate) fn kinds(&self) -> Vec<(&Arc<str>, &Node, Path)> {
        let items = self.items.iter();
        items
            .flat_map(|item| match &item.what {
                What::Group(group) => group.kinds(),
                What::Router { .. } => Vec::new(),
                What::Kind { kind, settings, .. } => {
                    vec![(kind, settings, item.path.key(Arc::clone(kind)))]
                }
            })
            .collect()
    }
}

/// One item of a router's `routes`.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) place: Place,
    pub(crate) path: Path,
    pub(crate) what: What,
}

/// What is routed to.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Further items.
    Group(Group),
    /// Another router, of the file or of code; some of its routes changed.
    Router {
        name: Arc<str>,
        prefix: String,
        middleware: Vec<Named>,
        changes: Vec<Change>,
        /// Services that stand in the place of what the router needs.
        needs: BTreeMap<Arc<str>, Named>,
    },
    /// A kind of route that a module brings.
    Kind {
        kind: Arc<str>,
        kind_place: Place,
        prefix: String,
        middleware: Vec<Named>,
        settings: Node,
    },
}

/// What is changed of one route of a router.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// As `GET /models/{id}`.
    pub(crate) route: Arc<str>,
    pub(crate) place: Place,
    pub(crate) hide: bool,
    pub(crate) path: Option<String>,
    pub(crate) middleware: Vec<Named>,
}

/// How a service is published, wherever it is.
#[derive(Clone, Debug)]
pub(crate) struct PublishSection {
    pub(crate) convention: Arc<str>,
    pub(crate) convention_place: Place,
    pub(crate) middleware: Vec<Named>,
    /// Of single methods.
    pub(crate) of_methods: BTreeMap<Arc<str>, (Vec<Named>, Place)>,
    pub(crate) overrides: Overrides,
    /// What the overrides were read from.
    pub(crate) said: Node,
    pub(crate) place: Place,
}

/// What a server says of HTTP.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerSection {
    pub(crate) publish: Vec<Named>,
    pub(crate) middleware: Vec<Named>,
    pub(crate) listeners: Vec<ListenerSection>,
}

/// A listener of a server.
#[derive(Clone, Debug)]
pub(crate) struct ListenerSection {
    pub(crate) place: Place,
    pub(crate) path: Path,
    pub(crate) routers: Vec<Named>,
    pub(crate) middleware: Vec<Named>,
    pub(crate) publish: bool,
    /// How the description of its routes is served, if it is.
    pub(crate) openapi: Option<OpenApi>,
    pub(crate) settings: listen::Settings,
    pub(crate) node: Node,
}

/// The keys of a server that are read here.
pub(crate) const SERVER_KEYS: [&str; 3] = ["publish", "middleware", "listeners"];

/// The convention that counts where none is named.
pub(crate) const CONVENTION: &str = "rest";

/// Reads the routers of a file.
pub(crate) fn routers(map: &Map, problems: &mut Problems) -> Vec<RouterSection> {
    let mut routers = Vec::new();
    crate::app::reading::each(
        map,
        "routers",
        "a router",
        problems,
        |name, node, place, problems| {
            let path = Path::root().key("routers").key(Arc::clone(&name));
            let Some(inner) = map_of(node, &path, "a router", problems) else {
                return;
            };
            only(
                inner,
                &["prefix", "middleware", "routes"],
                "a router",
                problems,
            );
            let body = group(inner, &path, problems);
            routers.push(RouterSection { name, place, body });
        },
    );
    routers
}

fn group(map: &Map, path: &Path, problems: &mut Problems) -> Group {
    Group {
        prefix: prefix(map, path, problems),
        middleware: list(map.get("middleware"), &path.key("middleware"), problems),
        items: items(map.get("routes"), &path.key("routes"), problems),
    }
}

fn items(node: Option<&Node>, path: &Path, problems: &mut Problems) -> Vec<Item> {
    let Some(node) = node else { return Vec::new() };
    let list = match &node.value {
        Value::Null => return Vec::new(),
        Value::List(list) => list,
        other => {
            let found = other.kind();
            problems.push(
                Problem::error(format!("`{path}` is {found}; expected a list of routes"))
                    .at(node.origin.place(), ""),
            );
            return Vec::new();
        }
    };
    let items = list.iter().enumerate();
    items
        .filter_map(|(at, node)| item(node, path.index(at), problems))
        .collect()
}

fn item(node: &Node, path: Path, problems: &mut Problems) -> Option<Item> {
    const COMMON: [&str; 4] = ["prefix", "middleware", "change", "needs"];
    let map = map_of(node, &path, "a route", problems)?;
    let place = node.origin.place();
    let kinds: Vec<_> = map
        .iter()
        .filter(|(key, _)| !COMMON.contains(&&*key.name))
        .collect();
    let (key, given) = match kinds[..] {
        [one] => one,
        [] => {
            problems.push(
                Problem::error(format!("`{path}` does not say what is routed to"))
                    .at(place, "")
                    .help("add `router: NAME`, `routes: […]`, `files: {…}`, or a kind that a module brings"),
            );
            return None;
        }
        _ => {
            let names: Vec<_> = kinds
                .iter()
                .map(|(key, _)| format!("`{}`", key.name))
                .collect();
            problems.push(
                Problem::error(format!(
                    "`{path}` routes to several things: {}",
                    names.join(", ")
                ))
                .at(place, "")
                .help("make an item of each"),
            );
            return None;
        }
    };
    let only_of_routers = |what: &str, problems: &mut Problems| {
        for (key, _) in ["change", "needs"].iter().filter_map(|key| map.entry(key)) {
            problems.push(
                Problem::error(format!(
                    "`{}` is for routers, and `{path}` is {what}",
                    key.name
                ))
                .at(key.origin.place(), ""),
            );
        }
    };
    let what = match &*key.name {
        "router" => {
            let name = read::<String>(given, &path.key("router"), "a route", problems)?;
            What::Router {
                name: name.into(),
                prefix: prefix(map, &path, problems),
                middleware: list(map.get("middleware"), &path.key("middleware"), problems),
                changes: changes(map, &path, problems),
                needs: needs(map, &path, problems),
            }
        }
        "routes" => {
            only_of_routers("a group", problems);
            What::Group(group(map, &path, problems))
        }
        kind => {
            only_of_routers("a kind of its own", problems);
            What::Kind {
                kind: kind.into(),
                kind_place: key.origin.place(),
                prefix: prefix(map, &path, problems),
                middleware: list(map.get("middleware"), &path.key("middleware"), problems),
                settings: crate::app::reading::settings(given),
            }
        }
    };
    Some(Item { place, path, what })
}

fn needs(map: &Map, path: &Path, problems: &mut Problems) -> BTreeMap<Arc<str>, Named> {
    let path = path.key("needs");
    let mut needs = BTreeMap::new();
    named(
        map,
        "needs",
        &path,
        "a need",
        problems,
        |need, node, _, problems| {
            let to = read::<String>(node, &path.key(Arc::clone(&need)), "a route", problems);
            needs.extend(to.map(|to| (need, (to.into(), node.origin.place()))));
        },
    );
    needs
}

fn changes(map: &Map, path: &Path, problems: &mut Problems) -> Vec<Change> {
    let path = path.key("change");
    let mut changes = Vec::new();
    named(
        map,
        "change",
        &path,
        "a changed route",
        problems,
        |route, node, place, problems| {
            let path = path.key(Arc::clone(&route));
            let Some(inner) = map_of(node, &path, "a changed route", problems) else {
                return;
            };
            only(
                inner,
                &["hide", "path", "middleware"],
                "a changed route",
                problems,
            );
            let hide = inner.get("hide");
            let hide =
                hide.and_then(|node| read::<bool>(node, &path.key("hide"), "a change", problems));
            if hide == Some(true) {
                for (key, _) in ["path", "middleware"]
                    .iter()
                    .filter_map(|key| inner.entry(key))
                {
                    let message =
                        format!("`{path}` is hidden, and its `{}` does nothing", key.name);
                    problems.push(Problem::error(message).at(key.origin.place(), ""));
                }
            }
            let new = inner.get("path");
            let new =
                new.and_then(|node| read::<String>(node, &path.key("path"), "a change", problems));
            changes.push(Change {
                route,
                place,
                hide: hide.unwrap_or(false),
                path: new,
                middleware: list(inner.get("middleware"), &path.key("middleware"), problems),
            });
        },
    );
    changes
}

/// Reads how a service is published.
pub(crate) fn publish(node: &Node, path: &Path, problems: &mut Problems) -> Option<PublishSection> {
    let place = node.origin.place();
    let empty = Node::empty(node.origin.clone());
    let node = if matches!(node.value, Value::Null) {
        &empty
    } else {
        node
    };
    let map = map_of(node, path, "how a service is published", problems)?;
    let mut rest = map.clone();
    let convention = rest.remove("convention");
    let convention_place = convention
        .as_ref()
        .map_or_else(|| place.clone(), |(_, node)| node.origin.place());
    let convention = convention.and_then(|(_, node)| {
        read::<String>(
            &node,
            &path.key("convention"),
            "how a service is published",
            problems,
        )
    });
    let middleware = rest.remove("middleware").map(|(_, node)| node);
    let middleware = list(middleware.as_ref(), &path.key("middleware"), problems);
    let mut of_methods = BTreeMap::new();
    if let Some(node) = rest.get_mut("methods")
        && let Value::Map(methods) = &mut node.value
    {
        for (key, node) in methods.iter_mut() {
            if let Value::Map(method) = &mut node.value
                && let Some((_, given)) = method.remove("middleware")
            {
                let path = path
                    .key("methods")
                    .key(Arc::clone(&key.name))
                    .key("middleware");
                let names = list(Some(&given), &path, problems);
                of_methods.insert(Arc::clone(&key.name), (names, key.origin.place()));
            }
        }
    }
    let rest = Node::new(Value::Map(rest), node.origin.clone());
    let overrides = read::<Overrides>(&rest, path, "how a service is published", problems)?;
    Some(PublishSection {
        convention: convention.unwrap_or_else(|| CONVENTION.to_owned()).into(),
        convention_place,
        middleware,
        of_methods,
        overrides,
        said: rest,
        place,
    })
}

/// Reads what a server says of HTTP.
pub(crate) fn server(map: &Map, path: &Path, problems: &mut Problems) -> ServerSection {
    let mut listeners = Vec::new();
    let at = path.key("listeners");
    named(
        map,
        "listeners",
        &at,
        "a listener",
        problems,
        |name, node, place, problems| {
            listeners.extend(listener(node, at.key(name), place, problems));
        },
    );
    ServerSection {
        publish: list(map.get("publish"), &path.key("publish"), problems),
        middleware: list(map.get("middleware"), &path.key("middleware"), problems),
        listeners,
    }
}

/// The keys of a listener that are not settings of its socket.
const LISTENER_KEYS: [&str; 4] = ["routers", "middleware", "publish", "openapi"];

fn listener(
    node: &Node,
    path: Path,
    place: Place,
    problems: &mut Problems,
) -> Option<ListenerSection> {
    let map = map_of(node, &path, "a listener", problems)?;
    let publish = map.get("publish");
    let publish =
        publish.and_then(|node| read::<bool>(node, &path.key("publish"), "a listener", problems));
    let openapi = match map.get("openapi") {
        None => Some(OpenApi::default()),
        Some(node) => openapi(node, &path.key("openapi"), problems),
    };
    let settings = match of_socket(node, &path) {
        Ok(settings) => settings,
        Err(wrong) => {
            problems.extend(wrong);
            // What answers there is looked at all the same.
            let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
            listen::Settings {
                address: listen::Address::Tcp(nowhere),
                ..listen::Settings::default()
            }
        }
    };
    Some(ListenerSection {
        place,
        routers: list(map.get("routers"), &path.key("routers"), problems),
        middleware: list(map.get("middleware"), &path.key("middleware"), problems),
        publish: publish.unwrap_or(true),
        openapi,
        settings,
        node: node.clone(),
        path,
    })
}

/// Reads whether the description of the routes is served, and how.
fn openapi(node: &Node, path: &Path, problems: &mut Problems) -> Option<OpenApi> {
    let (described, node, path) = if let Value::Map(map) = &node.value {
        let read = read::<OpenApi>(node, path, "the description of a listener", problems)?;
        (read, map.get("path").unwrap_or(node), path.key("path"))
    } else {
        let described = match read::<OpenApiSection>(node, path, "a listener", problems)? {
            OpenApiSection::Whether(true) => OpenApi::default(),
            OpenApiSection::Whether(false) => return None,
            OpenApiSection::Path(path) => OpenApi {
                path,
                ..OpenApi::default()
            },
        };
        (described, node, path.clone())
    };
    let at = &described.path;
    // There is one, and so its path has no parameters.
    let parameter = || {
        let parameter = parameters(at).next()?;
        Some(format!("has the parameter `{}`", parameter.name))
    };
    if let Some(fault) = fault(at).or_else(parameter) {
        let message = format!("`{path}` is `{at}`, which {fault}");
        problems.push(Problem::error(message).at(node.origin.place(), ""));
        return None;
    }
    Some(described)
}

/// Reads what a listener says of its socket.
pub(crate) fn of_socket(node: &Node, path: &Path) -> Result<listen::Settings, Problems> {
    let rest = LISTENER_KEYS
        .iter()
        .fold(node.clone(), |node, key| without(&node, key));
    let read = read_node::<Checked<listen::Settings>>(&rest, path, "a listener")?;
    let Checked(settings) = read.value;
    if let listen::Address::Tcp(address) = &settings.address
        && let Some((key, _)) = rest.as_map().and_then(|map| map.entry("unix"))
    {
        let message = format!(
            "`{}` is for a socket file, and the listener is at {address}",
            path.key("unix")
        );
        return Err(Problem::error(message).at(key.origin.place(), "").into());
    }
    Ok(settings)
}

/// Whether two listeners have the same but for their sockets.
pub(crate) fn answer_alike(one: &Node, other: &Node) -> bool {
    LISTENER_KEYS
        .iter()
        .all(|key| match (one.get(key), other.get(key)) {
            (Some(one), Some(other)) => one.is_same(other),
            (one, other) => one.is_none() && other.is_none(),
        })
}

/// How the description of a listener's routes is served.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct OpenApi {
    /// Where it is served.
    pub(crate) path: String,
    /// What all of it is called. By default that is the name of the application.
    pub(crate) title: Option<String>,
    /// The version of what is described.
    pub(crate) version: String,
    /// What it is for, in `CommonMark`.
    pub(crate) description: Option<String>,
}

impl Default for OpenApi {
    fn default() -> Self {
        Self {
            path: "/openapi.json".into(),
            title: None,
            version: "1".into(),
            description: None,
        }
    }
}

/// Whether the description of the routes is served, or where.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OpenApiSection {
    Whether(bool),
    Path(String),
}

/// Reads a list of names.
pub(crate) fn list(node: Option<&Node>, path: &Path, problems: &mut Problems) -> Vec<Named> {
    let Some(node) = node else { return Vec::new() };
    let Some(names) = read::<Vec<String>>(node, path, "a list of names", problems) else {
        return Vec::new();
    };
    let place = |at: usize| match &node.value {
        Value::List(list) => list.get(at).map(|node| node.origin.place()),
        _ => None,
    };
    let names = names.into_iter().enumerate();
    names
        .map(|(at, name)| {
            (
                name.into(),
                place(at).unwrap_or_else(|| node.origin.place()),
            )
        })
        .collect()
}

fn prefix(map: &Map, path: &Path, problems: &mut Problems) -> String {
    let Some(node) = map.get("prefix") else {
        return String::new();
    };
    let path = path.key("prefix");
    let Some(prefix) = read::<String>(node, &path, "a route", problems) else {
        return String::new();
    };
    let prefix = prefix.trim_end_matches('/');
    if let Some(fault) = prefix_fault(prefix).filter(|_| !prefix.is_empty()) {
        let message = format!("`{path}` is `{prefix}`, which {fault}");
        problems.push(Problem::error(message).at(node.origin.place(), ""));
        return String::new();
    }
    prefix.to_owned()
}

fn read<T: serde::de::DeserializeOwned>(
    node: &Node,
    path: &Path,
    what: &str,
    problems: &mut Problems,
) -> Option<T> {
    match read_node::<T>(node, path, what) {
        Ok(read) => Some(read.value),
        Err(wrong) => {
            problems.extend(wrong);
            None
        }
    }
}
