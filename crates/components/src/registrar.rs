//! Where modules register what they bring.

use std::fmt;
use std::sync::Arc;

use byname_registry::{ChangeError, Place, Registry};

use crate::factory::{Build, FactoryEntry, Settings};
use crate::made::{BoxError, Product};
use crate::middleware::{Instances, Middlewares};
use crate::need::Needs;
use crate::problem::{Problem, Problems};

/// What brings several parts of an application.
///
/// A function that takes a [`Registrar`] is one.
pub trait Module {
    /// Registers what it brings.
    fn register(self, registrar: &mut Registrar<'_>);
}

impl<F: FnOnce(&mut Registrar<'_>)> Module for F {
    fn register(self, registrar: &mut Registrar<'_>) {
        self(registrar);
    }
}

/// Takes what modules bring.
///
/// A name that is taken is no panic: it is told with everything else that is wrong, with both places.
pub struct Registrar<'a> {
    pub(crate) factories: &'a Registry<Arc<FactoryEntry>>,
    pub(crate) middleware: &'a Middlewares,
    pub(crate) problems: &'a mut Problems,
}

impl Registrar<'_> {
    /// Registers a factory: a function `async fn(settings, needs…) -> Result<service, error>`.
    ///
    /// `name` is the type that services have in the file; `needs` is a tuple of declarations, given to
    /// the function in the same order after the settings, which are read from the file.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use byname_components::{App, BoxError, Registrar, need};
    ///
    /// trait Database: Send + Sync {}
    /// struct Orders { db: Arc<dyn Database>, limit: u32 }
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct OrdersSettings { limit: u32 }
    ///
    /// async fn orders(settings: OrdersSettings, db: Arc<dyn Database>) -> Result<Arc<Orders>, BoxError> {
    ///     Ok(Arc::new(Orders { db, limit: settings.limit }))
    /// }
    ///
    /// fn module(registrar: &mut Registrar<'_>) {
    ///     registrar.factory("orders", (need("db"),), orders);
    /// }
    ///
    /// let app = App::new().register(module);
    /// ```
    #[track_caller]
    pub fn factory<N, S, P>(&mut self, name: &str, needs: N, build: impl Build<S, N::Given, P>)
    where
        N: Needs,
        S: Settings,
        P: Product,
    {
        let place = Place::caller();
        let entry = Arc::new(FactoryEntry::new(name, place.clone(), needs, build));
        let registered = self.factories.register_at(name, entry, place.clone());
        if let Err(error) = registered {
            self.problems.push(taken("factory", name, place, &error));
        }
    }

    /// Registers a middleware factory: a function `async fn(settings) -> Result<Arc<M>, error>`.
    ///
    /// `name` is the type that middleware has in the file; `instances` tells whether all who use a
    /// middleware share one instance.
    #[track_caller]
    pub fn middleware<S, M, F, E>(
        &mut self,
        name: &str,
        instances: Instances,
        make: impl Fn(S) -> F + Send + Sync + 'static,
    ) where
        S: Settings,
        M: ?Sized + Send + Sync + 'static,
        F: Future<Output = Result<Arc<M>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let place = Place::caller();
        if let Err(error) = self.middleware.factory(name, instances, make) {
            self.problems
                .push(taken("middleware factory", name, place, &error));
        }
    }
}

/// A name that could not be registered.
pub(crate) fn taken(kind: &str, name: &str, place: Place, error: &ChangeError) -> Problem {
    match error {
        ChangeError::Taken { place: first, .. } => {
            Problem::error(format!("{kind} `{name}` is registered twice"))
                .at(place, "here")
                .at(first.clone(), "and here before")
        }
        error => Problem::error(format!("{kind} `{name}` cannot be registered: {error}"))
            .at(place, "here"),
    }
}

impl fmt::Debug for Registrar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registrar").finish_non_exhaustive()
    }
}
