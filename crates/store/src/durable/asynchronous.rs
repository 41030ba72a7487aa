use std::borrow::Borrow;
use std::future::Future;
use std::sync::Arc;

use byname_registry::{Committed, Draft};

use super::error::DurableError;
use super::{Durable, Value};
use crate::error::StoreError;
use crate::lease::LeaseId;
use crate::transaction::Condition;

/// # Changing without blocking
///
/// These are futures of any runtime. Each begins when it is first polled and is ready when the change
/// is durable and the local copy shows it. One that is dropped in between may or may not have made
/// its change; to tell which, [submit](crate::Store::submit) to the [`store`](Self::store).
impl<V: Value> Durable<V> {
    /// Does what [`register`](Self::register) does.
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register).
    pub fn register_async<W: Borrow<V> + Send + 'static>(
        &self,
        name: &str,
        value: W,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + use<V, W> {
        let (core, name) = (Arc::clone(&self.core), name.into());
        async move { core.put(name, value, Some(Condition::Absent), None).await }
    }

    /// Does what [`replace`](Self::replace) does.
    ///
    /// # Errors
    ///
    /// As for [`replace`](Self::replace).
    pub fn replace_async<W: Borrow<V> + Send + 'static>(
        &self,
        name: &str,
        value: W,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + use<V, W> {
        let (core, name) = (Arc::clone(&self.core), name.into());
        async move { core.put(name, value, Some(Condition::Exists), None).await }
    }

    /// Does what [`put`](Self::put) does.
    ///
    /// # Errors
    ///
    /// As for [`put`](Self::put).
    pub fn put_async<W: Borrow<V> + Send + 'static>(
        &self,
        name: &str,
        value: W,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + use<V, W> {
        let (core, name) = (Arc::clone(&self.core), name.into());
        async move { core.put(name, value, None, None).await }
    }

    /// Does what [`put_leased`](Self::put_leased) does.
    ///
    /// # Errors
    ///
    /// As for [`put_leased`](Self::put_leased).
    pub fn put_leased_async<W: Borrow<V> + Send + 'static>(
        &self,
        name: &str,
        value: W,
        lease: LeaseId,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + use<V, W> {
        let (core, name) = (Arc::clone(&self.core), name.into());
        async move { core.put(name, value, None, Some(lease)).await }
    }

    /// Does what [`compare_and_set`](Self::compare_and_set) does.
    ///
    /// # Errors
    ///
    /// As for [`compare_and_set`](Self::compare_and_set).
    pub fn compare_and_set_async<W: Borrow<V> + Send + 'static>(
        &self,
        name: &str,
        expected: u64,
        value: W,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + use<V, W> {
        let (core, name) = (Arc::clone(&self.core), name.into());
        async move {
            core.put(name, value, Some(Condition::Revision(expected)), None)
                .await
        }
    }

    /// Does what [`remove`](Self::remove) does.
    ///
    /// # Errors
    ///
    /// As for [`remove`](Self::remove).
    pub fn remove_async(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + use<V> {
        let (core, name) = (Arc::clone(&self.core), name.into());
        async move { core.remove(name, Condition::Exists).await }
    }

    /// Does what [`remove_if`](Self::remove_if) does.
    ///
    /// # Errors
    ///
    /// As for [`remove_if`](Self::remove_if).
    pub fn remove_if_async(
        &self,
        name: &str,
        expected: u64,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + use<V> {
        let (core, name) = (Arc::clone(&self.core), name.into());
        async move { core.remove(name, Condition::Revision(expected)).await }
    }

    /// Does what [`add_many`](Self::add_many) does.
    ///
    /// # Errors
    ///
    /// As for [`add_many`](Self::add_many).
    pub fn add_many_async<N, W, I>(
        &self,
        entries: I,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + use<V, N, W, I>
    where
        N: Into<Arc<str>>,
        W: Borrow<V> + Send + 'static,
        I: IntoIterator<Item = (N, W)>,
    {
        let core = Arc::clone(&self.core);
        let entries = super::changing::named(entries);
        async move { core.put_all(entries, Condition::Absent).await }
    }

    /// Does what [`transaction`](Self::transaction) does.
    ///
    /// # Errors
    ///
    /// As for [`transaction`](Self::transaction).
    pub fn transaction_async<T, E, F>(
        &self,
        change: F,
    ) -> impl Future<Output = Result<Committed<T>, DurableError<E>>> + Send + use<V, T, E, F>
    where
        T: Send,
        E: Send,
        F: FnMut(&mut Draft<V>) -> Result<T, E> + Send,
    {
        let core = Arc::clone(&self.core);
        async move { core.transact(change).await }
    }
}
