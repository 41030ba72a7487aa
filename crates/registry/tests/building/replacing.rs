//! An entry that is replaced or removed while it is built.

use std::convert::Infallible;

use byname_registry::{ChangeError, Factory, Registry};
use byname_testkit::{Counted, DropCounter};

use super::rig::{Calls, Gate, address, poll, ready, waiters};

type Never = Infallible;

fn gated(gate: &Gate, value: u32, drops: &DropCounter) -> Factory<Counted<u32>> {
    let (gate, drops) = (gate.clone(), drops.clone());
    Factory::future(move |_| {
        let (gate, drops) = (gate.clone(), drops.clone());
        async move {
            gate.pass().await;
            Ok::<_, Never>(drops.count(value))
        }
    })
}

fn registry() -> (DropCounter, Registry<Counted<u32>>) {
    (DropCounter::new(), Registry::builder().hold_back(0).build())
}

#[test]
fn the_result_goes_to_those_who_waited_for_the_old_entry_only() {
    let ((drops, registry), old) = (registry(), Gate::default());
    registry
        .register_factory("a", gated(&old, 1, &drops))
        .unwrap();
    let mut before = [registry.resolve_async("a"), registry.resolve_async("a")];
    for ask in &mut before {
        assert!(poll(ask).is_pending());
    }
    let shown = registry.snapshot();
    registry.replace("a", drops.count(2)).unwrap();

    // Whoever asks now gets the new value, while the old one is still being built.
    assert_eq!(**registry.get("a").unwrap(), 2);
    assert_eq!(**registry.resolve("a").unwrap(), 2);
    assert_eq!(**ready(poll(&mut registry.resolve_async("a"))).unwrap(), 2);
    assert_eq!(waiters(&shown.entry("a").unwrap()), 2);

    old.open();
    let [one, two] = before.map(|mut ask| ready(poll(&mut ask)).unwrap());
    assert_eq!((**one, one.revision()), (1, 1));
    assert_eq!(address(&*one), address(&*two));
    assert_eq!(shown.get("a").map(address), Some(address(&*one)));
    assert_eq!(**registry.get("a").unwrap(), 2);
    assert_eq!(registry.revision(), 2);
    drops.assert_live(2);
    drop((one, two));
    drops.assert_live(2);
    drop(shown);
    drops.assert_live(1);
    assert_eq!(**registry.get("a").unwrap(), 2);
}

#[test]
fn a_factory_in_its_place_builds_its_own_value() {
    let ((drops, registry), old, new) = (registry(), Gate::default(), Gate::default());
    assert_eq!(
        registry.replace_factory("a", gated(&old, 1, &drops)),
        Err(ChangeError::Absent { name: "a".into() })
    );
    registry
        .register_factory("a", gated(&old, 1, &drops))
        .unwrap();
    let mut first = registry.resolve_async("a");
    assert!(poll(&mut first).is_pending());
    assert_eq!(registry.replace_factory("a", gated(&new, 2, &drops)), Ok(2));
    let mut second = registry.resolve_async("a");
    assert!(poll(&mut second).is_pending());
    // In the other order: the later entry is built before the earlier one.
    new.open();
    let later = ready(poll(&mut second)).unwrap();
    assert_eq!((**later, later.revision()), (2, 2));
    assert!(poll(&mut first).is_pending());
    old.open();
    let earlier = ready(poll(&mut first)).unwrap();
    assert_eq!((**earlier, earlier.revision()), (1, 1));
    assert_eq!(**registry.get("a").unwrap(), 2);
    drop((first, earlier));
    drops.assert_live(1);
}

#[test]
fn a_removed_entry_is_built_for_those_who_waited() {
    let ((drops, registry), gate) = (registry(), Gate::default());
    registry
        .register_factory("a", gated(&gate, 1, &drops))
        .unwrap();
    let mut asked = registry.resolve_async("a");
    assert!(poll(&mut asked).is_pending());
    registry.remove("a").unwrap();
    assert!(!registry.contains("a"));
    assert!(registry.resolve("a").is_err());
    gate.open();
    let made = ready(poll(&mut asked)).unwrap();
    drop(asked);
    assert_eq!(**made, 1);
    assert!(!registry.contains("a"));
    assert!(registry.get("a").is_none());
    assert_eq!((registry.len(), registry.revision()), (0, 2));
    drops.assert_live(1);
    drop(made);
    drops.assert_all_dropped();
}

#[test]
fn an_entry_is_built_after_it_was_replaced() {
    let (registry, calls) = (Registry::builder().hold_back(0).build(), Calls::default());
    let counted = calls.clone();
    let factory = Factory::new(move |_| Ok::<_, Never>(counted.call()));
    registry.register_factory("a", factory).unwrap();
    let (entry, snapshot) = (registry.entry("a").unwrap(), registry.snapshot());
    registry.replace("a", 100).unwrap();
    assert_eq!(snapshot.get("a"), None);
    assert_eq!(*entry.resolve().unwrap(), 0);
    assert_eq!(snapshot.get("a"), Some(&0));
    assert_eq!(registry.get("a").as_deref(), Some(&100));
    assert_eq!(calls.count(), 1);
}

#[test]
fn an_entry_is_built_after_its_registry_is_gone() {
    let ((drops, registry), gate) = (registry(), Gate::default());
    registry
        .register_factory("a", gated(&gate, 1, &drops))
        .unwrap();
    let (entry, mut asked) = (registry.entry("a").unwrap(), registry.resolve_async("a"));
    drop(registry);
    assert!(poll(&mut asked).is_pending());
    gate.open();
    assert_eq!(**entry.resolve_blocking(|| false).unwrap(), 1);
    assert_eq!(**ready(poll(&mut asked)).unwrap(), 1);
    drop(asked);
    drops.assert_live(1);
    drop(entry);
    drops.assert_all_dropped();
}
