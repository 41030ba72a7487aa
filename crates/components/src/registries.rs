//! Everything of an application that is kept by name.

use std::sync::Arc;

use byname_registry::{Registry, nearest};

use crate::chosen::ServerChoice;
use crate::clients::Clients;
use crate::factory::FactoryEntry;
use crate::health::Checks;
use crate::middleware::Middlewares;
use crate::part::{LookupError, Parts};
use crate::state::State;
use crate::values::Values;

/// Everything of an application that is kept by name: a registry for each kind of part.
///
/// Each can be read, listed, observed and changed while the application runs; a change is one
/// revision. Two applications of one process share none of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Registries {
    /// What makes services, by the name of the type.
    pub factories: Registry<Arc<FactoryEntry>>,
    /// The services.
    pub services: Parts,
    /// Where each service is in its life.
    pub states: Registry<State>,
    /// Configuration values by dotted name.
    pub values: Values,
    /// What makes middleware, and named middleware.
    pub middleware: Middlewares,
    /// Routers that modules registered.
    pub routers: Parts,
    /// What makes routes of a kind of its own, by the key that stands for it in the file.
    #[cfg(feature = "http")]
    pub kinds: Registry<Arc<FactoryEntry>>,
    /// What is known of the traits of services.
    #[cfg(feature = "http")]
    pub interfaces: Registry<Arc<crate::service::Interface>>,
    /// Listeners that have begun to answer, as [`http::Server`](crate::http::Server)s.
    pub servers: Parts,
    /// Rules that turn the methods of a service into routes.
    pub conventions: Parts,
    /// Where services of other servers are reached: as it was declared, and from the server that was
    /// chosen.
    pub clients: Clients,
    /// What calls services of other servers, by the names of the services.
    #[cfg(feature = "http")]
    pub(crate) upstreams: Registry<byname_upstream::Upstream>,
    /// The server that was chosen.
    pub current: ServerChoice,
    /// Health checks.
    pub checks: Checks,
}

fn registry<V: Send + Sync + 'static>(label: &str) -> Registry<V> {
    Registry::<()>::builder().label(label).build()
}

impl Registries {
    pub(crate) fn new(services: Parts, checks: Checks) -> Self {
        Self {
            factories: registry("factories"),
            services,
            states: registry("states"),
            values: Values::new(),
            middleware: Middlewares::new(),
            routers: Parts::new("router"),
            #[cfg(feature = "http")]
            kinds: registry("kinds of routes"),
            #[cfg(feature = "http")]
            interfaces: registry("interfaces"),
            servers: Parts::new("server"),
            conventions: Parts::new("convention"),
            clients: Clients::new(),
            #[cfg(feature = "http")]
            upstreams: registry("upstreams"),
            current: ServerChoice::new(),
            checks,
        }
    }

    pub(crate) fn unknown_factory(&self, name: &str) -> LookupError {
        unknown_factory(&self.factories, name)
    }
}

pub(crate) fn unknown_factory(factories: &Registry<Arc<FactoryEntry>>, name: &str) -> LookupError {
    let listed = factories.snapshot();
    LookupError::Unknown {
        kind: "factory".into(),
        name: name.into(),
        nearest: nearest(listed.entries().map(|(name, _)| name), name),
    }
}
