//! `byname graph`.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use byname_components::{Format, Graph};

use super::{Declaration, remote};
use crate::cli::{GraphArguments, GraphFormat};
use crate::failure::Failure;
use crate::output::printable;

/// The state of a service that the file has and the server that was asked has not.
const ABSENT: &str = "not on the server";

/// Draws the graph.
pub(crate) fn run(arguments: &GraphArguments) -> Result<(), Failure> {
    let declaration = Declaration::new(arguments.file.path.as_deref(), &arguments.layers);
    let (problems, graph) = declaration.app().graph();
    let Some(graph) = graph else {
        return Err(Failure::told(&problems));
    };
    let states = match &arguments.url {
        Some(url) => states(&graph, url)?,
        None => BTreeMap::new(),
    };
    let format = match arguments.format {
        GraphFormat::Text => Format::Text,
        GraphFormat::Dot => Format::Dot,
        GraphFormat::Mermaid => Format::Mermaid,
        GraphFormat::Json => Format::Json,
    };
    io::stdout()
        .lock()
        .write_all(graph.write(format, &states).as_bytes())
        .map_err(|error| Failure::output(&error))
}

/// Where the services of the graph are in their life, as a running server says.
fn states(graph: &Graph, url: &str) -> Result<BTreeMap<String, String>, Failure> {
    let mut running = remote::states(url)?;
    let mut states = BTreeMap::new();
    for service in graph.services() {
        let state = running.remove(service.name());
        let state = state.unwrap_or_else(|| ABSENT.to_owned());
        states.insert(service.name().to_owned(), state);
    }
    for name in running.keys() {
        // Whoever draws may not look at stderr, which is no failure.
        let _ = writeln!(
            io::stderr().lock(),
            "warning: the server has a service `{}`, which the file has not",
            printable(name)
        );
    }
    Ok(states)
}
