//! The service `catalog`: AI models, and the files that they come from.

use std::path::PathBuf;
use std::sync::Arc;

use byname_catalog::{Catalog, follow, http};
use byname_components::config::units;
use byname_components::{BoxError, Made, Registrar, need};
use schemars::JsonSchema;
use serde::Deserialize;

use super::POLL;
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
    Ok(Made::new(Arc::new(catalog)).on_stop(move || async move {
        // Waits for the file that is just being read.
        tokio::task::spawn_blocking(move || drop(follower)).await?;
        Ok(())
    }))
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
