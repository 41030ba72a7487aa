//! Who is counted, and a bounded table of how much each has left.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Address(IpAddr),
    /// A text under a keyed hash: the table does not grow with what clients write.
    Text(u64),
    /// Whoever has no address, or everybody.
    All,
}

/// When each key will have all of its quota again. There are never more of them than a bound: a key
/// that finds no room shares what the rest has. A clone is the same table.
#[derive(Clone, Debug)]
pub(super) struct Keys(Arc<Table>);

#[derive(Debug)]
struct Table {
    shards: Vec<Mutex<HashMap<Key, Nanos>>>,
    most_each: usize,
    rest: Mutex<Option<Nanos>>,
    hash: RandomState,
}

impl Keys {
    pub(super) fn new(most: usize) -> Self {
        // A small table is exact, a large one is not locked as a whole.
        let shards = if most < 1024 { 1 } else { 16 };
        Self(Arc::new(Table {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            most_each: most.div_ceil(shards),
            rest: Mutex::default(),
            hash: RandomState::new(),
        }))
    }

    pub(super) fn text(&self, text: &[u8]) -> Key {
        Key::Text(self.0.hash.hash_one(text))
    }

    /// Whether there is no room for this key, which is not there.
    pub(super) fn has_no_room_for(&self, key: &Key) -> bool {
        let shard = lock(self.shard(key));
        shard.len() >= self.0.most_each && !shard.contains_key(key)
    }

    fn shard(&self, key: &Key) -> &Mutex<HashMap<Key, Nanos>> {
        let at = self.0.hash.hash_one(key) % self.0.shards.len() as u64;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "below the number of shards"
        )]
        &self.0.shards[at as usize]
    }
}

/// What a panic has left is as good as what was there before: each is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StateStore for Keys {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut shard = lock(self.shard(key));
        let known = shard.get(key).copied();
        if known.is_none() && shard.len() >= self.0.most_each {
            drop(shard);
            let mut rest = lock(&self.0.rest);
            let (decided, next) = decide(*rest)?;
            *rest = Some(next);
            return Ok(decided);
        }
        let (decided, next) = decide(known)?;
        shard.insert(*key, next);
        Ok(decided)
    }
}

impl ShrinkableKeyedStateStore<Key> for Keys {
    fn retain_recent(&self, drop_below: Nanos) {
        for shard in &self.0.shards {
            lock(shard).retain(|_, full| *full > drop_below);
        }
    }

    fn len(&self) -> usize {
        self.0.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
