//! How names are hashed.

/// Seeded for each process, so that nobody outside can aim at one bucket.
#[cfg(not(loom))]
pub(crate) type HashState = foldhash::fast::RandomState;
/// The model checker needs every run to be the same.
#[cfg(loom)]
pub(crate) type HashState = foldhash::fast::FixedState;

/// A map by name for what one thread works on.
pub(crate) type NameMap<T> = std::collections::HashMap<std::sync::Arc<str>, T, HashState>;
