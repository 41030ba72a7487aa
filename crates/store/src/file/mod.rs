//! The file store.

pub(crate) mod lock;
