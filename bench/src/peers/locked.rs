//! A map behind a lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Hasher, Map, Peer, Structure};
use crate::names::{Query, Svc};

pub(crate) type StdMutex = std::sync::Mutex<Map>;
pub(crate) type StdRwLock = std::sync::RwLock<Map>;
pub(crate) type ParkingMutex = parking_lot::Mutex<Map>;
pub(crate) type ParkingRwLock = parking_lot::RwLock<Map>;

/// Lets one text serve locks that differ only in how they are taken.
pub(crate) trait Lock: Send + Sync + 'static {
    fn shared<R>(&self, read: impl FnOnce(&Map) -> R) -> R;
    fn exclusive<R>(&self, write: impl FnOnce(&mut Map) -> R) -> R;
}

impl Lock for StdMutex {
    #[inline]
    fn shared<R>(&self, read: impl FnOnce(&Map) -> R) -> R {
        read(&self.lock().expect("a panic ends the program"))
    }
    #[inline]
    fn exclusive<R>(&self, write: impl FnOnce(&mut Map) -> R) -> R {
        write(&mut self.lock().expect("a panic ends the program"))
    }
}

impl Lock for StdRwLock {
    #[inline]
    fn shared<R>(&self, read: impl FnOnce(&Map) -> R) -> R {
        read(&self.read().expect("a panic ends the program"))
    }
    #[inline]
    fn exclusive<R>(&self, write: impl FnOnce(&mut Map) -> R) -> R {
        write(&mut self.write().expect("a panic ends the program"))
    }
}

impl Lock for ParkingMutex {
    #[inline]
    fn shared<R>(&self, read: impl FnOnce(&Map) -> R) -> R {
        read(&self.lock())
    }
    #[inline]
    fn exclusive<R>(&self, write: impl FnOnce(&mut Map) -> R) -> R {
        write(&mut self.lock())
    }
}

impl Lock for ParkingRwLock {
    #[inline]
    fn shared<R>(&self, read: impl FnOnce(&Map) -> R) -> R {
        read(&self.read())
    }
    #[inline]
    fn exclusive<R>(&self, write: impl FnOnce(&mut Map) -> R) -> R {
        write(&mut self.write())
    }
}

/// A map behind any [`Lock`]. A replaced value is dropped after the lock was released.
pub(crate) struct Locked<L>(pub(crate) L);

impl<L: Lock> Peer for Locked<L> {
    type Local<'a> = ();
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.0
            .shared(|map| map.get(query.name).map(|value| value.id))
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<Arc<Svc>> {
        self.0.shared(|map| map.get(query.name).cloned())
    }

    #[inline]
    fn replace(&self, (): &mut (), query: &Query) {
        self.change(query.name, Svc::new(query.at as usize));
    }
}

impl<L: Lock> Structure for Locked<L> {
    fn probe(&self, name: &str) -> u64 {
        self.0
            .shared(|map| map.get(name).map_or(0, |value| value.id))
    }

    fn probe_owned(&self, name: &str) {
        drop(std::hint::black_box(
            self.0.shared(|map| map.get(name).cloned()),
        ));
    }

    fn add(&self, name: &str, value: Svc) {
        let (name, value) = (Arc::from(name), Arc::new(value));
        self.0.exclusive(|map| map.insert(name, value));
    }

    fn change(&self, name: &str, value: Svc) {
        let value = Arc::new(value);
        let superseded = self
            .0
            .exclusive(|map| map.get_mut(name).map(|old| std::mem::replace(old, value)));
        drop(superseded);
    }

    fn remove(&self, name: &str) {
        let removed = self.0.exclusive(|map| map.remove(name));
        drop(removed);
    }

    fn copy_hash(&self) -> usize {
        let copy: Map = self.0.shared(Clone::clone);
        std::hint::black_box(copy).len()
    }

    fn copy_btree(&self) -> usize {
        let copy: BTreeMap<Arc<str>, Arc<Svc>> = self.0.shared(tree);
        std::hint::black_box(copy).len()
    }

    fn visit(&self) -> u64 {
        self.0.shared(visit)
    }

    fn visit_ordered(&self) -> u64 {
        self.0.shared(visit_ordered)
    }

    fn transact(&self, names: &[&str]) -> bool {
        let values: Vec<Arc<Svc>> = names
            .iter()
            .enumerate()
            .map(|(at, _)| Arc::new(Svc::new(at)))
            .collect();
        let superseded: Vec<Option<Arc<Svc>>> = self.0.exclusive(|map| {
            names
                .iter()
                .zip(values)
                .map(|(name, value)| map.get_mut(*name).map(|old| std::mem::replace(old, value)))
                .collect()
        });
        drop(superseded);
        true
    }
}

/// Copies a map into a tree.
pub(crate) fn tree(map: &HashMap<Arc<str>, Arc<Svc>, Hasher>) -> BTreeMap<Arc<str>, Arc<Svc>> {
    map.iter()
        .map(|(name, value)| (Arc::clone(name), Arc::clone(value)))
        .collect()
}

/// Reads a field of every value.
pub(crate) fn visit(map: &Map) -> u64 {
    map.values().fold(0, |sum, value| sum ^ value.id)
}

/// Sorts references to the entries and reads a field of each.
pub(crate) fn visit_ordered(map: &Map) -> u64 {
    let mut entries: Vec<(&str, &Svc)> = map
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    entries
        .iter()
        .fold(0, |sum, (_, value)| sum.rotate_left(1) ^ value.id)
}
