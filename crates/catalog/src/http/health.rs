//! `/healthz` and `/readyz`: whether to send requests here.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::parameters::Parameters;
use super::{Beside, RegistryState, answer, json};
use crate::catalog::Catalog;
use crate::follow::FileStatus;

#[derive(Serialize)]
struct Live {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    /// Whether something is served that its source no longer says.
    degraded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    revision: u64,
    entries: usize,
    files: Vec<File>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registries: Vec<RegistryState>,
}

/// What `/readyz` looks at.
#[derive(Clone)]
pub(super) struct Readiness {
    pub(super) catalog: Catalog,
    pub(super) beside: Arc<[Beside]>,
}

#[derive(Serialize)]
struct File {
    position: usize,
    #[serde(rename = "file")]
    name: String,
    state: &'static str,
    good_revision: u64,
    offerings: usize,
    refused: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) async fn live(State(catalog): State<Catalog>, RawQuery(query): RawQuery) -> Response {
    answer(|| {
        Parameters::read(query.as_deref(), &[])?;
        json(catalog.registry().revision(), &Live { status: "ok" })
    })
}

/// Ready is whoever has a revision to serve, also while a file of it is broken: taking every
/// server away because of one bad file would help nobody. A registry of which there is no state at
/// all is another thing: what is asked of it cannot be answered.
pub(super) async fn ready(
    State(Readiness { catalog, beside }): State<Readiness>,
    RawQuery(query): RawQuery,
) -> Response {
    answer(|| {
        Parameters::read(query.as_deref(), &[])?;
        // In this order no file can be said to be good at a revision that is not served yet.
        let files: Vec<File> = catalog.files().iter().map(File::of).collect();
        let offerings = catalog.offerings();
        let registries: Vec<RegistryState> = beside.iter().map(Beside::state).collect();
        let of_files = files
            .iter()
            .filter_map(|file| Some(format!("{}: {}", file.name, file.error.as_deref()?)));
        let behind = registries.iter().filter(|registry| registry.degraded);
        let of_registries = behind.flat_map(|registry| {
            let name = registry.name;
            let problems = registry.problems.iter();
            problems.map(move |problem| format!("{name}: {problem}"))
        });
        let troubles: Vec<String> = of_files.chain(of_registries).collect();
        let is_ready = registries.iter().all(|registry| registry.ready);
        let ready = Ready {
            status: if is_ready { "ready" } else { "not ready" },
            degraded: !troubles.is_empty() || registries.iter().any(|one| one.degraded),
            reason: Some(troubles.join("; ")).filter(|reason| !reason.is_empty()),
            revision: offerings.revision(),
            entries: offerings.len(),
            files,
            registries,
        };
        let mut response = json(offerings.revision(), &ready)?;
        if !is_ready {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        Ok(response)
    })
}

impl File {
    fn of(status: &FileStatus) -> Self {
        Self {
            position: status.position,
            name: status.file_name(),
            state: status.state.word(),
            good_revision: status.good_revision,
            offerings: status.offerings,
            refused: status.refused,
            error: status.state.trouble().map(ToString::to_string),
        }
    }
}
