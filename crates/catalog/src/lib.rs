//! The catalog of AI models: who offers what, with which limits, at which price.
//!
//! [`model`] holds the types: an [`Offering`] is what one [`Provider`] sells under one id, and
//! `(provider, id)` is the key everywhere. [`import`] reads the files that others publish, and
//! [`embedded`] is the data that comes with the crate.
//!
//! A [`Catalog`] keeps offerings in a [registry](byname_registry::Registry): readers never wait,
//! and every change is one revision. [`follow`] keeps one at what its files say while they change,
//! [`query`] reads it a page at a time, and [`http`] serves it.
//!
//! # Examples
//!
//! ```
//! use byname_catalog::{Catalog, Query};
//!
//! let offerings = Catalog::embedded()?.offerings();
//! let query = Query::all().provider("openai").containing("gpt-4o");
//! for offering in offerings.page(&query, None).offerings {
//!     println!("{}", offering.key);
//! }
//! # Ok::<(), byname_catalog::import::ImportError>(())
//! ```
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
