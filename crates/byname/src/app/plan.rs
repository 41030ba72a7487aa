//! `byname plan`: what a change of a file would do.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use byname_components::config::{Config, Difference, Node, Path as Keys, Step};
use byname_components::http::Server;
use byname_components::{Graph, Service};
use serde::Serialize;

use super::Declaration;
use crate::cli::{LayerArguments, PlanArguments};
use crate::failure::Failure;
use crate::output;

/// What happens to a service, or to the application itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Act {
    /// It is new.
    Start,
    /// It is gone.
    Stop,
    /// It is made anew.
    Rebuild,
    /// It takes the change while it runs.
    Reload,
    /// It is not of a service, and counts after a restart.
    Restart,
}

/// One line of a plan.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Line {
    #[serde(rename = "do")]
    act: Act,
    /// The service, or the smallest part of the file that is no service's.
    what: String,
    /// Why: what is different, with secrets masked.
    because: Vec<String>,
}

#[derive(Serialize)]
struct Plan {
    /// What is stopped, then the services in the order of their start, then what is no service's.
    plan: Vec<Line>,
    unchanged: usize,
}

/// What an application is before or after the change.
struct Side {
    config: Config,
    graph: Graph,
}

/// Tells what the change would do.
pub(crate) fn run(arguments: &PlanArguments) -> Result<(), Failure> {
    let old = side(&arguments.old, &arguments.layers)?;
    let new = side(&arguments.new, &arguments.layers)?;
    let plan = Plan::of(&old, &new);
    output::write(arguments.format, &plan, |to| plan.people(to))
}

fn side(file: &Path, layers: &LayerArguments) -> Result<Side, Failure> {
    let app = Declaration::new(Some(file), layers).app();
    let (problems, graph) = app.graph();
    let graph = graph.ok_or_else(|| Failure::told(&problems))?;
    let config = app.config().map_err(|problems| Failure::told(&problems))?;
    Ok(Side { config, graph })
}

impl Plan {
    fn of(old: &Side, new: &Side) -> Self {
        let differences = Config::diff(&old.config, &new.config);
        let mut lines = stopped(&old.graph, &new.graph);
        // In the order in which they are built: what a service is built of is decided before it.
        let mut acts: BTreeMap<&str, Act> = BTreeMap::new();
        let mut unchanged = 0;
        for service in new.graph.services() {
            let line = match old.graph.service(service.name()) {
                None => Some(Line {
                    act: Act::Start,
                    what: service.name().to_owned(),
                    because: Vec::new(),
                }),
                Some(before) => changed(
                    (&old.graph, before),
                    (&new.graph, service),
                    (&old.config, &new.config),
                    &differences,
                    &acts,
                ),
            };
            match line {
                Some(line) => {
                    acts.insert(service.name(), line.act);
                    lines.push(line);
                }
                None => unchanged += 1,
            }
        }
        lines.extend(beside(&differences, old, new));
        Self {
            plan: lines,
            unchanged,
        }
    }

    fn people(&self, to: &mut dyn Write) -> io::Result<()> {
        for line in &self.plan {
            let act = match line.act {
                Act::Start => "start",
                Act::Stop => "stop",
                Act::Rebuild => "rebuild",
                Act::Reload => "reload",
                Act::Restart => "restart",
            };
            writeln!(to, "{act:8}{}", output::printable(&line.what))?;
            for reason in &line.because {
                writeln!(to, "        {}", output::printable(reason))?;
            }
        }
        match self.unchanged {
            0 => Ok(()),
            1 => writeln!(to, "1 service stays as it is"),
            several => writeln!(to, "{several} services stay as they are"),
        }
    }
}

/// Services that are gone, in the order in which they are stopped: each after all that need it.
fn stopped(old: &Graph, new: &Graph) -> Vec<Line> {
    let gone = old
        .services()
        .filter(|service| new.service(service.name()).is_none());
    let mut lines: Vec<Line> = gone
        .map(|service| Line {
            act: Act::Stop,
            what: service.name().to_owned(),
            because: Vec::new(),
        })
        .collect();
    lines.reverse();
    lines
}

/// What happens to a service that is there before and after.
fn changed(
    (old, before): (&Graph, &Service),
    (new, after): (&Graph, &Service),
    configs: (&Config, &Config),
    differences: &[Difference],
    acts: &BTreeMap<&str, Act>,
) -> Option<Line> {
    let own = of_name(after.name());
    let mut because = Vec::new();
    let mut is_taken = true;
    for difference in differences {
        if own.is_above(&difference.path) || difference.path.is_above(&own) {
            is_taken &= [configs.0, configs.1].into_iter().all(|config| {
                let rest = difference.path.steps().get(own.steps().len()..);
                let node = config.root().at(&difference.path);
                is_taken_by(after.factory(), rest, node)
            });
            because.push(difference.to_string());
        }
    }
    let mut wiring = Vec::new();
    let (built_of, builds_on) = (needs(old, before), needs(new, after));
    for (need, to) in &builds_on {
        match built_of.get(need) {
            Some(former) if former == to => {}
            _ => wiring.push(format!("is built of {}", quoted(to))),
        }
    }
    let gone = built_of
        .keys()
        .filter(|need| !builds_on.contains_key(*need));
    wiring.extend(gone.map(|need| format!("is no longer built of {}", quoted(&built_of[need]))));
    for (edge, to) in new.needs(after) {
        if edge.kind().is_built_before() && acts.get(to.name()) == Some(&Act::Rebuild) {
            wiring.push(format!("is built of `{}`, which is rebuilt", to.name()));
        }
    }
    wiring.dedup();
    let act = match (because.is_empty(), wiring.is_empty()) {
        (true, true) => return None,
        (false, true) if is_taken => Act::Reload,
        _ => Act::Rebuild,
    };
    because.extend(wiring);
    Some(Line {
        act,
        what: after.name().to_owned(),
        because,
    })
}

/// Whether services of a factory take a change while they run: one of what is at `rest` of their
/// definition, which was or is `node`.
fn is_taken_by(factory: Option<&str>, rest: Option<&[Step]>, node: Option<&Node>) -> bool {
    let (Some("listener"), Some(rest)) = (factory, rest) else {
        return false;
    };
    match node.and_then(Node::as_map) {
        // What has keys is as its keys are.
        Some(map) if !map.is_empty() => map.iter().all(|(key, node)| {
            let rest: Vec<Step> = rest
                .iter()
                .cloned()
                .chain([Step::Key(key.name.clone())])
                .collect();
            is_taken_by(factory, Some(&rest), Some(node))
        }),
        _ => Server::takes(rest),
    }
}

/// Where what a service is made from stands in the file: of a router, a kind of route or a listener, its
/// name is that.
fn of_name(name: &str) -> Keys {
    let named = name.parse::<Keys>().ok().filter(|path| {
        let first = path.steps().first();
        path.steps().len() > 1
            && ["routers", "servers", "deployments"]
                .iter()
                .any(|key| first == Some(&Step::Key((*key).into())))
    });
    named.unwrap_or_else(|| Keys::root().key("services").key(name))
}

/// The services that one is built of, by what its factory calls them.
fn needs<'g>(graph: &'g Graph, service: &'g Service) -> BTreeMap<&'g str, Vec<&'g str>> {
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (edge, to) in graph.needs(service) {
        if edge.kind().is_built_before() {
            needs.entry(edge.need()).or_default().push(to.name());
        }
    }
    needs
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// What changes that is no service's: values count at once, the rest after a restart, by the names that a
/// reload tells.
fn beside(differences: &[Difference], old: &Side, new: &Side) -> Vec<Line> {
    let services = old.graph.services().chain(new.graph.services());
    let of_services: Vec<Keys> = services.map(|service| of_name(service.name())).collect();
    let parts = Config::parts_changed(&old.config, &new.config, &of_services);
    let mut lines: Vec<Line> = Vec::new();
    let mut tell = |act, what: String, because: String| match lines
        .iter_mut()
        .find(|line| line.what == what)
    {
        Some(line) => line.because.push(because),
        None => lines.push(Line {
            act,
            what,
            because: vec![because],
        }),
    };
    for difference in differences {
        let path = &difference.path;
        let Some(Step::Key(key)) = path.steps().first() else {
            continue;
        };
        if of_services.iter().any(|own| own.is_above(path)) {
            continue;
        }
        match &**key {
            "services" => {}
            "values" => tell(Act::Reload, key.to_string(), difference.to_string()),
            _ => {
                let is_of = |part: &Keys| part.is_above(path) || path.is_above(part);
                let mut told = false;
                for (part, _) in parts.iter().filter(|(part, _)| is_of(part)) {
                    tell(Act::Restart, part.to_string(), difference.to_string());
                    told = true;
                }
                // What came or went with its services is told of these.
                if !told && !of_services.iter().any(|own| path.is_above(own)) {
                    tell(Act::Restart, key.to_string(), difference.to_string());
                }
            }
        }
    }
    lines
}
