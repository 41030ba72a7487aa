//! The catalog of AI models: who offers what, with which limits, at which price.
//!
//! [`model`] holds the types: an [`Offering`] is what one [`Provider`] sells under one id, and
//! `(provider, id)` is the key everywhere.
#![forbid(unsafe_code)]

pub mod model;

pub use model::{Offering, OfferingKey, Provider, ProviderId};
