//! `papaya`, with blocking resizes: at its best once a resize is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use papaya::{HashMap, LocalGuard, ResizeMode};

use super::{Hasher, Map, Peer, Structure};
use crate::names::{Query, Svc};

type Papaya = HashMap<Arc<str>, Arc<Svc>, Hasher>;

/// Makes the map; its modes share it.
pub(crate) fn new(names: &[Arc<str>]) -> Arc<Papaya> {
    let map = HashMap::builder()
        .hasher(Hasher::default())
        .resize_mode(ResizeMode::Blocking)
        .build();
    {
        let map = map.pin();
        for (at, name) in names.iter().enumerate() {
            map.insert(Arc::from(&**name), Arc::new(Svc::new(at)));
        }
    }
    Arc::new(map)
}

/// A pin for each operation.
pub(crate) struct Pinned(pub(crate) Arc<Papaya>);

/// One guard for many operations.
pub(crate) struct Held(pub(crate) Arc<Papaya>);

/// An insert needs a key of its own; the stored one is shared instead of copied.
#[inline]
fn replace(map: &Papaya, guard: &LocalGuard<'_>, name: &str, value: Svc) {
    if let Some((key, _)) = map.get_key_value(name, guard) {
        map.insert(Arc::clone(key), Arc::new(value), guard);
    }
}

impl Peer for Pinned {
    type Local<'a> = ();
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.0.pin().get(query.name).map(|value| value.id)
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<Arc<Svc>> {
        self.0.pin().get(query.name).cloned()
    }

    #[inline]
    fn replace(&self, (): &mut (), query: &Query) {
        replace(
            &self.0,
            &self.0.guard(),
            query.name,
            Svc::new(query.at as usize),
        );
    }
}

impl Peer for Held {
    type Local<'a> = LocalGuard<'a>;
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) -> LocalGuard<'_> {
        self.0.guard()
    }

    fn renew<'a>(&'a self, local: &mut LocalGuard<'a>) {
        *local = self.0.guard();
    }

    #[inline]
    fn field<'a>(&'a self, local: &mut LocalGuard<'a>, query: &Query) -> Option<u64> {
        self.0.get(query.name, local).map(|value| value.id)
    }

    #[inline]
    fn owned<'a>(&'a self, local: &mut LocalGuard<'a>, query: &Query) -> Option<Arc<Svc>> {
        self.0.get(query.name, local).cloned()
    }

    #[inline]
    fn replace<'a>(&'a self, local: &mut LocalGuard<'a>, query: &Query) {
        replace(&self.0, local, query.name, Svc::new(query.at as usize));
    }
}

impl Structure for Pinned {
    fn probe(&self, name: &str) -> u64 {
        self.0.pin().get(name).map_or(0, |value| value.id)
    }

    fn probe_owned(&self, name: &str) {
        drop(std::hint::black_box(self.0.pin().get(name).cloned()));
    }

    fn add(&self, name: &str, value: Svc) {
        self.0.pin().insert(Arc::from(name), Arc::new(value));
    }

    fn change(&self, name: &str, value: Svc) {
        replace(&self.0, &self.0.guard(), name, value);
    }

    fn remove(&self, name: &str) {
        self.0.pin().remove(name);
    }

    fn copy_hash(&self) -> usize {
        let map = self.0.pin();
        let copy: Map = map
            .iter()
            .map(|(k, v)| (Arc::clone(k), Arc::clone(v)))
            .collect();
        std::hint::black_box(copy).len()
    }

    fn copy_btree(&self) -> usize {
        let map = self.0.pin();
        let copy: BTreeMap<Arc<str>, Arc<Svc>> = map
            .iter()
            .map(|(k, v)| (Arc::clone(k), Arc::clone(v)))
            .collect();
        std::hint::black_box(copy).len()
    }

    fn visit(&self) -> u64 {
        self.0.pin().values().fold(0, |sum, value| sum ^ value.id)
    }

    fn visit_ordered(&self) -> u64 {
        let map = self.0.pin();
        let mut entries: Vec<(&str, &Svc)> = map.iter().map(|(k, v)| (&**k, &**v)).collect();
        entries.sort_unstable_by_key(|(name, _)| *name);
        entries
            .iter()
            .fold(0, |sum, (_, value)| sum.rotate_left(1) ^ value.id)
    }
}
