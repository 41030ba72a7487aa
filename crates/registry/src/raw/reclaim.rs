//! What has become unreachable, until nobody can be using it any more.
//!
//! Commits put what they supersede into an [`Outbox`], under the writers' mutex. Now and then somebody
//! empties it, under a mutex of the reclaimer's own, so that writers go on while one of them waits for
//! a barrier. The order of the two: the reclaimer's, then the writers', briefly. What is freed is
//! handed out as [`Garbage`], to be dropped after unlocking, because dropping values runs their
//! owners' code.

use std::collections::{BTreeMap, VecDeque};
use std::ptr::NonNull;

use super::barrier;
use super::core::Core;
use super::pin::Floors;
use super::slot::Slot;
use super::snapshots::{Announced, Node};
use super::table::Table;
use super::version::Version;

/// A superseded version.
struct Retired<V> {
    version: NonNull<Version<V>>,
    /// The version that superseded it.
    newer: NonNull<Version<V>>,
    /// The revision that superseded it: snapshots from here on do not show it.
    death: u64,
}

/// Something that readers pinned below `tag` may still use.
struct Tagged<T> {
    tag: u64,
    thing: T,
}

/// The snapshots of one revision.
struct Live<V> {
    nodes: Vec<NonNull<Node>>,
    /// Versions that this is the newest live revision to show.
    held: Vec<Retired<V>>,
}

/// What nobody can reach any more. Dropping it frees it and runs the destructors of values.
pub(crate) struct Garbage<V> {
    versions: Vec<NonNull<Version<V>>>,
    slots: Vec<NonNull<Slot<V>>>,
    nodes: Vec<NonNull<Node>>,
    tables: Vec<NonNull<Table<V>>>,
    /// Whether this is everything that the registry ever made.
    all: bool,
}

impl<V> Garbage<V> {
    fn new() -> Self {
        Self {
            versions: Vec::new(),
            slots: Vec::new(),
            nodes: Vec::new(),
            tables: Vec::new(),
            all: false,
        }
    }
}

impl<V> Drop for Garbage<V> {
    fn drop(&mut self) {
        /// Goes on where a panicking destructor left off.
        struct Rest<'g, V>(&'g mut Vec<NonNull<Version<V>>>);
        impl<V> Rest<'_, V> {
            fn release_all(&mut self) {
                while let Some(version) = self.0.pop() {
                    // SAFETY: the registry's share, given up when the version became garbage.
                    unsafe { Version::release(version) };
                }
            }
        }
        impl<V> Drop for Rest<'_, V> {
            fn drop(&mut self) {
                self.release_all();
            }
        }

        for slot in self.slots.drain(..) {
            // SAFETY: garbage is unreachable, and not freed before the next line.
            let head = unsafe { slot.as_ref() }.head();
            // A slot leaves with one version, which stands for an absent entry: it has no destructor
            // to run. At the end of the registry the heads are on the list of versions already.
            if !self.all
                && let Some(head) = NonNull::new(head)
            {
                // SAFETY: the registry's share.
                unsafe { Version::release(head) };
            }
            // SAFETY: garbage is unreachable.
            unsafe { Slot::free(slot) };
        }
        for node in self.nodes.drain(..) {
            #[cfg(loom)]
            // SAFETY: under loom nodes stay, to catch later uses.
            unsafe { node.as_ref() }.alive.end();
            #[cfg(not(loom))]
            // SAFETY: garbage is unreachable, and nodes are made from boxes.
            drop(unsafe { Box::from_raw(node.as_ptr()) });
        }
        for table in self.tables.drain(..) {
            // SAFETY: garbage is unreachable, and tables are made from boxes.
            let table = unsafe { Box::from_raw(table.as_ptr()) };
            #[cfg(loom)]
            super::table::bury(table);
            #[cfg(not(loom))]
            drop(table);
        }
        Rest(&mut self.versions).release_all();
    }
}

/// What commits have made unreachable since the reclaimer last looked.
pub(super) struct Outbox<V> {
    /// Superseded versions, oldest death first.
    retired: Vec<Tagged<Retired<V>>>,
    /// How many of them have, or may yet get, a value.
    values: usize,
    /// How many values the last look found in use and left without marking who uses them.
    unmarked: usize,
    /// Slots that have left the index, each with its only version, an absent one.
    slots: Vec<Tagged<NonNull<Slot<V>>>>,
    /// Tables that have been replaced.
    tables: Vec<Tagged<NonNull<Table<V>>>>,
}

impl<V> Outbox<V> {
    pub(super) fn new() -> Self {
        Self {
            retired: Vec::new(),
            values: 0,
            unmarked: 0,
            slots: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// Takes over a version that `newer` supersedes, in the commit of `death`.
    pub(super) fn retire(
        &mut self,
        version: NonNull<Version<V>>,
        newer: NonNull<Version<V>>,
        death: u64,
    ) {
        // SAFETY: the version is freed by the reclaimer only.
        if !unsafe { version.as_ref() }.is_absent() {
            self.values += 1;
        }
        self.retired.push(Tagged {
            tag: UNTAGGED,
            thing: Retired {
                version,
                newer,
                death,
            },
        });
    }

    pub(super) fn retire_table(&mut self, table: Option<NonNull<Table<V>>>) {
        self.tables.extend(table.map(|table| Tagged {
            tag: UNTAGGED,
            thing: table,
        }));
    }

    pub(super) fn retire_slot(&mut self, slot: NonNull<Slot<V>>) {
        self.slots.push(Tagged {
            tag: UNTAGGED,
            thing: slot,
        });
    }

    /// Gives the epoch after a commit to what that commit made unreachable.
    pub(super) fn tag(&mut self, tag: u64) {
        set_tags(&mut self.retired, tag);
        set_tags(&mut self.slots, tag);
        set_tags(&mut self.tables, tag);
    }

    /// How many superseded values are in here.
    pub(super) fn values(&self) -> usize {
        self.values
    }

    /// Whether it is time to look at the readers.
    pub(super) fn due(&self, hold_back: usize) -> Due {
        if self.values > hold_back.saturating_mul(8).saturating_add(512) {
            Due::Now
        } else if self.values + self.unmarked > hold_back || !self.tables.is_empty() {
            Due::Soon
        } else {
            Due::No
        }
    }
}

/// When somebody is to look at the readers and free what they do not need.
pub(super) enum Due {
    No,
    /// Now, or by whoever does so at the moment.
    Soon,
    /// Now, and the writer waits for it.
    Now,
}

/// The tag of what has just been put on a list.
const UNTAGGED: u64 = u64::MAX;

fn set_tags<T>(list: &mut [Tagged<T>], tag: u64) {
    for tagged in list
        .iter_mut()
        .rev()
        .take_while(|tagged| tagged.tag == UNTAGGED)
    {
        tagged.tag = tag;
    }
}

pub(crate) struct Reclaimer<V> {
    /// Superseded versions, oldest death first.
    retired: VecDeque<Tagged<Retired<V>>>,
    /// Revisions that snapshots show.
    live: BTreeMap<u64, Live<V>>,
    /// The registry's revision at the last look.
    looked_at: u64,
    /// Versions out of their lists that readers of snapshots may be walking past.
    unlinked: Vec<Tagged<NonNull<Version<V>>>>,
    slots: Vec<Tagged<NonNull<Slot<V>>>>,
    nodes: Vec<Tagged<NonNull<Node>>>,
    tables: Vec<Tagged<NonNull<Table<V>>>>,
}

impl<V> Reclaimer<V> {
    pub(super) fn new() -> Self {
        Self {
            retired: VecDeque::new(),
            live: BTreeMap::new(),
            looked_at: 0,
            unlinked: Vec::new(),
            slots: Vec::new(),
            nodes: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// Takes over what commits have put into `outbox`.
    fn take(&mut self, outbox: &mut Outbox<V>) {
        outbox.values = 0;
        outbox.unmarked = 0;
        for tagged in outbox.retired.drain(..) {
            // SAFETY: freed by this reclaimer only.
            unsafe { tagged.thing.version.as_ref() }.set_newer(tagged.thing.newer);
            self.retired.push_back(tagged);
        }
        self.slots.append(&mut outbox.slots);
        self.tables.append(&mut outbox.tables);
    }

    /// How many superseded versions have not been freed.
    pub(super) fn held_back(&self) -> usize {
        // SAFETY: what is listed here has not been freed.
        let has_value = |version: NonNull<Version<V>>| !unsafe { version.as_ref() }.is_absent();
        let shown = self
            .live
            .values()
            .flat_map(|live| &live.held)
            .map(|retired| retired.version);
        let retired = self.retired.iter().map(|tagged| tagged.thing.version);
        let unlinked = self.unlinked.iter().map(|tagged| tagged.thing);
        shown
            .chain(retired)
            .chain(unlinked)
            .filter(|&version| has_value(version))
            .count()
    }

    /// Collects what nobody can be using any more. Called without the writers' mutex.
    ///
    /// Where more than an idle registry may hold back is in use, the pins that stand in the way are
    /// marked: whoever releases such a pin collects again.
    pub(super) fn collect(&mut self, core: &Core<V>) -> Garbage<V> {
        let mut garbage = Garbage::new();
        self.take(&mut core.lock().outbox);
        // Before the look: see `settle_snapshots`.
        let committed = core.committed();
        let Some(mut floors) = self.look(core) else {
            return garbage;
        };

        // After the look at the pins, see "Snapshots" in the documentation of this module's parent.
        let mut due = self.settle_snapshots(core, committed);
        while let Some(front) = self.retired.front()
            && front.tag <= floors.reads
        {
            due.extend(self.retired.pop_front().map(|tagged| tagged.thing));
        }
        // Oldest first, so that the older neighbour of a version is settled before it.
        due.sort_by_key(|retired| retired.death);
        for retired in due {
            self.settle(retired, &mut garbage);
        }
        let untagged = |tag: Option<u64>| tag == Some(UNTAGGED);
        if untagged(self.unlinked.last().map(|tagged| tagged.tag))
            || untagged(self.nodes.last().map(|tagged| tagged.tag))
        {
            let tag = core.next_epoch();
            set_tags(&mut self.unlinked, tag);
            set_tags(&mut self.nodes, tag);
            // When the barrier is refused now, nothing more is freed: no tag is below 0.
            floors = self.look(core).unwrap_or(Floors { reads: 0, walks: 0 });
        }
        // Only readers of snapshots walk past what is unlinked, only others look at nodes of snapshots
        // that they do not have, and both look names up.
        take_below(&mut self.unlinked, floors.walks, &mut garbage.versions);
        take_below(&mut self.nodes, floors.reads, &mut garbage.nodes);
        take_below(&mut self.slots, floors.lowest(), &mut garbage.slots);
        take_below(&mut self.tables, floors.lowest(), &mut garbage.tables);
        garbage
    }

    /// The epochs below which something is still read, or `None` if that cannot be known.
    fn look(&self, core: &Core<V>) -> Option<Floors> {
        if !barrier::heavy() {
            return None;
        }
        let floors = core.records().floors(core.domain(), false);
        let most = core.settings.hold_back;
        let blocked = blocked(self.retired.iter(), floors.reads, most)
            + blocked(self.unlinked.iter(), floors.walks, most);
        if blocked <= most {
            // Little enough to wait for the next look; but it counts towards that one.
            if blocked > 0 {
                core.lock().outbox.unmarked = blocked;
            }
            return Some(floors);
        }
        // Whoever stands in the way collects on leaving. Who left before the mark could not see it:
        // a second barrier and a second look find them gone, and mark who came in between.
        core.records().floors(core.domain(), true);
        barrier::heavy().then(|| core.records().floors(core.domain(), true))
    }

    /// Takes over the announced snapshots and gives up the dead ones. Returns what those showed.
    ///
    /// `committed` was loaded before the look at the pins. Which nodes may have died since the last
    /// call: the fresh ones; those whose last snapshot said so, because the registry had moved on; and
    /// those of the revision that was the latest at the last call, or came later, whose last snapshot
    /// had nothing to say.
    fn settle_snapshots(&mut self, core: &Core<V>, committed: u64) -> Vec<Retired<V>> {
        let mut maybe_dead = Vec::new();
        for node in core.announced().drain() {
            // SAFETY: nodes are freed by this reclaimer only, after they left `live`.
            let revision = unsafe { node.as_ref() }.revision;
            let live = self.live.entry(revision).or_insert_with(|| Live {
                nodes: vec![],
                held: vec![],
            });
            live.nodes.push(node);
            maybe_dead.push(revision);
        }
        maybe_dead.extend(core.announced().drain_ended());
        maybe_dead.extend(
            self.live
                .range(self.looked_at..)
                .map(|(revision, _)| *revision),
        );
        self.looked_at = committed;
        maybe_dead.sort_unstable();
        maybe_dead.dedup();

        let mut due = Vec::new();
        for revision in maybe_dead {
            let Some(live) = self.live.get_mut(&revision) else {
                continue;
            };
            live.nodes.retain(|&node| {
                // SAFETY: as above.
                if !unsafe { node.as_ref() }.retire() {
                    return true;
                }
                core.announced().forget(node);
                self.nodes.push(Tagged {
                    tag: UNTAGGED,
                    thing: node,
                });
                false
            });
            if live.nodes.is_empty() {
                due.append(&mut live.held);
                self.live.remove(&revision);
            }
        }
        due
    }

    /// Decides about a superseded version that no pin needs any more.
    fn settle(&mut self, retired: Retired<V>, garbage: &mut Garbage<V>) {
        // SAFETY: not freed yet.
        let version = unsafe { retired.version.as_ref() };
        if let Some((_, live)) = self
            .live
            .range_mut(version.revision()..retired.death)
            .next_back()
        {
            live.held.push(retired);
            return;
        }
        // SAFETY: superseded, in its list, and no pin or snapshot needs it.
        unsafe { version.unlink() };
        // A reader of an older snapshot may be walking past it. Without one, nobody goes beyond the
        // version that superseded it.
        if self.live.range(..version.revision()).next().is_some() {
            self.unlinked.push(Tagged {
                tag: UNTAGGED,
                thing: retired.version,
            });
        } else {
            garbage.versions.push(retired.version);
        }
    }

    /// Frees all that this registry ever made.
    ///
    /// # Safety
    ///
    /// Nobody refers to the registry any more; this is the last use of it.
    pub(super) unsafe fn free_everything(
        &mut self,
        outbox: &mut Outbox<V>,
        table: *mut Table<V>,
        announced: &Announced,
    ) {
        self.take(outbox);
        let mut garbage = Garbage::new();
        garbage.all = true;
        // SAFETY: a table is made from a box, and nobody else frees it.
        let table = unsafe { Box::from_raw(table) };
        for (_, slot) in table.iter() {
            // SAFETY: a slot in the table is alive.
            let mut next = unsafe { slot.as_ref() }.head();
            // Retired and shown versions are in the lists of their slots.
            while let Some(version) = NonNull::new(next) {
                // SAFETY: in the list, so not freed.
                next = unsafe { version.as_ref() }.prev();
                garbage.versions.push(version);
            }
            garbage.slots.push(slot);
        }
        garbage
            .versions
            .extend(self.unlinked.drain(..).map(|tagged| tagged.thing));
        for Tagged { thing: slot, .. } in self.slots.drain(..) {
            // SAFETY: not freed yet.
            garbage
                .versions
                .extend(NonNull::new(unsafe { slot.as_ref() }.head()));
            garbage.slots.push(slot);
        }
        garbage
            .tables
            .extend(self.tables.drain(..).map(|tagged| tagged.thing));
        garbage
            .nodes
            .extend(self.nodes.drain(..).map(|tagged| tagged.thing));
        garbage.nodes.extend(
            self.live
                .values()
                .flat_map(|live| live.nodes.iter().copied()),
        );
        garbage.nodes.extend(announced.drain());
        announced.drain_ended().for_each(drop);
        drop(table);
    }
}

/// How many of `list`, whose tags ascend, pins at `floor` still need; counted no further than `most`.
fn blocked<'l, T: 'l>(
    list: impl DoubleEndedIterator<Item = &'l Tagged<T>>,
    floor: u64,
    most: usize,
) -> usize {
    list.rev()
        .take(most.saturating_add(1))
        .take_while(|tagged| tagged.tag > floor)
        .count()
}

fn take_below<T>(from: &mut Vec<Tagged<T>>, floor: u64, into: &mut Vec<T>) {
    into.extend(
        from.extract_if(.., |tagged| tagged.tag <= floor)
            .map(|tagged| tagged.thing),
    );
}
