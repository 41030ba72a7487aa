//! What a module's own kind of route makes.

use std::convert::Infallible;
use std::fmt;

use axum::extract::Request;
use axum::response::IntoResponse;
use tower::Service;

use super::endpoint::{Endpoint, endpoint};

/// What answers everything under a prefix: the product of a kind of route.
pub struct Mounted(Endpoint);

impl Mounted {
    /// Takes any service that answers requests. The prefix of the route is stripped from the path of
    /// what it is asked; the whole is in axum's `OriginalUri`.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        Self(endpoint(service))
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        self.0.clone()
    }
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mounted").finish_non_exhaustive()
    }
}
