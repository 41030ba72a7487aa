//! Routes as a router of axum, without an application.

use axum::Router;
use axum::extract::Request;
use axum::routing::{MethodFilter, on_service};

use super::description::conflicts;
use super::{RouteDescription, Routes};
use crate::problem::{Problem, Problems};
use crate::service_error::{ErrorKind, ServiceError};

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Builds a router of axum, for a server that is no application of this crate.
    ///
    /// What is not routed is answered with problem details: 404, and 405 with `Allow`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the routes: paths that cannot be routed, extractors whose schemas
    /// cannot be compiled, two routes that answer the same requests, methods that axum does not know.
    pub fn router(&self, state: S) -> Result<Router, Problems> {
        let mut problems = self.problems();
        problems.extend(conflicts(&self.descriptions));
        let mut router = Router::new();
        if problems.is_fatal() {
            return Err(problems);
        }
        for (description, endpoint) in self.descriptions.iter().zip(self.build(state)) {
            let path = &*description.path;
            let Some(method) = &description.method else {
                router = if description.is_fallback() {
                    router.fallback_service(endpoint)
                } else {
                    router.nest_service(path.trim_end_matches('/'), endpoint)
                };
                continue;
            };
            match MethodFilter::try_from(method.clone()) {
                Ok(filter) => router = router.route(path, on_service(filter, endpoint)),
                Err(_) => problems.push(
                    Problem::error(format!("axum routes no method `{method}`"))
                        .at(description.place.clone(), "declared here"),
                ),
            }
        }
        if !self.descriptions.iter().any(RouteDescription::is_fallback) {
            router = router.fallback(not_found);
        }
        problems.or(router.method_not_allowed_fallback(not_allowed))
    }
}

async fn not_found() -> ServiceError {
    ServiceError::new(ErrorKind::NotFound, "there is nothing at this path")
}

async fn not_allowed(request: Request) -> ServiceError {
    let method = request.method();
    let message = format!("this path is not asked with {method}");
    ServiceError::new(ErrorKind::MethodNotAllowed, message)
}
