//! One revision of a whole registry, for as long as its owner likes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Bound;
use std::ptr::NonNull;
use std::sync::OnceLock;

use super::core::Core;
use super::owned::{Entry, Owned};
use super::slot::Slot;
use super::snapshots::Node;
use super::version::Version;
use crate::sync::Arc;

/// The slots of the names of some revision, sorted by name.
pub(crate) struct Order<V> {
    /// The last revision, up to this one, in which a name came or went.
    membership: u64,
    slots: Box<[NonNull<Slot<V>>]>,
}

// SAFETY: addresses of slots, which are shared between threads; they are used only while a snapshot
// of a revision with these names lives.
unsafe impl<V: Send + Sync> Send for Order<V> {}
// SAFETY: as above.
unsafe impl<V: Send + Sync> Sync for Order<V> {}

/// One revision of a whole registry, immutable, cheap to take and to hold.
///
/// Taking a snapshot copies nothing: it announces that its revision is in use. Whatever the registry
/// does afterwards, the snapshot shows what it showed (a read passes the versions of its name that
/// came since and are in use); it holds on to exactly the values that it
/// shows, and gives up superseded ones when it is dropped. It may be cloned, kept, sent to other
/// threads and held across `.await`. It keeps the registry's present entries alive as well.
///
/// # Consistency
///
/// A snapshot shows one revision: all of every change up to it and nothing of any later one. What a
/// factory builds is no change: an entry that was unbuilt when the snapshot was taken shows its value
/// as soon as it is there.
///
/// # Examples
///
/// ```
/// use byname_registry::Registry;
///
/// let registry = Registry::from_iter([("b", 2), ("a", 1)]);
/// let before = registry.snapshot();
/// registry.remove("a")?;
/// assert_eq!(before.iter().collect::<Vec<_>>(), [("a", &1), ("b", &2)]);
/// assert_eq!(before.to_btree_map().len(), 2);
/// assert_eq!(registry.snapshot().len(), 1);
/// # Ok::<(), byname_registry::ChangeError>(())
/// ```
pub struct Snapshot<V> {
    core: Arc<Core<V>>,
    /// This snapshot's share: while it lives the reclaimer keeps what `revision` shows.
    node: NonNull<Node>,
    revision: u64,
    order: OnceLock<Arc<Order<V>>>,
}

// SAFETY: a snapshot gives shared access to a core, which is Send and Sync under these bounds; the
// node is made of atomics and belongs to the core.
unsafe impl<V: Send + Sync> Send for Snapshot<V> {}
// SAFETY: as above.
unsafe impl<V: Send + Sync> Sync for Snapshot<V> {}

impl<V> Snapshot<V> {
    pub(crate) fn new(core: &Arc<Core<V>>) -> Self {
        let (snapshot, awaited) = Self::under_lock(core);
        if awaited {
            core.request_collection();
        }
        snapshot
    }

    /// Takes a snapshot where the writers' mutex may be held. Also returns whether a collection is to
    /// be requested after unlocking.
    pub(super) fn under_lock(core: &Arc<Core<V>>) -> (Self, bool) {
        let (node, awaited) = core.announce();
        // SAFETY: our share keeps the node alive.
        let revision = unsafe { node.as_ref() }.revision;
        let snapshot = Self {
            core: Arc::clone(core),
            node,
            revision,
            order: OnceLock::new(),
        };
        (snapshot, awaited)
    }

    /// Returns the revision that the snapshot shows.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Version<V>> {
        let pin = self.core.pin_walk();
        let table = self.core.table(&pin);
        // SAFETY: the walk is protected by the pin, what it finds by the snapshot.
        let found = unsafe { self.core.find(table, name, self.revision) };
        self.core.unpin(pin);
        found.filter(|version| !version.is_absent())
    }

    /// Returns the value of `name`; `None` when there is no such entry, or when it is a factory's
    /// and has not been built.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&V> {
        self.find(name)?.value()
    }

    /// Shares the value of `name`; `None` as for [`get`](Self::get).
    #[must_use]
    pub fn get_owned(&self, name: &str) -> Option<Owned<V>> {
        self.entry(name)?.into_owned().ok()
    }

    /// Returns the entry of `name`, built or not.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<Entry<V>> {
        self.find(name).map(Entry::share)
    }

    /// Returns whether there is an entry `name`, built or not.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Returns how many entries there are, built or not.
    ///
    /// Constant time unless names have come or gone since the snapshot was taken.
    #[must_use]
    pub fn len(&self) -> usize {
        if let Some(order) = self.order.get() {
            return order.slots.len();
        }
        let live = self.core.live();
        // If no name came or went up to here since this revision, `live` was its count.
        if self.core.membership() <= self.revision {
            live
        } else {
            self.order().slots.len()
        }
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Iterates over names and values, ordered by name, byte by byte. Entries of factories that have
    /// not been built are left out.
    ///
    /// The first iteration after a name has come or gone sorts the names, O(n log n); further ones
    /// share the result.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.walk(Bound::Unbounded)
            .filter_map(|(name, version)| Some((name, version.value()?)))
    }

    /// Iterates like [`iter`](Self::iter) from the first name at or after `start`.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_registry::Registry;
    /// use std::ops::Bound;
    ///
    /// let registry = Registry::from_iter([("a", 1), ("b", 2), ("c", 3)]);
    /// let snapshot = registry.snapshot();
    /// let after_a: Vec<_> = snapshot.iter_from(Bound::Excluded("a")).collect();
    /// assert_eq!(after_a, [("b", &2), ("c", &3)]);
    /// ```
    pub fn iter_from(&self, start: Bound<&str>) -> impl Iterator<Item = (&str, &V)> {
        self.walk(start)
            .filter_map(|(name, version)| Some((name, version.value()?)))
    }

    /// Iterates over names and entries, built or not, ordered by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Entry<V>)> {
        self.walk(Bound::Unbounded)
            .map(|(name, version)| (name, Entry::share(version)))
    }

    /// Iterates over the names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.walk(Bound::Unbounded).map(|(name, _)| name)
    }

    /// Copies names and values into a map that belongs to the caller. Sorts nothing.
    #[must_use]
    pub fn to_hash_map(&self) -> HashMap<String, V>
    where
        V: Clone,
    {
        let order = self
            .known_order()
            .unwrap_or_else(|| Arc::new(self.unsorted(0)));
        self.walk_from(order, 0)
            .filter_map(|(name, version)| Some((name, version.value()?)))
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect()
    }

    /// Copies names and values into an ordered map that belongs to the caller.
    #[must_use]
    pub fn to_btree_map(&self) -> BTreeMap<String, V>
    where
        V: Clone,
    {
        self.iter()
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect()
    }

    fn walk(&self, start: Bound<&str>) -> impl Iterator<Item = (&str, &Version<V>)> {
        let order = Arc::clone(self.order());
        // SAFETY: the slots of names that this revision has stay as long as the snapshot.
        let name = |slot: &NonNull<Slot<V>>| unsafe { Slot::name(*slot) };
        let first = match start {
            Bound::Unbounded => 0,
            Bound::Included(start) => order.slots.partition_point(|slot| name(slot) < start),
            Bound::Excluded(start) => order.slots.partition_point(|slot| name(slot) <= start),
        };
        self.walk_from(order, first)
    }

    /// Walks over slots of this revision.
    fn walk_from(
        &self,
        order: Arc<Order<V>>,
        first: usize,
    ) -> impl Iterator<Item = (&str, &Version<V>)> {
        (first..order.slots.len()).filter_map(move |index| {
            let slot = order.slots[index];
            let pin = self.core.pin_walk();
            // SAFETY: the walk is protected by the pin, what it finds by the snapshot.
            let version = unsafe { Core::visible(slot, self.revision) };
            self.core.unpin(pin);
            // SAFETY: as in `walk`.
            version.map(|version| (unsafe { Slot::name(slot) }, version))
        })
    }

    /// The names in order, if that has been worked out for these names.
    fn known_order(&self) -> Option<Arc<Order<V>>> {
        if let Some(order) = self.order.get() {
            return Some(Arc::clone(order));
        }
        let membership = self.core.membership();
        // A revision at or after the last coming and going has the names of that one.
        let cache = (membership <= self.revision)
            .then(|| self.core.order_cache().try_lock().ok())
            .flatten()?;
        cache
            .as_ref()
            .filter(|order| order.membership == membership)
            .map(Arc::clone)
    }

    /// The names in order. Nobody waits for the sorting of another: at worst two do it at once.
    fn order(&self) -> &Arc<Order<V>> {
        if let Some(order) = self.order.get() {
            return order;
        }
        let order = self.known_order().unwrap_or_else(|| self.sort());
        self.order.get_or_init(|| order)
    }

    /// Sorts the names, and lets others know if they are still the present ones.
    fn sort(&self) -> Arc<Order<V>> {
        let membership = self.core.membership();
        let mut order = self.unsorted(membership);
        // SAFETY: these slots show something in this revision, so they stay with the snapshot.
        let name = |slot: NonNull<Slot<V>>| unsafe { Slot::name(slot) };
        order.slots.sort_unstable_by(|&a, &b| name(a).cmp(name(b)));
        let order = Arc::new(order);
        if membership <= self.revision
            && let Ok(mut cache) = self.core.order_cache().try_lock()
        {
            *cache = Some(Arc::clone(&order));
        }
        order
    }

    /// The slots of this revision's names, in no order.
    fn unsorted(&self, membership: u64) -> Order<V> {
        let pin = self.core.pin_walk();
        // SAFETY: protected by the pin.
        let table = unsafe { self.core.table(&pin).as_ref() };
        let shown = |&slot: &NonNull<Slot<V>>| {
            // SAFETY: slots in the table are protected by the pin.
            let shown = unsafe { Core::visible(slot, self.revision) };
            shown.is_some_and(|version| !version.is_absent())
        };
        let slots = table.iter().map(|(_, slot)| slot).filter(shown).collect();
        self.core.unpin(pin);
        Order { membership, slots }
    }
}

impl<V> Clone for Snapshot<V> {
    fn clone(&self) -> Self {
        // SAFETY: our share keeps the node alive.
        unsafe { self.node.as_ref() }.retain();
        Self {
            core: Arc::clone(&self.core),
            node: self.node,
            revision: self.revision,
            order: self.order.clone(),
        }
    }
}

impl<V> Drop for Snapshot<V> {
    fn drop(&mut self) {
        // SAFETY: the share is this snapshot's own.
        unsafe { self.core.end_snapshot(self.node) };
    }
}

impl<V: fmt::Debug> fmt::Debug for Snapshot<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
