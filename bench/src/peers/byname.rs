//! The registry, with values inside its entries and with values behind `Arc`.

use std::sync::Arc;

use byname_registry::{Handle, Owned, Registry, Snapshot, View};

use super::lineup::{self, Reader};
use super::{Build, Peer, Structure};
use crate::names::{Names, Query, Svc};

/// What a registry holds here: the value itself or an `Arc` of it.
pub(crate) trait Payload: Clone + Send + Sync + 'static {
    type Owned: 'static;
    fn make(at: usize) -> Self;
    fn from_svc(value: Svc) -> Self;
    fn id(&self) -> u64;
    /// Whether a value is owned by cloning what was borrowed.
    const CLONES: bool;
    fn own(registry: &Registry<Self>, name: &str) -> Option<Self::Owned>;
    fn own_in(view: &View<'_, Self>, name: &str) -> Option<Self::Owned>;
}

impl Payload for Svc {
    type Owned = Owned<Svc>;
    const CLONES: bool = false;

    fn make(at: usize) -> Self {
        Svc::new(at)
    }

    fn from_svc(value: Svc) -> Self {
        value
    }

    #[inline]
    fn id(&self) -> u64 {
        self.id
    }

    #[inline]
    fn own(registry: &Registry<Self>, name: &str) -> Option<Owned<Svc>> {
        registry.get_owned(name)
    }

    fn own_in(_: &View<'_, Self>, _: &str) -> Option<Owned<Svc>> {
        None
    }
}

impl Payload for Arc<Svc> {
    type Owned = Arc<Svc>;
    const CLONES: bool = true;

    fn make(at: usize) -> Self {
        Arc::new(Svc::new(at))
    }

    fn from_svc(value: Svc) -> Self {
        Arc::new(value)
    }

    #[inline]
    fn id(&self) -> u64 {
        self.id
    }

    #[inline]
    fn own(registry: &Registry<Self>, name: &str) -> Option<Arc<Svc>> {
        registry.get(name).map(|value| Arc::clone(&value))
    }

    #[inline]
    fn own_in(view: &View<'_, Self>, name: &str) -> Option<Arc<Svc>> {
        view.get(name).cloned()
    }
}

fn filled<V: Payload>(names: &Names) -> Registry<V> {
    names
        .stored
        .iter()
        .enumerate()
        .map(|(at, name)| (Arc::<str>::from(&**name), V::make(at)))
        .collect()
}

fn replace<V: Payload>(registry: &Registry<V>, name: &str, value: V) {
    registry
        .replace(name, value)
        .expect("the name is there and the registry is open");
}

/// A bare call: `get` and its guard.
struct Got<V>(Registry<V>);

/// A bare call: `read` with a closure.
struct Read<V>(Registry<V>);

/// A view held for many reads.
struct Viewed<V>(Registry<V>);

/// A snapshot held for many reads.
struct Pictured<V>(Registry<V>);

impl<V: Payload> Peer for Got<V> {
    type Local<'a> = ();
    type Owned = V::Owned;
    const WRITES: bool = true;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.0.get(query.name).map(|value| value.id())
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<V::Owned> {
        V::own(&self.0, query.name)
    }

    #[inline]
    fn replace(&self, (): &mut (), query: &Query) {
        replace(&self.0, query.name, V::make(query.at as usize));
    }
}

impl<V: Payload> Peer for Read<V> {
    type Local<'a> = ();
    type Owned = ();
    const WRITES: bool = true;
    const OWNS: bool = false;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.0.read(query.name, V::id)
    }

    fn owned(&self, (): &mut (), _: &Query) -> Option<()> {
        None
    }

    #[inline]
    fn replace(&self, (): &mut (), query: &Query) {
        replace(&self.0, query.name, V::make(query.at as usize));
    }
}

impl<V: Payload> Peer for Viewed<V> {
    type Local<'a> = View<'a, V>;
    type Owned = V::Owned;
    const WRITES: bool = true;
    const OWNS: bool = V::CLONES;

    fn enter(&self) -> View<'_, V> {
        self.0.view()
    }

    fn renew<'a>(&'a self, local: &mut View<'a, V>) {
        *local = self.0.view();
    }

    #[inline]
    fn field<'a>(&'a self, local: &mut View<'a, V>, query: &Query) -> Option<u64> {
        local.get(query.name).map(V::id)
    }

    #[inline]
    fn owned<'a>(&'a self, local: &mut View<'a, V>, query: &Query) -> Option<V::Owned> {
        V::own_in(local, query.name)
    }

    #[inline]
    fn replace<'a>(&'a self, _: &mut View<'a, V>, query: &Query) {
        replace(&self.0, query.name, V::make(query.at as usize));
    }
}

impl<V: Payload> Peer for Pictured<V> {
    type Local<'a> = Snapshot<V>;
    type Owned = Owned<V>;
    const WRITES: bool = true;

    fn enter(&self) -> Snapshot<V> {
        self.0.snapshot()
    }

    fn renew(&self, local: &mut Snapshot<V>) {
        *local = self.0.snapshot();
    }

    #[inline]
    fn field(&self, local: &mut Snapshot<V>, query: &Query) -> Option<u64> {
        local.get(query.name).map(V::id)
    }

    #[inline]
    fn owned(&self, local: &mut Snapshot<V>, query: &Query) -> Option<Owned<V>> {
        local.get_owned(query.name)
    }

    #[inline]
    fn replace(&self, _: &mut Snapshot<V>, query: &Query) {
        replace(&self.0, query.name, V::make(query.at as usize));
    }
}

/// Handles, each call by itself.
struct Handled(Registry<Svc>, Vec<Handle<Svc>>);

/// Handles, read in a view that is held.
struct HandledInView(Registry<Svc>, Vec<Handle<Svc>>);

impl Peer for Handled {
    type Local<'a> = ();
    type Owned = ();
    const WRITES: bool = true;
    const OWNS: bool = false;
    const MISSES: bool = false;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.1[query.at as usize].get().map(|value| value.id)
    }

    fn owned(&self, (): &mut (), _: &Query) -> Option<()> {
        None
    }

    #[inline]
    fn replace(&self, (): &mut (), query: &Query) {
        replace(&self.0, query.name, Svc::new(query.at as usize));
    }
}

impl Peer for HandledInView {
    type Local<'a> = View<'a, Svc>;
    type Owned = ();
    const WRITES: bool = true;
    const OWNS: bool = false;
    const MISSES: bool = false;

    fn enter(&self) -> View<'_, Svc> {
        self.0.view()
    }

    fn renew<'a>(&'a self, local: &mut View<'a, Svc>) {
        *local = self.0.view();
    }

    #[inline]
    fn field<'a>(&'a self, local: &mut View<'a, Svc>, query: &Query) -> Option<u64> {
        self.1[query.at as usize]
            .get_in(local)
            .map(|value| value.id)
    }

    fn owned<'a>(&'a self, _: &mut View<'a, Svc>, _: &Query) -> Option<()> {
        None
    }

    #[inline]
    fn replace<'a>(&'a self, _: &mut View<'a, Svc>, query: &Query) {
        replace(&self.0, query.name, Svc::new(query.at as usize));
    }
}

/// The registry as a whole.
struct Whole<V>(Registry<V>);

impl<V: Payload> Structure for Whole<V> {
    fn probe(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |value| value.id())
    }

    fn probe_owned(&self, name: &str) {
        drop(std::hint::black_box(V::own(&self.0, name)));
    }

    fn add(&self, name: &str, value: Svc) {
        self.0
            .register(name, V::from_svc(value))
            .expect("the name is new");
    }

    fn change(&self, name: &str, value: Svc) {
        replace(&self.0, name, V::from_svc(value));
    }

    fn remove(&self, name: &str) {
        self.0.remove(name).expect("the name is there");
    }

    fn copy_hash(&self) -> usize {
        std::hint::black_box(self.0.snapshot().to_hash_map()).len()
    }

    fn copy_btree(&self) -> usize {
        std::hint::black_box(self.0.snapshot().to_btree_map()).len()
    }

    fn visit(&self) -> u64 {
        self.visit_ordered()
    }

    fn visit_ordered(&self) -> u64 {
        self.0
            .snapshot()
            .iter()
            .fold(0, |sum, (_, value)| sum.rotate_left(1) ^ value.id())
    }

    fn snapshots(&self, times: usize) -> bool {
        for _ in 0..times {
            drop(std::hint::black_box(self.0.snapshot()));
        }
        true
    }

    fn transact(&self, names: &[&str]) -> bool {
        let committed = self.0.transaction(|draft| {
            for (at, name) in names.iter().enumerate() {
                draft.replace(name, V::make(at))?;
            }
            Ok::<(), byname_registry::ChangeError>(())
        });
        committed.is_ok()
    }
}

/// The registry's ways to read by name.
pub(crate) fn readers(names: &Names) -> Vec<Reader> {
    let plain: Registry<Svc> = filled(names);
    let shared: Registry<Arc<Svc>> = filled(names);
    vec![
        Reader::new(lineup::REGISTRY_GET, Got(plain.clone())),
        Reader::new(lineup::REGISTRY_READ, Read(plain.clone())),
        Reader::new(lineup::REGISTRY_VIEW, Viewed(plain.clone())),
        Reader::new(lineup::REGISTRY_SNAPSHOT, Pictured(plain)),
        Reader::new(lineup::REGISTRY_GET_ARC, Got(shared.clone())),
        Reader::new(lineup::REGISTRY_VIEW_ARC, Viewed(shared)),
    ]
}

/// The registry's ways to read what was looked up once.
pub(crate) fn handles(names: &Names) -> Vec<Reader> {
    let registry: Registry<Svc> = filled(names);
    let handles: Vec<Handle<Svc>> = names
        .stored
        .iter()
        .map(|name| registry.handle(name).expect("the name is there"))
        .collect();
    vec![
        Reader::new(
            lineup::HANDLE_BARE,
            Handled(registry.clone(), handles.clone()),
        ),
        Reader::new(lineup::HANDLE_VIEW, HandledInView(registry, handles)),
    ]
}

/// The registry's row of the decision table.
pub(crate) fn deciders(names: &Names) -> Vec<Reader> {
    vec![Reader::new(lineup::REGISTRY_GET, Got::<Svc>(filled(names)))]
}

/// The registry as a structure.
pub(crate) fn structures() -> Vec<(&'static str, Build)> {
    vec![
        (lineup::REGISTRY, |names| {
            Arc::new(Whole::<Svc>(filled(names)))
        }),
        (lineup::REGISTRY_ARC, |names| {
            Arc::new(Whole::<Arc<Svc>>(filled(names)))
        }),
    ]
}
