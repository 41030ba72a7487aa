//! The service `machines`: those of the data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use byname_components::config::units;
use byname_components::http::admin::Listed;
use byname_components::{BoxError, Made, Registrar, need};
use byname_machines::{Machines, http};
use byname_store::{FileOptions, MemoryStore, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::POLL;
use super::listed::told;
use crate::failure::Failure;
use crate::folder::DataFolder;

/// What the factory and its services are called.
pub(crate) const NAME: &str = "machines";

/// Where the machines are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Settings {
    /// The data folder. By default it is where the commands of this program look as well.
    folder: Option<PathBuf>,
    /// How often to look at the file even if the system reports no change; 0s never does.
    poll: units::Duration,
    /// Use a folder on a network file system, whose locks reach this machine only. No other machine
    /// may use it then.
    allow_network: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folder: None,
            poll: POLL.into(),
            allow_network: false,
        }
    }
}

/// Registers what makes machines, and the router that answers for them.
pub(super) fn module(registrar: &mut Registrar<'_>) {
    registrar.factory(NAME, (), machines);
    let state = |(machines,): (Arc<Machines>,)| Machines::clone(&machines);
    registrar.router(NAME, (need(NAME),), state, http::routes());
}

async fn machines(settings: Settings) -> Result<Made<Machines>, BoxError> {
    let opened = tokio::task::spawn_blocking(move || open(settings)).await??;
    let listed = listed(&opened);
    Ok(Made::new(Arc::new(opened)).listed(listed))
}

/// The machines as the admin pages show them: neither where their keys are nor what is noted of them.
fn listed(machines: &Machines) -> Listed {
    const TOLD: [&str; 6] = ["capacity", "host", "kind", "labels", "models", "url"];
    Listed::new(NAME, "machine", machines.registry(), |_, machine| {
        told(machine, &TOLD)
    })
}

/// Opens the machines of the data folder; without one there is this machine only.
///
/// A registry that is damaged does not keep the server from serving the rest: it has no state then,
/// and gets one as soon as an operator has brought it back.
fn open(settings: Settings) -> Result<Machines, Failure> {
    let options = options(&settings);
    let Some(folder) = DataFolder::at(settings.folder) else {
        tracing::warn!("there is no data folder, so there are no machines but this one");
        return Ok(Machines::open(Arc::new(MemoryStore::new()))?);
    };
    Ok(Machines::open_file_with(folder.path(), options)?)
}

pub(super) fn options(settings: &Settings) -> FileOptions {
    let poll: std::time::Duration = settings.poll.into();
    FileOptions::new()
        .for_repair()
        .poll(Some(poll).filter(|poll| !poll.is_zero()))
        .allow_network(settings.allow_network)
}

/// How a registry is, for whoever asks whether to send requests here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct RegistryState {
    /// Which registry.
    pub(super) name: &'static str,
    /// Whether there is a state to serve. Without one the server is not ready.
    #[serde(skip)]
    pub(super) ready: bool,
    /// The revision that is served.
    revision: u64,
    /// How many entries it has.
    entries: usize,
    /// Whether something is served that its source no longer says.
    pub(super) degraded: bool,
    /// What an operator should look at, for everyone to read: no path of the server stands in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) problems: Vec<String>,
}

pub(super) fn state(machines: &Machines) -> RegistryState {
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
