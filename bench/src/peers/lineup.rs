//! Which rows a table has, and how each is made.

use std::sync::Arc;

use super::arc_swapped::{self, CachedSlots, Published, Slots};
use super::channel::Actor;
use super::dash::Dash;
use super::double::Double;
use super::floors::{Frozen, Loads, Null, Plain};
use super::locked::{Locked, ParkingMutex, ParkingRwLock, StdMutex, StdRwLock};
use super::{Build, Peer, Structure, Task, papaya, plain, scc, work};
use crate::measure::Work;
use crate::names::{Names, Queries, Svc};

pub(crate) const NULL: &str = "loop alone";
pub(crate) const FLOOR: &str = "`HashMap` behind `&`";
pub(crate) const STD_MUTEX: &str = "std `Mutex<HashMap>`";
pub(crate) const STD_RWLOCK: &str = "std `RwLock<HashMap>`";
pub(crate) const PARKING_MUTEX: &str = "parking_lot `Mutex<HashMap>`";
pub(crate) const PARKING_RWLOCK: &str = "parking_lot `RwLock<HashMap>`";
pub(crate) const DASHMAP: &str = "dashmap";
pub(crate) const PAPAYA_PINNED: &str = "papaya, pinned per call";
pub(crate) const PAPAYA_HELD: &str = "papaya, guard held";
pub(crate) const SCC_MAP: &str = "scc `HashMap`";
pub(crate) const SCC_INDEX: &str = "scc `HashIndex`";
pub(crate) const SCC_INDEX_HELD: &str = "scc `HashIndex`, guard held";
pub(crate) const SWAP_LOAD: &str = "arc-swap `load`";
pub(crate) const SWAP_CACHE: &str = "arc-swap `Cache`";
pub(crate) const SWAP_HELD: &str = "arc-swap, one `load` held";
pub(crate) const LEFT_RIGHT: &str = "left-right";
pub(crate) const CHANNEL: &str = "channel to a thread";

pub(crate) const REGISTRY_GET: &str = "**registry** `get`";
pub(crate) const REGISTRY_READ: &str = "**registry** `read`";
pub(crate) const REGISTRY_VIEW: &str = "**registry** view held";
pub(crate) const REGISTRY_SNAPSHOT: &str = "**registry** snapshot held";
pub(crate) const REGISTRY_GET_ARC: &str = "**registry** of `Arc`, `get`";
pub(crate) const REGISTRY_VIEW_ARC: &str = "**registry** of `Arc`, view held";
pub(crate) const REGISTRY: &str = "**registry**";
pub(crate) const REGISTRY_ARC: &str = "**registry** of `Arc`";

pub(crate) const HANDLE_FLOOR: &str = "one atomic load";
pub(crate) const HANDLE_FROZEN: &str = "`Arc` kept, never changed";
pub(crate) const HANDLE_SWAP: &str = "arc-swap slot, `load`";
pub(crate) const HANDLE_SWAP_CACHE: &str = "arc-swap slot, `Cache`";
pub(crate) const HANDLE_BARE: &str = "**registry** handle, bare";
pub(crate) const HANDLE_VIEW: &str = "**registry** handle in a view";

/// Makes the work of one cell of a row.
type Make = dyn Fn(Task, &Arc<Queries>) -> Option<Work>;

/// A row of a table of reads.
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    make: Box<Make>,
}

impl Reader {
    pub(crate) fn new<P: Peer>(name: &'static str, peer: P) -> Self {
        let peer = Arc::new(peer);
        Self {
            name,
            make: Box::new(move |task, queries| work(&peer, task, queries)),
        }
    }

    /// Makes the work of one cell, or nothing where this way of reading cannot do it.
    pub(crate) fn work(&self, task: Task, queries: &Arc<Queries>) -> Option<Work> {
        (self.make)(task, queries)
    }
}

/// Makes every way to read by name, over structures that hold `names`.
pub(crate) fn readers(names: &Names) -> Vec<Reader> {
    let stored = &names.stored;
    let papaya = papaya::new(stored);
    let index = scc::index(stored);
    let published = Published::new(plain(stored));
    let mut rows = vec![
        Reader::new(NULL, Null::new()),
        Reader::new(FLOOR, Plain(Arc::new(plain(stored)))),
        Reader::new(STD_MUTEX, Locked(StdMutex::new(plain(stored)))),
        Reader::new(STD_RWLOCK, Locked(StdRwLock::new(plain(stored)))),
        Reader::new(PARKING_MUTEX, Locked(ParkingMutex::new(plain(stored)))),
        Reader::new(PARKING_RWLOCK, Locked(ParkingRwLock::new(plain(stored)))),
        Reader::new(DASHMAP, Dash::new(stored)),
        Reader::new(PAPAYA_PINNED, papaya::Pinned(Arc::clone(&papaya))),
        Reader::new(PAPAYA_HELD, papaya::Held(papaya)),
        Reader::new(SCC_MAP, scc::Buckets::new(stored)),
        Reader::new(SCC_INDEX, scc::Peeked(Arc::clone(&index))),
        Reader::new(SCC_INDEX_HELD, scc::Held(index)),
        Reader::new(SWAP_LOAD, arc_swapped::Loaded(Arc::clone(&published))),
        Reader::new(SWAP_CACHE, arc_swapped::Cached(Arc::clone(&published))),
        Reader::new(SWAP_HELD, arc_swapped::Held(published)),
        Reader::new(LEFT_RIGHT, Double::new(&plain(stored))),
    ];
    rows.extend(super::byname::readers(names));
    rows
}

/// Makes every way to read what was looked up once.
pub(crate) fn handles(names: &Names) -> Vec<Reader> {
    let mut rows = vec![
        Reader::new(NULL, Null::new()),
        Reader::new(HANDLE_FLOOR, Loads::new(names.len())),
        Reader::new(
            HANDLE_FROZEN,
            Frozen((0..names.len()).map(|at| Arc::new(Svc::new(at))).collect()),
        ),
        Reader::new(HANDLE_SWAP, Slots::new(names.len())),
        Reader::new(HANDLE_SWAP_CACHE, CachedSlots::new(names.len())),
    ];
    rows.extend(super::byname::handles(names));
    rows
}

/// Makes what the decision table compares.
pub(crate) fn deciders(names: &Names) -> Vec<Reader> {
    let stored = &names.stored;
    let published = Published::new(plain(stored));
    let mut rows = vec![
        Reader::new(STD_MUTEX, Locked(StdMutex::new(plain(stored)))),
        Reader::new(STD_RWLOCK, Locked(StdRwLock::new(plain(stored)))),
        Reader::new(SWAP_LOAD, arc_swapped::Loaded(published)),
        Reader::new(CHANNEL, Actor::start(plain(stored))),
    ];
    rows.extend(super::byname::deciders(names));
    rows
}

fn shared<S: Structure + 'static>(structure: S) -> Arc<dyn Structure> {
    Arc::new(structure)
}

/// Gives every structure that can be changed, with the way to make it from entries at once.
pub(crate) fn structures() -> Vec<(&'static str, Build)> {
    let mut rows: Vec<(&'static str, Build)> = vec![
        (STD_MUTEX, |names| {
            shared(Locked(StdMutex::new(plain(&names.stored))))
        }),
        (STD_RWLOCK, |names| {
            shared(Locked(StdRwLock::new(plain(&names.stored))))
        }),
        (PARKING_RWLOCK, |names| {
            shared(Locked(ParkingRwLock::new(plain(&names.stored))))
        }),
        (DASHMAP, |names| shared(Dash::new(&names.stored))),
        (PAPAYA_PINNED, |names| {
            shared(papaya::Pinned(papaya::new(&names.stored)))
        }),
        (SCC_MAP, |names| shared(scc::Buckets::new(&names.stored))),
        (SCC_INDEX, |names| {
            shared(scc::Peeked(scc::index(&names.stored)))
        }),
        (SWAP_LOAD, |names| Published::new(plain(&names.stored))),
        (LEFT_RIGHT, |names| {
            shared(Double::new(&plain(&names.stored)))
        }),
    ];
    rows.extend(super::byname::structures());
    rows
}
