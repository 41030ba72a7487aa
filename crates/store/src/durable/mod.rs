//! A registry of typed values that follows a store.

mod asynchronous;
mod block;
mod carry;
mod changing;
mod core;
mod error;
mod follower;
mod options;
mod pump;
mod turns;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use byname_registry::Registry;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::error::DurableError;
pub use self::options::DurableOptions;

use self::block::block_on;
use self::core::Core;
use self::follower::Follower;
use crate::error::StoreError;
use crate::health::Health;
use crate::store::Store;

/// What a [`Durable`] can keep: anything that is written as JSON and read again.
pub trait Value: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<V: Serialize + DeserializeOwned + Send + Sync + 'static> Value for V {}

#[doc = include_str!("../../docs/durable.md")]
pub struct Durable<V> {
    core: Arc<Core<V>>,
    /// Ends with the last clone.
    follower: Option<Arc<Follower>>,
}

impl Durable<()> {
    /// Sets up a durable registry, of whatever values, that is not like [`open`](Self::open)'s.
    pub fn options() -> DurableOptions {
        DurableOptions::default()
    }
}

impl<V: Value> Durable<V> {
    /// Opens the registry that `store` keeps.
    ///
    /// Entries that cannot be read as a `V` are left out and told of in [`health`](Self::health).
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] when the thread that follows the store cannot be started.
    pub fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        DurableOptions::default().open(store)
    }

    fn with(store: Arc<dyn Store>, options: &DurableOptions) -> Result<Self, StoreError> {
        let core = Arc::new(Core::new(store, options));
        // It hears from here on; what was before is taken now.
        let follower = if options.follow {
            Some(Arc::new(Follower::start(&core)?))
        } else {
            None
        };
        core.drive();
        Ok(Self { core, follower })
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        self.core.store()
    }

    /// Returns how the store is, and which of its entries cannot be read.
    #[must_use]
    pub fn health(&self) -> Health {
        self.core.health()
    }
}

/// # Reading
impl<V: Value> Durable<V> {
    /// Returns the local copy, to read and to observe: what it shows is durable, and may be behind
    /// what others have committed.
    ///
    /// It follows the store, so it refuses to be changed by itself.
    #[inline]
    #[must_use]
    pub fn registry(&self) -> &Registry<V> {
        self.core.copy()
    }

    /// Returns the local copy when it shows every commit that was acknowledged before this call, as
    /// far as this machine can know: in any process that shares the store's file, say.
    ///
    /// Costs a few nanoseconds when nothing has been committed elsewhere; waits for one refresh,
    /// shared by all who need it, when something has.
    ///
    /// # Errors
    ///
    /// What the store answers when it cannot be refreshed. [`registry`](Self::registry) still shows
    /// the last known state.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_store::{Durable, MemoryStore};
    /// use std::sync::Arc;
    ///
    /// let store = MemoryStore::new();
    /// let elsewhere: Durable<u16> = Durable::open(Arc::new(store.reopen()))?;
    /// let ports: Durable<u16> = Durable::open(Arc::new(store))?;
    /// elsewhere.put("http", 80)?;
    /// assert_eq!(ports.latest()?.get("http").as_deref(), Some(&80));
    /// # Ok::<(), byname_store::StoreError>(())
    /// ```
    #[inline]
    pub fn latest(&self) -> Result<&Registry<V>, StoreError> {
        if !self.core.is_fresh() {
            block_on(self.core.freshen())?;
        }
        Ok(self.core.copy())
    }

    /// Returns the local copy like [`latest`](Self::latest), without blocking the thread.
    ///
    /// # Errors
    ///
    /// As for [`latest`](Self::latest).
    pub fn latest_async(
        &self,
    ) -> impl Future<Output = Result<Registry<V>, StoreError>> + Send + use<V> {
        let core = Arc::clone(&self.core);
        async move {
            core.freshen().await?;
            Ok(core.copy().clone())
        }
    }

    /// Waits until the local copy shows `revision`, which the store has acknowledged: for those who
    /// [submit](Store::submit) by themselves.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] when the local copy has been sealed.
    pub fn shown(
        &self,
        revision: u64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<V> {
        let core = Arc::clone(&self.core);
        async move { core.shown(revision).await }
    }
}

impl<V> Clone for Durable<V> {
    /// Returns another name for the same registry.
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            follower: self.follower.clone(),
        }
    }
}

impl<V: Value> fmt::Debug for Durable<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable")
            .field("registry", self.registry())
            .field("store", self.store())
            .field("follows", &self.follower.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
