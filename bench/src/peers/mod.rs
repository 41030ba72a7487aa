//! The structures that are measured, each behind the same two traits.
//!
//! A [`Peer`] is one way to read one structure (pinned or held, load or cache); its calls are
//! compiled into the loops that measure them. A [`Structure`] is what can be done to the whole:
//! built, copied, visited, changed in one go; calls to it go through a table, which costs a
//! nanosecond or two and is the same for all.

use std::sync::Arc;
use std::time::Instant;

use crate::histogram::Histogram;
use crate::measure::{Lane, Sample, Work};
use crate::names::{Names, Queries, Query, Svc};

pub(crate) mod arc_swapped;
pub(crate) mod byname;
pub(crate) mod byname_observe;
pub(crate) mod byname_once;
pub(crate) mod channel;
pub(crate) mod dash;
pub(crate) mod double;
pub(crate) mod floors;
pub(crate) mod lineup;
pub(crate) mod locked;
pub(crate) mod papaya;
pub(crate) mod scc;

/// The hasher of every map, the registry's included.
pub(crate) type Hasher = foldhash::fast::RandomState;

/// The map that stands behind locks and pointers.
pub(crate) type Map = std::collections::HashMap<Arc<str>, Arc<Svc>, Hasher>;

/// Makes the plain map of `names`.
pub(crate) fn plain(names: &[Arc<str>]) -> Map {
    let mut map = Map::with_capacity_and_hasher(0, Hasher::default());
    for (at, name) in names.iter().enumerate() {
        map.insert(Arc::from(&**name), Arc::new(Svc::new(at)));
    }
    map
}

/// A view or guard that is held is taken anew after so many operations when there are writes.
pub(crate) const HELD_FOR: usize = 64;

/// One way to read (and change) one structure.
pub(crate) trait Peer: Send + Sync + 'static {
    /// What a thread keeps between two operations: a guard, a cache, a read handle, nothing.
    type Local<'a>
    where
        Self: 'a;
    /// A value that outlives the guard it was read under.
    type Owned;

    /// Whether entries can be replaced while it is read.
    const WRITES: bool;
    /// Whether values can be owned.
    const OWNS: bool = true;
    /// Whether it can be asked for names that are not there.
    const MISSES: bool = true;

    fn enter(&self) -> Self::Local<'_>;

    /// Takes anew what is held. Nothing to do for those that hold nothing.
    fn renew<'a>(&'a self, local: &mut Self::Local<'a>) {
        let _ = local;
    }

    /// Reads a field of the value of a name.
    fn field<'a>(&'a self, local: &mut Self::Local<'a>, query: &Query) -> Option<u64>;

    /// Gives the value as an owned one.
    fn owned<'a>(&'a self, local: &mut Self::Local<'a>, query: &Query) -> Option<Self::Owned>;

    /// Replaces the value of a stored name by a new one.
    fn replace<'a>(&'a self, local: &mut Self::Local<'a>, query: &Query) {
        let _ = (local, query);
        unreachable!("asked to write though WRITES is false");
    }
}

/// What is done with a [`Peer`] in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Borrow and read one field; successive reads may overlap in the processor.
    Borrow,
    /// The same, and which name comes next depends on what was read.
    Dependent,
    /// Take the value as an owned one and drop it.
    Owned,
    /// Borrow; one operation in so many replaces a value instead.
    Mixed(usize),
    /// The same; the latency of one read in four is measured.
    Latency(usize),
}

/// Makes the work of `task` on `peer`, or nothing where the peer cannot do it.
pub(crate) fn work<P: Peer>(peer: &Arc<P>, task: Task, queries: &Arc<Queries>) -> Option<Work> {
    let possible = match task {
        Task::Borrow | Task::Dependent => true,
        Task::Owned => P::OWNS,
        Task::Mixed(_) | Task::Latency(_) => P::WRITES,
    };
    if !possible || (!P::MISSES && queries.list.iter().any(|query| query.at == u32::MAX)) {
        return None;
    }
    let (peer, queries) = (Arc::clone(peer), Arc::clone(queries));
    Some(match task {
        Task::Borrow => Arc::new(move |lane: &mut Lane<'_>| borrow(&*peer, &queries, lane)),
        Task::Dependent => Arc::new(move |lane: &mut Lane<'_>| dependent(&*peer, &queries, lane)),
        Task::Owned => Arc::new(move |lane: &mut Lane<'_>| owned(&*peer, &queries, lane)),
        Task::Mixed(every) => {
            Arc::new(move |lane: &mut Lane<'_>| mixed(&*peer, &queries, every, lane))
        }
        Task::Latency(every) => {
            Arc::new(move |lane: &mut Lane<'_>| latency(&*peer, &queries, every, lane))
        }
    })
}

/// Each thread begins elsewhere in the stream of questions.
fn start(queries: &Queries, lane: &Lane<'_>) -> usize {
    lane.index * 997 % queries.list.len()
}

/// Gives the next `length` questions, or those up to the end of the stream.
#[inline]
fn slice<'q>(queries: &'q Queries, at: &mut usize, length: usize) -> &'q [Query] {
    let end = (*at + length).min(queries.list.len());
    let slice = &queries.list[*at..end];
    *at = if end == queries.list.len() { 0 } else { end };
    slice
}

fn borrow<P: Peer>(peer: &P, queries: &Queries, lane: &mut Lane<'_>) -> Sample {
    let mut at = start(queries, lane);
    let mut local = peer.enter();
    let mut sum = 0;
    lane.measure(|mut left| {
        while left > 0 {
            let slice = slice(queries, &mut at, left);
            left -= slice.len();
            for query in slice {
                if let Some(field) = peer.field(&mut local, query) {
                    sum ^= field;
                }
            }
        }
        std::hint::black_box(sum);
    })
}

fn dependent<P: Peer>(peer: &P, queries: &Queries, lane: &mut Lane<'_>) -> Sample {
    let mut at = start(queries, lane);
    let mut local = peer.enter();
    // The compiler does not know that nothing passes the mask.
    let none = std::hint::black_box(0_usize);
    let round = queries.list.len() - 1;
    lane.measure(|length| {
        for _ in 0..length {
            let field = peer.field(&mut local, &queries.list[at]).unwrap_or(1);
            at = (at + 1 + (field as usize & none)) & round;
        }
    })
}

fn owned<P: Peer>(peer: &P, queries: &Queries, lane: &mut Lane<'_>) -> Sample {
    let mut at = start(queries, lane);
    let mut local = peer.enter();
    lane.measure(|mut left| {
        while left > 0 {
            let slice = slice(queries, &mut at, left);
            left -= slice.len();
            for query in slice {
                drop(std::hint::black_box(peer.owned(&mut local, query)));
            }
        }
    })
}

fn mixed<P: Peer>(peer: &P, queries: &Queries, every: usize, lane: &mut Lane<'_>) -> Sample {
    let mut at = start(queries, lane);
    let mut local = peer.enter();
    let (mut sum, mut since_write, mut since_renewal) = (0, 0, 0);
    lane.measure(|mut left| {
        while left > 0 {
            let slice = slice(queries, &mut at, left);
            left -= slice.len();
            for query in slice {
                since_write += 1;
                if since_write == every {
                    since_write = 0;
                    peer.replace(&mut local, query);
                } else if let Some(field) = peer.field(&mut local, query) {
                    sum ^= field;
                }
                since_renewal += 1;
                if since_renewal == HELD_FOR {
                    since_renewal = 0;
                    peer.renew(&mut local);
                }
            }
        }
        std::hint::black_box(sum);
    })
}

fn latency<P: Peer>(peer: &P, queries: &Queries, every: usize, lane: &mut Lane<'_>) -> Sample {
    let mut at = start(queries, lane);
    let mut local = peer.enter();
    let mut latencies = Histogram::new();
    let (mut since_write, mut since_renewal) = (0, 0);
    let mut sample = lane.measure(|mut left| {
        while left > 0 {
            let slice = slice(queries, &mut at, left);
            left -= slice.len();
            for query in slice {
                since_write += 1;
                since_renewal += 1;
                if since_write == every {
                    since_write = 0;
                    peer.replace(&mut local, query);
                } else if since_renewal % 4 == 0 {
                    let begun = Instant::now();
                    std::hint::black_box(peer.field(&mut local, query));
                    latencies.add(begun.elapsed().as_nanos() as u64);
                } else {
                    std::hint::black_box(peer.field(&mut local, query));
                }
                if since_renewal == HELD_FOR {
                    since_renewal = 0;
                    peer.renew(&mut local);
                }
            }
        }
    });
    sample.latencies = Some(latencies);
    sample
}

/// What is done to a whole structure.
pub(crate) trait Structure: Send + Sync {
    /// Reads a field of the value of a name, in the way that needs no preparation.
    fn probe(&self, name: &str) -> u64;

    /// Takes the value of a name as an owned one and drops it.
    fn probe_owned(&self, name: &str);

    /// Adds a name that is not there.
    fn add(&self, name: &str, value: Svc);

    /// Replaces the value of a name that is there.
    fn change(&self, name: &str, value: Svc);

    /// Removes a name.
    fn remove(&self, name: &str);

    /// Copies everything into a `HashMap` of its own and drops it.
    fn copy_hash(&self) -> usize;

    /// Copies everything into a `BTreeMap` of its own and drops it.
    fn copy_btree(&self) -> usize;

    /// Reads a field of every value, in any order.
    fn visit(&self) -> u64;

    /// Reads a field of every value in the order of the names.
    fn visit_ordered(&self) -> u64;

    /// Takes `times` snapshots in turn and drops each; `false` if it has none.
    fn snapshots(&self, times: usize) -> bool {
        let _ = times;
        false
    }

    /// Changes all `names` as one change; `false` if others could see a part of it.
    fn transact(&self, names: &[&str]) -> bool {
        let _ = names;
        false
    }
}

/// How a [`Structure`] is made from entries at once.
pub(crate) type Build = fn(&Names) -> Arc<dyn Structure>;
