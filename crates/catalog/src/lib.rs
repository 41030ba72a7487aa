//! The catalog of AI models: who offers what, with which limits, at which price.
//!
//! [`model`] holds the types: an [`Offering`] is what one [`Provider`] sells under one id, and
//! `(provider, id)` is the key everywhere.
#![forbid(unsafe_code)]

mod catalog;
pub mod embedded;
pub mod follow;
pub mod http;
pub mod import;
pub mod model;
pub mod query;

pub use catalog::{Catalog, Offerings};
pub use model::{Offering, OfferingKey, Provider, ProviderId};
pub use query::{Cursor, Page, Query};
