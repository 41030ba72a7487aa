//! Changing a registry: the writers' mutex and what happens under it.

use std::ptr::NonNull;

use super::core::Core;
use super::owned::Entry;
use super::reclaim::{Due, Outbox};
use super::slot::Slot;
use super::table::Table;
use super::version::{Unpublished, Version};
use crate::observe::{Admission, Change, Changed, Wakes};
use crate::sync::atomic::Ordering;

/// One name's part in a commit.
pub(crate) struct Op<N, V> {
    pub(crate) name: N,
    pub(crate) version: Unpublished<V>,
    /// The revision of the entry as its store counts it; `None` for that of the commit.
    pub(crate) stamp: Option<u64>,
}

/// What the holder of the writers' mutex works with.
pub(crate) struct Writer<V> {
    pub(super) outbox: Outbox<V>,
    /// How many slots are in the index, those of removed names included.
    used: usize,
    live: usize,
}

impl<V> Writer<V> {
    pub(super) fn new() -> Self {
        Self {
            outbox: Outbox::new(),
            used: 0,
            live: 0,
        }
    }
}

/// The writers' mutex, held.
pub(crate) struct Locked<'c, V> {
    core: &'c Core<V>,
    writer: crate::sync::MutexGuard<'c, Writer<V>>,
    /// The right to tell the observers, once.
    admission: Option<Admission>,
    wakes: Option<Wakes<Entry<V>>>,
}

impl<V> Core<V> {
    /// Runs `change` under the writers' mutex, and what it leaves to do after unlocking.
    ///
    /// `change` runs no code of a user: it neither drops nor compares values, and pins nothing.
    pub(crate) fn write<R>(&self, change: impl FnOnce(&mut Locked<'_, V>) -> R) -> R {
        // Waits, outside the mutex, for observers who want to be waited for.
        let (writer, admission) = self.observers.enter(|| self.lock());
        let mut locked = Locked {
            core: self,
            writer,
            admission: Some(admission),
            wakes: None,
        };
        let result = change(&mut locked);
        let Locked { writer, wakes, .. } = locked;
        let due = writer.outbox.due(self.settings.hold_back);
        drop(writer);
        drop(wakes);
        match due {
            Due::No => {}
            Due::Soon => self.request_collection(),
            // Whoever collects does not keep up: wait for it, so that what is held back is bounded.
            Due::Now => {
                self.collect();
            }
        }
        result
    }
}

impl<V> Locked<'_, V> {
    pub(crate) fn revision(&self) -> u64 {
        self.core.committed()
    }

    pub(crate) fn seal(&mut self) {
        self.core.seal();
    }

    fn table(&self) -> &Table<V> {
        let table = self.core.table_pointer().load(Ordering::Relaxed);
        // SAFETY: there always is a table, and only the holder of the mutex replaces it.
        unsafe { &*table }
    }

    /// The present entry of `name`; `None` when it is absent.
    pub(crate) fn present(&self, name: &str) -> Option<&Version<V>> {
        // SAFETY: under the writers' mutex slots in the table are alive.
        let slot = unsafe { self.table().find(self.core.hash(name), name) }?;
        // SAFETY: alive, and the mutex is held as long as `self` is borrowed.
        let head = unsafe { Slot::newest(slot) };
        (!head.is_absent()).then_some(head)
    }

    /// All present entries, in no order.
    pub(crate) fn all_present(&self) -> impl Iterator<Item = (&str, &Version<V>)> {
        self.table().iter().filter_map(|(_, slot)| {
            // SAFETY: as in `present`.
            let head = unsafe { Slot::newest(slot) };
            // SAFETY: as in `present`.
            (!head.is_absent()).then(|| (unsafe { Slot::name(slot) }, head))
        })
    }

    /// Makes all of `ops` visible as `revision`, which must be after the present one.
    ///
    /// Names in `ops` differ from one another. An absent version needs a present entry.
    pub(crate) fn commit<N: AsRef<str>>(
        &mut self,
        revision: u64,
        ops: impl ExactSizeIterator<Item = Op<N, V>>,
    ) {
        debug_assert!(revision > self.core.committed());
        let mut came_or_went = false;
        let observed = !self.core.observers.is_empty();
        let mut changed = Vec::with_capacity(if observed { ops.len() } else { 0 });
        let first = self.core.committed() + 1;
        let total = ops.len();
        for (
            done,
            Op {
                name,
                version,
                stamp,
            },
        ) in ops.enumerate()
        {
            let name = name.as_ref();
            let hash = self.core.hash(name);
            let comes = !version.get().is_absent();
            let stamp = stamp.unwrap_or(revision);
            // SAFETY: under the writers' mutex slots in the table are alive.
            let Some(slot) = (unsafe { self.table().find(hash, name) }) else {
                self.reserve(total - done);
                let version = version.link(revision, stamp, std::ptr::null_mut());
                if observed {
                    // SAFETY: linked just now, and not freed before it is retired.
                    let new = Entry::share(unsafe { version.as_ref() });
                    changed.push(Changed::new(name.into(), None, Some(new)));
                }
                self.table().insert(hash, Slot::new(name, version));
                self.writer.used += 1;
                self.writer.live += 1;
                came_or_went = true;
                continue;
            };
            // SAFETY: as above.
            let slot = unsafe { slot.as_ref() };
            let head = slot.head();
            // SAFETY: the head of a slot is never null.
            let head = unsafe { NonNull::new_unchecked(head) };
            // SAFETY: not freed before it is retired, below.
            let old = unsafe { head.as_ref() };
            let was = !old.is_absent();
            let version = version.link(revision, stamp, head.as_ptr());
            if observed {
                let old = was.then(|| Entry::share(old));
                // SAFETY: linked just now, and not freed before it is retired.
                let new = comes.then(|| Entry::share(unsafe { version.as_ref() }));
                changed.push(Changed::new(name.into(), old, new));
            }
            slot.hang(version);
            self.writer.outbox.retire(head, version, revision);
            came_or_went |= was != comes;
            self.writer.live = self.writer.live + usize::from(comes) - usize::from(was);
        }
        if came_or_went {
            self.core.note_membership(revision, self.writer.live);
        }
        self.core.publish(revision);
        self.core.note_len(self.writer.live);
        let tag = self.core.next_epoch();
        self.writer.outbox.tag(tag);

        if observed && let Some(admission) = self.admission.take() {
            changed.sort_unstable_by(|a, b| a.name().cmp(b.name()));
            let change = crate::sync::Arc::new(Change::new(first..=revision, changed));
            self.wakes = Some(self.core.observers.push(admission, &change));
        }
    }

    /// Makes room for one slot; if that takes another table, for up to `more`.
    fn reserve(&mut self, more: usize) {
        if self.writer.used < self.table().capacity() {
            return;
        }
        let mut stay = Vec::with_capacity(self.writer.used);
        let mut leave = Vec::new();
        for (hash, slot) in self.table().iter() {
            // SAFETY: under the writers' mutex slots in the table are alive.
            let place = unsafe { slot.as_ref() };
            // SAFETY: alive, and the mutex is held.
            let head = unsafe { Slot::newest(slot) };
            // With nothing below it an absent head tells no snapshot and no pin anything that a
            // missing slot would not: older versions go only when nobody can see them.
            if head.is_absent() && head.prev().is_null() && place.leave() {
                leave.push(slot);
            } else {
                stay.push((hash, slot));
            }
        }
        let table = Table::for_slots(stay.len() + more);
        self.writer.used = stay.len();
        for (hash, slot) in stay {
            table.insert(hash, slot);
        }
        // Release: pairs with the Acquire of `Core::table`; whoever sees the table sees its buckets.
        let old = self
            .core
            .table_pointer()
            .swap(Box::into_raw(table), Ordering::Release);
        // Not a box again before its tag has passed: readers may use it until then.
        self.writer.outbox.retire_table(NonNull::new(old));
        for slot in leave {
            self.writer.outbox.retire_slot(slot);
        }
    }
}
