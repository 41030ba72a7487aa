//! `left-right`: two maps, readers in one while the writer changes the other.

use std::sync::{Arc, Mutex, PoisonError};

use left_right::{Absorb, ReadHandle, ReadHandleFactory, WriteHandle};

use super::{Map, Peer, Structure, locked};
use crate::names::{Query, Svc};

enum Change {
    Set(Arc<str>, Arc<Svc>),
    Replace(&'static str, Arc<Svc>),
    Remove(Arc<str>),
}

/// One of the two maps.
#[derive(Clone)]
pub(crate) struct Side(Map);

impl Absorb<Change> for Side {
    fn absorb_first(&mut self, change: &mut Change, _: &Self) {
        match change {
            Change::Set(name, value) => {
                self.0.insert(Arc::clone(name), Arc::clone(value));
            }
            Change::Replace(name, value) => {
                if let Some(old) = self.0.get_mut(*name) {
                    *old = Arc::clone(value);
                }
            }
            Change::Remove(name) => {
                self.0.remove(name);
            }
        }
    }

    fn sync_with(&mut self, first: &Self) {
        self.0.clone_from(&first.0);
    }
}

/// The two maps, the writers' mutex and where read handles come from.
pub(crate) struct Double {
    readers: ReadHandleFactory<Side>,
    // `None` once dropped; the factory is not `Sync` without a lock of its own.
    writer: Mutex<WriteHandle<Side, Change>>,
    first: Mutex<ReadHandle<Side>>,
}

impl Double {
    pub(crate) fn new(map: &Map) -> Self {
        let (mut writer, first) = left_right::new_from_empty::<Side, Change>(Side(map.clone()));
        writer.publish();
        Self {
            readers: first.factory(),
            writer: Mutex::new(writer),
            first: Mutex::new(first),
        }
    }

    fn write(&self, changes: impl IntoIterator<Item = Change>) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            writer.append(change);
        }
        writer.publish();
    }

    fn whole<R>(&self, read: impl FnOnce(&Map) -> R) -> R {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let side = first.enter().expect("the writer lives as long as this");
        read(&side.0)
    }
}

impl Peer for Double {
    type Local<'a> = ReadHandle<Side>;
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) -> ReadHandle<Side> {
        self.readers.handle()
    }

    #[inline]
    fn field(&self, local: &mut ReadHandle<Side>, query: &Query) -> Option<u64> {
        local.enter()?.0.get(query.name).map(|value| value.id)
    }

    #[inline]
    fn owned(&self, local: &mut ReadHandle<Side>, query: &Query) -> Option<Arc<Svc>> {
        local.enter()?.0.get(query.name).cloned()
    }

    fn replace(&self, _: &mut ReadHandle<Side>, query: &Query) {
        let value = Arc::new(Svc::new(query.at as usize));
        self.write([Change::Replace(query.name, value)]);
    }
}

impl Structure for Double {
    fn probe(&self, name: &str) -> u64 {
        self.whole(|map| map.get(name).map_or(0, |value| value.id))
    }

    fn probe_owned(&self, name: &str) {
        drop(std::hint::black_box(
            self.whole(|map| map.get(name).cloned()),
        ));
    }

    fn add(&self, name: &str, value: Svc) {
        self.write([Change::Set(Arc::from(name), Arc::new(value))]);
    }

    fn change(&self, name: &str, value: Svc) {
        self.write([Change::Set(Arc::from(name), Arc::new(value))]);
    }

    fn remove(&self, name: &str) {
        self.write([Change::Remove(Arc::from(name))]);
    }

    fn copy_hash(&self) -> usize {
        std::hint::black_box(self.whole(Clone::clone)).len()
    }

    fn copy_btree(&self) -> usize {
        std::hint::black_box(self.whole(locked::tree)).len()
    }

    fn visit(&self) -> u64 {
        self.whole(locked::visit)
    }

    fn visit_ordered(&self) -> u64 {
        self.whole(locked::visit_ordered)
    }

    fn transact(&self, names: &[&str]) -> bool {
        let changes: Vec<Change> = names
            .iter()
            .enumerate()
            .map(|(at, name)| Change::Set(Arc::from(*name), Arc::new(Svc::new(at))))
            .collect();
        self.write(changes);
        true
    }
}
