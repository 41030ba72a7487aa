//! Routers that modules register.

use std::fmt;
use std::sync::Arc;

use byname_registry::Place;

use super::endpoint::Endpoint;
use super::routes::{RouteDescription, Routes};
use crate::factory::FactoryEntry;
use crate::made::Made;
use crate::need::Needs;
use crate::problem::Problems;

/// A router that a module registered: what it answers is known before anything is built.
///
/// # Examples
///
/// ```
/// use byname_components::{App, Registrar};
/// use byname_components::http::RouterEntry;
/// use byname_components::http::routes::Routes;
///
/// async fn hello() -> String {
///     "hello".to_owned()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let module = |registrar: &mut Registrar<'_>| {
///     registrar.router("hello", (), |()| (), Routes::new().get("/hello", hello));
/// };
/// let running = App::new().register(module).start().await?;
/// let routers = &running.registries().routers;
/// let entry = routers.get::<RouterEntry>("hello")?.ok_or("it is registered")?;
/// assert_eq!(&*entry.routes()[0].path, "/hello");
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct RouterEntry {
    routes: Vec<RouteDescription>,
    problems: Problems,
    factory: Arc<FactoryEntry>,
}

/// What answers the routes of a router, in their order.
pub(crate) struct Answering {
    pub(crate) endpoints: Vec<Endpoint>,
}

impl RouterEntry {
    pub(crate) fn new<N, S>(
        name: &str,
        place: Place,
        needs: N,
        state: impl Fn(N::Given) -> S + Send + Sync + 'static,
        routes: Routes<S>,
    ) -> Self
    where
        N: Needs,
        S: Clone + Send + Sync + 'static,
    {
        Self {
            routes: routes.descriptions().to_vec(),
            problems: routes.problems(),
            factory: Arc::new(FactoryEntry::composed(
                name,
                place,
                needs.declared(),
                move |supply| {
                    let endpoints = routes.build(state(needs.give(supply)?));
                    Ok(async move { Ok(Made::new(Arc::new(Answering { endpoints }))) })
                },
            )),
        }
    }

    /// Returns what it answers.
    #[must_use]
    pub fn routes(&self) -> &[RouteDescription] {
        &self.routes
    }

    /// Returns where it was registered.
    #[must_use]
    pub fn place(&self) -> &Place {
        self.factory.place()
    }

    pub(crate) fn problems(&self) -> &Problems {
        &self.problems
    }

    pub(crate) fn factory(&self) -> &Arc<FactoryEntry> {
        &self.factory
    }
}

impl fmt::Debug for RouterEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterEntry")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
