//! The file store.

pub(crate) mod document;
pub(crate) mod lock;
