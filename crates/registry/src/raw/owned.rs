//! Values and entries that outlive the borrow they were found with.

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use super::version::Version;
use crate::build::{Build, BuildStatus};
use crate::place::Place;

/// An entry as it was in some revision, shared with whoever else looks at it.
///
/// An entry stays what it is when the registry changes. It may be that of a factory whose value has
/// not been built; [`value`](Self::value) then begins to return the value once it has been.
///
/// Cloning and dropping an entry change a count on a cache line of its own: they do not slow down
/// those who read the value.
pub struct Entry<V>(NonNull<Version<V>>);

// SAFETY: an entry shares a `V` between threads (`V: Sync`), and the last one drops it (`V: Send`).
unsafe impl<V: Send + Sync> Send for Entry<V> {}
// SAFETY: as above; `&Entry` can be cloned.
unsafe impl<V: Send + Sync> Sync for Entry<V> {}

impl<V> Entry<V> {
    /// Shares a version that something else keeps alive at the moment.
    pub(crate) fn share(version: &Version<V>) -> Self {
        let version = NonNull::from(version);
        // SAFETY: alive, as it is borrowed.
        unsafe { Version::retain(version) };
        Self(version)
    }

    fn version(&self) -> &Version<V> {
        // SAFETY: this entry's share keeps the version alive.
        unsafe { self.0.as_ref() }
    }

    /// Returns the value; `None` when the entry is a factory's and has not been built.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<&V> {
        self.version().value()
    }

    /// Returns the revision of the entry: that of the change which brought it or, in a registry
    /// that follows a store, the one that the store gave it.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.version().stamp()
    }

    /// Returns where the entry was registered.
    #[must_use]
    pub fn place(&self) -> &Place {
        self.version().place()
    }

    /// Returns whether the entry is made by a factory.
    #[must_use]
    pub fn is_factory(&self) -> bool {
        self.version().build().is_some()
    }

    /// Turns the entry into an owned value, if it has one.
    ///
    /// # Errors
    ///
    /// Returns the entry when its value has not been built.
    pub fn into_owned(self) -> Result<Owned<V>, Self> {
        if self.value().is_some() {
            Ok(Owned(self))
        } else {
            Err(self)
        }
    }

    /// Returns how far the build is; `None` when the entry is not made by a factory.
    #[must_use]
    pub fn build_status(&self) -> Option<BuildStatus> {
        self.build().map(|build| build.status())
    }

    /// Whoever waits for the build holds an entry meanwhile: the build fills the version through it.
    pub(crate) fn build(&self) -> Option<&Arc<Build>> {
        self.version().build()
    }
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        // SAFETY: this entry's share keeps the version alive.
        unsafe { Version::retain(self.0) };
        Self(self.0)
    }
}

impl<V> Drop for Entry<V> {
    fn drop(&mut self) {
        // SAFETY: the share belongs to this entry.
        unsafe { Version::release(self.0) };
    }
}

impl<V: fmt::Debug> fmt::Debug for Entry<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("revision", &self.revision())
            .field("value", &self.value())
            .finish_non_exhaustive()
    }
}

/// A value shared with the registry and everybody else who owns it.
///
/// It stays what it is when the registry changes, may be kept as long as its owner likes, sent to
/// other threads and held across `.await`. Cloning and dropping it change a count on a cache line of
/// its own: they do not slow down those who read the value.
///
/// # Examples
///
/// ```
/// use byname_registry::{Owned, Registry};
///
/// let registry = Registry::from_iter([("answer", 42)]);
/// let answer: Owned<i32> = registry.get_owned("answer").expect("registered above");
/// registry.replace("answer", 43)?;
/// assert_eq!(*answer, 42);
/// # Ok::<(), byname_registry::ChangeError>(())
/// ```
pub struct Owned<V>(Entry<V>);

impl<V> Owned<V> {
    /// Returns the revision of the entry, as [`Entry::revision`].
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.0.revision()
    }

    /// Returns the entry whose value this is.
    #[must_use]
    pub fn into_entry(self) -> Entry<V> {
        self.0
    }
}

impl<V> Clone for Owned<V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V> Deref for Owned<V> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        match self.0.value() {
            Some(value) => value,
            None => unreachable!("an owned value is made from an entry that has one, and keeps it"),
        }
    }
}

impl<V> AsRef<V> for Owned<V> {
    fn as_ref(&self) -> &V {
        self
    }
}

impl<V: fmt::Debug> fmt::Debug for Owned<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<V: fmt::Display> fmt::Display for Owned<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<V: PartialEq> PartialEq for Owned<V> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<V: Eq> Eq for Owned<V> {}
