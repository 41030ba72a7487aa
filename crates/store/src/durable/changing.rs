use std::borrow::Borrow;
use std::sync::Arc;

use byname_registry::{Committed, Draft};

use super::block::block_on;
use super::error::DurableError;
use super::{Durable, Value};
use crate::error::StoreError;
use crate::lease::LeaseId;
use crate::transaction::Condition;

/// # Changing
///
/// Each of these blocks until the change is durable and the local copy shows it, and returns its
/// revision. Whoever reads afterwards, on any thread, sees it.
impl<V: Value> Durable<V> {
    /// Registers `value` under a name that must be free.
    ///
    /// # Errors
    ///
    /// [`StoreError::Condition`] when it is not; [`StoreError::Name`], [`StoreError::Value`] and what
    /// else the store answers.
    pub fn register(&self, name: &str, value: impl Borrow<V>) -> Result<u64, StoreError> {
        block_on(
            self.core
                .put(name.into(), value, Some(Condition::Absent), None),
        )
    }

    /// Replaces the value of an entry that must exist.
    ///
    /// # Errors
    ///
    /// [`StoreError::Condition`] when it does not; others as for [`register`](Self::register).
    pub fn replace(&self, name: &str, value: impl Borrow<V>) -> Result<u64, StoreError> {
        block_on(
            self.core
                .put(name.into(), value, Some(Condition::Exists), None),
        )
    }

    /// Sets the value of `name`, whether or not there is an entry.
    ///
    /// # Errors
    ///
    /// [`StoreError::Condition`] when the entry has fields that the program does not know, which are
    /// to be kept, and others kept changing it; others as for [`register`](Self::register).
    pub fn put(&self, name: &str, value: impl Borrow<V>) -> Result<u64, StoreError> {
        block_on(self.core.put(name.into(), value, None, None))
    }

    /// Sets the value of `name` until the lease ends.
    ///
    /// # Errors
    ///
    /// [`StoreError::Lease`] when it has ended; others as for [`put`](Self::put).
    pub fn put_leased(
        &self,
        name: &str,
        value: impl Borrow<V>,
        lease: LeaseId,
    ) -> Result<u64, StoreError> {
        block_on(self.core.put(name.into(), value, None, Some(lease)))
    }

    /// Sets the value of `name` if its entry has the revision `expected`; 0 stands for no entry.
    ///
    /// The revision of an entry is the one that [`registry`](Self::registry) tells.
    ///
    /// # Errors
    ///
    /// [`StoreError::Condition`] names the revision that was found; others as for
    /// [`register`](Self::register).
    pub fn compare_and_set(
        &self,
        name: &str,
        expected: u64,
        value: impl Borrow<V>,
    ) -> Result<u64, StoreError> {
        block_on(self.core.put(
            name.into(),
            value,
            Some(Condition::Revision(expected)),
            None,
        ))
    }

    /// Removes an entry that must exist.
    ///
    /// # Errors
    ///
    /// As for [`replace`](Self::replace).
    pub fn remove(&self, name: &str) -> Result<u64, StoreError> {
        block_on(self.core.remove(name.into(), Condition::Exists))
    }

    /// Removes an entry if it has the revision `expected`.
    ///
    /// # Errors
    ///
    /// As for [`compare_and_set`](Self::compare_and_set).
    pub fn remove_if(&self, name: &str, expected: u64) -> Result<u64, StoreError> {
        block_on(self.core.remove(name.into(), Condition::Revision(expected)))
    }

    /// Registers all of `entries`, whose names must be free, as one revision.
    ///
    /// # Errors
    ///
    /// [`StoreError::Condition`] names one that is not; others as for [`register`](Self::register).
    /// Nothing has been changed then.
    pub fn add_many<N: Into<Arc<str>>, W: Borrow<V>>(
        &self,
        entries: impl IntoIterator<Item = (N, W)>,
    ) -> Result<u64, StoreError> {
        block_on(self.core.put_all(named(entries), Condition::Absent))
    }

    /// Changes any number of names as one revision, or none of them.
    ///
    /// `change` works on a [`Draft`] of the local copy, outside every lock. The transaction is made
    /// only if nothing that it has read has been changed by anybody, in any process; if something
    /// has, `change` runs again on a new draft, up to the number of attempts that was
    /// [set](super::DurableOptions::attempts) (16 by default); a conflict that the copy tells before
    /// anything is submitted is none of them. Transactions of this process that
    /// conflict over a name go on one after another. One that changes nothing is not
    /// submitted: it has seen one revision of the local copy.
    ///
    /// # Errors
    ///
    /// [`DurableError::Conflict`] after the last attempt, [`DurableError::Aborted`] with the
    /// closure's error, [`DurableError::Store`] with what the store answers.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_registry::ChangeError;
    /// use byname_store::{Durable, MemoryStore};
    /// use std::sync::Arc;
    ///
    /// let accounts: Durable<i64> = Durable::open(Arc::new(MemoryStore::new()))?;
    /// accounts.add_many([("alice", 100), ("bob", 0)])?;
    /// accounts.transaction(|draft| {
    ///     let alice = *draft.get("alice").expect("added above");
    ///     let bob = *draft.get("bob").expect("added above");
    ///     draft.replace("alice", alice - 30)?;
    ///     draft.replace("bob", bob + 30)
    /// })?;
    /// let view = accounts.registry().view();
    /// assert_eq!((view.get("alice"), view.get("bob")), (Some(&70), Some(&30)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transaction<T, E>(
        &self,
        change: impl FnMut(&mut Draft<V>) -> Result<T, E>,
    ) -> Result<Committed<T>, DurableError<E>> {
        block_on(self.core.transact(change))
    }
}

pub(super) fn named<N: Into<Arc<str>>, W>(
    entries: impl IntoIterator<Item = (N, W)>,
) -> Vec<(Arc<str>, W)> {
    let entries = entries.into_iter();
    entries.map(|(name, value)| (name.into(), value)).collect()
}
