//! `/healthz` and `/readyz`: whether to send requests here.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Serialize;

use super::parameters::Parameters;
use super::{answer, json};
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
/// server away because of one bad file would help nobody.
pub(super) async fn ready(State(catalog): State<Catalog>, RawQuery(query): RawQuery) -> Response {
    answer(|| {
        Parameters::read(query.as_deref(), &[])?;
        // In this order no file can be said to be good at a revision that is not served yet.
        let files: Vec<File> = catalog.files().iter().map(File::of).collect();
        let offerings = catalog.offerings();
        let troubles: Vec<String> = files
            .iter()
            .filter_map(|file| Some(format!("{}: {}", file.name, file.error.as_deref()?)))
            .collect();
        let ready = Ready {
            status: "ready",
            degraded: !troubles.is_empty(),
            reason: Some(troubles.join("; ")).filter(|reason| !reason.is_empty()),
            revision: offerings.revision(),
            entries: offerings.len(),
            files,
        };
        json(offerings.revision(), &ready)
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
