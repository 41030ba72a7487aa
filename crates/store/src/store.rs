use std::fmt;
use std::time::Duration;

use byname_registry::Registry;

use crate::error::StoreError;
use crate::health::Health;
use crate::lease::{Lease, LeaseId};
use crate::pending::Pending;
use crate::record::Record;
use crate::transaction::Transaction;
use crate::watch::Watch;

/// A place where a registry outlives its process, and is shared.
///
/// # The contract
///
/// **Revisions.** Every change has a number, and numbers only grow; they may jump, and transactions
/// that were committed together may be published together. An entry carries the revision of the
/// transaction that wrote it last, which is what [`Condition::Revision`](crate::Condition) compares.
///
/// **The mirror** is a registry that follows the store: it is never ahead of what is durable, never
/// goes backwards, and shows a transaction whole or not at all. When a commit is acknowledged the
/// mirror of the store it was submitted to shows it. A store that cannot be reached keeps its last
/// mirror and says in [`health`](Self::health) that it is stale; it never looks empty.
///
/// **Commits** are linearizable together with reads that follow [`refresh`](Self::refresh). A
/// transaction whose conditions do not hold fails alone. What an error other than
/// [`StoreError::Unknown`] refuses has not happened and will not.
///
/// **Whoever calls** may do so from any thread; no call waits, except as [`Pending`] says.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// Returns the identity of the registry that is kept: another one, even in the same place, has
    /// another. `None` while nothing has been committed yet.
    fn id(&self) -> Option<String>;

    /// Returns the local copy, to read without waiting.
    ///
    /// Who observes it with [`Policy::Wait`](byname_registry::Policy::Wait) may be resynchronised
    /// before the deadline: a store need not let its writers wait.
    fn mirror(&self) -> &Registry<Record>;

    /// Returns the newest acknowledged revision that this machine can know of without asking
    /// anybody; the mirror is up to date in that sense when its revision is not below. Costs a few
    /// nanoseconds.
    ///
    /// Where it cannot be known, it may be one more than the mirror shows although nothing more is
    /// acknowledged: what it stands for is that the mirror is to be brought up to date. A
    /// [`FileStore`](crate::FileStore) says so while it has no word that is shared with the other
    /// processes (before the first commit, and when the word was taken away) and something else
    /// stands in the document's place than it has seen there; that also takes longer.
    fn committed(&self) -> u64;

    /// Brings the mirror up to date: when this is done it shows everything that was acknowledged
    /// anywhere before the call. Yields its revision. Calls at the same time share the work.
    fn refresh(&self) -> Pending<u64>;

    /// Submits a transaction. Yields its revision; of one that writes nothing, a revision at which
    /// its conditions held. Where as many wait as may, it is refused as
    /// [`Full`](crate::StoreError::Full).
    fn submit(&self, transaction: Transaction) -> Pending<u64>;

    /// Hears every change after revision `after`, in order.
    ///
    /// The first event is [`Gone`](crate::Event::Gone), with everything there is, when the changes
    /// since `after` are not known any more, or `after` is a revision that the store has not reached.
    fn watch(&self, after: u64) -> Watch;

    /// Begins a lease of at least `time`.
    fn grant(&self, time: Duration) -> Pending<Lease>;

    /// Gives a sign of life: the lease lasts its time from now on.
    fn keep_alive(&self, id: LeaseId) -> Pending<Lease>;

    /// Ends a lease: entries that were written with it are removed, as one revision.
    fn revoke(&self, id: LeaseId) -> Pending<u64>;

    /// Returns how the store is.
    fn health(&self) -> Health;

    /// Returns how much the store takes.
    fn limits(&self) -> Limits;
}

/// How much a store takes. What is above is refused before anything is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Conditions and writes of one transaction.
    pub operations: u64,
    /// Bytes of one value.
    pub value: u64,
    /// Bytes of everything together.
    pub total: u64,
}

impl Default for Limits {
    /// 65,536 operations, 16 MiB a value, 256 MiB in all.
    fn default() -> Self {
        Self {
            operations: 65_536,
            value: 16 << 20,
            total: 256 << 20,
        }
    }
}

impl Limits {
    /// Refuses a transaction that is more than the store takes, or has names that are none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Limit`], [`StoreError::Name`].
    pub fn check(&self, transaction: &Transaction) -> Result<(), StoreError> {
        let operations = (transaction.conditions.len() + transaction.writes.len()) as u64;
        if operations > self.operations {
            return Err(StoreError::Limit {
                what: "operations in one transaction",
                limit: self.operations,
                found: operations,
            });
        }
        let names = transaction.conditions.iter().map(|(name, _)| name);
        for name in names.chain(transaction.writes.iter().map(|(name, _)| name)) {
            if !crate::is_name(name) {
                return Err(StoreError::Name { name: name.clone() });
            }
        }
        for (_, write) in &transaction.writes {
            if let crate::Write::Put { value, .. } = write {
                let found = value.as_str().len() as u64;
                if found > self.value {
                    return Err(StoreError::Limit {
                        what: "bytes in one value",
                        limit: self.value,
                        found,
                    });
                }
            }
        }
        Ok(())
    }
}
