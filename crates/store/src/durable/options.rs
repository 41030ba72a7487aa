use std::sync::Arc;
use std::time::Duration;

use super::{Durable, Value};
use crate::error::StoreError;
use crate::store::Store;

/// Sets up a [`Durable`].
///
/// # Examples
///
/// ```
/// use byname_store::{Durable, MemoryStore};
/// use std::sync::Arc;
///
/// let store = Arc::new(MemoryStore::new());
/// let ports: Durable<u16> = Durable::options().label("ports").open(store)?;
/// assert_eq!(ports.registry().label(), "ports");
/// # Ok::<(), byname_store::StoreError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DurableOptions {
    pub(super) label: Arc<str>,
    pub(super) attempts: usize,
    pub(super) follow: bool,
    pub(super) wait: Option<Duration>,
}

impl Default for DurableOptions {
    fn default() -> Self {
        Self {
            label: "durable".into(),
            attempts: 16,
            follow: true,
            wait: None,
        }
    }
}

impl DurableOptions {
    /// Names the registry in messages. Default: `durable`.
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.label = label.into();
        self
    }

    /// Sets how often a transaction runs its closure before it gives up with a conflict.
    /// Default: 16; 0 is taken as 1.
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets whether a thread takes into the local copy what others commit, as soon as the store
    /// shows it. Default: yes. Without, the copy moves when it is written to and when the
    /// [latest](Durable::latest) is asked for.
    pub fn follow(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// Sets how long a change waits for the right to write; zero tries once. Default: the store's
    /// own bound.
    pub fn wait_at_most(mut self, time: Duration) -> Self {
        self.wait = Some(time);
        self
    }

    /// Opens the registry that `store` keeps.
    ///
    /// # Errors
    ///
    /// As for [`Durable::open`].
    pub fn open<V: Value>(self, store: Arc<dyn Store>) -> Result<Durable<V>, StoreError> {
        Durable::with(store, &self)
    }
}
