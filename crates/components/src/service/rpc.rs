//! The convention `rpc`: every method is a `POST` of its own.

use axum::http;

use super::convention::{Convention, Route};
use super::method::Method;
use super::resource::{Resource, words};

/// Routes every method at `POST /{plural}/{method}`, with its arguments as the fields of an object:
/// `postpone_order` of a service about orders is `POST /orders/postpone-order`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rpc;

impl Convention for Rpc {
    fn route(&self, resource: &Resource, method: &Method) -> Result<Route, String> {
        let path = format!("/{}/{}", resource.plural(), words(method.name()).join("-"));
        Ok(Route::new(http::Method::POST, path).others_in_body(method))
    }
}
