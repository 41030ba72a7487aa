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
        vec![prefix.to_owned(), format!("{prefix}/"), rest]
    }

    /// Whether it is a router mounted at the root, which has what nobody else has.
    pub(super) fn is_fallback(&self) -> bool {
        self.method.is_none() && self.path.trim_end_matches('/').is_empty()
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
/// The names of parameters do not matter, nor whether one takes the rest; a fixed segment is preferred to
/// either. A mounted router has its prefix and everything under it, whatever the method; one at the root
/// has what no other route has.
pub(crate) fn conflict(a: &RouteDescription, b: &RouteDescription) -> bool {
    if a.is_fallback() || b.is_fallback() {
        return a.is_fallback() && b.is_fallback();
    }
    if let (Some(method), Some(other)) = (&a.method, &b.method) {
        return method == other && same(&a.path, &b.path);
    }
    let theirs = b.taken();
    a.taken()
        .iter()
        .any(|mine| theirs.iter().any(|their| same(mine, their)))
}

/// Whether two routes of different methods cannot be in one router of axum: where one has a parameter, the
/// other has one of another name, or one that takes the rest.
pub(crate) fn renamed(a: &RouteDescription, b: &RouteDescription) -> bool {
    let both = a.method.is_some() && b.method.is_some();
    both && a.method != b.method && a.path != b.path && same(&a.path, &b.path)
}

/// What is wrong between any two of them.
pub(super) fn conflicts(routes: &[RouteDescription]) -> Problems {
    let mut problems = Problems::new();
    for (at, route) in routes.iter().enumerate() {
        for before in &routes[..at] {
            let message = if conflict(before, route) {
                format!("{} answers what {} answers", route.named(), before.named())
            } else if renamed(before, route) {
                format!(
                    "{} cannot be beside {}, whose parameters are others at the same places",
                    route.named(),
                    before.named()
                )
            } else {
                continue;
            };
            problems.push(
                Problem::error(message)
                    .at(route.place.clone(), "declared here")
                    .at(before.place.clone(), "and before here"),
            );
        }
    }
    problems
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
