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
    #[cfg(feature = "http")]
    pub(crate) registries: &'a crate::registries::Registries,
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

    /// Registers a middleware factory as [`middleware`](Self::middleware) does, of middleware that lets
    /// nobody through whom it does not know: it asks for a key or a token, and refuses who has none.
    ///
    /// Where it stands before a [guarded kind of route](Self::guarded_route_kind), a check of the
    /// application has nothing to warn of. What it asks for is in the description of routes if it is
    /// [said](Self::describe_middleware).
    #[track_caller]
    pub fn auth_middleware<S, M, F, E>(
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
        if let Err(error) = self.middleware.auth_factory(name, instances, make) {
            self.problems
                .push(taken("middleware factory", name, place, &error));
        }
    }
}

#[cfg(feature = "http")]
impl Registrar<'_> {
    /// Registers a router under a name: routes that a file's `routers` and listeners name.
    ///
    /// What it answers is known before anything is built; `state` makes the state of its handlers of
    /// what it needs.
    ///
    /// A name that is taken is told when the application is checked, with both places.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use axum::extract::State;
    /// use byname_components::{App, need};
    /// use byname_components::http::routes::Routes;
    ///
    /// struct Greeting(String);
    ///
    /// async fn greet(State(greeting): State<Arc<Greeting>>) -> String {
    ///     greeting.0.clone()
    /// }
    ///
    /// let app = App::from_text("
    /// servers:
    ///   main:
    ///     listeners:
    ///       public: { address: 127.0.0.1:0, routers: [hello] }
    /// ")
    /// .service("greeting", Arc::new(Greeting("hello".into())))
    /// .register(|registrar: &mut byname_components::Registrar<'_>| {
    ///     let routes = Routes::new().get("/greeting", greet);
    ///     registrar.router("hello", (need::<Greeting>("greeting"),), |(greeting,)| greeting, routes);
    /// });
    /// assert!(app.check().is_empty());
    /// ```
    #[track_caller]
    pub fn router<N, S>(
        &mut self,
        name: &str,
        needs: N,
        state: impl Fn(N::Given) -> S + Send + Sync + 'static,
        routes: crate::http::routes::Routes<S>,
    ) where
        N: Needs,
        S: Clone + Send + Sync + 'static,
    {
        let place = Place::caller();
        let entry = crate::http::RouterEntry::new(name, place.clone(), needs, state, routes);
        let listed = self.registries.routers.registry();
        let part = crate::part::Part::new(Arc::new(entry));
        if let Err(error) = listed.register_at(name, part, place.clone()) {
            self.problems.push(taken("router", name, place, &error));
        }
    }

    /// Says what routes are with middleware of this type before them, as its settings say: what the factory
    /// `name` makes, which is registered beside. What it asks for, and what it answers in the place of a
    /// route, are then in the description of every route that it stands before.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_components::http::openapi::{Operation, Security};
    /// use byname_components::{ErrorKind, Registrar};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Tickets { header: String }
    ///
    /// fn module(registrar: &mut Registrar<'_>) {
    ///     // …, beside `registrar.auth_middleware("tickets", …)`.
    ///     registrar.describe_middleware("tickets", |settings: &Tickets, operation: &mut Operation| {
    ///         operation.guarded_by(Security::Key(settings.header.clone())).refuses(ErrorKind::Denied);
    ///     });
    /// }
    /// ```
    #[track_caller]
    pub fn describe_middleware<S: Settings>(
        &mut self,
        name: &str,
        describe: impl Fn(&S, &mut crate::http::openapi::Operation) + Send + Sync + 'static,
    ) {
        let place = Place::caller();
        if let Err(error) = self.middleware.describe(name, describe) {
            self.problems
                .push(taken("description of middleware", name, place, &error));
        }
    }

    /// Registers a kind of route: under `routes` of a router, an item with the key `name` has settings
    /// for it, and what it makes answers everything under the item's prefix.
    ///
    /// It is a factory as [`factory`](Self::factory) registers them, of [`Mounted`](crate::http::Mounted).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use std::sync::Arc;
    /// use axum::extract::Request;
    /// use byname_components::{App, BoxError, Registrar};
    /// use byname_components::http::Mounted;
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Always { text: String }
    ///
    /// async fn always(settings: Always) -> Result<Arc<Mounted>, BoxError> {
    ///     let service = tower::service_fn(move |_: Request| {
    ///         let answer = settings.text.clone();
    ///         async move { Ok::<_, Infallible>(answer) }
    ///     });
    ///     Ok(Arc::new(Mounted::new(service)))
    /// }
    ///
    /// let app = App::from_text("
    /// routers:
    ///   site:
    ///     routes:
    ///       - { prefix: /motto, always: { text: onward } }
    /// servers:
    ///   main:
    ///     listeners:
    ///       public: { address: 127.0.0.1:0, routers: [site] }
    /// ")
    /// .register(|registrar: &mut Registrar<'_>| registrar.route_kind("always", (), always));
    /// assert!(app.check().is_empty());
    /// ```
    #[track_caller]
    pub fn route_kind<N, S, P>(&mut self, name: &str, needs: N, build: impl Build<S, N::Given, P>)
    where
        N: Needs,
        S: Settings,
        P: Product<Service = crate::http::Mounted>,
    {
        let place = Place::caller();
        self.kind(FactoryEntry::new(name, place, needs, build));
    }

    /// Registers a kind of route as [`route_kind`](Self::route_kind) does, which is not for everybody: the
    /// check of an application warns where it answers on an address that others than this machine reach,
    /// with nothing before it that asks who it is. What asks is [middleware that
    /// authenticates](Self::auth_middleware), or a listener with `tls.client-ca`.
    #[track_caller]
    pub fn guarded_route_kind<N, S, P>(
        &mut self,
        name: &str,
        needs: N,
        build: impl Build<S, N::Given, P>,
    ) where
        N: Needs,
        S: Settings,
        P: Product<Service = crate::http::Mounted>,
    {
        let place = Place::caller();
        self.kind(FactoryEntry::new(name, place, needs, build).guarded());
    }

    fn kind(&mut self, entry: FactoryEntry) {
        let (name, place) = (Arc::<str>::from(entry.name()), entry.place().clone());
        let kinds = &self.registries.kinds;
        if let Err(error) = kinds.register_at(&name, Arc::new(entry), place.clone()) {
            self.problems
                .push(taken("kind of route", &name, place, &error));
        }
    }

    /// Registers the trait of services that can be published, and called from elsewhere.
    ///
    /// # Examples
    ///
    /// What the attribute `byname::service` writes for a trait, here one without methods:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use byname_components::{App, Registrar};
    /// use byname_components::service::{Interface, Remote, Service};
    ///
    /// trait Users: Send + Sync {}
    ///
    /// struct UsersElsewhere(Remote);
    ///
    /// impl Users for UsersElsewhere {}
    ///
    /// impl Service for dyn Users {
    ///     fn interface() -> Interface {
    ///         Interface::new::<dyn Users>("Users", |remote| Arc::new(UsersElsewhere(remote)))
    ///     }
    /// }
    ///
    /// let app = App::new().register(|registrar: &mut Registrar<'_>| registrar.interface::<dyn Users>());
    /// assert!(app.check().is_empty());
    /// ```
    #[track_caller]
    pub fn interface<T: ?Sized + crate::service::Service>(&mut self) {
        let place = Place::caller();
        let interface = Arc::new(T::interface());
        let name = interface.name().to_owned();
        let registered = self
            .registries
            .interfaces
            .register_at(&name, interface, place.clone());
        if let Err(error) = registered {
            self.problems.push(taken("interface", &name, place, &error));
        }
    }

    /// Registers a rule that turns methods of services into routes: what `publish.convention` of a
    /// service names.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_components::{App, Registrar};
    /// use byname_components::service::{Convention, Method, Resource, Route, Verb};
    ///
    /// /// `PUT /do/{method}`, whatever it is.
    /// struct Do;
    ///
    /// impl Convention for Do {
    ///     fn route(&self, _: &Resource, method: &Method) -> Result<Route, String> {
    ///         Ok(Route::new(Verb::PUT, format!("/do/{}", method.name())).others_in_body(method))
    ///     }
    /// }
    ///
    /// let app = App::new().register(|registrar: &mut Registrar<'_>| registrar.convention("do", Do));
    /// assert!(app.check().is_empty());
    /// ```
    #[track_caller]
    pub fn convention(&mut self, name: &str, rule: impl crate::service::Convention + 'static) {
        let place = Place::caller();
        let rule: Arc<dyn crate::service::Convention> = Arc::new(rule);
        let conventions = self.registries.conventions.registry();
        let part = crate::part::Part::new(rule);
        if let Err(error) = conventions.register_at(name, part, place.clone()) {
            self.problems.push(taken("convention", name, place, &error));
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
