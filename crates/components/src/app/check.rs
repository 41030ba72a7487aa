//! Looking at an application before anything is built: everything that is wrong, at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use byname_registry::{Place, nearest};

use super::definition::Definition;
use super::{Demand, Given};
use crate::clients::ROUTER;
use crate::factory::FactoryEntry;
use crate::graph::{Edge, Graph, Service};
use crate::need::{Declared, NeedKind};
use crate::part::Type;
use crate::problem::{Problem, Problems};
use crate::registries::unknown_factory;
use crate::values::Values;
use byname_registry::Registry;

/// What is checked.
pub(super) struct Parts<'a> {
    pub(super) definitions: &'a BTreeMap<Arc<str>, Definition>,
    /// Names that are defined and switched off, and where.
    pub(super) disabled: &'a BTreeMap<Arc<str>, Place>,
    pub(super) given: &'a BTreeMap<Arc<str>, Given>,
    pub(super) factories: &'a Registry<Arc<FactoryEntry>>,
    pub(super) values: &'a Values,
    pub(super) demands: &'a [Demand],
    /// What the chosen server lists, and where; `None` for everything.
    pub(super) roots: Option<&'a [(Arc<str>, Place)]>,
    /// What any server lists: the rest is not used.
    pub(super) listed: &'a BTreeSet<Arc<str>>,
}

/// A service that may become part of the graph.
struct Candidate<'a> {
    name: &'a Arc<str>,
    place: &'a Place,
    made: Made<'a>,
}

enum Made<'a> {
    Given(&'a Given),
    Defined(&'a Definition, Arc<FactoryEntry>),
    /// Its factory is not known: whoever needs it is not told again.
    Unknown,
}

impl Candidate<'_> {
    /// Whether it is there only for who names it.
    fn is_on_demand(&self) -> bool {
        match &self.made {
            Made::Defined(definition, _) => definition.on_demand,
            Made::Given(_) | Made::Unknown => false,
        }
    }

    fn of(&self) -> Option<Type> {
        match &self.made {
            Made::Given(given) => Some(given.of),
            Made::Defined(_, factory) => Some(factory.makes()),
            Made::Unknown => None,
        }
    }
}

impl Parts<'_> {
    /// Works the graph out, and tells all that is wrong. There is a graph whenever nothing is fatal.
    pub(super) fn check(&self, problems: &mut Problems) -> Option<Graph> {
        let candidates = self.candidates(problems);
        let index: HashMap<&str, usize> = candidates
            .iter()
            .enumerate()
            .map(|(at, candidate)| (&**candidate.name, at))
            .collect();
        let used = self.reach(&candidates, &index, problems);
        self.unused(&candidates, &index, &used, problems);
        let nodes = self.nodes(&candidates, &index, &used, problems);
        settings(&candidates, &used, problems);
        self.demands(&nodes, problems);
        match Graph::new(nodes) {
            Ok(graph) => Some(graph),
            Err((nodes, circles)) => {
                problems.extend(circles.iter().map(|circle| circle_problem(&nodes, circle)));
                None
            }
        }
    }

    fn candidates(&self, problems: &mut Problems) -> Vec<Candidate<'_>> {
        let mut candidates: Vec<Candidate<'_>> = self
            .given
            .iter()
            .map(|(name, given)| Candidate {
                name,
                place: &given.place,
                made: Made::Given(given),
            })
            .collect();
        for (name, definition) in self.definitions {
            // What is given in code takes the place of what the file defines, on purpose.
            if let Some(given) = self.given.get(name) {
                if !given.replaces {
                    problems.push(
                        Problem::error(format!("service `{name}` is both given and defined"))
                            .at(given.place.clone(), "it is given here")
                            .at(definition.place.clone(), "and defined here")
                            .help("`with_service` puts one in the place of the other on purpose"),
                    );
                }
                continue;
            }
            let factory = definition.factory(self.factories);
            let made = if let Some(factory) = factory {
                Made::Defined(definition, factory)
            } else {
                let unknown = unknown_factory(self.factories, &definition.factory);
                problems.push(
                    Problem::error(format!("service `{name}` cannot be made: {unknown}"))
                        .at(definition.factory_place.clone(), "")
                        .help(self.known_factories()),
                );
                Made::Unknown
            };
            candidates.push(Candidate {
                name,
                place: &definition.place,
                made,
            });
        }
        candidates.sort_by_key(|candidate| candidate.name);
        candidates
    }

    fn known_factories(&self) -> String {
        let listed = self.factories.snapshot();
        let names: Vec<String> = listed
            .entries()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if names.is_empty() {
            "no factory is registered: register the module that brings it".into()
        } else {
            format!("registered are {}", names.join(", "))
        }
    }

    /// What the chosen server has: what it lists, and what that needs in whatever way.
    fn reach(
        &self,
        candidates: &[Candidate<'_>],
        index: &HashMap<&str, usize>,
        problems: &mut Problems,
    ) -> Vec<bool> {
        let mut used = vec![false; candidates.len()];
        let mut queue: Vec<usize> = Vec::new();
        if self.roots.is_none() {
            queue.extend((0..candidates.len()).filter(|at| !candidates[*at].is_on_demand()));
        }
        for (name, place) in self.roots.into_iter().flatten() {
            match index.get(&**name) {
                Some(at) => queue.push(*at),
                None => problems.push(
                    self.unknown_service(
                        Problem::error(format!(
                            "the server lists service `{name}`, which is not defined"
                        ))
                        .at(place.clone(), ""),
                        name,
                    ),
                ),
            }
        }
        // What was given in code is there, whether or not a server lists it.
        queue.extend(
            (0..candidates.len()).filter(|at| matches!(candidates[*at].made, Made::Given(_))),
        );
        queue.extend(
            self.demands
                .iter()
                .filter_map(|demand| index.get(&*demand.name)),
        );
        while let Some(at) = queue.pop() {
            if std::mem::replace(&mut used[at], true) {
                continue;
            }
            if let Made::Defined(definition, factory) = &candidates[at].made {
                for need in factory.needs() {
                    let name = meant(definition, need);
                    queue.extend(index.get(&**name).filter(|at| !used[**at]));
                }
            }
        }
        used
    }

    fn unknown_service(&self, problem: Problem, name: &str) -> Problem {
        if let Some(place) = self.disabled.get(name) {
            return problem.at(place.clone(), "it is defined here, with `enabled: false`");
        }
        // Clients at a server, and of routers, are meant only by who writes their kind of name.
        let is_written = |name: &str| name.contains('@') || name.starts_with(ROUTER);
        let defined = self.definitions.values();
        let defined = defined.filter(|one| !one.on_demand || is_written(name));
        let names = defined.map(|one| &one.name).chain(self.given.keys());
        let near = nearest(names, name);
        let mut problem = problem.nearest(&near);
        if let Some((service, server)) = name.split_once('@') {
            let at: Vec<&str> = self
                .definitions
                .values()
                .filter(|one| one.on_demand)
                .filter_map(|one| one.name.strip_prefix(service)?.strip_prefix('@'))
                .collect();
            if !at.is_empty() {
                problem = problem.help(format!(
                    "`{service}` is not at a server `{server}`; it is at {}",
                    quoted(&at)
                ));
            }
        }
        for near in &near {
            if let Some(definition) = self.definitions.get(&**near) {
                problem = problem.at(
                    definition.place.clone(),
                    format!("`{near}` is defined here"),
                );
            }
        }
        problem
    }

    fn unused(
        &self,
        candidates: &[Candidate<'_>],
        index: &HashMap<&str, usize>,
        used: &[bool],
        problems: &mut Problems,
    ) {
        if self.roots.is_none() {
            return;
        }
        // What any other server has is used by that one.
        let mut elsewhere = used.to_vec();
        let mut queue: Vec<usize> = self
            .listed
            .iter()
            .filter_map(|name| index.get(&**name).copied())
            .collect();
        while let Some(at) = queue.pop() {
            if std::mem::replace(&mut elsewhere[at], true) && used[at] {
                continue;
            }
            if let Made::Defined(definition, factory) = &candidates[at].made {
                let needs = factory.needs().iter().map(|need| meant(definition, need));
                queue.extend(
                    needs
                        .filter_map(|name| index.get(&**name))
                        .filter(|at| !elsewhere[**at]),
                );
            }
        }
        for (candidate, used) in candidates.iter().zip(elsewhere) {
            if !used && !candidate.is_on_demand() {
                problems.push(
                    Problem::warning(format!("service `{}` is used by no server", candidate.name))
                        .at(candidate.place.clone(), "it is defined here")
                        .help("list it under a server's `services`, or take it out"),
                );
            }
        }
    }

    fn nodes(
        &self,
        candidates: &[Candidate<'_>],
        index: &HashMap<&str, usize>,
        used: &[bool],
        problems: &mut Problems,
    ) -> Vec<Service> {
        let mut position = vec![usize::MAX; candidates.len()];
        let mut count = 0;
        for (at, used) in used.iter().enumerate() {
            if *used && candidates[at].of().is_some() {
                position[at] = count;
                count += 1;
            }
        }
        let mut of_type: HashMap<Type, Vec<usize>> = HashMap::new();
        for (at, candidate) in candidates.iter().enumerate() {
            // A client at a server is another way to a service, and not one more of its type.
            if position[at] != usize::MAX
                && !candidate.is_on_demand()
                && let Some(of) = candidate.of()
            {
                of_type.entry(of).or_default().push(at);
            }
        }
        let mut nodes = Vec::with_capacity(count);
        for (at, candidate) in candidates.iter().enumerate() {
            if position[at] == usize::MAX {
                continue;
            }
            let Some(of) = candidate.of() else { continue };
            let (factory, lazy, edges) = match &candidate.made {
                Made::Defined(definition, factory) => {
                    let mut edges = Vec::new();
                    redirects(definition, factory, problems);
                    for need in factory.needs() {
                        match need.kind() {
                            NeedKind::Context => {}
                            NeedKind::Value => self.value(definition, factory, need, problems),
                            NeedKind::All => {
                                let all = of_type.get(&need.of()).into_iter().flatten();
                                edges.extend(all.filter(|other| **other != at).map(|other| Edge {
                                    to: position[*other],
                                    kind: NeedKind::All,
                                    need: "".into(),
                                    place: need.place().clone(),
                                }));
                            }
                            _ => {
                                let name = meant(definition, need);
                                let to = index.get(&**name).copied();
                                let edge = self.edge(definition, need, to, candidates, problems);
                                edges.extend(edge.map(|edge| Edge {
                                    to: position[edge.to],
                                    ..edge
                                }));
                            }
                        }
                    }
                    edges.retain(|edge| edge.to != usize::MAX);
                    (
                        Some(Arc::clone(&definition.factory)),
                        definition.lazy,
                        edges,
                    )
                }
                _ => (None, false, Vec::new()),
            };
            nodes.push(Service {
                name: Arc::clone(candidate.name),
                factory,
                of,
                place: candidate.place.clone(),
                lazy,
                edges,
            });
        }
        nodes
    }

    /// The edge to what meets a need, if it can be met.
    fn edge(
        &self,
        definition: &Definition,
        need: &Declared,
        to: Option<usize>,
        candidates: &[Candidate<'_>],
        problems: &mut Problems,
    ) -> Option<Edge> {
        let name = meant(definition, need);
        let redirected = definition.needs.get(need.name());
        let place = redirected.map_or(need.place(), |(_, place)| place);
        let own = &definition.name;
        let problem = |message: String| {
            let mut problem = Problem::error(message);
            if let Some(place) = &definition.routed {
                problem = problem.at(place.clone(), "it is routed here");
            }
            let problem = problem.at(definition.place.clone(), format!("`{own}` is defined here"));
            match redirected {
                Some((_, place)) => problem.at(
                    place.clone(),
                    format!("its need `{}` is directed to `{name}` here", need.name()),
                ),
                None => problem.at(need.place().clone(), "the need is declared here"),
            }
        };
        let Some(to) = to else {
            // An optional need may have nothing; one that was directed somewhere may not.
            if need.kind() != NeedKind::Optional || redirected.is_some() {
                let missing = problem(format!(
                    "service `{own}` {} `{name}`, which nothing provides",
                    need.kind()
                ));
                let missing = self.unknown_service(missing, name);
                // Whoever directed it somewhere has a service in mind.
                let help = self.how_to_define(name, need);
                let help = help.filter(|_| redirected.is_none() && missing.advice().is_none());
                problems.push(match help {
                    Some(help) => missing.help(help),
                    None => missing,
                });
            }
            return None;
        };
        let found = candidates[to].of()?;
        if found != need.of() {
            problems.push(
                problem(format!(
                    "service `{own}` {} `{name}` as a `{}`, but `{name}` is a `{}`",
                    need.kind(),
                    need.type_name(),
                    found.name(),
                ))
                .at(
                    candidates[to].place.clone(),
                    format!("`{name}` is defined here"),
                ),
            );
            return None;
        }
        Some(Edge {
            to,
            kind: need.kind(),
            need: Arc::clone(need.shared_name()),
            place: place.clone(),
        })
    }

    /// How a service that a factory makes would meet a need.
    fn how_to_define(&self, name: &str, need: &Declared) -> Option<String> {
        if self.disabled.contains_key(name) || name.contains('@') || name.starts_with(ROUTER) {
            return None;
        }
        let listed = self.factories.snapshot();
        let makes = |(_, factory): &(&str, &Arc<FactoryEntry>)| factory.makes() == need.of();
        let mut making = listed.iter().filter(makes).map(|(factory, _)| factory);
        let first = making.next()?;
        let of_name = first == name || making.any(|factory| factory == name);
        let settings = if of_name {
            String::new()
        } else {
            format!(" type: {first} ")
        };
        Some(format!(
            "define it: `services: {{ {name}: {{{settings}}} }}`"
        ))
    }

    fn value(
        &self,
        definition: &Definition,
        factory: &FactoryEntry,
        need: &Declared,
        problems: &mut Problems,
    ) {
        let Some(check) = need.check() else { return };
        let problem = match check(self.values, need.name()) {
            Ok(true) => return,
            Ok(false) => {
                let listed = self.values.names();
                Problem::error(format!(
                    "service `{}` reads the configuration value `{}`, which is not there",
                    definition.name,
                    need.name()
                ))
                .nearest(&nearest(listed.iter(), need.name()))
            }
            Err(error) => Problem::error(format!(
                "service `{}` cannot read the configuration value `{}`: {error}",
                definition.name,
                need.name()
            )),
        };
        problems.push(
            problem
                .at(
                    definition.place.clone(),
                    format!("`{}` is defined here", definition.name),
                )
                .at(
                    need.place().clone(),
                    format!("its factory `{}` declares the need here", factory.name()),
                ),
        );
    }

    fn demands(&self, nodes: &[Service], problems: &mut Problems) {
        for demand in self.demands {
            let found = nodes
                .binary_search_by(|node| node.name.cmp(&demand.name))
                .map(|at| &nodes[at]);
            match found {
                Ok(service) if service.of == demand.of => {}
                Ok(service) => problems.push(
                    Problem::error(format!(
                        "a key asks for service `{}` as a `{}`, but it is a `{}`",
                        demand.name,
                        demand.of.name(),
                        service.of.name(),
                    ))
                    .at(demand.place.clone(), "the key is made here")
                    .at(
                        service.place.clone(),
                        format!("`{}` is defined here", demand.name),
                    ),
                ),
                // A definition whose factory is not known has been told.
                Err(_) if self.definitions.contains_key(&demand.name) => {}
                Err(_) => problems.push(
                    self.unknown_service(
                        Problem::error(format!(
                            "a key asks for service `{}`, which nothing provides",
                            demand.name
                        ))
                        .at(demand.place.clone(), "the key is made here"),
                        &demand.name,
                    ),
                ),
            }
        }
    }
}

/// The service that is meant by the name that a factory declared.
fn meant<'a>(definition: &'a Definition, need: &'a Declared) -> &'a Arc<str> {
    match definition.needs.get(need.name()) {
        Some((name, _)) => name,
        None => need.shared_name(),
    }
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn circle_problem(nodes: &[Service], circle: &[(usize, Edge)]) -> Problem {
    let names: Vec<&str> = circle
        .iter()
        .map(|(at, _)| nodes[*at].name())
        .chain(circle.first().map(|(at, _)| nodes[*at].name()))
        .collect();
    let mut problem = Problem::error(format!(
        "services need each other to be built: {}",
        names.join(" -> ")
    ));
    for (at, edge) in circle {
        let service = &nodes[*at];
        problem = problem.at(
            service.place.clone(),
            format!(
                "`{}` {} `{}` (declared at {})",
                service.name, edge.kind, nodes[edge.to].name, edge.place
            ),
        );
    }
    problem
        .help("break one of these: a factory that takes `lazy(…)` instead of `need(…)` asks later")
}

/// Directions of needs that the factory does not have.
fn redirects(definition: &Definition, factory: &FactoryEntry, problems: &mut Problems) {
    for (need, (_, place)) in &definition.needs {
        let known = factory.needs().iter().filter(|need| {
            matches!(
                need.kind(),
                NeedKind::Required | NeedKind::Optional | NeedKind::Lazy
            )
        });
        let names: Vec<&str> = known.map(Declared::name).collect();
        if !names.contains(&&**need) {
            let has = if names.is_empty() {
                "it has none that could be directed elsewhere".to_owned()
            } else {
                format!("it has {}", quoted(&names))
            };
            problems.push(
                Problem::error(format!(
                    "factory `{}` of service `{}` has no need `{need}`",
                    factory.name(),
                    definition.name,
                ))
                .nearest(&nearest(names.iter(), need))
                .at(place.clone(), "")
                .at(factory.place().clone(), "the factory is registered here")
                .help(has),
            );
        }
    }
}

/// Reads the settings of all that are used, and forgets them: they are read again when a service
/// is built.
fn settings(candidates: &[Candidate<'_>], used: &[bool], problems: &mut Problems) {
    for (candidate, used) in candidates.iter().zip(used) {
        if let Made::Defined(definition, factory) = &candidate.made
            && *used
        {
            let settings = super::settings_of(definition);
            if let Err(wrong) = factory.read(&settings, &definition.settings_path) {
                problems.extend(wrong);
            }
        }
    }
}
