//! Borrowed reads: a guard for one value, a view for many.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

use super::core::Core;
use super::owned::{Entry, Owned};
use super::pin::Pin;
use super::slot::Slot;
use super::table::Table;
use super::version::Version;

/// A pin of one registry, released when dropped.
struct Pinned<'r, V> {
    core: &'r Core<V>,
    pin: Pin,
}

impl<'r, V> Pinned<'r, V> {
    #[inline]
    fn new(core: &'r Core<V>) -> Self {
        Self {
            core,
            pin: core.pin(),
        }
    }
}

impl<V> Drop for Pinned<'_, V> {
    #[inline]
    fn drop(&mut self) {
        self.core.unpin(self.pin);
    }
}

/// A value, borrowed from a registry.
///
/// While it lives the value is not dropped, also when the registry changes. It belongs to the thread
/// that made it and is meant to be short-lived: it delays the reclaiming of everything that is
/// superseded meanwhile. Dropping it may do the work of a reclaimer that waited for it: one barrier,
/// and the destructors of what it held up. To keep a value, or to hold it across `.await`, take an
/// [`Owned`] with [`to_owned`](Self::to_owned).
#[must_use]
pub struct Guard<'r, V> {
    // Pointers, not references: they are not valid for all of `'r`, but until the pin is released,
    // which happens while the guard is still an argument of its own destructor's caller.
    version: NonNull<Version<V>>,
    value: NonNull<V>,
    _pinned: Pinned<'r, V>,
    _borrows: PhantomData<&'r V>,
}

impl<'r, V> Guard<'r, V> {
    #[inline]
    pub(crate) fn by_name(core: &'r Core<V>, name: &str) -> Option<Self> {
        let pinned = Pinned::new(core);
        let revision = core.committed();
        // SAFETY: the pin is kept in the guard beside what it protects.
        let found = unsafe { core.find_value(core.table(&pinned.pin), name, revision) };
        let (version, value) = found?;
        Some(Self {
            version: NonNull::from(version),
            value: NonNull::from(value),
            _pinned: pinned,
            _borrows: PhantomData,
        })
    }

    /// # Safety
    ///
    /// `slot` is alive for `'r`.
    #[inline]
    pub(super) unsafe fn by_slot(core: &'r Core<V>, slot: NonNull<Slot<V>>) -> Option<Self> {
        let pinned = Pinned::new(core);
        // SAFETY: as in `by_name`.
        let (version, value) = unsafe { Core::visible_value(slot, core.committed()) }?;
        Some(Self {
            version: NonNull::from(version),
            value: NonNull::from(value),
            _pinned: pinned,
            _borrows: PhantomData,
        })
    }

    fn version(&self) -> &Version<V> {
        // SAFETY: protected by the pin, which lasts as long as `self`.
        unsafe { self.version.as_ref() }
    }

    /// Shares the value beyond the borrow.
    #[must_use]
    #[allow(
        clippy::should_implement_trait,
        reason = "an associated function, as on `Deref` types"
    )]
    pub fn to_owned(this: &Self) -> Owned<V> {
        match Entry::share(this.version()).into_owned() {
            Ok(owned) => owned,
            Err(_) => unreachable!("a guard is made from an entry that has a value, and keeps it"),
        }
    }

    /// Returns the revision of the entry, as [`Entry::revision`].
    #[must_use]
    pub fn revision(this: &Self) -> u64 {
        this.version().stamp()
    }
}

impl<V> Deref for Guard<'_, V> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        // SAFETY: protected by the pin, which lasts as long as `self`.
        unsafe { self.value.as_ref() }
    }
}

impl<V: fmt::Debug> fmt::Debug for Guard<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<V: fmt::Display> fmt::Display for Guard<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// One revision of a registry, for a short while.
///
/// Everything read through a view is from the same revision: the latest one when the view was made.
/// A view costs nothing but two stores, and belongs to the thread that made it. While it lives,
/// nothing that is superseded after it began is dropped, and a read through it passes all versions of
/// its name that came since; so keep it for the length of a request and not for the length of a
/// connection, and use a [`Snapshot`](crate::Snapshot) for that.
///
/// # Examples
///
/// ```
/// use byname_registry::Registry;
///
/// let registry = Registry::from_iter([("one", 1), ("two", 2)]);
/// let view = registry.view();
/// registry.put("one", 10)?;
/// assert_eq!(view.get("one"), Some(&1));
/// assert_eq!(view.get("two"), Some(&2));
/// # Ok::<(), byname_registry::ChangeError>(())
/// ```
#[must_use]
pub struct View<'r, V> {
    pinned: Pinned<'r, V>,
    table: NonNull<Table<V>>,
    revision: u64,
}

impl<'r, V> View<'r, V> {
    #[inline]
    pub(crate) fn new(core: &'r Core<V>) -> Self {
        let pinned = Pinned::new(core);
        let revision = core.committed();
        // The table may be newer than the revision: then it holds more names, with nothing to show.
        let table = core.table(&pinned.pin);
        Self {
            pinned,
            table,
            revision,
        }
    }

    #[inline]
    fn find(&self, name: &str) -> Option<&Version<V>> {
        // SAFETY: the view's pin began before its revision was loaded, and lasts as long as `self`.
        unsafe { self.pinned.core.find(self.table, name, self.revision) }
    }

    /// Returns the value of `name`; `None` when there is no such entry, or when it is a factory's
    /// and has not been built.
    #[inline]
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&V> {
        // SAFETY: as in `find`.
        let found = unsafe { self.pinned.core.find_value(self.table, name, self.revision) };
        found.map(|(_, value)| value)
    }

    /// Returns the entry of `name`, built or not.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<Entry<V>> {
        self.find(name)
            .filter(|version| !version.is_absent())
            .map(Entry::share)
    }

    /// Returns whether there is an entry `name`, built or not.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some_and(|version| !version.is_absent())
    }

    /// Returns the revision that the view shows.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn core(&self) -> &'r Core<V> {
        self.pinned.core
    }

    /// # Safety
    ///
    /// `slot` is alive, and of this registry.
    #[inline]
    pub(super) unsafe fn by_slot(&self, slot: NonNull<Slot<V>>) -> Option<&V> {
        // SAFETY: as in `find`.
        unsafe { Core::visible_value(slot, self.revision) }.map(|(_, value)| value)
    }
}

impl<V> fmt::Debug for View<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}
