//! Changes in the making.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use crate::changes::{Changes, Reads, Seen, Write};
use crate::error::ChangeError;
use crate::hash::NameMap;
use crate::place::Place;
use crate::raw::snapshot::Snapshot;
use crate::raw::version::{Content, Unpublished, Version};

/// A change of any number of names, not made yet.
///
/// A draft shows the registry as it was when the transaction began, with the draft's own changes on
/// top. What is read through it is noted: the commit succeeds only if none of that has changed
/// meanwhile. It holds no lock, so the closure may take its time, and may use the same registry.
pub struct Draft<V> {
    base: Snapshot<V>,
    writes: NameMap<Write<V>>,
    reads: RefCell<Reads>,
}

impl<V: Send + Sync + 'static> Draft<V> {
    pub(crate) fn new(base: Snapshot<V>) -> Self {
        Self {
            base,
            writes: NameMap::default(),
            reads: RefCell::default(),
        }
    }

    /// Returns the revision that the draft is based on.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.base.revision()
    }

    /// The entry before this draft, noted as read.
    fn read(&self, name: &str) -> Option<&Version<V>> {
        let entry = self.base.find(name);
        let reads = &mut self.reads.borrow_mut().names;
        if !reads.contains_key(name) {
            let seen = entry.map(|entry| Seen {
                revision: entry.revision(),
                stamp: entry.stamp(),
            });
            reads.insert(self.own(name), seen.unwrap_or_default());
        }
        entry
    }

    /// The name, shared with the draft's changes if it is among them.
    fn own(&self, name: &str) -> Arc<str> {
        match self.writes.get_key_value(name) {
            Some((own, _)) => Arc::clone(own),
            None => name.into(),
        }
    }

    /// Returns the value of `name`; `None` when there is no such entry, or when it is a factory's
    /// and has not been built.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&V> {
        if let Some(write) = self.writes.get(name) {
            return write.version.get().value();
        }
        self.read(name);
        self.base.get(name)
    }

    /// Returns whether there is an entry `name`, built or not.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self.writes.get(name) {
            Some(write) => !write.version.get().is_absent(),
            None => self.read(name).is_some(),
        }
    }

    /// Returns the revision of the entry `name` before this draft; 0 when there was none.
    #[must_use]
    pub fn entry_revision(&self, name: &str) -> u64 {
        self.read(name).map_or(0, Version::stamp)
    }

    /// Iterates over names and values, ordered by name. The commit then requires that nothing at all
    /// has changed.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.reads.borrow_mut().all = true;
        let unchanged = self
            .base
            .iter()
            .filter(|(name, _)| !self.writes.contains_key(*name));
        let written = self
            .writes
            .iter()
            .filter_map(|(name, write)| Some((&**name, write.version.get().value()?)));
        let mut all: Vec<_> = unchanged.chain(written).collect();
        all.sort_unstable_by_key(|&(name, _)| name);
        all.into_iter()
    }

    /// Registers `value` under a name that must be free.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Taken`] names the place of the earlier registration; [`ChangeError::Name`] when
    /// the name is empty or too long.
    #[track_caller]
    pub fn register(&mut self, name: &str, value: V) -> Result<(), ChangeError> {
        if let Some(write) = self.writes.get(name) {
            let version = write.version.get();
            if !version.is_absent() {
                return Err(ChangeError::Taken {
                    name: name.into(),
                    place: version.place().clone(),
                    revision: 0,
                });
            }
        } else if let Some(entry) = self.read(name) {
            return Err(ChangeError::Taken {
                name: name.into(),
                place: entry.place().clone(),
                revision: entry.stamp(),
            });
        }
        self.put(name, value)
    }

    /// Replaces the value of an entry that must exist.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Absent`] when there is no such entry.
    #[track_caller]
    pub fn replace(&mut self, name: &str, value: V) -> Result<(), ChangeError> {
        if !self.contains(name) {
            return Err(ChangeError::Absent { name: name.into() });
        }
        self.put(name, value)
    }

    /// Sets the value of `name`, whether or not there is an entry.
    ///
    /// This alone reads nothing, so it never conflicts.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Name`] when the name is empty or too long.
    #[track_caller]
    pub fn put(&mut self, name: &str, value: V) -> Result<(), ChangeError> {
        check_name(name)?;
        let version = Version::with(Content::Value(value), Place::caller());
        self.write(name, version, None);
        Ok(())
    }

    /// Removes an entry that must exist.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Absent`] when there is no such entry.
    #[track_caller]
    pub fn remove(&mut self, name: &str) -> Result<(), ChangeError> {
        if !self.contains(name) {
            return Err(ChangeError::Absent { name: name.into() });
        }
        if self.read(name).is_none() {
            // Only this draft knows the name.
            self.writes.remove(name);
        } else {
            self.write(name, Version::with(Content::Absent, Place::caller()), None);
        }
        Ok(())
    }

    /// Sets the value of `name` if its entry before this draft has the revision `expected`; 0 stands
    /// for no entry.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Moved`] names the revision that was found.
    #[track_caller]
    pub fn compare_and_set(
        &mut self,
        name: &str,
        expected: u64,
        value: V,
    ) -> Result<(), ChangeError> {
        let found = self.entry_revision(name);
        if found != expected {
            return Err(ChangeError::Moved {
                name: name.into(),
                expected,
                found,
            });
        }
        self.put(name, value)
    }

    fn write(&mut self, name: &str, version: Unpublished<V>, stamp: Option<u64>) {
        let own = match self.reads.get_mut().names.get_key_value(name) {
            Some((own, _)) => Arc::clone(own),
            None => name.into(),
        };
        self.writes.insert(own, Write { version, stamp });
    }

    pub(crate) fn into_changes(self) -> Changes<V> {
        Changes {
            writes: self.writes,
            reads: self.reads.into_inner(),
            base: self.base.revision(),
        }
    }
}

impl<V> fmt::Debug for Draft<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("base", &self.base.revision())
            .field("writes", &self.writes.keys())
            .finish_non_exhaustive()
    }
}

/// The result of a transaction that has been committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed<T> {
    /// What the closure returned.
    pub value: T,
    /// The revision of the change; the one that was read if nothing changed.
    pub revision: u64,
}

pub(crate) fn check_name(name: &str) -> Result<(), ChangeError> {
    if name.is_empty() || name.len() > crate::MAX_NAME {
        return Err(ChangeError::Name { len: name.len() });
    }
    Ok(())
}
