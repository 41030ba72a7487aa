//! `arc-swap` over a map: a published snapshot that each change copies whole.

use std::sync::{Arc, Mutex};

use arc_swap::{ArcSwap, ArcSwapOption, Cache, Guard};

use super::{Map, Peer, Structure, locked};
use crate::names::{Query, Svc};

/// A map that is never changed in place, and the writers' mutex.
pub(crate) struct Published {
    map: ArcSwap<Map>,
    writers: Mutex<()>,
}

impl Published {
    pub(crate) fn new(map: Map) -> Arc<Self> {
        Arc::new(Self {
            map: ArcSwap::from_pointee(map),
            writers: Mutex::new(()),
        })
    }

    fn edit(&self, change: impl FnOnce(&mut Map)) {
        let one_writer = self.writers.lock().expect("a panic ends the program");
        let superseded = self.map.load_full();
        let mut copy = Map::clone(&superseded);
        change(&mut copy);
        self.map.store(Arc::new(copy));
        drop(one_writer);
    }
}

/// `ArcSwap::load` for each operation.
pub(crate) struct Loaded(pub(crate) Arc<Published>);

/// `arc_swap::Cache`: an `Arc` for each thread, checked by one load.
pub(crate) struct Cached(pub(crate) Arc<Published>);

/// One `ArcSwap::load` for many operations: they see one revision, as in a view.
pub(crate) struct Held(pub(crate) Arc<Published>);

fn replace(published: &Published, query: &Query) {
    published.change(query.name, Svc::new(query.at as usize));
}

impl Peer for Loaded {
    type Local<'a> = ();
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.0.map.load().get(query.name).map(|value| value.id)
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<Arc<Svc>> {
        self.0.map.load().get(query.name).cloned()
    }

    fn replace(&self, (): &mut (), query: &Query) {
        replace(&self.0, query);
    }
}

impl Peer for Cached {
    type Local<'a> = Cache<&'a ArcSwap<Map>, Arc<Map>>;
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) -> Self::Local<'_> {
        Cache::new(&self.0.map)
    }

    #[inline]
    fn field<'a>(&'a self, local: &mut Self::Local<'a>, query: &Query) -> Option<u64> {
        local.load().get(query.name).map(|value| value.id)
    }

    #[inline]
    fn owned<'a>(&'a self, local: &mut Self::Local<'a>, query: &Query) -> Option<Arc<Svc>> {
        local.load().get(query.name).cloned()
    }

    fn replace<'a>(&'a self, _: &mut Self::Local<'a>, query: &Query) {
        replace(&self.0, query);
    }
}

impl Peer for Held {
    type Local<'a> = Guard<Arc<Map>>;
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) -> Guard<Arc<Map>> {
        self.0.map.load()
    }

    fn renew(&self, local: &mut Guard<Arc<Map>>) {
        *local = self.0.map.load();
    }

    #[inline]
    fn field(&self, local: &mut Guard<Arc<Map>>, query: &Query) -> Option<u64> {
        local.get(query.name).map(|value| value.id)
    }

    #[inline]
    fn owned(&self, local: &mut Guard<Arc<Map>>, query: &Query) -> Option<Arc<Svc>> {
        local.get(query.name).cloned()
    }

    fn replace(&self, _: &mut Guard<Arc<Map>>, query: &Query) {
        replace(&self.0, query);
    }
}

impl Structure for Published {
    fn probe(&self, name: &str) -> u64 {
        self.map.load().get(name).map_or(0, |value| value.id)
    }

    fn probe_owned(&self, name: &str) {
        drop(std::hint::black_box(self.map.load().get(name).cloned()));
    }

    fn add(&self, name: &str, value: Svc) {
        self.edit(|map| {
            map.insert(Arc::from(name), Arc::new(value));
        });
    }

    fn change(&self, name: &str, value: Svc) {
        self.edit(|map| {
            if let Some(old) = map.get_mut(name) {
                *old = Arc::new(value);
            }
        });
    }

    fn remove(&self, name: &str) {
        self.edit(|map| {
            map.remove(name);
        });
    }

    fn copy_hash(&self) -> usize {
        let copy = Map::clone(&self.map.load());
        std::hint::black_box(copy).len()
    }

    fn copy_btree(&self) -> usize {
        std::hint::black_box(locked::tree(&self.map.load())).len()
    }

    fn visit(&self) -> u64 {
        locked::visit(&self.map.load())
    }

    fn visit_ordered(&self) -> u64 {
        locked::visit_ordered(&self.map.load())
    }

    fn snapshots(&self, times: usize) -> bool {
        for _ in 0..times {
            drop(std::hint::black_box(self.map.load_full()));
        }
        true
    }

    fn transact(&self, names: &[&str]) -> bool {
        self.edit(|map| {
            for (at, name) in names.iter().enumerate() {
                if let Some(old) = map.get_mut(*name) {
                    *old = Arc::new(Svc::new(at));
                }
            }
        });
        true
    }
}

/// A handle made of a slot of its own for each name, read by `load`.
pub(crate) struct Slots(pub(crate) Vec<Arc<ArcSwapOption<Svc>>>);

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self(
            (0..count)
                .map(|at| Arc::new(ArcSwapOption::from_pointee(Svc::new(at))))
                .collect(),
        )
    }
}

impl Peer for Slots {
    type Local<'a> = ();
    type Owned = Arc<Svc>;
    const WRITES: bool = true;
    const MISSES: bool = false;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.0[query.at as usize]
            .load()
            .as_ref()
            .map(|value| value.id)
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<Arc<Svc>> {
        self.0[query.at as usize].load_full()
    }

    #[inline]
    fn replace(&self, (): &mut (), query: &Query) {
        self.0[query.at as usize].store(Some(Arc::new(Svc::new(query.at as usize))));
    }
}

/// The same slots, each read through a cache of the thread.
pub(crate) struct CachedSlots(Vec<Arc<ArcSwap<Svc>>>);

impl CachedSlots {
    pub(crate) fn new(count: usize) -> Self {
        Self(
            (0..count)
                .map(|at| Arc::new(ArcSwap::from_pointee(Svc::new(at))))
                .collect(),
        )
    }
}

impl Peer for CachedSlots {
    type Local<'a> = Vec<Cache<&'a ArcSwap<Svc>, Arc<Svc>>>;
    type Owned = Arc<Svc>;
    const WRITES: bool = true;
    const MISSES: bool = false;

    fn enter(&self) -> Self::Local<'_> {
        self.0.iter().map(|slot| Cache::new(&**slot)).collect()
    }

    #[inline]
    fn field<'a>(&'a self, local: &mut Self::Local<'a>, query: &Query) -> Option<u64> {
        Some(local[query.at as usize].load().id)
    }

    #[inline]
    fn owned<'a>(&'a self, local: &mut Self::Local<'a>, query: &Query) -> Option<Arc<Svc>> {
        Some(Arc::clone(local[query.at as usize].load()))
    }

    #[inline]
    fn replace<'a>(&'a self, _: &mut Self::Local<'a>, query: &Query) {
        self.0[query.at as usize].store(Arc::new(Svc::new(query.at as usize)));
    }
}
