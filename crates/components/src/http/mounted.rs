//! What a module's own kind of route makes.

use std::convert::Infallible;
use std::fmt;

use axum::extract::Request;
use axum::response::IntoResponse;
use tower::Service;

use super::endpoint::{Endpoint, endpoint};

/// What answers everything under a prefix: the product of a kind of route.
///
/// # Examples
///
/// A kind of route with settings of its own, and an item of a router that is one:
///
/// ```
/// use std::convert::Infallible;
/// use std::sync::Arc;
/// use byname_components::http::Mounted;
/// use byname_components::{App, BoxError, Registrar};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Settings { text: String }
///
/// let app = App::from_text("
/// routers: { site: { routes: [{ prefix: /hello, says: { text: hello } }] } }
/// servers: { main: { listeners: { public: { address: 127.0.0.1:0, routers: [site] } } } }
/// ")
/// .register(|registrar: &mut Registrar<'_>| {
///     registrar.route_kind("says", (), |settings: Settings| async move {
///         let service = tower::service_fn(move |_: axum::extract::Request| {
///             std::future::ready(Ok::<_, Infallible>(settings.text.clone()))
///         });
///         Ok::<_, BoxError>(Arc::new(Mounted::new(service)))
///     });
/// });
/// assert!(app.check().is_empty());
/// ```
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
