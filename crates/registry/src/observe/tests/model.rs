//! Random commits and receives against a naive reference, for each policy.
//!
//! The reference keeps the whole history and derives from it what the next event must be; the
//! replica checks that what is received leads from one state of that history to a later one.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use super::double::{Frozen, Replica, Shown, Watch, World, resync, shown};
use crate::{
    observe::{Counters, Event, Options, Policy, RecvError},
    sync::Arc,
};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Marsaglia's xorshift64: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

/// What the next event must be, from the history alone.
struct Reference {
    policy: Policy,
    capacity: usize,
    history: BTreeMap<u64, BTreeMap<String, u64>>,
    /// The commits not received yet: the revisions each covers and the names it changed.
    pending: Vec<(u64, u64, Vec<String>)>,
    gap: bool,
    reached: u64,
    counters: Counters,
}

impl Reference {
    fn new(policy: Policy, capacity: usize) -> Self {
        Self {
            policy,
            capacity,
            history: BTreeMap::from([(0, BTreeMap::new())]),
            pending: Vec::new(),
            gap: false,
            reached: 0,
            counters: Counters::default(),
        }
    }

    fn state(&self, revision: u64) -> &BTreeMap<String, u64> {
        &self.history[&revision]
    }

    /// The names that differ or were touched between two states, with both values.
    fn folded(&self) -> Shown<u64> {
        let (first, last) = (self.pending[0].0, self.pending[self.pending.len() - 1].1);
        let (before, after) = (self.state(first - 1), self.state(last));
        let names: BTreeSet<_> = self.pending.iter().flat_map(|(.., names)| names).collect();
        let entries = names.into_iter().map(|name| {
            let (old, new) = (before.get(name).copied(), after.get(name).copied());
            (name.clone(), old, new)
        });
        let changed =
            |(_, old, new): &(String, Option<u64>, Option<u64>)| (*old, *new) != (None, None);
        (first, last, entries.filter(changed).collect())
    }

    fn commit(&mut self, step: u64, writes: &[(&str, Option<u64>)]) {
        let (&before, state) = self.history.last_key_value().unwrap();
        let mut state = state.clone();
        let mut names = Vec::new();
        for &(name, value) in writes {
            let old = match value {
                Some(value) => state.insert(name.to_owned(), value),
                None => state.remove(name),
            };
            if old.is_some() || value.is_some() {
                names.push(name.to_owned());
            }
        }
        self.history.insert(before + step, state);
        self.counters.received += 1;
        if self.gap {
            self.counters.dropped += 1;
            return;
        }
        self.pending.push((before + 1, before + step, names));
        let folds = self.policy == Policy::Coalesce;
        let lost = if !folds {
            self.pending.len() > self.capacity
        } else if self.pending.len() > 1 {
            self.counters.coalesced += 1;
            self.folded().2.len() > self.capacity
        } else {
            false
        };
        if lost {
            self.counters.dropped += self.waiting();
            self.pending.clear();
            self.gap = true;
        }
    }

    /// How many events the pending commits make.
    fn waiting(&self) -> u64 {
        let pending = self.pending.len() as u64;
        if self.policy == Policy::Coalesce {
            pending.min(1)
        } else {
            pending
        }
    }

    /// Receives from both and compares.
    fn receive(&mut self, watch: &mut Watch<u64>, replica: &mut Replica<u64>) {
        let received = watch.try_recv();
        if self.gap {
            self.gap = false;
            let event = received.unwrap();
            let Event::Resync { from, ref snapshot } = event else {
                panic!("{event:?}, not a resynchronisation");
            };
            let (&newest, _) = self.history.last_key_value().unwrap();
            assert_eq!((from, snapshot.revision), (self.reached, newest));
            self.reached = newest;
            self.counters.resynchronised += 1;
            replica.apply(event);
        } else if self.pending.is_empty() {
            assert_eq!(received.unwrap_err(), RecvError::Empty);
        } else {
            let Ok(Event::Change(change)) = received else {
                panic!("{received:?}, not a change");
            };
            let expected = if self.policy == Policy::Coalesce {
                let folded = self.folded();
                self.pending.clear();
                folded
            } else {
                let (first, last, names) = self.pending.remove(0);
                let (before, after) = (self.state(first - 1), self.state(last));
                let entries = names.into_iter().map(|name| {
                    let (old, new) = (before.get(&name).copied(), after.get(&name).copied());
                    (name, old, new)
                });
                (first, last, entries.collect())
            };
            let mut told = shown(&change);
            told.2.sort();
            let mut expected = expected;
            expected.2.sort();
            assert_eq!(told, expected);
            self.reached = expected.1;
            self.counters.delivered += 1;
            replica.apply(Event::Change(change));
        }
        assert_eq!(replica.state.revision, self.reached);
        assert_eq!(&plain(&replica.state), self.state(self.reached));
    }
}

fn plain(state: &Frozen<u64>) -> BTreeMap<String, u64> {
    let entries = state.entries.iter();
    entries
        .map(|(name, value)| (name.to_string(), *value))
        .collect()
}

fn explore(policy: Policy, seed: u64) -> Counters {
    let random = &mut Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let capacity = 1 + random.below(6);
    let capacity = usize::try_from(capacity).unwrap();
    let eager = 1 + random.below(5);
    let world: Arc<World<u64>> = World::new();
    let mut reference = Reference::new(policy, capacity);
    let (snapshot, mut watch) = World::subscribe(&world, Options::new(policy).capacity(capacity));
    let mut replica = Replica::new(snapshot);
    for value in 0..200 {
        if random.below(6) < eager {
            reference.receive(&mut watch, &mut replica);
        } else {
            let mut names = BTreeSet::new();
            for _ in 0..random.below(4) {
                names.insert(NAMES[usize::try_from(random.below(6)).unwrap()]);
            }
            let writes: Vec<_> = names
                .into_iter()
                .map(|name| (name, (random.below(3) > 0).then_some(value)))
                .collect();
            let step = 1 + random.below(3);
            reference.commit(step, &writes);
            world.write(step, &writes);
        }
        let pending = reference.waiting();
        assert_eq!(
            watch.stats(),
            Counters {
                pending,
                ..reference.counters
            }
        );
    }
    while reference.gap || !reference.pending.is_empty() {
        reference.receive(&mut watch, &mut replica);
    }
    assert_eq!(replica.state, world.snapshot());
    watch.stats()
}

/// Explores many seeds and says what they covered, so that none of it is left out by chance.
fn explore_all(policy: Policy) -> Counters {
    let mut sum = Counters::default();
    for seed in 1..=300 {
        let counters = explore(policy, seed);
        sum.delivered += counters.delivered;
        sum.resynchronised += counters.resynchronised;
        sum.coalesced += counters.coalesced;
    }
    assert!(sum.delivered > 1000 && sum.resynchronised > 1000, "{sum:?}");
    sum
}

#[test]
fn dropping_the_oldest_follows_the_reference() {
    explore_all(Policy::DropOldest);
}

#[test]
fn coalescing_follows_the_reference() {
    let sum = explore_all(Policy::Coalesce);
    assert!(sum.coalesced > 1000, "{sum:?}");
}

/// One thread writes and receives, so that a writer that would wait gives up at once.
#[test]
fn waiting_follows_the_reference() {
    let deadline = Duration::ZERO;
    explore_all(Policy::Wait { deadline });
}

#[test]
fn a_replica_refuses_a_change_that_does_not_follow() {
    let world = World::new();
    let (snapshot, mut watch) =
        World::subscribe(&world, Options::new(Policy::DropOldest).capacity(1));
    world.put("a", 1);
    world.put("a", 2);
    assert_eq!(resync(watch.recv().unwrap()).0, 0);
    world.put("a", 3);
    let event = watch.recv().unwrap();
    let applied = std::panic::catch_unwind(move || Replica::new(snapshot).apply(event));
    assert!(applied.is_err());
}
