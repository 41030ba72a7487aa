use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::error::StoreError;
use crate::lease::{Lease, LeaseId};

/// The leases that have not ended, and the entries that go with each.
#[derive(Default)]
pub(super) struct Leases {
    given: u64,
    live: BTreeMap<LeaseId, Live>,
}

struct Live {
    time: Duration,
    /// `None`: later than any time the clock can tell.
    ends: Option<Duration>,
    names: BTreeSet<Arc<str>>,
}

impl Leases {
    pub(super) fn grant(&mut self, time: Duration, now: Duration) -> Lease {
        self.given += 1;
        let id = LeaseId(self.given);
        let live = Live {
            time,
            ends: now.checked_add(time),
            names: BTreeSet::new(),
        };
        self.live.insert(id, live);
        Lease { id, time }
    }

    pub(super) fn keep_alive(&mut self, id: LeaseId, now: Duration) -> Result<Lease, StoreError> {
        let live = self.live.get_mut(&id).ok_or(StoreError::Lease { id })?;
        live.ends = now.checked_add(live.time);
        Ok(Lease {
            id,
            time: live.time,
        })
    }

    pub(super) fn check(&self, id: LeaseId) -> Result<(), StoreError> {
        let live = self.live.get(&id);
        live.map(|_| ()).ok_or(StoreError::Lease { id })
    }

    /// Notes that the entry `name` goes with `id` from now on.
    pub(super) fn attach(&mut self, id: LeaseId, name: &Arc<str>) {
        if let Some(live) = self.live.get_mut(&id) {
            live.names.insert(Arc::clone(name));
        }
    }

    /// Notes that the entry `name` does not go with `id` any more.
    pub(super) fn detach(&mut self, id: LeaseId, name: &str) {
        if let Some(live) = self.live.get_mut(&id) {
            live.names.remove(name);
        }
    }

    /// Ends a lease. Returns the entries that go with it.
    pub(super) fn end(&mut self, id: LeaseId) -> Option<BTreeSet<Arc<str>>> {
        self.live.remove(&id).map(|live| live.names)
    }

    /// Ends every lease.
    pub(super) fn end_all(&mut self) {
        self.live.clear();
    }

    /// The leases that have lapsed, each to be [ended](Self::end).
    pub(super) fn lapsed(&self, now: Duration) -> Vec<LeaseId> {
        let lapsed = self.live.iter();
        lapsed
            .filter(|(_, live)| live.ends.is_some_and(|ends| ends <= now))
            .map(|(id, _)| *id)
            .collect()
    }

    /// When the next lease lapses.
    pub(super) fn due(&self) -> Option<Duration> {
        self.live.values().filter_map(|live| live.ends).min()
    }
}
