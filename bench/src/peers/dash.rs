//! `dashmap`: a map in shards, each behind a lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Hasher, Map, Peer, Structure};
use crate::names::{Query, Svc};

pub(crate) struct Dash(dashmap::DashMap<Arc<str>, Arc<Svc>, Hasher>);

impl Dash {
    pub(crate) fn new(names: &[Arc<str>]) -> Self {
        let map = dashmap::DashMap::with_hasher(Hasher::default());
        for (at, name) in names.iter().enumerate() {
            map.insert(Arc::from(&**name), Arc::new(Svc::new(at)));
        }
        Self(map)
    }
}

impl Peer for Dash {
    type Local<'a> = ();
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.0.get(query.name).map(|entry| entry.id)
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<Arc<Svc>> {
        self.0.get(query.name).map(|entry| Arc::clone(&entry))
    }

    #[inline]
    fn replace(&self, (): &mut (), query: &Query) {
        self.change(query.name, Svc::new(query.at as usize));
    }
}

impl Structure for Dash {
    fn probe(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |entry| entry.id)
    }

    fn probe_owned(&self, name: &str) {
        drop(std::hint::black_box(
            self.0.get(name).map(|entry| Arc::clone(&entry)),
        ));
    }

    fn add(&self, name: &str, value: Svc) {
        self.0.insert(Arc::from(name), Arc::new(value));
    }

    fn change(&self, name: &str, value: Svc) {
        let value = Arc::new(value);
        let superseded = self
            .0
            .get_mut(name)
            .map(|mut entry| std::mem::replace(entry.value_mut(), value));
        drop(superseded);
    }

    fn remove(&self, name: &str) {
        self.0.remove(name);
    }

    fn copy_hash(&self) -> usize {
        let copy: Map = self
            .0
            .iter()
            .map(|e| (Arc::clone(e.key()), Arc::clone(e.value())))
            .collect();
        std::hint::black_box(copy).len()
    }

    fn copy_btree(&self) -> usize {
        let copy: BTreeMap<Arc<str>, Arc<Svc>> = self
            .0
            .iter()
            .map(|e| (Arc::clone(e.key()), Arc::clone(e.value())))
            .collect();
        std::hint::black_box(copy).len()
    }

    fn visit(&self) -> u64 {
        self.0.iter().fold(0, |sum, entry| sum ^ entry.id)
    }

    fn visit_ordered(&self) -> u64 {
        let copy: BTreeMap<Arc<str>, Arc<Svc>> = self
            .0
            .iter()
            .map(|e| (Arc::clone(e.key()), Arc::clone(e.value())))
            .collect();
        copy.values()
            .fold(0, |sum, value| sum.rotate_left(1) ^ value.id)
    }
}
