//! A slot: the place of one name.

#[cfg(not(loom))]
use std::alloc::dealloc;
use std::alloc::{Layout, alloc, handle_alloc_error};
use std::ptr::NonNull;

use super::version::Version;
use crate::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// The value of `handles` once the slot has left the index.
const GONE: u32 = u32::MAX;

/// The head of a slot; the bytes of the name follow it in the same allocation.
#[repr(C)]
pub(crate) struct Slot<V> {
    /// The newest version. Never null.
    head: AtomicPtr<Version<V>>,
    /// How many handles keep the slot in the index; [`GONE`] once it has left.
    handles: AtomicU32,
    len: u32,
    #[cfg(loom)]
    alive: crate::sync::Alive,
}

impl<V> Slot<V> {
    fn layout(len: usize) -> Layout {
        let head = Layout::new::<Self>();
        Layout::from_size_align(head.size() + len, head.align())
            .unwrap_or_else(|_| unreachable!("names are bounded far below isize::MAX"))
    }

    /// Makes the slot of `name` with its first version.
    pub(crate) fn new(name: &str, first: NonNull<Version<V>>) -> NonNull<Self> {
        let len = u32::try_from(name.len())
            .unwrap_or_else(|_| unreachable!("names are bounded far below u32::MAX"));
        let layout = Self::layout(name.len());
        #[allow(
            clippy::cast_ptr_alignment,
            reason = "the layout has the head's alignment"
        )]
        // SAFETY: the layout has the size of at least the head, so not zero.
        let slot = unsafe { alloc(layout) }.cast::<Self>();
        let Some(slot) = NonNull::new(slot) else {
            handle_alloc_error(layout)
        };
        // SAFETY: freshly allocated with this layout, so valid for writes of the head.
        unsafe {
            slot.write(Self {
                head: AtomicPtr::new(first.as_ptr()),
                handles: AtomicU32::new(0),
                len,
                #[cfg(loom)]
                alive: crate::sync::Alive::new(),
            });
        }
        // SAFETY: one past the head lies `len` bytes inside the allocation.
        let bytes = unsafe { slot.add(1) }.cast::<u8>();
        // SAFETY: both ranges hold `name.len()` bytes, and the new one overlaps nothing.
        unsafe {
            bytes.copy_from_nonoverlapping(NonNull::from(name.as_bytes()).cast(), name.len());
        };
        slot
    }

    /// The name of the slot.
    ///
    /// # Safety
    ///
    /// `this` is alive for `'a`.
    #[inline]
    pub(crate) unsafe fn name<'a>(this: NonNull<Self>) -> &'a str {
        // SAFETY: alive by the caller's promise; `len` never changes.
        let len = unsafe { (*this.as_ptr()).len } as usize;
        // SAFETY: the name's bytes follow the head.
        let bytes = unsafe { this.add(1) }.cast::<u8>();
        // SAFETY: `len` bytes were copied from a `str` when the slot was made, and never change.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), len) };
        // SAFETY: they were a `str`.
        unsafe { std::str::from_utf8_unchecked(bytes) }
    }

    /// The newest version.
    #[inline]
    pub(crate) fn head(&self) -> *mut Version<V> {
        #[cfg(loom)]
        self.alive.check();
        // Acquire: pairs with the Release in `hang` and with that of the bucket.
        self.head.load(Ordering::Acquire)
    }

    /// The newest version, as a borrow.
    ///
    /// # Safety
    ///
    /// `this` is alive for `'a`, and so is its head: the writers' mutex is held for `'a`.
    pub(crate) unsafe fn newest<'a>(this: NonNull<Self>) -> &'a Version<V> {
        // SAFETY: alive by the caller's promise.
        let head = unsafe { this.as_ref() }.head();
        // SAFETY: a head is never null, and is not freed while the mutex is held.
        unsafe { &*head }
    }

    /// Puts `version` before all others. Under the writers' mutex.
    pub(crate) fn hang(&self, version: NonNull<Version<V>>) {
        self.head.store(version.as_ptr(), Ordering::Release);
    }

    /// Keeps the slot in the index. `false` when it has already left: look the name up again.
    #[must_use]
    pub(crate) fn hold(&self) -> bool {
        #[cfg(loom)]
        self.alive.check();
        self.handles
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |handles| {
                (handles < GONE - 1).then(|| handles + 1)
            })
            .is_ok()
    }

    /// Ends a `hold`.
    pub(crate) fn let_go(&self) {
        self.handles.fetch_sub(1, Ordering::Release);
    }

    /// Marks the slot as gone from the index unless a handle holds it. Under the writers' mutex.
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        self.handles
            .compare_exchange(0, GONE, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Frees the slot, not its versions.
    ///
    /// # Safety
    ///
    /// Nobody can reach the slot any more.
    pub(crate) unsafe fn free(this: NonNull<Self>) {
        #[cfg(loom)]
        {
            // SAFETY: under loom the memory stays, to catch later uses.
            unsafe { this.as_ref() }.alive.end();
            return;
        }
        #[cfg(not(loom))]
        // SAFETY: nobody else can reach it, by the caller's promise.
        unsafe {
            Self::free_now(this);
        }
    }

    /// # Safety
    ///
    /// As for [`free`](Self::free).
    #[cfg(not(loom))]
    unsafe fn free_now(this: NonNull<Self>) {
        // SAFETY: alive until here; `len` never changes.
        let layout = Self::layout(unsafe { (*this.as_ptr()).len } as usize);
        // The head needs no destructor: it is made of atomics and numbers.
        // SAFETY: allocated in `new` with the same layout.
        unsafe { dealloc(this.as_ptr().cast(), layout) };
    }
}
