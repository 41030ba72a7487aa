//! Routers, servers on sockets, and services over HTTP.

pub mod admin;
pub mod bind;
mod endpoint;
pub mod files;
pub mod listen;
pub mod middleware;
pub mod openapi;
mod problem;
pub mod routes;

pub(crate) use endpoint::endpoint;
pub use endpoint::{Deadline, Endpoint, MatchedRoute, Middleware, RequestId};
