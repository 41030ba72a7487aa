//! One trait, here or there: what a service does, told to those who route it and to those who call it.
//!
//! An [`Interface`] says what a trait does; the attribute `service` on the trait writes it. A
//! [`Convention`] turns its methods into routes; [`plan`] asks it and works out the routes with what a
//! file says besides ([`Overrides`]). From the [`Plan`] come the endpoints of the server that publishes
//! the service and the client that everybody else has in its place: the two cannot differ.
//!
//! # What goes over the network
//!
//! Contents are JSON. An answer of `()` or `None` is 204 without content. An error is problem details
//! (RFC 9457), and comes out as the [`ServiceError`](crate::ServiceError) that it was.
//!
//! An argument that is `None` is left out. In a path, a query or a header a scalar is its text: of a
//! structure with one field that field, of an enumeration the name. In a path the text is
//! percent-encoded but for letters, digits and `-._~`; one that is empty, `.`, `..` or a fixed segment
//! of another route of the service has a `~` before it, as has one that is such a text behind any
//! number of `~`. A list in a query repeats its name.
//!
//! What JSON does not have is refused, or lost: numbers that are not finite, and in the depth of a value
//! the difference between nothing and an option of nothing.
//!
//! Deadline, identity and trace go along: see [`CallContext`].

mod arguments;
mod caller;
mod check;
mod client;
mod context;
pub mod contract;
mod convention;
mod descriptions;
mod endpoint;
mod english;
mod identity;
mod interface;
mod kind;
mod method;
mod overrides;
mod plan;
mod resource;
mod rest;
mod rpc;
mod settings;
mod shape;
mod template;
#[cfg(test)]
mod tests;

pub use axum::http::Method as Verb;

pub use self::arguments::Arguments;
pub use self::caller::{Caller, HttpCaller, Incoming, Outgoing};
pub(crate) use self::caller::{told, upstream};
pub use self::client::{Call, Outcome, Remote};
pub use self::context::CallContext;
pub(crate) use self::context::REQUEST_ID;
pub use self::convention::{Convention, Location, Route};
pub use self::interface::{Interface, Service};
pub use self::method::{Answering, Argument, Method};
pub(crate) use self::overrides::Places;
pub use self::overrides::{MethodOverrides, Overrides};
pub(crate) use self::plan::plan_of_file;
pub use self::plan::{Plan, plan};
pub use self::resource::Resource;
pub use self::rest::Rest;
pub use self::rpc::Rpc;
pub(crate) use self::settings::Shown;

pub(crate) use self::client::client;
pub(crate) use self::endpoint::{endpoints, late};
