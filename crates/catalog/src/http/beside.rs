//! What one server serves beside the catalog.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use serde::Serialize;

/// Routes of something else than the catalog, and how that is.
///
/// Whoever serves both joins them with [`router_beside`](super::router_beside): the paths of both
/// then stand in the answer to an unknown one, and `/readyz` tells of both.
#[derive(Clone)]
pub struct Beside {
    pub(super) routes: Router,
    pub(super) paths: Vec<&'static str>,
    state: Arc<dyn Fn() -> RegistryState + Send + Sync>,
}

impl Beside {
    /// Joins routes, the paths that they answer at, and what tells how the registry behind them is.
    /// `state` is asked at every look at `/readyz` and must not block.
    pub fn new(
        routes: Router,
        paths: impl IntoIterator<Item = &'static str>,
        state: impl Fn() -> RegistryState + Send + Sync + 'static,
    ) -> Self {
        Self {
            routes,
            paths: paths.into_iter().collect(),
            state: Arc::new(state),
        }
    }

    pub(super) fn state(&self) -> RegistryState {
        (self.state)()
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

/// How a registry is, for whoever asks whether to send requests here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegistryState {
    /// Which registry.
    pub name: &'static str,
    /// Whether there is a state to serve. Without one the server is not ready.
    #[serde(skip)]
    pub ready: bool,
    /// The revision that is served.
    pub revision: u64,
    /// How many entries it has.
    pub entries: usize,
    /// Whether something is served that its source no longer says.
    pub degraded: bool,
    /// What an operator should look at, for everyone to read: no path of the server stands in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}
