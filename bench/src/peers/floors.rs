//! What nothing can beat: the loop itself, a plain map behind `&`, one atomic load.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Map, Peer};
use crate::names::{Query, Svc};

/// The loop without a lookup.
pub(crate) struct Null([u64; 64]);

impl Null {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|at| at as u64))
    }
}

impl Peer for Null {
    type Local<'a> = ();
    type Owned = u64;
    const WRITES: bool = false;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        Some(self.0[query.name.len() & 63])
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.field(&mut (), query)
    }
}

/// A plain `HashMap` that nobody may change: the floor of all lookups.
pub(crate) struct Plain(pub(crate) Arc<Map>);

impl Peer for Plain {
    type Local<'a> = ();
    type Owned = Arc<Svc>;
    const WRITES: bool = false;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        self.0.get(query.name).map(|value| value.id)
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<Arc<Svc>> {
        self.0.get(query.name).cloned()
    }
}

/// One atomic load behind one pointer: the floor of handles.
pub(crate) struct Loads(Vec<Arc<AtomicU64>>);

impl Loads {
    pub(crate) fn new(count: usize) -> Self {
        Self(
            (0..count)
                .map(|at| Arc::new(AtomicU64::new(at as u64)))
                .collect(),
        )
    }
}

impl Peer for Loads {
    type Local<'a> = ();
    type Owned = ();
    const WRITES: bool = true;
    const OWNS: bool = false;
    const MISSES: bool = false;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        Some(self.0[query.at as usize].load(Ordering::Acquire))
    }

    fn owned(&self, (): &mut (), _: &Query) -> Option<()> {
        None
    }

    #[inline]
    fn replace(&self, (): &mut (), query: &Query) {
        self.0[query.at as usize].store(u64::from(query.at), Ordering::Release);
    }
}

/// A shared value that was looked up once and cannot change.
pub(crate) struct Frozen(pub(crate) Vec<Arc<Svc>>);

impl Peer for Frozen {
    type Local<'a> = ();
    type Owned = Arc<Svc>;
    const WRITES: bool = false;
    const MISSES: bool = false;

    fn enter(&self) {}

    #[inline]
    fn field(&self, (): &mut (), query: &Query) -> Option<u64> {
        Some(self.0[query.at as usize].id)
    }

    #[inline]
    fn owned(&self, (): &mut (), query: &Query) -> Option<Arc<Svc>> {
        Some(Arc::clone(&self.0[query.at as usize]))
    }
}
