//! The machines that are served beside the catalog.

use std::path::Path;
use std::sync::Arc;

use byname_catalog::http::{Beside, RegistryState};
use byname_machines::{Machines, http};
use byname_store::{FileOptions, MemoryStore, Problem};

use crate::cli::ServeArguments;
use crate::failure::Failure;
use crate::folder::DataFolder;

/// Opens the machines of the data folder; without one there is this machine only.
///
/// A registry that is damaged does not keep the server from serving the rest: it has no state then,
/// and gets one as soon as an operator has brought it back.
pub(super) fn open(arguments: &ServeArguments) -> Result<Machines, Failure> {
    let Some(folder) = DataFolder::find(&arguments.folder) else {
        tracing::warn!("there is no data folder, so there are no machines but this one");
        return Ok(Machines::open(Arc::new(MemoryStore::new()))?);
    };
    Ok(Machines::open_file_with(folder.path(), options(arguments))?)
}

pub(crate) fn options(arguments: &ServeArguments) -> FileOptions {
    FileOptions::new()
        .for_repair()
        .poll(Some(arguments.poll).filter(|poll| !poll.is_zero()))
        .allow_network(arguments.folder.allow_network)
}

/// Their routes, and how their registry is.
pub(super) fn beside(machines: &Machines) -> Beside {
    let routes = http::routes(machines.clone());
    let machines = machines.clone();
    Beside::new(routes, http::PATHS, move || state(&machines))
}

fn state(machines: &Machines) -> RegistryState {
    let health = machines.health();
    let fleet = machines.cached();
    let unusable = fleet.unusable();
    let unusable = unusable
        .iter()
        .map(|entry| format!("entry `{}`: {}", entry.name, entry.reason));
    RegistryState {
        name: "machines",
        ready: http::has_state(machines),
        revision: fleet.revision(),
        entries: machines.registry().len(),
        degraded: health.stale.is_some() || health.problems.iter().any(is_behind),
        problems: health
            .problems
            .iter()
            .map(outside)
            .chain(unusable)
            .collect(),
    }
}

/// Whether the file says something else than what is served.
fn is_behind(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::BrokenEdit { .. }
            | Problem::EditWaits { .. }
            | Problem::Damage { .. }
            | Problem::Unreadable { .. }
            | Problem::Unreachable { .. }
    )
}

/// What everybody may know of a problem: no path of this machine, and no text of the file.
fn outside(problem: &Problem) -> String {
    let file = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    match problem {
        Problem::BrokenEdit {
            path, line, column, ..
        } => format!(
            "{}:{line}:{column}: the edit cannot be read; the last good state stays",
            file(path)
        ),
        Problem::EditWaits { path } => {
            format!(
                "{}: the edit waits for a process that may write the file",
                file(path)
            )
        }
        Problem::Damage { path, what } => format!("{}: {what}", file(path)),
        Problem::SetAside { path, .. } => format!("a text was set aside as {}", file(path)),
        Problem::NotKept { revision, .. } => format!("revision {revision} is not kept"),
        Problem::NotWatched { .. } => "changes are found by looking only".to_owned(),
        Problem::Unreadable { name, .. } => format!("entry `{name}` is no machine"),
        _ => "the file cannot be read at present".to_owned(),
    }
}
