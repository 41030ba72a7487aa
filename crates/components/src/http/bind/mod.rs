//! What a handler is given of a request: typed, checked, and described.
//!
//! [`Path`], [`Query`], [`Headers`], [`Json`] and [`Form`] take a type that derives `Deserialize` and
//! `JsonSchema`. The schema says how a text becomes a value, which values are right, and what the
//! document says of them ([`openapi`](super::openapi)): what is documented is what is enforced.
//!
//! [`Text`] and [`Content`] take content as it is, [`Extension`] what a middleware or the listener gave to
//! the request, [`WebSocketUpgrade`] a request to go on as a WebSocket. They stand in the place of axum's
//! `String`, `Bytes`, `Extension`, `ConnectInfo` and `WebSocketUpgrade`, whose refusals are `text/plain` and
//! tell names of types: of those only a [raw](super::routes::Routes::raw) handler can be made.
//!
//! Everything that is wrong with one of them is told at once, and what is wrong with the path, the query
//! and the headers together; the content is not read when those are wrong. The answers, each an
//! [`ServiceError`](crate::ServiceError):
//!
//! | status | when | `errors` |
//! |---|---|---|
//! | 400 | it cannot be read: JSON that is none, bytes that are no text | no |
//! | 413 | the content is longer than the limit | no |
//! | 415 | the content is of another type | no |
//! | 422 | it can be read, and breaks the schema: a text where a number is wanted, a number out of range | yes |
//!
//! A schema is made and compiled once a route: when the route is declared, for handlers that describe
//! themselves; at the first request, for raw handlers and mounted routers. In an axum router that is not
//! in [`Routes`](super::routes::Routes) it is compiled for every request.

mod answers;
mod check;
mod checks;
mod content;
mod describe;
mod fields;
mod form;
mod given;
mod headers;
mod heads;
mod json;
mod pairs;
mod path;
mod plain;
mod query;
mod revised;
mod schema;
mod tell;

pub use self::answers::Created;
pub use self::form::Form;
pub use self::given::{Extension, WebSocketUpgrade};
pub use self::headers::Headers;
pub use self::json::Json;
pub use self::path::Path;
pub use self::plain::{Content, Text};
pub use self::query::{NoParameters, Query};
pub use self::revised::Revised;
pub use axum::response::NoContent;

pub(crate) use self::check::{Check, Checked, round};
pub(crate) use self::checks::Checks;
pub(crate) use self::content::{uncoded, whole};
pub(crate) use self::json::is_json;
pub(crate) use self::pairs::pairs;
pub(crate) use self::schema::{Schema, referred};
pub(crate) use self::tell::escaped;
