//! A name, resolved once.

use std::fmt;
use std::ptr::NonNull;

use super::core::Core;
use super::owned::{Entry, Owned};
use super::slot::Slot;
use super::view::{Guard, View};
use crate::sync::Arc;

/// A name resolved once, read again at the price of a load.
///
/// A handle follows its name through every change: it reads `None` while the name is absent and the
/// new value after it has been registered again. It may be kept, cloned and sent to other threads,
/// and it keeps the registry's entries alive.
///
/// # Examples
///
/// ```
/// use byname_registry::Registry;
///
/// let registry = Registry::from_iter([("limit", 10)]);
/// let limit = registry.handle("limit").expect("registered above");
/// assert_eq!(limit.read(|limit| *limit), Some(10));
/// registry.replace("limit", 20)?;
/// assert_eq!(limit.read(|limit| *limit), Some(20));
/// # Ok::<(), byname_registry::ChangeError>(())
/// ```
pub struct Handle<V> {
    core: Arc<Core<V>>,
    /// Held: the slot stays in the index, so it is the place of its name as long as this lives.
    slot: NonNull<Slot<V>>,
}

// SAFETY: a handle gives shared access to a core, which is Send and Sync under these bounds; the
// slot belongs to the core.
unsafe impl<V: Send + Sync> Send for Handle<V> {}
// SAFETY: as above.
unsafe impl<V: Send + Sync> Sync for Handle<V> {}

impl<V> Handle<V> {
    /// Resolves `name`, if there is an entry of it.
    pub(crate) fn new(core: &Arc<Core<V>>, name: &str) -> Option<Self> {
        let hash = core.hash(name);
        loop {
            let pin = core.pin();
            let revision = core.committed();
            // SAFETY: protected by the pin, which is released after the last use.
            let table = unsafe { core.table(&pin).as_ref() };
            // SAFETY: as above.
            let slot = unsafe { table.find(hash, name) };
            let slot = slot.filter(|&slot| {
                // SAFETY: as above.
                let shown = unsafe { Core::visible(slot, revision) };
                shown.is_some_and(|version| !version.is_absent())
            });
            // SAFETY: as above.
            let held = slot.map(|slot| unsafe { slot.as_ref() }.hold());
            core.unpin(pin);
            match held {
                None => return None,
                Some(true) => {
                    return slot.map(|slot| Self {
                        core: Arc::clone(core),
                        slot,
                    });
                }
                // The name was removed and its slot has left the index meanwhile. Look again: there
                // is another slot, or none.
                Some(false) => {}
            }
        }
    }

    /// Borrows the value; `None` while the name is absent, or not built.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Option<Guard<'_, V>> {
        // SAFETY: held.
        unsafe { Guard::by_slot(&self.core, self.slot) }
    }

    /// Calls `read` with the value; `None` while the name is absent, or not built.
    #[inline]
    pub fn read<R>(&self, read: impl FnOnce(&V) -> R) -> Option<R> {
        self.get().map(|value| read(&value))
    }

    /// Returns the value that `view` shows.
    ///
    /// # Panics
    ///
    /// Panics when `view` is of another registry.
    #[inline]
    #[must_use]
    pub fn get_in<'v>(&self, view: &'v View<'_, V>) -> Option<&'v V> {
        assert!(
            std::ptr::eq(view.core(), &raw const *self.core),
            "a handle can only be read in a view of its own registry"
        );
        // SAFETY: held, and of this registry.
        unsafe { view.by_slot(self.slot) }
    }

    /// Shares the value; `None` while the name is absent, or not built.
    #[must_use]
    pub fn get_owned(&self) -> Option<Owned<V>> {
        self.get().map(|value| Guard::to_owned(&value))
    }

    /// Returns the present entry, built or not.
    #[must_use]
    pub fn entry(&self) -> Option<Entry<V>> {
        let view = View::new(&self.core);
        view.entry(self.name())
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        // SAFETY: held.
        unsafe { Slot::name(self.slot) }
    }
}

impl<V> Clone for Handle<V> {
    fn clone(&self) -> Self {
        // SAFETY: held by `self`, so it has not left and this succeeds.
        let held = unsafe { self.slot.as_ref() }.hold();
        assert!(held, "too many handles of one name");
        Self {
            core: Arc::clone(&self.core),
            slot: self.slot,
        }
    }
}

impl<V> Drop for Handle<V> {
    fn drop(&mut self) {
        // SAFETY: held until here, and the core, which frees it, is dropped after this.
        unsafe { self.slot.as_ref() }.let_go();
    }
}

impl<V> fmt::Debug for Handle<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.name()).finish()
    }
}
