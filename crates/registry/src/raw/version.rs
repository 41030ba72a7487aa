//! A version: one value of one name, from the revision that brought it.

#[cfg(not(loom))]
use std::alloc::dealloc;
use std::alloc::{Layout, alloc, handle_alloc_error};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::build::Build;
use crate::place::Place;
use crate::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};

/// Set in [`Hot::tag`] while there is no value to read: not built yet, or absent.
pub(crate) const NO_VALUE: u64 = 1 << 63;

/// The size of a cache line, and the alignment of what is written beside what is read.
const LINE: usize = 64;
/// The alignment that allocators give without being asked.
const PLAIN: usize = 16;

/// What a version is made from.
pub(crate) enum Content<V> {
    Value(V),
    /// The value is made by the build on demand.
    Factory(Arc<Build>),
    /// The name is absent from this revision on.
    Absent,
}

/// What writers and owners touch. On cache lines of its own: taking an owned value changes `owners`,
/// and no borrowed read may pay for that.
#[repr(align(64))]
struct Cold<V> {
    /// One for the registry while the version is in its slot or waits to be reclaimed, one for each
    /// owner outside.
    owners: AtomicUsize,
    /// The next older version. Readers follow it only past versions newer than their revision.
    prev: AtomicPtr<Version<V>>,
    /// The version that superseded this one. The reclaimer's own: a commit touches no more of the old
    /// version than it must.
    newer: AtomicPtr<Version<V>>,
    /// The revision of the entry as its store counts it. Written before publication only.
    stamp: AtomicU64,
    place: Place,
    build: Option<Arc<Build>>,
    /// How far into its allocation the version begins; see [`Version::layout`].
    offset: u8,
    #[cfg(loom)]
    alive: crate::sync::Alive,
}

/// What a borrowed read touches.
#[repr(align(64))]
struct Hot<V> {
    /// The revision from which on readers see this version, and [`NO_VALUE`]: so one comparison
    /// tells a reader that the version is not too new and has a value. The revision is written before
    /// publication only, and revisions stay below the flag.
    tag: AtomicU64,
    value: UnsafeCell<MaybeUninit<V>>,
}

#[repr(C)]
struct Parts<V> {
    hot: Hot<V>,
    cold: Cold<V>,
}

/// One value of one name.
///
/// All of it lies in a cell: whoever gives up the last share frees it through a pointer that came
/// from a shared reference, which only memory inside a cell allows.
#[repr(transparent)]
pub(crate) struct Version<V>(UnsafeCell<Parts<V>>);

impl<V> Version<V> {
    /// Makes a version that nobody can see yet, with one owner: the registry.
    pub(crate) fn with(content: Content<V>, place: Place) -> Unpublished<V> {
        let (tag, value, build) = match content {
            Content::Value(value) => (0, MaybeUninit::new(value), None),
            Content::Factory(build) => (NO_VALUE, MaybeUninit::uninit(), Some(build)),
            Content::Absent => (NO_VALUE, MaybeUninit::uninit(), None),
        };
        let (start, offset) = Self::allocate();
        let version = Self(UnsafeCell::new(Parts {
            hot: Hot {
                tag: AtomicU64::new(tag),
                value: UnsafeCell::new(value),
            },
            cold: Cold {
                owners: AtomicUsize::new(1),
                prev: AtomicPtr::new(std::ptr::null_mut()),
                newer: AtomicPtr::new(std::ptr::null_mut()),
                stamp: AtomicU64::new(0),
                place,
                build,
                offset,
                #[cfg(loom)]
                alive: crate::sync::Alive::new(),
            },
        }));
        // SAFETY: allocated just now, with the size and alignment of a version.
        unsafe { start.write(version) };
        Unpublished(start)
    }

    /// What is asked of the allocator: the size and what it may take to reach the next cache line.
    ///
    /// Asked for that alignment itself, allocators leave their fast path: glibc's takes a lock.
    fn layout() -> Layout {
        let version = Layout::new::<Self>();
        if version.align() != LINE {
            // A value that wants more than a line's alignment gets it from the allocator.
            return version;
        }
        Layout::from_size_align(version.size() + LINE - PLAIN, PLAIN)
            .unwrap_or_else(|_| unreachable!("a version and 48 bytes more is a valid size"))
    }

    /// Room for a version, and how far into its allocation it lies.
    fn allocate() -> (NonNull<Self>, u8) {
        let layout = Self::layout();
        // SAFETY: a version is larger than nothing.
        let Some(start) = NonNull::new(unsafe { alloc(layout) }) else {
            handle_alloc_error(layout)
        };
        let offset = start.addr().get().wrapping_neg() % LINE.min(Layout::new::<Self>().align());
        // SAFETY: the allocation begins on a multiple of `PLAIN`, so the next line is at most
        // `LINE - PLAIN` away, which is what `layout` has added.
        let version = unsafe { start.add(offset) }.cast::<Self>();
        (
            version,
            u8::try_from(offset).unwrap_or_else(|_| unreachable!("less than a line")),
        )
    }

    /// Drops and frees a version.
    ///
    /// # Safety
    ///
    /// Nobody else refers to it.
    #[cfg(not(loom))]
    unsafe fn free(this: NonNull<Self>) {
        // SAFETY: alive until here.
        let offset = usize::from(unsafe { this.as_ref() }.parts().cold.offset);
        // SAFETY: the version lies that far into its allocation.
        let _memory = Memory(unsafe { this.cast::<u8>().sub(offset) }, Self::layout());
        // SAFETY: by the caller's promise.
        unsafe { this.drop_in_place() };
    }

    #[inline]
    fn parts(&self) -> &Parts<V> {
        // SAFETY: the parts are borrowed mutably only by `Unpublished`, which nobody else has, and by
        // the destructor.
        unsafe { &*self.0.get() }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.parts().hot.tag.load(Ordering::Relaxed) & !NO_VALUE
    }

    pub(crate) fn stamp(&self) -> u64 {
        self.parts().cold.stamp.load(Ordering::Relaxed)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.parts().cold.place
    }

    pub(crate) fn build(&self) -> Option<&Arc<Build>> {
        self.parts().cold.build.as_ref()
    }

    /// The value, once there is one.
    #[inline]
    pub(crate) fn value(&self) -> Option<&V> {
        self.value_at(!NO_VALUE)
    }

    /// The value, if there is one and a reader of `revision` sees it.
    #[inline]
    fn value_at(&self, revision: u64) -> Option<&V> {
        #[cfg(loom)]
        self.parts().cold.alive.check();
        // Acquire: pairs with the Release in `fill`; whoever sees the flag gone sees the value.
        if self.parts().hot.tag.load(Ordering::Acquire) > revision {
            return None;
        }
        // SAFETY: without the flag the value has been written, and from then on the cell is never
        // written again while the version lives.
        let value = unsafe { &*self.parts().hot.value.get() };
        // SAFETY: as above.
        Some(unsafe { value.assume_init_ref() })
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.parts().hot.tag.load(Ordering::Relaxed) >= NO_VALUE
            && self.parts().cold.build.is_none()
    }

    /// Puts the built value into an unbuilt version.
    ///
    /// # Safety
    ///
    /// No two calls for one version may overlap or both succeed: only the build of this version
    /// calls it, and builds of one version exclude one another.
    pub(crate) unsafe fn fill(&self, value: V) {
        let tag = self.parts().hot.tag.load(Ordering::Relaxed);
        debug_assert!(tag >= NO_VALUE, "filled twice");
        // SAFETY: the flag is set, so nobody reads the cell, and the caller excludes writers.
        unsafe { (*self.parts().hot.value.get()).write(value) };
        self.parts()
            .hot
            .tag
            .store(tag & !NO_VALUE, Ordering::Release);
    }

    /// The first version from here on back that a reader of `revision` sees, if it has a value.
    ///
    /// # Safety
    ///
    /// As for [`visible`](Self::visible); `this` is not null.
    #[inline]
    pub(crate) unsafe fn visible_value<'a>(
        this: *mut Self,
        revision: u64,
    ) -> Option<(&'a Self, &'a V)> {
        // SAFETY: by the caller's promise.
        let version: &'a Self = unsafe { &*this };
        if let Some(value) = version.value_at(revision) {
            return Some((version, value));
        }
        // SAFETY: as above.
        unsafe { Self::older_value(this, revision) }
    }

    /// # Safety
    ///
    /// As for [`visible`](Self::visible).
    #[cold]
    unsafe fn older_value<'a>(this: *mut Self, revision: u64) -> Option<(&'a Self, &'a V)> {
        // SAFETY: by the caller's promise.
        let version = unsafe { Self::visible(this, revision) }?;
        Some((version, version.value()?))
    }

    /// The first version from here on back that a reader of `revision` sees.
    ///
    /// # Safety
    ///
    /// `this` is null or reachable, and the caller's pin (or the writers' mutex) protects the list.
    #[inline]
    pub(crate) unsafe fn visible<'a>(this: *mut Self, revision: u64) -> Option<&'a Self> {
        let mut next = this;
        loop {
            // SAFETY: by the caller's promise what is reachable from `this` is not freed meanwhile.
            let version = unsafe { next.as_ref::<'a>()? };
            #[cfg(loom)]
            version.parts().cold.alive.check();
            if version.revision() <= revision {
                return Some(version);
            }
            // Acquire: pairs with the Release of `link` and `unlink`.
            next = version.parts().cold.prev.load(Ordering::Acquire);
        }
    }

    /// Notes which version superseded this one. The reclaimer's.
    pub(crate) fn set_newer(&self, newer: NonNull<Self>) {
        self.parts()
            .cold
            .newer
            .store(newer.as_ptr(), Ordering::Relaxed);
    }

    pub(crate) fn prev(&self) -> *mut Self {
        self.parts().cold.prev.load(Ordering::Relaxed)
    }

    /// Takes the version out of the list of its slot. Under the reclaimer's mutex; a writer may hang a
    /// newer version at the same time, which touches other links.
    ///
    /// # Safety
    ///
    /// The version has been superseded, is still in its list, and no reader that could need it
    /// remains; those who only walk past it are waited for before it is freed.
    pub(crate) unsafe fn unlink(&self) {
        let newer = self.parts().cold.newer.load(Ordering::Relaxed);
        let prev = self.parts().cold.prev.load(Ordering::Relaxed);
        // SAFETY: versions leave the list under the reclaimer's mutex only, and one in it keeps valid
        // neighbours: whoever leaves the list joins them first.
        if let Some(prev) = unsafe { prev.as_ref() } {
            prev.parts().cold.newer.store(newer, Ordering::Relaxed);
        }
        // SAFETY: as above; a superseded version has a newer one.
        let newer = unsafe { &*newer };
        newer.parts().cold.prev.store(prev, Ordering::Release);
    }

    /// Adds an owner.
    ///
    /// # Safety
    ///
    /// `this` is alive: protected by a pin, a snapshot or another owner.
    pub(crate) unsafe fn retain(this: NonNull<Self>) {
        // Relaxed: a new owner is made from a protected one, which keeps the version alive.
        // SAFETY: alive by the caller's promise.
        let before = unsafe { this.as_ref() }
            .parts()
            .cold
            .owners
            .fetch_add(1, Ordering::Relaxed);
        assert!(before < usize::MAX / 2, "too many owners of one value");
    }

    /// Gives up one owner's share; the last one drops the value and frees the version.
    ///
    /// # Safety
    ///
    /// The caller owns a share and does not use it afterwards.
    pub(crate) unsafe fn release(this: NonNull<Self>) {
        // Release: whatever this owner did with the value happens before it is dropped.
        // SAFETY: the caller's share keeps the version alive up to here.
        if unsafe { this.as_ref() }
            .parts()
            .cold
            .owners
            .fetch_sub(1, Ordering::Release)
            != 1
        {
            return;
        }
        fence(Ordering::Acquire);
        #[cfg(loom)]
        {
            // SAFETY: the last share is gone; under loom the memory stays, to catch later uses.
            unsafe { this.as_ref() }.parts().cold.alive.end();
            // SAFETY: as below.
            unsafe { this.drop_in_place() };
            return;
        }
        #[cfg(not(loom))]
        // SAFETY: the last share is gone, so this is the only reference left.
        unsafe {
            Self::free(this);
        }
    }
}

impl<V> Drop for Version<V> {
    fn drop(&mut self) {
        let hot = &mut self.0.get_mut().hot;
        if hot.tag.load(Ordering::Relaxed) < NO_VALUE {
            // SAFETY: without the flag the value was written; nobody else refers to it any more.
            unsafe { hot.value.get_mut().assume_init_drop() };
        }
    }
}

/// The memory of a version: freed also when the value's destructor panics.
#[cfg(not(loom))]
struct Memory(NonNull<u8>, Layout);

#[cfg(not(loom))]
impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout; the version in it has been dropped.
        unsafe { dealloc(self.0.as_ptr(), self.1) };
    }
}

/// A version that only its maker can see. Dropping it drops the value.
pub(crate) struct Unpublished<V>(NonNull<Version<V>>);

// SAFETY: an unpublished version is owned like a box; what it holds is sent with it.
unsafe impl<V: Send> Send for Unpublished<V> {}
// SAFETY: shared access gives `&V` only.
unsafe impl<V: Sync> Sync for Unpublished<V> {}

impl<V> Unpublished<V> {
    pub(crate) fn get(&self) -> &Version<V> {
        // SAFETY: owned by `self`.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn pointer(&self) -> NonNull<Version<V>> {
        self.0
    }

    /// Gives the version its revision, stamp and predecessor, and gives up ownership of it.
    pub(crate) fn link(
        self,
        revision: u64,
        stamp: u64,
        prev: *mut Version<V>,
    ) -> NonNull<Version<V>> {
        assert!(revision < NO_VALUE, "revisions stay below 2^63");
        let parts = self.get().parts();
        let no_value = parts.hot.tag.load(Ordering::Relaxed) & NO_VALUE;
        parts.hot.tag.store(revision | no_value, Ordering::Relaxed);
        parts.cold.stamp.store(stamp, Ordering::Relaxed);
        parts.cold.prev.store(prev, Ordering::Relaxed);
        std::mem::ManuallyDrop::new(self).0
    }
}

impl<V> Drop for Unpublished<V> {
    fn drop(&mut self) {
        // SAFETY: the registry's share was never handed over.
        unsafe { Version::release(self.0) };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::{Cold, Hot, Parts};

    fn lines(start: usize, size: usize) -> std::ops::RangeInclusive<usize> {
        start / 64..=(start + size - 1) / 64
    }

    fn counts_and_values_lie_apart<V>() {
        let value = offset_of!(Parts<V>, hot) + offset_of!(Hot<V>, value);
        let count = offset_of!(Parts<V>, cold) + offset_of!(Cold<V>, owners);
        let value = lines(value, size_of::<V>().max(1));
        let count = lines(count, size_of::<usize>());
        assert!(value.end() < count.start() || count.end() < value.start());
        // Versions begin on a line of their own, so they do not share one with a neighbour either.
        assert_eq!(align_of::<Parts<V>>() % 64, 0);
    }

    #[test]
    fn a_count_is_never_on_a_values_cache_line() {
        counts_and_values_lie_apart::<u8>();
        counts_and_values_lie_apart::<()>();
        counts_and_values_lie_apart::<[u64; 6]>();
        counts_and_values_lie_apart::<[u64; 7]>();
        counts_and_values_lie_apart::<[u8; 1000]>();
        counts_and_values_lie_apart::<String>();
    }

    #[test]
    fn a_small_value_takes_two_cache_lines() {
        assert_eq!(size_of::<Parts<[u64; 7]>>(), 128);
    }
}
