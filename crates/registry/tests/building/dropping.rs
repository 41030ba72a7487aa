//! What a factory made and what it keeps is dropped, once, and when.

use std::convert::Infallible;
use std::sync::Arc;

use byname_registry::{Factory, Policy, RecvError, Registry, ResolveError};
use byname_testkit::{Counted, DropCounter};

use super::rig::{Boom, Calls, Gate, poll, ready};

type Never = Infallible;

fn registry<V: Send + Sync + 'static>() -> Registry<V> {
    Registry::builder().hold_back(0).build()
}

/// A factory that keeps something and makes something.
fn made(kept: &DropCounter, made: &DropCounter) -> Factory<Counted<u32>> {
    let (keeps, made) = (kept.count(()), made.clone());
    Factory::new(move |_| {
        let _ = &keeps;
        Ok::<_, Never>(made.count(7))
    })
}

#[test]
fn a_value_is_dropped_once_when_it_is_superseded() {
    let (kept, drops, registry) = (DropCounter::new(), DropCounter::new(), registry());
    registry.register_factory("a", made(&kept, &drops)).unwrap();
    drop(registry.resolve("a").unwrap());
    drops.assert_live(1);
    let owned = registry.resolve("a").unwrap();
    registry.replace_factory("a", made(&kept, &drops)).unwrap();
    drops.assert_live(1);
    drop(owned);
    drops.assert_live(0);
    drop(registry.resolve("a").unwrap());
    registry.remove("a").unwrap();
    drops.assert_all_dropped();
    registry.register_factory("b", made(&kept, &drops)).unwrap();
    drop(registry.resolve("b").unwrap());
    drops.assert_live(1);
    drop(registry);
    drops.assert_all_dropped();
    kept.assert_all_dropped();
    assert_eq!((drops.created(), kept.created()), (3, 3));
}

#[test]
fn what_a_factory_keeps_is_dropped_after_it_has_built() {
    let (kept, drops, registry) = (DropCounter::new(), DropCounter::new(), registry());
    for name in ["built", "never asked", "replaced"] {
        registry
            .register_factory(name, made(&kept, &drops))
            .unwrap();
    }
    kept.assert_live(3);
    drop(registry.resolve("built").unwrap());
    assert_eq!(kept.live_numbers(), [1, 2]);
    registry.replace("replaced", drops.count(1)).unwrap();
    assert_eq!(kept.live_numbers(), [1]);
    let refused = registry.register_factory("built", made(&kept, &drops));
    refused.unwrap_err();
    assert_eq!(kept.live_numbers(), [1]);
    drop(registry);
    kept.assert_all_dropped();
    drops.assert_all_dropped();
}

#[test]
fn a_factory_that_failed_keeps_what_it_needs_to_try_again() {
    let (kept, calls, registry) = (DropCounter::new(), Calls::default(), registry());
    let (keeps, counted) = (kept.count(()), calls.clone());
    let factory = Factory::new(move |_| {
        let _ = &keeps;
        match counted.call() {
            0 => Err(Boom(0)),
            call => Ok(call),
        }
    });
    registry.register_factory("a", factory).unwrap();
    registry.resolve("a").unwrap_err();
    kept.assert_live(1);
    registry.resolve("a").unwrap();
    kept.assert_all_dropped();
}

#[test]
fn an_abandoned_build_drops_what_it_made_so_far() {
    let (drops, registry, gate) = (DropCounter::new(), registry(), Gate::default());
    let (parts, door) = (drops.clone(), gate.clone());
    let factory = Factory::future(move |_| {
        let (part, door) = (parts.count(7), door.clone());
        async move {
            door.pass().await;
            Ok::<_, Never>(part)
        }
    });
    registry.register_factory("a", factory).unwrap();
    let mut ask = registry.resolve_async("a");
    assert!(poll(&mut ask).is_pending());
    drops.assert_live(1);
    drop(ask);
    drops.assert_live(0);
    let mut ask = registry.resolve_async("a");
    assert!(poll(&mut ask).is_pending());
    gate.open();
    drop(ready(poll(&mut ask)).unwrap());
    drop(ask);
    drops.assert_live(1);
    drop(registry);
    drops.assert_all_dropped();
    assert_eq!(drops.created(), 2);
}

/// A factory that keeps a clone of its own registry keeps it alive, until it has built.
#[test]
fn a_registry_is_freed_when_the_factories_that_keep_it_have_built() {
    let (drops, registry) = (DropCounter::new(), registry());
    let (_, mut changes) = registry.subscribe(Policy::DropOldest);
    for name in ["a", "b"] {
        let (keeps, drops) = (registry.clone(), drops.clone());
        let factory = Factory::new(move |_| Ok::<_, Never>(drops.count(keeps.len())));
        registry.register_factory(name, factory).unwrap();
    }
    assert_eq!(**registry.resolve("a").unwrap(), 2);
    assert_eq!(**registry.resolve("b").unwrap(), 2);
    drops.assert_live(2);
    drop(registry);
    // Nobody holds the registry: its subscription ends, and with it the last that keeps the values.
    assert!(changes.try_recv().is_ok());
    assert!(changes.try_recv().is_ok());
    assert_eq!(changes.try_recv().unwrap_err(), RecvError::Ended);
    drop(changes);
    drops.assert_all_dropped();
}

/// Before it has built, only its removal (or replacement) ends that.
#[test]
fn a_registry_is_freed_when_the_factory_that_keeps_it_is_removed() {
    let (drops, registry) = (DropCounter::new(), registry());
    registry.put("value", drops.count(0)).unwrap();
    let (keeps, kept) = (registry.clone(), drops.count(()));
    let factory = Factory::new(move |_| {
        let _ = &kept;
        keeps.resolve("value").map(|value| (*value).clone())
    });
    registry.register_factory("a", factory).unwrap();
    registry.remove("a").unwrap();
    drops.assert_live(1);
    drop(registry);
    drops.assert_all_dropped();
}

/// Whoever holds the entry alone builds it; the registry is freed in the midst of that.
#[test]
fn a_factory_may_keep_the_last_of_its_registry() {
    let (drops, registry) = (DropCounter::new(), registry());
    registry.put("value", drops.count(1)).unwrap();
    let keeps = registry.clone();
    let factory = Factory::new(move |_| keeps.resolve("value").map(|value| (*value).clone()));
    registry.register_factory("a", factory).unwrap();
    let (entry, mut ask) = (registry.entry("a").unwrap(), registry.resolve_async("a"));
    drop(registry);
    drops.assert_live(1);
    assert_eq!(**ready(poll(&mut ask)).unwrap(), 1);
    drop(ask);
    assert_eq!(drops.live_numbers(), [1]);
    assert_eq!(entry.value().map(|value| **value), Some(1));
    drop(entry);
    drops.assert_all_dropped();
}

/// A factory that keeps a weak reference never keeps its registry alive.
#[test]
fn a_weak_reference_keeps_no_registry_alive() {
    let (drops, registry) = (DropCounter::new(), Arc::new(registry()));
    registry.put("value", drops.count(1)).unwrap();
    for name in ["asked", "never asked"] {
        let (weak, kept) = (Arc::downgrade(&registry), drops.count(0));
        let factory = Factory::new(move |_| {
            let _ = &kept;
            let registry = weak.upgrade().ok_or("the registry is gone")?;
            let value = registry.resolve("value").map_err(|e| e.to_string())?;
            Ok::<_, String>((*value).clone())
        });
        registry.register_factory(name, factory).unwrap();
    }
    assert_eq!(**registry.resolve("asked").unwrap(), 1);
    let late = registry.entry("never asked").unwrap();
    drop(registry);
    // The entry that is still held, with what its factory keeps, and nothing else.
    drops.assert_live(1);
    assert_eq!(
        std::error::Error::source(&late.resolve().unwrap_err())
            .unwrap()
            .to_string(),
        "the registry is gone"
    );
    drop(late);
    drops.assert_all_dropped();
}

/// A destructor may ask and change: nothing is locked while it runs.
#[test]
fn a_value_may_use_the_registry_while_it_is_dropped() {
    struct Farewell(Registry<Option<Farewell>>);
    impl Drop for Farewell {
        fn drop(&mut self) {
            self.0.put("last words", None).unwrap();
        }
    }
    let registry: Registry<Option<Farewell>> = registry();
    let keeps = registry.clone();
    let factory = Factory::new(move |_| Ok::<_, ResolveError>(Some(Farewell(keeps.clone()))));
    registry.register_factory("a", factory).unwrap();
    assert!(registry.resolve("a").unwrap().is_some());
    registry.remove("a").unwrap();
    assert!(registry.contains("last words"));
    assert_eq!((registry.len(), registry.revision()), (1, 3));
}
