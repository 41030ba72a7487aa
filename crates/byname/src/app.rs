//! The application that a file declares, and what can be seen of it before it runs.

mod check;
mod config;
mod graph;
mod plan;
mod remote;

use std::path::Path;
use std::sync::Arc;

use byname_components::config::{Config, Layers, Node, Path as Keys, Value, read_node, units};
use byname_components::{App, Problem, Problems};

pub(crate) use self::check::run as check;
pub(crate) use self::config::run as config;
pub(crate) use self::graph::run as graph;
pub(crate) use self::plan::run as plan;
use crate::cli::LayerArguments;
use crate::failure::Failure;
use crate::serve::{self, DEFAULT, DRAIN, HTTP};

/// What the file inside the program is called.
const BUILT_IN: &str = "byname serve";

/// The prefix of variables of the environment that are configuration.
const PREFIX: &str = "BYNAME";

/// How much longer than its requests a server may take to drain, before it is given up.
const SPARE: std::time::Duration = std::time::Duration::from_secs(30);

/// A file, or the one inside the program, and what lies over it.
pub(crate) struct Declaration {
    layers: Layers,
    server: Option<String>,
}

impl Declaration {
    /// Reads nothing yet.
    pub(crate) fn new(file: Option<&Path>, arguments: &LayerArguments) -> Self {
        let layers = Layers::new(PREFIX);
        let layers = match file {
            Some(file) => layers.file(file),
            None => layers.default_text(BUILT_IN, DEFAULT),
        };
        let mut layers = layers
            .variables(std::env::vars_os())
            .environment(arguments.environment.as_deref());
        for assignment in &arguments.set {
            layers = layers.set(assignment);
        }
        Self {
            layers,
            server: arguments.server.clone(),
        }
    }

    /// Lays something more over it.
    pub(crate) fn map_layers(
        self,
        over: impl FnOnce(Layers) -> Result<Layers, Failure>,
    ) -> Result<Self, Failure> {
        let layers = over(self.layers)?;
        Ok(Self { layers, ..self })
    }

    /// Returns the application, or everything that is wrong with the configuration as such.
    pub(crate) fn app(&self) -> Result<App, Failure> {
        self.declared().map_err(|problems| Failure::told(&problems))
    }

    fn declared(&self) -> Result<App, Problems> {
        let app = serve::modules(App::from_layers(self.layers()?));
        Ok(match &self.server {
            Some(server) => app.server(server),
            None => app,
        })
    }

    /// Returns all layers, with what this program knows of its services: that one which finishes
    /// requests must be given the time for it.
    fn layers(&self) -> Result<Layers, Problems> {
        let config = self.layers.load()?;
        let mut problems = Problems::new();
        let mut layers = self.layers.clone();
        for service in of_type(config.root(), HTTP) {
            let of = Keys::root().key("services").key(Arc::clone(&service));
            // What cannot be read is told by the check.
            let drain = span(&config, &of.key("settings").key("drain")).unwrap_or(DRAIN);
            let path = of.key("within").key("drain");
            match span(&config, &path) {
                Some(within) if within <= drain => problems.push(
                    Problem::error(format!(
                        "service `{service}` finishes requests for {}, but is given up after {}",
                        units::Duration::from(drain),
                        units::Duration::from(within),
                    ))
                    .at(place(&config, &path), "the deadline is set here")
                    .help(format!("take `{path}` out, or make it longer")),
                ),
                Some(_) => {}
                None => {
                    let within = units::Duration::from(drain + SPARE);
                    let name = serde_json::Value::from(&*service);
                    // Above the file, so that what the file says keeps its places: of this it says
                    // nothing.
                    layers = layers.text(
                        BUILT_IN,
                        format!("services: {{{name}: {{within: {{drain: {within}}}}}}}"),
                    );
                }
            }
        }
        problems.or(layers)
    }
}

fn span(config: &Config, path: &Keys) -> Option<std::time::Duration> {
    let node = config.root().at(path)?;
    let read = read_node::<units::Duration>(node, path, HTTP).ok()?;
    Some(read.value.into())
}

fn place(config: &Config, path: &Keys) -> byname_components::Place {
    let node = config.root().at(path).unwrap_or(config.root());
    node.origin.place()
}

/// The services of a type, by name.
pub(crate) fn of_type(root: &Node, factory: &str) -> Vec<Arc<str>> {
    let Some(services) = root.get("services").and_then(Node::as_map) else {
        return Vec::new();
    };
    services
        .iter()
        .filter(
            |(key, node)| match node.get("type").map(|node| &node.value) {
                Some(Value::Scalar(of)) => *of.text == *factory,
                _ => *key.name == *factory,
            },
        )
        .map(|(key, _)| Arc::clone(&key.name))
        .collect()
}
