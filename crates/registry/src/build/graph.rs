//! Who waits for whom, and how a circle of waiting is found.
//!
//! A node is an [`Attempt`]: one run of a build's future. An edge leads from an attempt to a
//! [`Build`] that something in the attempt waits for; from there the graph goes on with the attempt
//! that this build is in, if any. Waiters that belong to no build have no edge and cannot be on a
//! circle.
//!
//! # Every circle is found, by exactly one of its members
//!
//! [`Edge::add`] takes a ticket from one counter, adds the edge while it holds the lock of the
//! attempt's edges (the ticket is drawn under that lock), and only then searches, along edges with a
//! lower ticket than its own. Consider a circle of waits, and its edge `e` with the highest ticket,
//! drawn by an attempt `a`. No other edge of the circle is the end of a search along the whole circle:
//! such a search would have to pass `e`, whose ticket is higher. So at most the adder of `e` finds
//! this circle. And it does find it: let `f` be any other edge of it, from attempt `b` to some build.
//!
//! - *The search sees `f`.* It locks `b`'s edges after it drew `e`'s ticket. Were `f` added under that
//!   lock later, its ticket would have been drawn later than `e`'s, and be higher.
//! - *The search reaches `b`.* `b` was made its build's attempt before its future first ran, hence
//!   before `f`'s ticket was drawn, hence (drawing is acquire and release, and `f`'s ticket is the
//!   lower) before the search began; and as long as it is part of the circle it has not ended.
//!
//! If an edge of the circle is removed meanwhile, that wait has ended, and there is no circle.
//!
//! An attempt that was given up keeps the edges of threads that it left behind, but is no build's
//! attempt any more: no search reaches it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Weak},
    task::Wake,
};

use super::{
    cell::Build,
    error::{BuildName, BuildPath},
};
use crate::sync::{Mutex, atomic, lock};

#[cfg(not(loom))]
static TICKETS: atomic::AtomicU64 = atomic::AtomicU64::new(0);
#[cfg(loom)]
loom::lazy_static! {
    static ref TICKETS: atomic::AtomicU64 = atomic::AtomicU64::new(0);
}

/// One run of a build's future.
pub(super) struct Attempt {
    build: Weak<Build>,
    chain: Arc<Chain>,
    waits: Mutex<Vec<(u64, Arc<Build>)>>,
}

/// The name of an attempt and of those that led to it; outlives them.
struct Chain {
    name: BuildName,
    asker: Option<Arc<Chain>>,
}

impl Attempt {
    /// Makes an attempt of `build` that began because `asker` asked.
    pub(super) fn new(build: &Arc<Build>, asker: Option<&Self>) -> Arc<Self> {
        let chain = Chain {
            name: build.name().clone(),
            asker: asker.map(|asker| Arc::clone(&asker.chain)),
        };
        Arc::new(Self {
            build: Arc::downgrade(build),
            chain: Arc::new(chain),
            waits: Mutex::new(Vec::new()),
        })
    }

    pub(super) fn name(&self) -> &BuildName {
        &self.chain.name
    }

    pub(super) fn path(&self) -> BuildPath {
        let mut names = self.names();
        let last = names.pop().unwrap_or_else(|| self.name().clone());
        BuildPath::new(names, last)
    }

    /// Returns the path to `name`, asked for by this attempt.
    pub(super) fn path_to(&self, name: &BuildName) -> BuildPath {
        BuildPath::new(self.names(), name.clone())
    }

    fn names(&self) -> Vec<BuildName> {
        let mut names = vec![self.chain.name.clone()];
        let mut chain = &self.chain;
        while let Some(asker) = &chain.asker {
            names.push(asker.name.clone());
            chain = asker;
        }
        names.reverse();
        names
    }

    /// Returns what this attempt waited for before `ticket` was drawn.
    fn waits_before(&self, ticket: u64) -> Vec<Arc<Build>> {
        let waits = lock(&self.waits);
        waits
            .iter()
            .filter(|wait| wait.0 < ticket)
            .map(|wait| Arc::clone(&wait.1))
            .collect()
    }
}

/// Waking an attempt's future means to wake everybody who could poll it.
impl Wake for Attempt {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(build) = self.build.upgrade() {
            build.wake(self);
        }
    }
}

/// The fact that an attempt waits for a build, for as long as this value lives.
pub(super) struct Edge {
    from: Arc<Attempt>,
    ticket: u64,
}

impl Edge {
    /// Records that `from` waits for `to`.
    ///
    /// # Errors
    ///
    /// The circle that this wait would close, from `to` around to `to`; nothing is recorded then.
    pub(super) fn add(from: &Arc<Attempt>, to: &Arc<Build>) -> Result<Self, BuildPath> {
        let edge = {
            let mut waits = lock(&from.waits);
            let ticket = TICKETS.fetch_add(1, atomic::Ordering::AcqRel);
            waits.push((ticket, Arc::clone(to)));
            Self {
                from: Arc::clone(from),
                ticket,
            }
        };
        match edge.search(to) {
            None => Ok(edge),
            Some(names) => Err(BuildPath::new(names, to.name().clone())),
        }
    }

    pub(super) fn is_from(&self, attempt: &Arc<Attempt>) -> bool {
        Arc::ptr_eq(&self.from, attempt)
    }

    /// Finds the shortest way from `to` to the attempt that this edge leads from, and names it.
    ///
    /// Breadth first and without recursion, so a long chain of waits costs no stack. No two locks are
    /// held at once, and what is dropped here is dropped outside all of them.
    fn search(&self, to: &Arc<Build>) -> Option<Vec<BuildName>> {
        struct Found {
            attempt: Arc<Attempt>,
            from: Option<usize>,
        }
        let mut seen = BTreeSet::new();
        let mut found: Vec<Found> = Vec::new();
        found.extend(to.attempt().map(|attempt| Found {
            attempt,
            from: None,
        }));
        let mut at = 0;
        while let Some(next) = found.get(at) {
            if Arc::ptr_eq(&next.attempt, &self.from) {
                let mut names = Vec::new();
                let mut step = Some(at);
                while let Some(here) = step {
                    names.push(found[here].attempt.name().clone());
                    step = found[here].from;
                }
                names.reverse();
                return Some(names);
            }
            // Attempts are held in `found`, so an address stands for one attempt.
            if seen.insert(Arc::as_ptr(&next.attempt)) {
                let waits = next.attempt.waits_before(self.ticket);
                let attempts = waits.iter().filter_map(|build| build.attempt());
                found.extend(attempts.map(move |attempt| Found {
                    attempt,
                    from: Some(at),
                }));
            }
            at += 1;
        }
        None
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let removed = {
            let mut waits = lock(&self.from.waits);
            let at = waits.iter().position(|wait| wait.0 == self.ticket);
            at.map(|at| waits.swap_remove(at))
        };
        // Perhaps the last owner of that build, and with it of a caller's factory: outside the lock.
        drop(removed);
    }
}
