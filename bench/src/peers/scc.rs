//! `scc`: a map with a lock for each bucket, and an index whose readers take none.

use std::collections::BTreeMap;
use std::sync::Arc;

use scc::{Guard, HashIndex, HashMap};

use super::{Hasher, Map, Peer, Structure};
use crate::names::{Query, Svc};

pub(crate) struct Buckets(HashMap<Arc<str>, Arc<Svc>, Hasher>);

impl Buckets {
    pub(crate) fn new(names: &[Arc<str>]) -> Self {
        let map = HashMap::with_hasher(Hasher::default());
        for (at, name) in names.iter().enumerate() {
            let taken = map.insert_sync(Arc::from(&**name), Arc::new(Svc::new(at)));
            debug_assert!(taken.is_ok(), "names are distinct");
        }
        Self(map)
    }
}

impl Peer for Buckets {
    type Local<'a> = ();
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.0.read_sync(query.name, |_, value| value.id)
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<Arc<Svc>> {
        self.0.read_sync(query.name, |_, value| Arc::clone(value))
    }

    #[inline]
    fn replace(&self, (): &mut (), query: &Query) {
        self.change(query.name, Svc::new(query.at as usize));
    }
}

impl Structure for Buckets {
    fn probe(&self, name: &str) -> u64 {
        self.0.read_sync(name, |_, value| value.id).unwrap_or(0)
    }

    fn probe_owned(&self, name: &str) {
        drop(std::hint::black_box(
            self.0.read_sync(name, |_, value| Arc::clone(value)),
        ));
    }

    fn add(&self, name: &str, value: Svc) {
        let _ = self.0.insert_sync(Arc::from(name), Arc::new(value));
    }

    fn change(&self, name: &str, value: Svc) {
        let value = Arc::new(value);
        let superseded = self
            .0
            .update_sync(name, |_, old| std::mem::replace(old, value));
        drop(superseded);
    }

    fn remove(&self, name: &str) {
        self.0.remove_sync(name);
    }

    fn copy_hash(&self) -> usize {
        let mut copy = Map::with_capacity_and_hasher(self.0.len(), Hasher::default());
        self.0.iter_sync(|name, value| {
            copy.insert(Arc::clone(name), Arc::clone(value));
            true
        });
        std::hint::black_box(copy).len()
    }

    fn copy_btree(&self) -> usize {
        std::hint::black_box(self.tree()).len()
    }

    fn visit(&self) -> u64 {
        let mut sum = 0;
        self.0.iter_sync(|_, value| {
            sum ^= value.id;
            true
        });
        sum
    }

    fn visit_ordered(&self) -> u64 {
        self.tree()
            .values()
            .fold(0, |sum, value| sum.rotate_left(1) ^ value.id)
    }
}

impl Buckets {
    fn tree(&self) -> BTreeMap<Arc<str>, Arc<Svc>> {
        let mut entries = Vec::with_capacity(self.0.len());
        self.0.iter_sync(|name, value| {
            entries.push((Arc::clone(name), Arc::clone(value)));
            true
        });
        entries.into_iter().collect()
    }
}

type Index = HashIndex<Arc<str>, Arc<Svc>, Hasher>;

/// Makes the index; its modes share it.
pub(crate) fn index(names: &[Arc<str>]) -> Arc<Index> {
    let map = HashIndex::with_hasher(Hasher::default());
    for (at, name) in names.iter().enumerate() {
        let taken = map.insert_sync(Arc::from(&**name), Arc::new(Svc::new(at)));
        debug_assert!(taken.is_ok(), "names are distinct");
    }
    Arc::new(map)
}

/// A guard for each operation.
pub(crate) struct Peeked(pub(crate) Arc<Index>);

/// One guard for many operations.
pub(crate) struct Held(pub(crate) Arc<Index>);

fn replace(index: &Index, name: &str, value: Svc) {
    if let Some(mut entry) = index.get_sync(name) {
        entry.update(Arc::new(value));
    }
}

impl Peer for Peeked {
    type Local<'a> = ();
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.0.peek_with(query.name, |_, value| value.id)
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<Arc<Svc>> {
        self.0.peek_with(query.name, |_, value| Arc::clone(value))
    }

    #[inline]
    fn replace(&self, (): &mut (), query: &Query) {
        replace(&self.0, query.name, Svc::new(query.at as usize));
    }
}

impl Peer for Held {
    type Local<'a> = Guard;
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) -> Guard {
        Guard::new()
    }

    fn renew(&self, local: &mut Guard) {
        *local = Guard::new();
    }

    #[inline]
    fn field(&self, local: &mut Guard, query: &Query) -> Option<u64> {
        self.0.peek(query.name, local).map(|value| value.id)
    }

    #[inline]
    fn owned(&self, local: &mut Guard, query: &Query) -> Option<Arc<Svc>> {
        self.0.peek(query.name, local).cloned()
    }

    #[inline]
    fn replace(&self, _: &mut Guard, query: &Query) {
        replace(&self.0, query.name, Svc::new(query.at as usize));
    }
}

impl Structure for Peeked {
    fn probe(&self, name: &str) -> u64 {
        self.0.peek_with(name, |_, value| value.id).unwrap_or(0)
    }

    fn probe_owned(&self, name: &str) {
        drop(std::hint::black_box(
            self.0.peek_with(name, |_, value| Arc::clone(value)),
        ));
    }

    fn add(&self, name: &str, value: Svc) {
        let _ = self.0.insert_sync(Arc::from(name), Arc::new(value));
    }

    fn change(&self, name: &str, value: Svc) {
        replace(&self.0, name, value);
    }

    fn remove(&self, name: &str) {
        self.0.remove_sync(name);
    }

    fn copy_hash(&self) -> usize {
        let guard = Guard::new();
        let copy: Map = self
            .0
            .iter(&guard)
            .map(|(k, v)| (Arc::clone(k), Arc::clone(v)))
            .collect();
        std::hint::black_box(copy).len()
    }

    fn copy_btree(&self) -> usize {
        let guard = Guard::new();
        let copy: BTreeMap<Arc<str>, Arc<Svc>> = self
            .0
            .iter(&guard)
            .map(|(k, v)| (Arc::clone(k), Arc::clone(v)))
            .collect();
        std::hint::black_box(copy).len()
    }

    fn visit(&self) -> u64 {
        self.0
            .iter(&Guard::new())
            .fold(0, |sum, (_, value)| sum ^ value.id)
    }

    fn visit_ordered(&self) -> u64 {
        let guard = Guard::new();
        let mut entries: Vec<(&str, &Svc)> =
            self.0.iter(&guard).map(|(k, v)| (&**k, &**v)).collect();
        entries.sort_unstable_by_key(|(name, _)| *name);
        entries
            .iter()
            .fold(0, |sum, (_, value)| sum.rotate_left(1) ^ value.id)
    }
}
