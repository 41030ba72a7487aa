use std::sync::Arc;
use std::time::Duration;

use crate::json::Json;
use crate::lease::LeaseId;

/// What must hold of one entry for a transaction to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is an entry.
    Exists,
    /// There is none.
    Absent,
    /// The entry has this revision; 0 stands for no entry.
    Revision(u64),
}

/// What a transaction does to one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The entry gets this value, and goes with the lease if there is one.
    Put {
        /// The value.
        value: Json,
        /// The lease.
        lease: Option<LeaseId>,
    },
    /// The entry is removed. Nothing happens if there is none; add [`Condition::Exists`] to refuse.
    Remove,
}

/// A change of any number of entries, made as one revision if every condition holds, or not at all.
///
/// Conditions are checked against the state before the transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// What must hold, by name.
    pub conditions: Vec<(Arc<str>, Condition)>,
    /// What is written, by name; of several writes of one name the last one counts.
    pub writes: Vec<(Arc<str>, Write)>,
    /// Nothing at all may have changed after this revision.
    pub unchanged_since: Option<u64>,
    /// How long to wait for the right to write; `None` for the store's own bound, zero to try once.
    pub wait: Option<Duration>,
}

impl Transaction {
    /// Makes a transaction that does nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition.
    #[must_use]
    pub fn when(mut self, name: impl Into<Arc<str>>, condition: Condition) -> Self {
        self.conditions.push((name.into(), condition));
        self
    }

    /// Adds: `name` gets `value`.
    #[must_use]
    pub fn put(mut self, name: impl Into<Arc<str>>, value: Json) -> Self {
        self.writes
            .push((name.into(), Write::Put { value, lease: None }));
        self
    }

    /// Adds: `name` gets `value` until `lease` ends.
    #[must_use]
    pub fn put_leased(mut self, name: impl Into<Arc<str>>, value: Json, lease: LeaseId) -> Self {
        let write = Write::Put {
            value,
            lease: Some(lease),
        };
        self.writes.push((name.into(), write));
        self
    }

    /// Adds: `name` is removed.
    #[must_use]
    pub fn remove(mut self, name: impl Into<Arc<str>>) -> Self {
        self.writes.push((name.into(), Write::Remove));
        self
    }

    /// Requires that nothing at all has changed after `revision`.
    #[must_use]
    pub fn unchanged_since(mut self, revision: u64) -> Self {
        self.unchanged_since = Some(revision);
        self
    }

    /// Waits at most so long for the right to write; zero tries once.
    #[must_use]
    pub fn wait_at_most(mut self, time: Duration) -> Self {
        self.wait = Some(time);
        self
    }
}
