//! Routers, servers on sockets, and services over HTTP.

pub mod admin;
mod answers;
mod assemble;
mod behind;
pub mod bind;
mod builtin;
mod dispatch;
mod elsewhere;
mod endpoint;
pub mod files;
mod histogram;
pub(crate) mod json;
pub mod listen;
mod matched;
pub mod middleware;
mod mounted;
mod mounts;
pub mod openapi;
mod plan;
mod problem;
mod router;
mod router_client;
mod router_clients;
pub mod routes;
pub(crate) mod schema;
mod sections;
mod server;
mod stripped;
mod times;

pub(crate) use assemble::Assembling;
pub(crate) use builtin::module;
pub use endpoint::{Deadline, Endpoint, Middleware, RequestId};
pub(crate) use endpoint::{RequestIdHeader, endpoint};
pub use matched::MatchedRoute;
pub use mounted::Mounted;
pub use router::RouterEntry;
pub use router_client::RouterClient;
pub(crate) use sections::{
    PublishSection, RouterSection, SERVER_KEYS, ServerSection, publish, routers, server,
};
pub use server::Server;
pub(crate) use server::announce;
