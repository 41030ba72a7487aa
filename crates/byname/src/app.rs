//! The application that a file declares, and what can be seen of it before it runs.

mod check;
mod config;
mod graph;
mod plan;
mod remote;

use std::path::Path;
use std::sync::Arc;

use byname_components::App;
use byname_components::config::{Layers, Node, Value};

pub(crate) use self::check::run as check;
pub(crate) use self::config::run as config;
pub(crate) use self::graph::run as graph;
pub(crate) use self::plan::run as plan;
use crate::cli::LayerArguments;
use crate::failure::Failure;
use crate::serve::{self, DEFAULT};

/// What the file inside the program is called.
const BUILT_IN: &str = "byname serve";

/// The prefix of variables of the environment that are configuration.
const PREFIX: &str = "BYNAME";

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

    /// Returns the application; what is wrong with it is told when it is checked.
    pub(crate) fn app(&self) -> App {
        let app = serve::modules(App::from_layers(self.layers.clone()));
        match &self.server {
            Some(server) => app.server(server),
            None => app,
        }
    }
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
