//! Each kind of change, as it is heard.

use std::convert::Infallible;

use byname_registry::{
    ChangeError, Changes, Event, Factory, Policy, RecvError, Registry, TransactionError,
};

use super::rig::{all, change, numbers, written};

#[test]
fn each_change_is_heard_with_what_was_before_and_after() {
    let registry = numbers();
    registry.put("old", 1).unwrap();
    let (snapshot, mut changes) = registry.subscribe(Policy::DropOldest);
    assert_eq!((snapshot.revision(), snapshot.get("old")), (1, Some(&1)));
    assert_eq!(changes.try_recv().unwrap_err(), RecvError::Empty);

    registry.register("a", 10).unwrap();
    registry.replace("a", 11).unwrap();
    registry.put("b", 20).unwrap();
    registry.put("b", 21).unwrap();
    registry.compare_and_set("b", 5, 22).unwrap();
    registry.remove("old").unwrap();
    registry
        .put_all([("z", 1), ("c", 2), ("a", 3), ("c", 4)])
        .unwrap();
    registry
        .transaction(|draft| {
            draft.register("new", 5)?;
            draft.remove("z")?;
            draft.register("gone at once", 6)?;
            draft.remove("gone at once")?;
            draft.put("c", 7)
        })
        .unwrap();
    assert_eq!(
        all(&mut changes),
        [
            "2..=2 a: - -> 10@2",
            "3..=3 a: 10@2 -> 11@3",
            "4..=4 b: - -> 20@4",
            "5..=5 b: 20@4 -> 21@5",
            "6..=6 b: 21@5 -> 22@6",
            "7..=7 old: 1@1 -> -",
            "8..=8 a: 11@3 -> 3@8, c: - -> 4@8, z: - -> 1@8",
            "9..=9 c: 4@8 -> 7@9, new: - -> 5@9, z: 1@8 -> -",
        ]
    );
    assert_eq!((changes.revision(), registry.revision()), (9, 9));
    assert_eq!(changes.try_recv().unwrap_err(), RecvError::Empty);
    let stats = changes.stats();
    assert_eq!((stats.received, stats.delivered, stats.pending), (8, 8, 0));
}

#[test]
fn what_changes_nothing_is_not_heard() {
    let registry = numbers();
    registry.register("a", 1).unwrap();
    let (_, mut changes) = registry.subscribe(Policy::DropOldest);
    registry.register("a", 2).unwrap_err();
    registry.replace("b", 2).unwrap_err();
    registry.remove("b").unwrap_err();
    registry.compare_and_set("a", 9, 2).unwrap_err();
    registry.put("", 2).unwrap_err();
    registry.put_all([("x", 1), ("", 1)]).unwrap_err();
    registry.put_all::<&str>([]).unwrap();
    let aborted = registry.transaction(|draft| {
        draft.put("x", 1).unwrap();
        Err::<(), _>(7)
    });
    assert_eq!(aborted, Err(TransactionError::Aborted(7)));
    registry.transaction(|_| Ok::<_, ChangeError>(())).unwrap();
    registry.collect();
    registry.seal();
    registry.put("a", 3).unwrap_err();
    assert_eq!(changes.try_recv().unwrap_err(), RecvError::Empty);
    assert_eq!(changes.stats().received, 0);
}

#[test]
fn what_was_heard_is_the_very_entry() {
    let registry = numbers();
    let (_, mut changes) = registry.subscribe(Policy::DropOldest);
    registry.put("a", 1).unwrap();
    let here = std::ptr::from_ref(&*registry.get("a").unwrap());
    registry.put("a", 2).unwrap();
    let (first, second) = (change(&mut changes), change(&mut changes));
    let after = first.entries()[0].after().unwrap();
    let before = second.entries()[0].before().unwrap();
    assert!(std::ptr::eq(after.value().unwrap(), here));
    assert!(std::ptr::eq(before.value().unwrap(), here));
    assert_eq!(after.place(), before.place());
    assert!(after.place().to_string().contains("every_change.rs:"));
}

#[test]
fn a_factory_is_heard_of_and_its_build_is_not() {
    let registry = numbers();
    let (_, mut changes) = registry.subscribe(Policy::DropOldest);
    let seven = || Factory::new(|_| Ok::<_, Infallible>(7));
    registry.register_factory("a", seven()).unwrap();
    let told = change(&mut changes);
    assert_eq!(written(&told), "1..=1 a: - -> unbuilt@1");
    let entry = told.entries()[0].after().unwrap();
    assert!(entry.is_factory());
    assert_eq!(*registry.resolve("a").unwrap(), 7);
    // The entry that was heard of is the one that is built.
    assert_eq!(entry.value(), Some(&7));
    assert_eq!(changes.try_recv().unwrap_err(), RecvError::Empty);
    registry.replace_factory("a", seven()).unwrap();
    let told = change(&mut changes);
    assert_eq!(written(&told), "2..=2 a: 7@1 -> unbuilt@2");
    // An observer may build what it was told of.
    assert_eq!(*told.entries()[0].after().unwrap().resolve().unwrap(), 7);
    assert_eq!(registry.get("a").as_deref(), Some(&7));
}

#[test]
fn a_stores_revisions_jump_and_the_change_covers_the_gap() {
    let registry: Registry<u64> = Registry::builder().following().build();
    registry.resync(5, [("a", 2, 20), ("b", 5, 50)]).unwrap();
    let (snapshot, mut changes) = registry.subscribe(Policy::DropOldest);
    assert_eq!(snapshot.revision(), 5);

    let mut put = Changes::new();
    put.put("a", 9, 90).unwrap();
    put.put("c", 17, 170).unwrap();
    put.remove("never there");
    registry.publish(17, put).unwrap();
    registry.publish(18, Changes::new()).unwrap();
    registry.publish(30, Changes::new()).unwrap();
    registry
        .resync(40, [("a", 9, 0), ("c", 31, 310), ("d", 40, 400)])
        .unwrap();
    registry
        .resync(41, [("a", 9, 0), ("c", 31, 0), ("d", 40, 0)])
        .unwrap();
    registry.resync::<&str>(50, []).unwrap();
    registry.publish(50, Changes::new()).unwrap_err();
    assert_eq!(
        all(&mut changes),
        [
            "6..=17 a: 20@2 -> 90@9, c: - -> 170@17",
            "18..=18 ",
            "19..=30 ",
            "31..=40 b: 50@5 -> -, c: 170@17 -> 310@31, d: - -> 400@40",
            "41..=41 ",
            "42..=50 a: 90@9 -> -, c: 310@31 -> -, d: 400@40 -> -",
        ]
    );
    assert_eq!(changes.revision(), 50);
}

#[test]
fn a_sealed_registry_is_observed_until_its_end() {
    let registry = numbers();
    let (_, mut early) = registry.subscribe(Policy::DropOldest);
    registry.put("a", 1).unwrap();
    registry.seal();
    registry.put("a", 2).unwrap_err();
    let (snapshot, mut late) = registry.subscribe(Policy::Coalesce);
    assert_eq!((snapshot.revision(), snapshot.get("a")), (1, Some(&1)));
    assert_eq!(all(&mut early), ["1..=1 a: - -> 1@1"]);
    assert_eq!(early.try_recv().unwrap_err(), RecvError::Empty);
    assert_eq!(late.try_recv().unwrap_err(), RecvError::Empty);
    drop(registry);
    assert!(early.recv().is_none());
    assert!(late.recv().is_none());
}

#[test]
fn each_subscription_begins_with_its_own_snapshot() {
    let registry = numbers();
    let mut all_of_them = Vec::new();
    for n in 1..=20 {
        registry.put("n", n).unwrap();
        let (snapshot, changes) = registry.subscribe(Policy::DropOldest);
        assert_eq!((snapshot.revision(), snapshot.get("n")), (n, Some(&n)));
        assert_eq!(changes.revision(), n);
        all_of_them.push(changes);
    }
    for (began, mut changes) in (1..=20).zip(all_of_them) {
        for n in began + 1..=20 {
            let told = written(&*change(&mut changes));
            assert_eq!(told, format!("{n}..={n} n: {}@{} -> {n}@{n}", n - 1, n - 1));
        }
        assert!(matches!(changes.try_recv(), Err(RecvError::Empty)));
    }
}

#[test]
fn the_end_of_the_last_handle_ends_a_subscription_after_what_is_pending() {
    let registry = numbers();
    let other = registry.clone();
    let (_, mut changes) = registry.subscribe(Policy::DropOldest);
    registry.put("a", 1).unwrap();
    drop(registry);
    other.put("a", 2).unwrap();
    let (handle, kept) = (other.handle("a").unwrap(), other.snapshot());
    drop(other);
    let told: Vec<_> = std::iter::from_fn(|| changes.recv())
        .map(|event| match event {
            Event::Change(change) => written(&*change),
            Event::Resync { .. } => "resync".into(),
        })
        .collect();
    assert_eq!(told, ["1..=1 a: - -> 1@1", "2..=2 a: 1@1 -> 2@2"]);
    assert_eq!(changes.try_recv().unwrap_err(), RecvError::Ended);
    // Handles and snapshots read on; they can change nothing.
    assert_eq!((handle.read(|n| *n), kept.get("a")), (Some(2), Some(&2)));
}
