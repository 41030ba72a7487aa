//! What is known of a route before it is built.

use std::sync::Arc;

use axum::http::Method;
use byname_registry::Place;

use super::path::{fault, join, parameters, same};
use crate::http::openapi::Operation;
use crate::problem::{Problem, Problems};

/// A route as it was declared.
#[derive(Clone, Debug)]
pub struct RouteDescription {
    /// Its method; none if everything under the path goes there, whatever the method (a mounted router).
    pub method: Option<Method>,
    /// Its path, in the syntax of axum 0.8: `/users/{id}`, `/files/{*rest}`; of a mounted router, its
    /// prefix.
    pub path: Arc<str>,
    /// Where it was declared.
    pub place: Place,
    /// What it takes and answers.
    pub operation: Arc<Operation>,
}

impl RouteDescription {
    /// The paths that it takes for itself in a router.
    fn taken(&self) -> Vec<String> {
        if self.method.is_some() {
            return vec![self.path.to_string()];
        }
        let prefix = self.path.trim_end_matches('/');
        let rest = join(prefix, "/{*rest}");
        // At the root it has what nobody else has.
        match prefix {
            "" => vec![rest],
            prefix => vec![prefix.to_owned(), format!("{prefix}/"), rest],
        }
    }

    fn named(&self) -> String {
        match &self.method {
            Some(method) => format!("route `{method} {}`", self.path),
            None => format!("the router mounted at `{}`", self.path),
        }
    }
}

/// Whether two routes answer the same requests, and neither is preferred.
///
/// The names of parameters do not matter; a fixed segment is preferred to a parameter, and a parameter to
/// one that takes the rest. A mounted router has its prefix and everything under it, whatever the method;
/// routes that are more specific are preferred to it.
pub(crate) fn conflict(a: &RouteDescription, b: &RouteDescription) -> bool {
    if let (Some(a), Some(b)) = (&a.method, &b.method)
        && a != b
    {
        return false;
    }
    let theirs = b.taken();
    a.taken()
        .iter()
        .any(|mine| theirs.iter().any(|their| same(mine, their)))
}

/// Whether two routes have the same path but for the names of parameters, which no router of axum has
/// under one roof even for different methods.
pub(crate) fn renamed(a: &RouteDescription, b: &RouteDescription) -> bool {
    let both = a.method.is_some() && b.method.is_some();
    both && a.method != b.method && a.path != b.path && same(&a.path, &b.path)
}

/// What is wrong with routes, each by itself.
pub(super) fn problems(routes: &[RouteDescription]) -> Problems {
    let mut problems = Problems::new();
    for route in routes {
        if let Some(fault) = fault(&route.path) {
            let message = format!("the path of {} {fault}", route.named());
            problems.push(Problem::error(message).at(route.place.clone(), "declared here"));
            continue;
        }
        let names: Vec<&str> = parameters(&route.path).map(|it| it.name).collect();
        for fault in route.operation.faults(&names) {
            let message = format!("{}: {fault}", route.named());
            problems.push(Problem::error(message).at(route.place.clone(), "declared here"));
        }
    }
    problems
}
