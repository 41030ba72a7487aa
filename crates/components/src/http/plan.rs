//! Which routes a listener has, worked out before anything is built.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::Method;
use byname_registry::{Place, nearest};

use super::Mounted;
use super::openapi::Operation;
use super::router::RouterEntry;
use super::routes::{RouteDescription, conflict, fault, parameters, renamed, shape};
use super::sections::{Change, Group, Item, ListenerSection, Named, RouterSection, What};
use crate::config::Node;
use crate::factory::FactoryEntry;
use crate::middleware::Middlewares;
use crate::part::Type;
use crate::problem::{Problem, Problems};
use crate::registries::Registries;

/// One route of a listener.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// `None` for everything under the path.
    pub(crate) method: Option<Method>,
    pub(crate) path: String,
    pub(crate) operation: Arc<Operation>,
    /// Where the route was declared.
    pub(crate) place: Place,
    /// Where that was put under the listener.
    pub(crate) mounted: Place,
    /// The outermost first.
    pub(crate) layers: Vec<Named>,
    /// The routers that it came through, each with the prefix that this has under the listener.
    pub(crate) mounts: Vec<(Arc<str>, String)>,
    pub(crate) from: From,
}

/// What answers a route: a service of the graph, and which of its endpoints.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum From {
    /// A router of code, by the name of its node.
    Router {
        name: Arc<str>,
        node: Arc<str>,
        at: usize,
    },
    /// A kind of route, by the name of its node.
    Kind { node: Arc<str> },
    /// A method of a published service.
    Service { name: Arc<str>, at: usize },
}

/// A use of a kind of route.
#[derive(Clone, Debug)]
pub(crate) struct KindUse {
    pub(crate) factory: Arc<FactoryEntry>,
    pub(crate) settings: Node,
    pub(crate) path: crate::config::Path,
    pub(crate) place: Place,
    pub(crate) kind: Arc<str>,
    pub(crate) kind_place: Place,
}

/// What routes are worked out from, and what is found on the way.
pub(crate) struct Planner<'a> {
    pub(crate) registries: &'a Registries,
    pub(crate) middleware: &'a Middlewares,
    pub(crate) routers: &'a [RouterSection],
    /// Uses of kinds by node, of all that was planned.
    pub(crate) kinds: BTreeMap<Arc<str>, KindUse>,
    /// What stands in the place of what routers of code need, by node.
    pub(crate) needs: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Named>>,
    pub(crate) used_routers: BTreeSet<Arc<str>>,
    pub(crate) used_middleware: BTreeSet<Arc<str>>,
}

impl Planner<'_> {
    /// Looks at every router of the file by itself.
    pub(crate) fn check(&mut self, problems: &mut Problems) {
        for section in self.routers {
            if let Ok(Some(entry)) = self.registries.routers.get::<RouterEntry>(&section.name) {
                problems.push(
                    Problem::error(format!("router `{}` is defined twice", section.name))
                        .at(section.place.clone(), "in the file")
                        .at(entry.place().clone(), "and in code"),
                );
            }
            let mut within = vec![Arc::clone(&section.name)];
            self.group(&section.body, &mut within, problems);
        }
        let listed = self.registries.routers.list();
        for (_, part) in listed.iter() {
            if let Some(entry) = part.get::<RouterEntry>() {
                problems.extend(entry.problems().clone());
            }
        }
    }

    /// The routes of a router, as if it stood alone.
    pub(crate) fn router(
        &mut self,
        (name, place): &Named,
        within: &mut Vec<Arc<str>>,
        problems: &mut Problems,
    ) -> Vec<Leaf> {
        self.used_routers.insert(Arc::clone(name));
        if within.contains(name) {
            let circle: Vec<_> = within.iter().chain([name]).map(|name| &**name).collect();
            problems.push(
                Problem::error(format!("routers go in a circle: {}", circle.join(" -> ")))
                    .at(place.clone(), ""),
            );
            return Vec::new();
        }
        if let Some(section) = self.routers.iter().find(|section| section.name == *name) {
            within.push(Arc::clone(name));
            let mut leaves = self.group(&section.body, within, problems);
            for leaf in &mut leaves {
                let prefix = section.body.prefix.clone();
                leaf.mounts.push((Arc::clone(name), prefix));
            }
            within.pop();
            return leaves;
        }
        let found = self.registries.routers.get::<RouterEntry>(name);
        let Ok(Some(entry)) = found else {
            let in_code = self.registries.routers.list();
            let names = self.routers.iter().map(|section| &*section.name);
            let names: Vec<&str> = names.chain(in_code.names()).collect();
            problems.push(
                Problem::error(format!("there is no router `{name}`"))
                    .nearest(&nearest(names.iter(), name))
                    .at(place.clone(), "")
                    .help("define it under `routers`, or register the module that brings it"),
            );
            return Vec::new();
        };
        let routes = entry.routes().iter().enumerate();
        routes
            .map(|(at, route)| Leaf {
                method: route.method.clone(),
                path: route.path.to_string(),
                operation: Arc::clone(&route.operation),
                place: route.place.clone(),
                mounted: place.clone(),
                layers: Vec::new(),
                mounts: vec![(Arc::clone(name), String::new())],
                from: From::Router {
                    name: Arc::clone(name),
                    node: format!("routers.{name}").into(),
                    at,
                },
            })
            .collect()
    }

    fn group(
        &mut self,
        group: &Group,
        within: &mut Vec<Arc<str>>,
        problems: &mut Problems,
    ) -> Vec<Leaf> {
        self.layers(&group.middleware, problems);
        let mut leaves = Vec::new();
        for item in &group.items {
            leaves.extend(self.item(item, within, problems));
        }
        under(&mut leaves, &group.prefix, &group.middleware);
        leaves
    }

    fn item(
        &mut self,
        item: &Item,
        within: &mut Vec<Arc<str>>,
        problems: &mut Problems,
    ) -> Vec<Leaf> {
        match &item.what {
            What::Group(group) => self.group(group, within, problems),
            What::Router {
                name,
                prefix,
                middleware,
                changes,
                needs,
            } => {
                self.layers(middleware, problems);
                let named = (Arc::clone(name), item.place.clone());
                let mut leaves = self.router(&named, within, problems);
                if !needs.is_empty() {
                    if let Some(section) = self.routers.iter().find(|one| one.name == *name) {
                        problems.push(
                            Problem::error(format!(
                                "`needs` is for routers of code, and `{name}` is one of the file"
                            ))
                            .at(item.place.clone(), "")
                            .at(section.place.clone(), format!("`{name}` is defined here")),
                        );
                    }
                    // One with other needs is another one.
                    let own: Arc<str> = item.path.to_string().into();
                    for leaf in &mut leaves {
                        if let From::Router { node, .. } = &mut leaf.from {
                            node.clone_from(&own);
                        }
                    }
                    self.needs.insert(own, needs.clone());
                }
                let is_there = !leaves.is_empty();
                for change in changes {
                    self.layers(&change.middleware, problems);
                    // Of a router that is not there, that is enough.
                    if is_there {
                        self::change(change, name, &mut leaves, problems);
                    }
                }
                under(&mut leaves, prefix, middleware);
                leaves
            }
            What::Kind {
                kind,
                kind_place,
                prefix,
                middleware,
                settings,
            } => {
                self.layers(middleware, problems);
                let Some(factory) = self.registries.kinds.read(kind, Arc::clone) else {
                    let listed = self.registries.kinds.snapshot();
                    let known = ["router", "routes"].into_iter().chain(listed.names());
                    let known: Vec<&str> = known.collect();
                    let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                    problems.push(
                        Problem::error(format!("there is no kind of route `{kind}`"))
                            .nearest(&nearest(known.iter(), kind))
                            .at(kind_place.clone(), "")
                            .help(format!("there are {}", names.join(", "))),
                    );
                    return Vec::new();
                };
                if factory.makes() != Type::of::<Mounted>() {
                    problems.push(
                        Problem::error(format!(
                            "the kind of route `{kind}` makes a `{}`, which nothing can be routed to",
                            factory.service_type()
                        ))
                        .at(factory.place().clone(), "it is registered here"),
                    );
                    return Vec::new();
                }
                let node: Arc<str> = item.path.to_string().into();
                let place = item.place.clone();
                let one = KindUse {
                    factory,
                    settings: settings.clone(),
                    path: item.path.key(Arc::clone(kind)),
                    place: place.clone(),
                    kind: Arc::clone(kind),
                    kind_place: kind_place.clone(),
                };
                self.kinds.insert(Arc::clone(&node), one);
                let mut leaves = vec![Leaf {
                    method: None,
                    path: String::new(),
                    operation: Arc::default(),
                    place: place.clone(),
                    mounted: place,
                    layers: Vec::new(),
                    mounts: Vec::new(),
                    from: From::Kind { node },
                }];
                under(&mut leaves, prefix, middleware);
                leaves
            }
        }
    }

    /// Checks names of middleware.
    pub(crate) fn layers(&mut self, names: &[Named], problems: &mut Problems) {
        for (name, place) in names {
            self.used_middleware.insert(Arc::clone(name));
            let Some(factory) = self.middleware.factory_of(name) else {
                let names = self.middleware.names();
                let mut problem = Problem::error(format!("there is no middleware `{name}`"))
                    .nearest(&nearest(names.iter(), name))
                    .at(place.clone(), "");
                if self.middleware.factories().read(name, |_| ()).is_some() {
                    problem = problem.help(format!("define it: `middleware: {{ {name}: {{}} }}`"));
                }
                problems.push(problem);
                continue;
            };
            // A factory that is not known is told where the middleware is defined.
            if let Some(of) = self.middleware.type_of(&factory)
                && of != Type::of::<super::Middleware>()
            {
                problems.push(
                    Problem::error(format!(
                        "middleware `{name}` is a `{}`, which cannot stand before a route",
                        of.name()
                    ))
                    .at(place.clone(), ""),
                );
            }
        }
    }

    /// The routes of a listener, and what is wrong with them together.
    pub(crate) fn listener(
        &mut self,
        listener: &ListenerSection,
        published: Vec<Leaf>,
        problems: &mut Problems,
    ) -> Vec<Leaf> {
        let mut leaves = published;
        for named in &listener.routers {
            // What is wrong with a router is told of it once, not for each listener that has it.
            let known = self.routers.iter().any(|section| section.name == named.0);
            let mut aside = Problems::new();
            let told = if known { &mut aside } else { &mut *problems };
            leaves.extend(self.router(named, &mut Vec::new(), told));
        }
        for leaf in &mut leaves {
            // Of a mount too: one at the root is one, whether code or a file puts it there.
            if leaf.path.is_empty() {
                "/".clone_into(&mut leaf.path);
            }
        }
        if problems.errors() == 0 {
            together(&leaves, problems);
        }
        conflicts(&leaves, problems);
        leaves
    }
}

/// Tells paths that are wrong although their prefixes and what is under these are right.
fn together(leaves: &[Leaf], problems: &mut Problems) {
    for leaf in leaves {
        let Some(fault) = fault(&leaf.path) else {
            continue;
        };
        let message = format!("the path `{}` {fault}", leaf.path);
        let mut problem =
            Problem::error(message).at(leaf.place.clone(), "the route is declared here");
        if leaf.mounted != leaf.place {
            problem = problem.at(leaf.mounted.clone(), "and routed here");
        }
        problems.push(problem);
    }
}

/// Lays a prefix and middleware before routes.
pub(crate) fn under(leaves: &mut [Leaf], prefix: &str, middleware: &[Named]) {
    for leaf in leaves {
        if !prefix.is_empty() {
            let rest = if leaf.path == "/" { "" } else { &leaf.path };
            leaf.path = format!("{prefix}{rest}");
            for (_, under) in &mut leaf.mounts {
                under.insert_str(0, prefix);
            }
        }
        leaf.layers.splice(0..0, middleware.iter().cloned());
    }
}

/// Changes one route of a router.
fn change(change: &Change, router: &str, leaves: &mut Vec<Leaf>, problems: &mut Problems) {
    let name = |leaf: &Leaf| {
        let method = leaf.method.as_ref();
        format!("{} {}", method.map_or("ANY", Method::as_str), leaf.path)
    };
    let Some(at) = leaves.iter().position(|leaf| name(leaf) == *change.route) else {
        let names: Vec<String> = leaves.iter().map(name).collect();
        let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        problems.push(
            Problem::error(format!("router `{router}` has no route `{}`", change.route))
                .nearest(&nearest(names.iter(), &change.route))
                .at(change.place.clone(), "")
                .help(format!("it has {}", quoted.join(", "))),
        );
        return;
    };
    if change.hide {
        leaves.remove(at);
        return;
    }
    let leaf = &mut leaves[at];
    if let Some(path) = &change.path {
        let names = |path| parameters(path).map(|it| it.name).collect::<BTreeSet<_>>();
        let (before, after) = (names(&leaf.path), names(path));
        let wrong = fault(path).or_else(|| {
            let other = "has other parameters than the route has".to_owned();
            (before != after).then_some(other)
        });
        if let Some(wrong) = wrong {
            let message = format!(
                "route `{}` cannot be at `{path}`, which {wrong}",
                change.route
            );
            problems.push(
                Problem::error(message)
                    .at(change.place.clone(), "")
                    .at(leaf.place.clone(), "it is declared here"),
            );
            return;
        }
        leaf.path.clone_from(path);
    }
    leaf.layers.splice(0..0, change.middleware.iter().cloned());
}

/// Tells routes that cannot be beside each other, each with the first that it meets.
fn conflicts(leaves: &[Leaf], problems: &mut Problems) {
    let described = leaves.iter().map(|leaf| RouteDescription {
        method: leaf.method.clone(),
        path: leaf.path.as_str().into(),
        place: leaf.place.clone(),
        operation: Arc::clone(&leaf.operation),
    });
    let described: Vec<RouteDescription> = described.collect();
    for (at, route) in described.iter().enumerate() {
        let meets = |before: &&RouteDescription| conflict(before, route) || renamed(before, route);
        let first = described[..at].iter().zip(leaves);
        if let Some((_, first)) = first.into_iter().find(|(before, _)| meets(before)) {
            problems.push(clash(first, &leaves[at]));
        }
    }
}

/// Says why two routes cannot be beside each other.
fn clash(first: &Leaf, second: &Leaf) -> Problem {
    let (one, other) = (&first.path, &second.path);
    let is_one = shape(one) == shape(other);
    let (message, help) = match (&first.method, &second.method) {
        (None, None) if is_one => (
            format!("two routes answer everything under `{other}`"),
            None,
        ),
        (Some(method), Some(same)) if is_one && method == same => {
            (format!("two routes answer {method} `{other}`"), None)
        }
        (Some(_), Some(_)) if is_one => (
            format!("`{one}` and `{other}` are one path"),
            Some("call its parameters the same"),
        ),
        (None, Some(_)) | (Some(_), None) => {
            let route = if first.method.is_some() { one } else { other };
            let message = format!("`{route}` is a route, and everything there is another's");
            (message, None)
        }
        _ => (format!("`{one}` and `{other}` cannot be told apart"), None),
    };
    let mut problem = Problem::error(message);
    for (leaf, what) in [(first, "one"), (second, "the other")] {
        problem = problem.at(leaf.place.clone(), format!("{what} is declared here"));
        if leaf.mounted != leaf.place {
            problem = problem.at(leaf.mounted.clone(), "and routed here");
        }
    }
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}
