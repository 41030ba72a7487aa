//! Changes that are ready to be published, and what they were prepared from.

use std::fmt;
use std::sync::Arc;

use crate::draft::check_name;
use crate::error::ChangeError;
use crate::hash::NameMap;
use crate::place::Place;
use crate::raw::commit::{Locked, Op};
use crate::raw::version::{Content, Unpublished, Version};

/// An entry as a transaction saw it; all 0 when it was absent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    /// The revision of this registry that brought it.
    pub(crate) revision: u64,
    /// The revision that the store, or else this registry, gave it.
    pub(crate) stamp: u64,
}

/// What a transaction has read.
#[derive(Default)]
pub(crate) struct Reads {
    pub(crate) names: NameMap<Seen>,
    /// Everything was read: nothing may have changed.
    pub(crate) all: bool,
}

pub(crate) struct Write<V> {
    pub(crate) version: Unpublished<V>,
    pub(crate) stamp: Option<u64>,
}

/// Changes that are ready to be published as one revision.
///
/// They come from [`prepare`](crate::Registry::prepare), which has validated them, or are put
/// together by a store from what it heard: then they carry the store's revision of each entry.
pub struct Changes<V> {
    pub(crate) writes: NameMap<Write<V>>,
    pub(crate) reads: Reads,
    pub(crate) base: u64,
}

impl<V: Send + Sync + 'static> Changes<V> {
    /// Makes an empty set of changes that depends on nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            writes: NameMap::default(),
            reads: Reads::default(),
            base: 0,
        }
    }

    /// Adds: `name` gets `value`, at the store's revision `entry_revision`.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Name`] when the name is empty or too long.
    #[track_caller]
    pub fn put(&mut self, name: &str, entry_revision: u64, value: V) -> Result<(), ChangeError> {
        check_name(name)?;
        let version = Version::with(Content::Value(value), Place::caller());
        self.writes.insert(
            name.into(),
            Write {
                version,
                stamp: Some(entry_revision),
            },
        );
        Ok(())
    }

    /// Adds: `name` is removed. A name that is absent when this is published stays absent.
    #[track_caller]
    pub fn remove(&mut self, name: &str) {
        let version = Version::with(Content::Absent, Place::caller());
        self.writes.insert(
            name.into(),
            Write {
                version,
                stamp: None,
            },
        );
    }

    /// Iterates over the changed names, in no order, with the new value; `None` stands for removal.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&V>)> {
        self.writes
            .iter()
            .map(|(name, write)| (&**name, write.version.get().value()))
    }

    /// Returns how many names change.
    #[must_use]
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Returns whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Iterates over what the changes were prepared from, in no order: each name that was read,
    /// with the revision that its entry had, as the store counts it; 0 stands for no entry.
    ///
    /// A store makes these its conditions.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_registry::{ChangeError, Changes, Registry};
    ///
    /// let copy = Registry::builder().following().build();
    /// let mut heard = Changes::new();
    /// heard.put("db", 3, "postgres")?;
    /// copy.publish(7, heard)?;
    ///
    /// let ((), changes) = copy.prepare(|draft| draft.replace("db", "sqlite"))?;
    /// assert_eq!(changes.reads().collect::<Vec<_>>(), [("db", 3)]);
    /// assert_eq!((changes.base(), changes.read_everything()), (7, false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reads(&self) -> impl Iterator<Item = (&str, u64)> {
        let names = self.reads.names.iter();
        names.map(|(name, seen)| (&**name, seen.stamp))
    }

    /// Returns whether all entries were read, so that nothing at all may have changed after
    /// [`base`](Self::base).
    #[must_use]
    pub fn read_everything(&self) -> bool {
        self.reads.all
    }

    /// Returns the revision of the registry that the changes were prepared from; 0 when they were
    /// put together from nothing.
    #[must_use]
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The store's revision of the entry that `name` gets.
    pub(crate) fn stamp(&self, name: &str) -> Option<u64> {
        self.writes.get(name)?.stamp
    }

    /// Moves the change of `name`, if any, to `other`.
    pub(crate) fn give(&mut self, name: &str, other: &mut Self) {
        other.writes.extend(self.writes.remove_entry(name));
    }

    /// The first name found that is not as it was read, if any.
    pub(crate) fn conflict(&self, locked: &Locked<'_, V>) -> Option<Arc<str>> {
        if self.base == locked.revision() {
            return None;
        }
        let moved = self.reads.names.iter().find(|(name, seen)| {
            locked.present(name).map_or(0, Version::revision) != seen.revision
        });
        match moved {
            Some((name, _)) => Some(Arc::clone(name)),
            None if self.reads.all => Some("(the set of all entries)".into()),
            None => None,
        }
    }

    pub(crate) fn commit(self, locked: &mut Locked<'_, V>, revision: u64) {
        let mut ops: Vec<_> = self
            .writes
            .into_iter()
            .map(|(name, Write { version, stamp })| Op {
                name,
                version,
                stamp,
            })
            .collect();
        // Only a store's own changes can remove what is not there.
        ops.retain(|op| !op.version.get().is_absent() || locked.present(&op.name).is_some());
        locked.commit(revision, ops.into_iter());
    }
}

impl<V: Send + Sync + 'static> Default for Changes<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> fmt::Debug for Changes<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("names", &self.writes.keys())
            .finish_non_exhaustive()
    }
}

/// Collects `(name, value)` pairs for one commit; a later pair of a name replaces an earlier one.
pub(crate) fn collect_writes<V: Send + Sync + 'static>(
    changes: &mut Changes<V>,
    name: Arc<str>,
    content: Content<V>,
    place: Place,
) {
    changes.writes.insert(
        name,
        Write {
            version: Version::with(content, place),
            stamp: None,
        },
    );
}
