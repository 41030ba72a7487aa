//! Random changes and reads against a `BTreeMap` of every revision.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use byname_registry::{ChangeError, Handle, Owned, Registry, Snapshot};
use byname_testkit::{Counted, DropCounter};
use proptest::prelude::*;

type Value = Counted<u32>;
type State = BTreeMap<String, (u64, u32)>;

#[derive(Clone, Debug)]
enum Step {
    Register(u8, u32),
    Replace(u8, u32),
    Put(u8, u32),
    Remove(u8),
    CompareAndSet(u8, bool, u32),
    Transaction(Vec<(u8, Option<u32>)>, bool),
    PutAll(Vec<(u8, u32)>),
    Collect,
    TakeSnapshot,
    DropSnapshot(u8),
    TakeHandle(u8),
    DropHandle(u8),
    TakeOwned(u8),
    DropOwned(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..12u8;
    let value = 0..1000u32;
    prop_oneof![
        (name.clone(), value.clone()).prop_map(|(n, v)| Step::Register(n, v)),
        (name.clone(), value.clone()).prop_map(|(n, v)| Step::Replace(n, v)),
        (name.clone(), value.clone()).prop_map(|(n, v)| Step::Put(n, v)),
        name.clone().prop_map(Step::Remove),
        (name.clone(), any::<bool>(), value.clone())
            .prop_map(|(n, right, v)| Step::CompareAndSet(n, right, v)),
        (
            prop::collection::vec((name.clone(), prop::option::of(value.clone())), 0..5),
            any::<bool>()
        )
            .prop_map(|(changes, abort)| Step::Transaction(changes, abort)),
        prop::collection::vec((name.clone(), value), 0..5).prop_map(Step::PutAll),
        Just(Step::Collect),
        Just(Step::TakeSnapshot),
        any::<u8>().prop_map(Step::DropSnapshot),
        name.clone().prop_map(Step::TakeHandle),
        any::<u8>().prop_map(Step::DropHandle),
        name.prop_map(Step::TakeOwned),
        any::<u8>().prop_map(Step::DropOwned),
    ]
}

fn name(n: u8) -> String {
    format!("{}{n}", "name-".repeat(usize::from(n % 4)))
}

struct World {
    drops: DropCounter,
    registry: Registry<Value>,
    state: State,
    revision: u64,
    snapshots: Vec<(Snapshot<Value>, State, u64)>,
    handles: Vec<Handle<Value>>,
    owned: Vec<(Owned<Value>, u32)>,
}

impl World {
    fn new(hold_back: usize) -> Self {
        Self {
            drops: DropCounter::new(),
            registry: Registry::builder().hold_back(hold_back).build(),
            state: State::new(),
            revision: 0,
            snapshots: Vec::new(),
            handles: Vec::new(),
            owned: Vec::new(),
        }
    }

    /// Notes that `name` changed in the next revision, which the registry returned.
    fn changed(&mut self, name: &str, value: Option<u32>, returned: u64) {
        self.revision += 1;
        assert_eq!(returned, self.revision);
        self.set(name, value);
    }

    fn set(&mut self, name: &str, value: Option<u32>) {
        match value {
            Some(value) => self.state.insert(name.to_owned(), (self.revision, value)),
            None => self.state.remove(name),
        };
    }

    fn apply(&mut self, step: &Step) {
        let (registry, drops) = (self.registry.clone(), self.drops.clone());
        let found = |world: &Self, name: &str| world.state.get(name).map_or(0, |(at, _)| *at);
        match *step {
            Step::Register(n, v) => match registry.register(&name(n), drops.count(v)) {
                Ok(revision) => {
                    assert_eq!(found(self, &name(n)), 0);
                    self.changed(&name(n), Some(v), revision);
                }
                Err(ChangeError::Taken { revision, .. }) => {
                    assert_eq!(revision, found(self, &name(n)));
                }
                Err(error) => panic!("{error}"),
            },
            Step::Replace(n, v) => match registry.replace(&name(n), drops.count(v)) {
                Ok(revision) => {
                    assert_ne!(found(self, &name(n)), 0);
                    self.changed(&name(n), Some(v), revision);
                }
                Err(_) => assert_eq!(found(self, &name(n)), 0),
            },
            Step::Put(n, v) => {
                let revision = registry.put(&name(n), drops.count(v)).unwrap();
                self.changed(&name(n), Some(v), revision);
            }
            Step::Remove(n) => match registry.remove(&name(n)) {
                Ok(revision) => {
                    assert_ne!(found(self, &name(n)), 0);
                    self.changed(&name(n), None, revision);
                }
                Err(_) => assert_eq!(found(self, &name(n)), 0),
            },
            Step::CompareAndSet(n, right, v) => {
                let at = found(self, &name(n)) + u64::from(!right);
                match registry.compare_and_set(&name(n), at, drops.count(v)) {
                    Ok(revision) => {
                        assert!(right);
                        self.changed(&name(n), Some(v), revision);
                    }
                    Err(_) => assert!(!right),
                }
            }
            Step::Transaction(ref changes, abort) => {
                let result = registry.transaction(|draft| {
                    for &(n, value) in changes {
                        match value {
                            Some(value) => draft.put(&name(n), drops.count(value)).unwrap(),
                            None if draft.contains(&name(n)) => draft.remove(&name(n)).unwrap(),
                            None => {}
                        }
                    }
                    if abort { Err(()) } else { Ok(()) }
                });
                let Ok(committed) = result else {
                    assert!(abort);
                    return;
                };
                if committed.revision > self.revision {
                    self.revision += 1;
                    for &(n, value) in changes {
                        self.set(&name(n), value);
                    }
                }
                assert_eq!(committed.revision, self.revision);
            }
            Step::PutAll(ref entries) => {
                let all = entries.iter().map(|&(n, v)| (name(n), drops.count(v)));
                let revision = registry.put_all(all).unwrap();
                if !entries.is_empty() {
                    self.revision += 1;
                }
                assert_eq!(revision, self.revision);
                for &(n, v) in entries {
                    self.set(&name(n), Some(v));
                }
            }
            Step::Collect => {
                registry.collect();
            }
            Step::TakeSnapshot => {
                self.snapshots
                    .push((registry.snapshot(), self.state.clone(), self.revision));
            }
            Step::DropSnapshot(n) if !self.snapshots.is_empty() => {
                self.snapshots
                    .swap_remove(usize::from(n) % self.snapshots.len());
            }
            Step::TakeHandle(n) => {
                let handle = registry.handle(&name(n));
                assert_eq!(handle.is_some(), self.state.contains_key(&name(n)));
                self.handles.extend(handle);
            }
            Step::DropHandle(n) if !self.handles.is_empty() => {
                self.handles
                    .swap_remove(usize::from(n) % self.handles.len());
            }
            Step::TakeOwned(n) => {
                let owned = registry.get_owned(&name(n));
                self.owned.extend(owned.map(|owned| {
                    let value = **owned;
                    (owned, value)
                }));
            }
            Step::DropOwned(n) if !self.owned.is_empty() => {
                self.owned.swap_remove(usize::from(n) % self.owned.len());
            }
            Step::DropSnapshot(_) | Step::DropHandle(_) | Step::DropOwned(_) => {}
        }
    }

    fn check(&self) {
        assert_eq!(self.registry.revision(), self.revision);
        assert_eq!(self.registry.len(), self.state.len());
        let view = self.registry.view();
        for n in 0..12 {
            let expected = self.state.get(&name(n)).map(|(_, value)| value);
            assert_eq!(view.get(&name(n)).map(|value| &**value), expected);
            assert_eq!(self.registry.contains(&name(n)), expected.is_some());
        }
        for handle in &self.handles {
            let expected = self.state.get(handle.name()).map(|(_, value)| *value);
            assert_eq!(handle.read(|value| **value), expected);
        }
        for (snapshot, state, revision) in &self.snapshots {
            assert_eq!(snapshot.revision(), *revision);
            assert_eq!(snapshot.len(), state.len());
            let shown: State = snapshot
                .entries()
                .map(|(name, entry)| {
                    (
                        name.to_owned(),
                        (entry.revision(), **entry.value().unwrap()),
                    )
                })
                .collect();
            assert_eq!(&shown, state);
            assert!(snapshot.names().eq(state.keys()));
        }
        for (owned, value) in &self.owned {
            assert_eq!(***owned, *value);
        }
    }

    /// After collecting, what lives is exactly what somebody can still reach.
    fn check_nothing_is_kept(&mut self) {
        self.registry.collect();
        let mut reachable = std::collections::BTreeSet::new();
        let snapshot = self.registry.snapshot();
        reachable.extend(snapshot.iter().map(|(_, value)| value.number()));
        for (snapshot, ..) in &self.snapshots {
            reachable.extend(snapshot.iter().map(|(_, value)| value.number()));
        }
        reachable.extend(self.owned.iter().map(|(owned, _)| owned.number()));
        self.drops.assert_live(reachable.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_registry_is_a_map_of_every_revision(
        hold_back in prop_oneof![Just(0), Just(3), Just(64)],
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new(hold_back);
        for step in &steps {
            world.apply(step);
            world.check();
        }
        world.check_nothing_is_kept();
        let World { drops, registry, snapshots, handles, owned, .. } = world;
        drop((registry, handles, owned, snapshots));
        drops.assert_all_dropped();
    }
}
