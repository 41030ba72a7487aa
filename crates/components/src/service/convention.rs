//! Rules that turn the methods of a service into routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{self, StatusCode};

use super::method::Method;
use super::resource::Resource;

/// A rule that turns the methods of a service into routes.
///
/// It is looked up by its name, where a service is published and where it is called: both sides ask the
/// same rule.
///
/// # Examples
///
/// ```
/// use axum::http;
/// use byname_components::service::{Convention, Method, Resource, Route};
///
/// /// `PUT /do/{method}`, whatever it is.
/// struct Do;
///
/// impl Convention for Do {
///     fn route(&self, _: &Resource, method: &Method) -> Result<Route, String> {
///         Ok(Route::new(http::Method::PUT, format!("/do/{}", method.name())).others_in_body(method))
///     }
/// }
/// ```
pub trait Convention: Send + Sync + 'static {
    /// Says which route a method has. The answer depends on nothing but what is given.
    ///
    /// # Errors
    ///
    /// Why the method has none, as the second half of a sentence about it: "begins with no word that…".
    fn route(&self, resource: &Resource, method: &Method) -> Result<Route, String>;
}

impl<C: Convention + ?Sized> Convention for Arc<C> {
    fn route(&self, resource: &Resource, method: &Method) -> Result<Route, String> {
        (**self).route(resource, method)
    }
}

/// Where a method is called: the HTTP method, the path, and where in a request each argument is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub(super) method: http::Method,
    pub(super) path: String,
    pub(super) locations: BTreeMap<String, Location>,
    pub(super) status: StatusCode,
}

/// Where in a request an argument is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    /// The segment of the path that has this name in braces. A scalar that is always there.
    Path(String),
    /// The parameter of the query that has this name; of a list, all of this name. A scalar or a list of
    /// scalars; absent if it is `None`.
    Query(String),
    /// The header field of this name. A scalar; absent if it is `None`. Everything but visible ASCII
    /// is percent-encoded.
    Header(String),
    /// The field of this name of the JSON object that is the content.
    Field(String),
    /// The content, as JSON.
    Body,
}

impl Route {
    /// Routes at this method and path; arguments have no locations yet.
    ///
    /// A path is written as `/users/{id}`: parameters are whole segments.
    #[must_use]
    pub fn new(method: http::Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            locations: BTreeMap::new(),
            status: StatusCode::OK,
        }
    }

    /// Says where an argument is.
    #[must_use]
    pub fn with(mut self, argument: &str, location: Location) -> Self {
        self.locations.insert(argument.to_owned(), location);
        self
    }

    /// Says that all arguments without a location are in the query, under their names.
    #[must_use]
    pub fn others_in_query(self, method: &Method) -> Self {
        self.others(method, Location::Query)
    }

    /// Says that all arguments without a location are fields of the content, under their names.
    #[must_use]
    pub fn others_in_body(self, method: &Method) -> Self {
        self.others(method, Location::Field)
    }

    /// Says that all arguments without a location are in the query or in the content, as is usual for
    /// the HTTP method (RFC 9110, section 9.3): in the query of GET, HEAD and DELETE. A single argument
    /// that is an object is the content itself; others are its fields.
    #[must_use]
    pub fn others_as_usual(self, method: &Method) -> Self {
        if matches!(
            self.method,
            http::Method::GET | http::Method::HEAD | http::Method::DELETE
        ) {
            return self.others_in_query(method);
        }
        let others = method.arguments().iter();
        let mut others = others.filter(|one| !self.locations.contains_key(one.name()));
        match (others.next(), others.next()) {
            (Some(one), None) if one.is_object() => {
                let name = one.name().to_owned();
                self.with(&name, Location::Body)
            }
            _ => self.others_in_body(method),
        }
    }

    fn others(mut self, method: &Method, location: impl Fn(String) -> Location) -> Self {
        for argument in method.arguments() {
            let name = argument.name();
            let entry = self.locations.entry(name.to_owned());
            entry.or_insert_with(|| location(name.to_owned()));
        }
        self
    }

    /// Says the status of a call that succeeds and has an answer (default 200); `()` and `None` are 204.
    #[must_use]
    pub fn answering(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}
