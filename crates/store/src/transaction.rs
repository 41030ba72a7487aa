use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::error::StoreError;
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

    /// Checks the conditions against a state: `present` tells an entry's revision, 0 when there is
    /// no such entry, and `revision` is that of the state.
    ///
    /// # Errors
    ///
    /// [`StoreError::Changed`], or [`StoreError::Condition`] for the first that does not hold.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_store::{Condition, StoreError, Transaction};
    ///
    /// let transaction = Transaction::new().when("db", Condition::Revision(3));
    /// let at = |found| move |_: &str| found;
    /// assert!(transaction.check(at(3), 7).is_ok());
    /// let refused = transaction.check(at(5), 7);
    /// assert!(matches!(refused, Err(StoreError::Condition { found: 5, .. })));
    /// ```
    pub fn check(&self, present: impl Fn(&str) -> u64, revision: u64) -> Result<(), StoreError> {
        if let Some(since) = self.unchanged_since
            && since < revision
        {
            return Err(StoreError::Changed {
                since,
                found: revision,
            });
        }
        for (name, expected) in &self.conditions {
            let found = present(name);
            let holds = match *expected {
                Condition::Exists => found != 0,
                Condition::Absent => found == 0,
                Condition::Revision(expected) => found == expected,
            };
            if !holds {
                return Err(StoreError::Condition {
                    name: Arc::clone(name),
                    expected: *expected,
                    found,
                });
            }
        }
        Ok(())
    }

    /// The writes that count: of each name the last one, in the order in which they were added.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_store::{Json, Transaction, Write};
    ///
    /// let transaction = Transaction::new().put("db", Json::new("1")?).remove("db");
    /// let last: Vec<_> = transaction.last_writes().map(|(name, write)| (&**name, write)).collect();
    /// assert_eq!(last, [("db", &Write::Remove)]);
    /// # Ok::<(), byname_store::JsonError>(())
    /// ```
    pub fn last_writes(&self) -> impl Iterator<Item = (&Arc<str>, &Write)> {
        let mut last = HashMap::new();
        if self.writes.len() > 1 {
            for (index, (name, _)) in self.writes.iter().enumerate() {
                last.insert(&**name, index);
            }
        }
        let writes = self.writes.iter().enumerate();
        writes.filter_map(move |(index, (name, write))| {
            let counts = last.get(&**name).is_none_or(|&last| last == index);
            counts.then_some((name, write))
        })
    }
}

#[cfg(test)]
mod tests;
