//! The service `catalog`: AI models, and the files that they come from.

use std::path::PathBuf;
use std::sync::Arc;

use byname_catalog::follow::{self, FileStatus};
use byname_catalog::{Catalog, Offering, Provider, http};
use byname_components::config::units;
use byname_components::http::admin::Listed;
use byname_components::{BoxError, Made, Registrar, need};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::POLL;
use super::listed::told;
use crate::data::{self, Data};
use crate::failure::Failure;

/// What the factory and its services are called.
pub(crate) const NAME: &str = "catalog";

/// Where the catalog comes from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
struct Settings {
    /// Files in the shapes of models.dev, `LiteLLM` or `OpenRouter`, instead of the data inside the
    /// program. Where two name the same provider and id, the later one wins.
    files: Vec<PathBuf>,
    /// How often to look at the files even if the system reports no change; 0s never does.
    poll: units::Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            poll: POLL.into(),
        }
    }
}

/// Registers what makes catalogs, and the router that answers for them.
pub(super) fn module(registrar: &mut Registrar<'_>) {
    registrar.factory(NAME, (), catalog);
    let state = |(catalog,): (Arc<Catalog>,)| Catalog::clone(&catalog);
    registrar.router(NAME, (need(NAME),), state, http::routes());
}

async fn catalog(settings: Settings) -> Result<Made<Catalog>, BoxError> {
    // Files are read to their end on a thread that may wait.
    let (catalog, follower) = tokio::task::spawn_blocking(move || open(&settings)).await??;
    let shown = listed(&catalog);
    let made = shown
        .into_iter()
        .fold(Made::new(Arc::new(catalog)), Made::listed);
    Ok(made.on_stop(move || async move {
        // Waits for the file that is just being read.
        tokio::task::spawn_blocking(move || drop(follower)).await?;
        Ok(())
    }))
}

/// What a catalog keeps, as the admin pages show it.
fn listed(catalog: &Catalog) -> [Listed; 3] {
    const OFFERING: [&str; 5] = ["family", "limits", "mode", "prices", "status"];
    let offering = |_: &str, offering: &Offering| told(offering, &OFFERING);
    let provider = |_: &str, provider: &Provider| told(provider, &["api", "doc", "env"]);
    let file = |_: &str, file: &FileStatus| {
        let told = json!({
            // Its folder is nobody's business.
            "file": file.file_name(),
            "state": file.state.word(),
            "trouble": file.state.trouble().map(ToString::to_string),
            "good_revision": file.good_revision,
            "offerings": file.offerings,
            "refused": file.refused,
        });
        told.as_object().cloned().unwrap_or_default()
    };
    [
        Listed::new("offerings", "offering", catalog.registry(), offering),
        Listed::new(
            "providers",
            "provider",
            catalog.providers_registry(),
            provider,
        ),
        Listed::new("files", "file", catalog.files_registry(), file),
    ]
}

/// The catalog to serve, and what keeps it at what its files say if it has any.
fn open(settings: &Settings) -> Result<(Catalog, Option<follow::Follower>), Failure> {
    match data::open(&settings.files)? {
        Data::Embedded(catalog) => Ok((catalog, None)),
        Data::Files(files) => {
            let options = follow::Options::default().poll(Some(settings.poll.into()));
            let follower = files.follow(options).map_err(|error| {
                Failure::new(format!("cannot start following the catalog files: {error}"))
            })?;
            Ok((follower.catalog().clone(), Some(follower)))
        }
    }
}
