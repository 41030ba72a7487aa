//! What all handles of one registry share, and how it is read.

use std::ptr::NonNull;

use super::commit::Writer;
use super::owned::Entry;
use super::pin::{Pin, walks_of};
use super::reclaim::Reclaimer;
use super::slot::Slot;
use super::snapshot::Order;
use super::snapshots::{Announced, Node};
use super::table::{self, Table};
use super::version::Version;
use crate::builder::Settings;
use crate::hash::HashState;
use crate::observe::Observers;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex, lock};

/// What every read touches. Written once a commit.
#[repr(align(128))]
struct Front<V> {
    /// The revision that readers see.
    committed: AtomicU64,
    /// Incremented after everything that makes something unreachable. Starts at 1.
    epoch: AtomicU64,
    table: AtomicPtr<Table<V>>,
    hasher: HashState,
}

/// What some reads touch.
#[repr(align(128))]
struct Side {
    announced: Announced,
    /// The last revision in which a name came or went.
    membership: AtomicU64,
    /// How many names there are with the revision that is being committed, or was last.
    live: AtomicUsize,
    /// How many names readers find.
    len: AtomicUsize,
    sealed: AtomicBool,
    /// Somebody who could not get the writers' mutex wants something reclaimed.
    requested: AtomicBool,
    /// How many `Registry` values refer to this core.
    registries: AtomicUsize,
}

pub(crate) struct Core<V> {
    front: Front<V>,
    side: Side,
    pub(crate) settings: Settings,
    pub(crate) observers: Observers<Entry<V>>,
    /// The order of the present names, when somebody has asked for it.
    order: Mutex<Option<Arc<Order<V>>>>,
    writer: Mutex<Writer<V>>,
    /// Never locked while the writers' mutex is held.
    reclaimer: Mutex<Reclaimer<V>>,
    #[cfg(loom)]
    records: super::pin::Records,
}

// SAFETY: a core owns values of V, which may be dropped by whichever thread reclaims (`V: Send`), and
// lends `&V` to many threads (`V: Sync`). Everything else in it is atomics and mutexes.
unsafe impl<V: Send + Sync> Send for Core<V> {}
// SAFETY: as above.
unsafe impl<V: Send + Sync> Sync for Core<V> {}

impl<V> Core<V> {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            front: Front {
                committed: AtomicU64::new(0),
                epoch: AtomicU64::new(1),
                table: AtomicPtr::new(Box::into_raw(Table::for_slots(0))),
                hasher: HashState::default(),
            },
            side: Side {
                announced: Announced::new(),
                membership: AtomicU64::new(0),
                live: AtomicUsize::new(0),
                len: AtomicUsize::new(0),
                sealed: AtomicBool::new(false),
                requested: AtomicBool::new(false),
                registries: AtomicUsize::new(1),
            },
            settings,
            observers: Observers::new(),
            order: Mutex::new(None),
            writer: Mutex::new(Writer::new()),
            reclaimer: Mutex::new(Reclaimer::new()),
            #[cfg(loom)]
            records: super::pin::Records::new(),
        }
    }

    #[cfg_attr(
        not(loom),
        allow(clippy::unused_self, reason = "each model has its own records")
    )]
    pub(super) fn records(&self) -> &super::pin::Records {
        #[cfg(not(loom))]
        {
            super::pin::records()
        }
        #[cfg(loom)]
        {
            &self.records
        }
    }

    /// Identifies this registry in the records.
    #[inline]
    pub(super) fn domain(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Begins the epoch after something has become unreachable, and returns it.
    ///
    /// Release: pairs with the Acquire of a pin; whoever pins this epoch, or a later one, sees what
    /// happened before it. All changes are read-modify-writes, so a later epoch carries the earlier.
    pub(super) fn next_epoch(&self) -> u64 {
        self.front.epoch.fetch_add(1, Ordering::AcqRel) + 1
    }

    pub(super) fn announced(&self) -> &Announced {
        &self.side.announced
    }

    pub(super) fn table_pointer(&self) -> &AtomicPtr<Table<V>> {
        &self.front.table
    }

    /// The latest revision.
    #[inline]
    pub(crate) fn committed(&self) -> u64 {
        // Acquire: pairs with the Release in `publish`; whoever sees the revision sees its versions.
        self.front.committed.load(Ordering::Acquire)
    }

    /// Makes everything hung with `revision` visible. Under the writers' mutex.
    pub(super) fn publish(&self, revision: u64) {
        self.front.committed.store(revision, Ordering::Release);
    }

    /// Notes that the set of names changes with `revision`. Before it is published.
    pub(super) fn note_membership(&self, revision: u64, live: usize) {
        self.side.membership.store(revision, Ordering::Release);
        // Release: whoever reads this count also sees the revision that brought it.
        self.side.live.store(live, Ordering::Release);
    }

    pub(crate) fn membership(&self) -> u64 {
        self.side.membership.load(Ordering::Acquire)
    }

    /// How many names the latest revision has, which readers may not see yet.
    pub(crate) fn live(&self) -> usize {
        self.side.live.load(Ordering::Acquire)
    }

    /// How many names there are.
    pub(crate) fn len(&self) -> usize {
        self.side.len.load(Ordering::Acquire)
    }

    /// Lets readers count the names of a revision that has been published.
    pub(super) fn note_len(&self, len: usize) {
        self.side.len.store(len, Ordering::Release);
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.side.sealed.load(Ordering::Acquire)
    }

    /// Refuses changes from now on. Under the writers' mutex.
    pub(super) fn seal(&self) {
        self.side.sealed.store(true, Ordering::Release);
    }

    pub(crate) fn add_registry(&self) {
        self.side.registries.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns whether that was the last one.
    pub(crate) fn remove_registry(&self) -> bool {
        self.side.registries.fetch_sub(1, Ordering::AcqRel) == 1
    }

    pub(crate) fn order_cache(&self) -> &Mutex<Option<Arc<Order<V>>>> {
        &self.order
    }

    pub(super) fn lock(&self) -> crate::sync::MutexGuard<'_, Writer<V>> {
        lock(&self.writer)
    }

    #[inline]
    pub(crate) fn hash(&self, name: &str) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        let mut hasher = self.front.hasher.build_hasher();
        // Not `name.hash()`: a table of one kind of key needs no end mark.
        hasher.write(name.as_bytes());
        table::nonzero(hasher.finish())
    }

    /// Protects whatever the caller is going to read.
    #[inline]
    pub(crate) fn pin(&self) -> Pin {
        Pin::new(
            #[cfg(loom)]
            &self.records,
            self.domain(),
            &self.front.epoch,
        )
    }

    /// Protects the walk to what a snapshot shows, and nothing that only a present reader needs.
    #[inline]
    pub(crate) fn pin_walk(&self) -> Pin {
        Pin::new(
            #[cfg(loom)]
            &self.records,
            walks_of(self.domain()),
            &self.front.epoch,
        )
    }

    /// Ends a protection, and does the work that waited for it, if any.
    #[inline]
    pub(crate) fn unpin(&self, pin: Pin) {
        if pin.release() {
            self.request_collection();
        }
    }

    /// The present index. It stays alive while the caller's pin lasts.
    #[inline]
    pub(crate) fn table(&self, _pin: &Pin) -> NonNull<Table<V>> {
        // Acquire: pairs with the Release that published the table.
        // SAFETY: there always is a table.
        unsafe { NonNull::new_unchecked(self.front.table.load(Ordering::Acquire)) }
    }

    /// The version of `name` that `revision` shows, absent ones included.
    ///
    /// # Safety
    ///
    /// `table` is protected by a pin that lasts for `'a`, and so is what `revision` shows: by the
    /// same pin, begun at or before it, or by a snapshot of `revision`.
    #[inline]
    pub(crate) unsafe fn find<'a>(
        &self,
        table: NonNull<Table<V>>,
        name: &str,
        revision: u64,
    ) -> Option<&'a Version<V>> {
        // SAFETY: protected by the caller's pin.
        let table = unsafe { table.as_ref() };
        // SAFETY: as above.
        let slot = unsafe { table.find(self.hash(name), name) }?;
        // SAFETY: as above.
        unsafe { Self::visible(slot, revision) }
    }

    /// As [`find`](Self::find), but only what has a value.
    ///
    /// # Safety
    ///
    /// As for [`find`](Self::find).
    #[inline]
    pub(crate) unsafe fn find_value<'a>(
        &self,
        table: NonNull<Table<V>>,
        name: &str,
        revision: u64,
    ) -> Option<(&'a Version<V>, &'a V)> {
        // SAFETY: protected by the caller's pin.
        let table = unsafe { table.as_ref() };
        // SAFETY: as above.
        let slot = unsafe { table.find(self.hash(name), name) }?;
        // SAFETY: as above.
        unsafe { Self::visible_value(slot, revision) }
    }

    /// The version of `slot` that `revision` shows, absent ones included.
    ///
    /// # Safety
    ///
    /// As for [`find`](Self::find), with the slot alive.
    pub(crate) unsafe fn visible<'a>(
        slot: NonNull<Slot<V>>,
        revision: u64,
    ) -> Option<&'a Version<V>> {
        // SAFETY: alive by the caller's promise.
        let head = unsafe { slot.as_ref() }.head();
        // SAFETY: the list below the head is protected by the caller's pin.
        unsafe { Version::visible(head, revision) }
    }

    /// As [`visible`](Self::visible), but only what has a value.
    ///
    /// # Safety
    ///
    /// As for [`visible`](Self::visible).
    #[inline]
    pub(crate) unsafe fn visible_value<'a>(
        slot: NonNull<Slot<V>>,
        revision: u64,
    ) -> Option<(&'a Version<V>, &'a V)> {
        // SAFETY: alive by the caller's promise.
        let head = unsafe { slot.as_ref() }.head();
        // SAFETY: a head is never null; the list below it is protected by the caller's pin.
        unsafe { Version::visible_value(head, revision) }
    }

    /// Announces a snapshot of the present revision. Also returns whether a reclaimer waited for the
    /// pin that this took: then a collection is to be requested, under no lock.
    pub(crate) fn announce(&self) -> (NonNull<Node>, bool) {
        let pin = self.pin();
        // SAFETY: pinned, and the revision is loaded under the pin.
        let node = unsafe { self.side.announced.announce(self.committed()) };
        (node, pin.release())
    }

    /// Ends a snapshot.
    ///
    /// # Safety
    ///
    /// As for [`Announced::end`].
    pub(crate) unsafe fn end_snapshot(&self, node: NonNull<Node>) {
        // SAFETY: by the caller's promise.
        if unsafe { self.side.announced.end(node, &self.front.committed) } {
            self.request_collection();
        }
    }

    /// Reclaims what can be reclaimed, now or by whoever reclaims at the moment. Called under no lock.
    #[cold]
    #[inline(never)]
    pub(crate) fn request_collection(&self) {
        // AcqRel on all changes of `requested`: whichever comes second sees what happened before the
        // first. If the mutex is found locked below, its holder looks at `requested` after unlocking,
        // and either finds the request or has unlocked before it.
        self.side.requested.swap(true, Ordering::AcqRel);
        self.serve_requests();
    }

    /// Called by everybody who has just unlocked the reclaimer's mutex.
    fn serve_requests(&self) {
        while self.side.requested.fetch_or(false, Ordering::AcqRel) {
            let mut reclaimer = match self.reclaimer.try_lock() {
                Ok(reclaimer) => reclaimer,
                Err(std::sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(std::sync::TryLockError::WouldBlock) => return,
            };
            self.side.requested.swap(false, Ordering::AcqRel);
            let garbage = reclaimer.collect(self);
            drop(reclaimer);
            drop(garbage);
        }
    }

    /// Collects now. Returns how many superseded values are still in use.
    pub(crate) fn collect(&self) -> usize {
        let mut reclaimer = lock(&self.reclaimer);
        let garbage = reclaimer.collect(self);
        let held_back = reclaimer.held_back() + self.lock().outbox.values();
        drop(reclaimer);
        self.serve_requests();
        drop(garbage);
        held_back
    }
}

impl<V> Drop for Core<V> {
    fn drop(&mut self) {
        let writer = self
            .writer
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let reclaimer = self
            .reclaimer
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let table = self.front.table.load(Ordering::Relaxed);
        // SAFETY: nobody refers to this core any more: no pin, no snapshot, no handle.
        unsafe { reclaimer.free_everything(&mut writer.outbox, table, &self.side.announced) };
    }
}
