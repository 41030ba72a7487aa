//! Routes declared in code: known before anything is built.
//!
//! A path is written as axum 0.8 writes it: `/users/{id}`, `/files/{*rest}`.

mod description;
mod handler;
mod path;
mod router;
mod serve;

use std::fmt;
use std::sync::Arc;

use axum::http::Method;
use byname_registry::Place;

use self::serve::Make;
use super::endpoint::Endpoint;
use super::openapi::Operation;
use crate::problem::Problems;

pub use self::description::RouteDescription;
pub use self::handler::Handler;
pub use self::path::join;

pub(crate) use self::description::{conflict, renamed};
pub(crate) use self::path::{fault, parameters, prefix_fault, shape};

/// Routes of one router, in the order in which they were declared.
///
/// They are described before anything is built: what is wrong with them, and two routes that answer the
/// same requests, are told with every other problem of the application, with their places.
///
/// # Examples
///
/// ```
/// use byname_components::ServiceError;
/// use byname_components::http::bind::{Json, Path, Query};
/// use byname_components::http::routes::Routes;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Page {
///     #[schemars(range(min = 1, max = 100))]
///     limit: Option<u32>,
/// }
///
/// async fn names(Query(page): Query<Page>) -> Json<Vec<String>> {
///     Json(vec!["ada".into(); page.limit.unwrap_or(1) as usize])
/// }
///
/// async fn name(Path(id): Path<u64>) -> Result<Json<String>, ServiceError> {
///     Ok(Json(format!("user {id}")))
/// }
///
/// let routes: Routes = Routes::new()
///     .get("/users", names)
///     .describe(|operation| {
///         operation.summary("Lists users");
///     })
///     .get("/users/{id}", name)
///     .under("/v1");
/// ```
#[must_use]
pub struct Routes<S = ()> {
    descriptions: Vec<RouteDescription>,
    /// One for each description.
    makes: Vec<Make<S>>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Returns no routes.
    pub fn new() -> Self {
        Self {
            descriptions: Vec::new(),
            makes: Vec::new(),
        }
    }

    /// Routes `GET`, and with it `HEAD`, of a path.
    #[track_caller]
    pub fn get<H: Handler<A, S>, A: 'static>(self, path: &str, handler: H) -> Self {
        self.route(Method::GET, path, handler)
    }

    /// Routes `POST` of a path.
    #[track_caller]
    pub fn post<H: Handler<A, S>, A: 'static>(self, path: &str, handler: H) -> Self {
        self.route(Method::POST, path, handler)
    }

    /// Routes `PUT` of a path.
    #[track_caller]
    pub fn put<H: Handler<A, S>, A: 'static>(self, path: &str, handler: H) -> Self {
        self.route(Method::PUT, path, handler)
    }

    /// Routes `PATCH` of a path.
    #[track_caller]
    pub fn patch<H: Handler<A, S>, A: 'static>(self, path: &str, handler: H) -> Self {
        self.route(Method::PATCH, path, handler)
    }

    /// Routes `DELETE` of a path.
    #[track_caller]
    pub fn delete<H: Handler<A, S>, A: 'static>(self, path: &str, handler: H) -> Self {
        self.route(Method::DELETE, path, handler)
    }

    /// Routes a method of a path to a handler, which describes itself.
    #[track_caller]
    pub fn route<H: Handler<A, S>, A: 'static>(
        self,
        method: Method,
        path: &str,
        handler: H,
    ) -> Self {
        let mut operation = Operation::default();
        H::describe(&mut operation);
        let make = serve::handler(handler);
        self.with(Some(method), path, Place::caller(), operation, make)
    }

    /// Routes a method of a path to any handler of axum. Nothing is known of what it takes and answers
    /// but what [`describe`](Self::describe) says.
    #[track_caller]
    pub fn raw<H, A>(self, method: Method, path: &str, handler: H) -> Self
    where
        H: axum::handler::Handler<A, S>,
        A: 'static,
    {
        let make = serve::handler(handler);
        let operation = Operation::default();
        self.with(Some(method), path, Place::caller(), operation, make)
    }

    /// Gives everything under a prefix to a router of axum, whose routes nobody else knows. It sees the
    /// path without the prefix. Routes with fixed segments that are declared beside it are preferred; one at
    /// the root has what no other route has.
    #[track_caller]
    pub fn mount(self, prefix: &str, router: axum::Router<S>) -> Self {
        let mut operation = Operation::default();
        operation.hidden();
        let make = serve::router(router);
        self.with(None, prefix, Place::caller(), operation, make)
    }

    fn with(
        mut self,
        method: Option<Method>,
        path: &str,
        place: Place,
        operation: Operation,
        make: Make<S>,
    ) -> Self {
        self.descriptions.push(RouteDescription {
            method,
            path: path.into(),
            place,
            operation: Arc::new(operation),
        });
        self.makes.push(make);
        self
    }

    /// Describes the last route that was declared; of none it says nothing.
    pub fn describe(mut self, with: impl FnOnce(&mut Operation)) -> Self {
        if let Some(last) = self.descriptions.last_mut() {
            with(Arc::make_mut(&mut last.operation));
        }
        self
    }

    /// Adds other routes after these.
    pub fn merge(mut self, other: Self) -> Self {
        self.descriptions.extend(other.descriptions);
        self.makes.extend(other.makes);
        self
    }

    /// Lays a prefix before the path of every route.
    pub fn under(mut self, prefix: &str) -> Self {
        for description in &mut self.descriptions {
            description.path = join(prefix, &description.path).into();
        }
        self
    }

    /// Returns what is routed, for the document ([`openapi::document`](super::openapi::document)): of each
    /// route its method, path and description. Mounted routers are not among them.
    pub fn described(&self) -> impl Iterator<Item = (Method, String, Arc<Operation>)> + '_ {
        self.descriptions.iter().filter_map(|route| {
            let method = route.method.clone()?;
            Some((method, route.path.to_string(), Arc::clone(&route.operation)))
        })
    }

    /// What is routed.
    pub(crate) fn descriptions(&self) -> &[RouteDescription] {
        &self.descriptions
    }

    /// What is wrong with each of the routes by itself.
    pub(crate) fn problems(&self) -> Problems {
        description::problems(&self.descriptions)
    }

    /// Builds what answers, one for each description, in their order.
    ///
    /// What is built finds the parameters of the path where axum's router puts them. A mounted router
    /// expects that its prefix has been taken off, as `Router::nest_service` does, and at the root what
    /// `Router::fallback_service` gives.
    pub(crate) fn build(&self, state: S) -> Vec<Endpoint> {
        let checks = self.descriptions.iter().map(|it| it.operation.checks());
        let both = self.makes.iter().zip(checks);
        both.map(|(make, checks)| make(state.clone(), Arc::clone(checks)))
            .collect()
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Clone for Routes<S> {
    fn clone(&self) -> Self {
        Self {
            descriptions: self.descriptions.clone(),
            makes: self.makes.clone(),
        }
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Routes").field(&self.descriptions).finish()
    }
}
