//! The index: from a name's hash to its slot.
//!
//! Open addressing with linear probing. One writer inserts, nobody removes: a slot leaves the index
//! when the whole table is replaced. So a reader may probe while the writer inserts.

use std::ptr::NonNull;

use super::slot::Slot;
use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// The hash of an empty bucket.
const EMPTY: u64 = 0;

struct Bucket<V> {
    /// Written last, after `slot`.
    hash: AtomicU64,
    slot: AtomicPtr<Slot<V>>,
}

pub(crate) struct Table<V> {
    mask: usize,
    buckets: Box<[Bucket<V>]>,
    #[cfg(loom)]
    alive: crate::sync::Alive,
}

/// Under the model checker a table that is dropped stays where it was, to catch later uses.
#[cfg(loom)]
pub(crate) fn bury<V>(table: Box<Table<V>>) {
    table.alive.end();
    Box::leak(table);
}

/// Keeps a hash apart from [`EMPTY`].
#[inline]
pub(crate) fn nonzero(hash: u64) -> u64 {
    hash | 1 << 63
}

impl<V> Table<V> {
    /// A table in which `slots` slots fill at most half of the buckets.
    #[allow(
        clippy::unnecessary_box_returns,
        reason = "published by the address it has here"
    )]
    pub(crate) fn for_slots(slots: usize) -> Box<Self> {
        let len = (slots * 2)
            .next_power_of_two()
            .max(if cfg!(loom) { 2 } else { 8 });
        let buckets = (0..len)
            .map(|_| Bucket {
                hash: AtomicU64::new(EMPTY),
                slot: AtomicPtr::new(std::ptr::null_mut()),
            })
            .collect();
        Box::new(Self {
            mask: len - 1,
            buckets,
            #[cfg(loom)]
            alive: crate::sync::Alive::new(),
        })
    }

    /// How many slots fit before the table must be replaced: five eighths of the buckets.
    pub(crate) fn capacity(&self) -> usize {
        self.buckets.len() - (self.buckets.len() * 3).div_ceil(8)
    }

    #[inline]
    fn bucket(&self, index: usize) -> &Bucket<V> {
        #[cfg(loom)]
        self.alive.check();
        // SAFETY: the number of buckets is `mask + 1`.
        unsafe { self.buckets.get_unchecked(index & self.mask) }
    }

    /// The slot of `name`, if it is in this table.
    ///
    /// # Safety
    ///
    /// The slots of this table are alive: a pin or the writers' mutex protects it.
    #[inline]
    pub(crate) unsafe fn find(&self, hash: u64, name: &str) -> Option<NonNull<Slot<V>>> {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the mask keeps the low bits only"
        )]
        let mut index = hash as usize;
        // Ends: at least three eighths of the buckets are empty.
        loop {
            let bucket = self.bucket(index);
            // Acquire: pairs with the Release in `insert`; whoever sees the hash sees the slot.
            let found = bucket.hash.load(Ordering::Acquire);
            if found == hash {
                // SAFETY: a bucket with a hash has a slot.
                let slot = unsafe { NonNull::new_unchecked(bucket.slot.load(Ordering::Relaxed)) };
                // SAFETY: alive by the caller's promise.
                if unsafe { Slot::name(slot) } == name {
                    return Some(slot);
                }
            } else if found == EMPTY {
                return None;
            }
            index = index.wrapping_add(1);
        }
    }

    /// Adds a slot whose name is not in the table, which has room for it. Under the writers' mutex.
    pub(crate) fn insert(&self, hash: u64, slot: NonNull<Slot<V>>) {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the mask keeps the low bits only"
        )]
        let mut index = hash as usize;
        loop {
            let bucket = self.bucket(index);
            if bucket.hash.load(Ordering::Relaxed) == EMPTY {
                bucket.slot.store(slot.as_ptr(), Ordering::Relaxed);
                bucket.hash.store(hash, Ordering::Release);
                return;
            }
            index = index.wrapping_add(1);
        }
    }

    /// All slots with their hashes, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, NonNull<Slot<V>>)> {
        self.buckets.iter().filter_map(|bucket| {
            // Acquire: as in `find`.
            let hash = bucket.hash.load(Ordering::Acquire);
            if hash == EMPTY {
                return None;
            }
            NonNull::new(bucket.slot.load(Ordering::Relaxed)).map(|slot| (hash, slot))
        })
    }
}
