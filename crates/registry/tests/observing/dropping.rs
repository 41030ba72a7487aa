//! What a queue holds is kept alive by it and dropped with it.

use byname_registry::{Options, Policy, Registry};
use byname_testkit::{Counted, DropCounter};

use super::rig::{change, resync};

fn counted() -> (DropCounter, Registry<Counted<u64>>) {
    (DropCounter::new(), Registry::builder().hold_back(0).build())
}

#[test]
fn a_pending_change_keeps_its_values() {
    let (drops, registry) = counted();
    let (snapshot, mut changes) = registry.subscribe(Policy::DropOldest);
    drop(snapshot);
    for n in 0..10 {
        registry.put("a", drops.count(n)).unwrap();
    }
    drops.assert_live(10);
    // The first holds value 0; the second holds 0 and 1.
    drop(change(&mut changes));
    registry.collect();
    drops.assert_live(10);
    let second = change(&mut changes);
    drops.assert_live(10);
    drop(second);
    drops.assert_live(9);
    drop(changes);
    drops.assert_live(1);
    assert_eq!(drops.live_numbers(), [9]);
    drop(registry);
    drops.assert_all_dropped();
}

#[test]
fn a_change_that_is_kept_outlives_the_registry() {
    let (drops, registry) = counted();
    let (snapshot, mut changes) = registry.subscribe(Policy::DropOldest);
    drop(snapshot);
    registry.put("a", drops.count(1)).unwrap();
    registry.put("a", drops.count(2)).unwrap();
    let kept = (change(&mut changes), change(&mut changes));
    drop((registry, changes));
    drops.assert_live(2);
    assert_eq!(
        kept.1.entries()[0].before().unwrap().value().map(|n| **n),
        Some(1)
    );
    drop(kept.1);
    drops.assert_live(1);
    drop(kept.0);
    drops.assert_all_dropped();
}

#[test]
fn a_queue_that_lost_a_change_holds_nothing() {
    let (drops, registry) = counted();
    let (snapshot, mut changes) = registry.subscribe(Options::new(Policy::DropOldest).capacity(3));
    drop(snapshot);
    for n in 0..3 {
        registry.put("a", drops.count(n)).unwrap();
    }
    drops.assert_live(3);
    for n in 3..100 {
        registry.put("a", drops.count(n)).unwrap();
        assert!(drops.live() <= 4, "{} live", drops.live());
    }
    registry.collect();
    drops.assert_live(1);
    let (_, snapshot) = resync(&mut changes);
    assert_eq!(snapshot.get("a").map(|n| **n), Some(99));
    drop((snapshot, changes, registry));
    drops.assert_all_dropped();
}

#[test]
fn a_folded_change_holds_the_oldest_and_the_newest() {
    let (drops, registry) = counted();
    registry.put("a", drops.count(0)).unwrap();
    let (snapshot, changes) = registry.subscribe(Policy::Coalesce);
    drop(snapshot);
    for n in 1..100 {
        registry.put("a", drops.count(n)).unwrap();
    }
    registry.collect();
    assert_eq!(drops.live_numbers(), [0, 99]);
    drop(changes);
    registry.collect();
    drops.assert_live(1);
}

#[test]
fn a_stopped_queue_holds_nothing() {
    let (drops, registry) = counted();
    let (snapshot, changes) = registry.subscribe(Policy::DropOldest);
    drop(snapshot);
    let stop = changes.stop_handle();
    for n in 0..5 {
        registry.put("a", drops.count(n)).unwrap();
    }
    drops.assert_live(5);
    stop.stop();
    drops.assert_live(1);
    registry.put("a", drops.count(5)).unwrap();
    drops.assert_live(1);
    // The subscription still keeps the registry's present entries, as a snapshot does.
    drop(registry);
    drops.assert_live(1);
    drop(changes);
    drops.assert_all_dropped();
    drop(stop);
}
