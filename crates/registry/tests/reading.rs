//! Every way of reading, on one thread.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use byname_registry::{ChangeError, Guard, Place, Registry};

fn numbers() -> Registry<u32> {
    [("one", 1), ("two", 2), ("three", 3)].into_iter().collect()
}

#[test]
fn a_name_is_read_borrowed_owned_and_by_closure() {
    let registry = numbers();
    assert_eq!(registry.get("two").as_deref(), Some(&2));
    assert_eq!(registry.read("two", |n| n + 1), Some(3));
    assert_eq!(registry.get_owned("two").as_deref(), Some(&2));
    assert!(registry.get("four").is_none());
    assert_eq!(registry.read("four", |n| *n), None);
    assert!(registry.get_owned("four").is_none());
    assert!(registry.contains("one") && !registry.contains("four"));
    assert_eq!(
        (registry.len(), registry.is_empty(), registry.revision()),
        (3, false, 1)
    );
    assert!(Registry::<u32>::new().is_empty());
}

#[test]
fn a_name_is_not_a_prefix_of_itself() {
    let registry = Registry::from_iter([("a", 1), ("ab", 2), ("a\0", 3), ("ä", 4)]);
    for (name, number) in [("a", 1), ("ab", 2), ("a\0", 3), ("ä", 4)] {
        assert_eq!(registry.get(name).as_deref(), Some(&number));
    }
    assert!(registry.get("").is_none() && registry.get("abc").is_none());
}

#[test]
fn a_borrowed_value_stays_while_the_registry_changes() {
    let registry = Registry::builder().hold_back(0).build();
    registry.register("name", String::from("old")).unwrap();
    let guard = registry.get("name").unwrap();
    registry.replace("name", String::from("new")).unwrap();
    registry.collect();
    assert_eq!(*guard, "old");
    let owned = Guard::to_owned(&guard);
    drop(guard);
    registry.remove("name").unwrap();
    registry.collect();
    assert_eq!(*owned, "old");
    assert_eq!(owned.revision(), 1);
}

#[test]
fn a_view_is_one_revision() {
    let registry = numbers();
    let view = registry.view();
    registry
        .put_all([("one", 10), ("two", 20), ("four", 40)])
        .unwrap();
    registry.remove("three").unwrap();
    assert_eq!(
        ["one", "two", "three", "four"].map(|name| view.get(name).copied()),
        [Some(1), Some(2), Some(3), None]
    );
    assert!(view.contains("three") && !view.contains("four"));
    assert_eq!(view.revision(), 1);
    let view = registry.view();
    assert_eq!(
        ["one", "two", "three", "four"].map(|name| view.get(name).copied()),
        [Some(10), Some(20), None, Some(40)]
    );
    assert_eq!(view.revision(), 3);
}

#[test]
fn many_views_and_guards_at_once() {
    // More than a thread's record has room for, and released in another order than taken.
    let registry = Registry::builder().hold_back(0).build();
    registry.register("n", 0).unwrap();
    let mut views = Vec::new();
    for n in 0..40 {
        views.push((n, registry.view(), registry.get("n").unwrap()));
        registry.put("n", n + 1).unwrap();
    }
    for keep in (0..40).step_by(3).rev() {
        let (n, view, guard) = views.swap_remove(keep % views.len());
        assert_eq!((view.get("n"), *guard), (Some(&n), n));
    }
    for (n, view, guard) in &views {
        assert_eq!((view.get("n"), **guard), (Some(n), *n));
    }
    drop(views);
    assert_eq!(registry.collect(), 0);
}

#[test]
fn a_handle_follows_its_name() {
    let registry = numbers();
    assert!(registry.handle("four").is_none());
    let handle = registry.handle("two").unwrap();
    assert_eq!((handle.name(), handle.read(|n| *n)), ("two", Some(2)));
    registry.replace("two", 22).unwrap();
    assert_eq!(handle.get().as_deref(), Some(&22));
    let view = registry.view();
    registry.remove("two").unwrap();
    assert_eq!(handle.get_in(&view), Some(&22));
    assert!(handle.get().is_none() && handle.get_owned().is_none() && handle.entry().is_none());
    // The index is rebuilt several times while the handle holds its slot.
    for n in 0..1000 {
        registry.register(&format!("other-{n}"), n).unwrap();
    }
    registry.register("two", 222).unwrap();
    let clone = handle.clone();
    drop(handle);
    assert_eq!(clone.get_owned().as_deref(), Some(&222));
    drop(view);
    drop(registry);
    assert_eq!(clone.read(|n| *n), Some(222));
}

#[test]
#[should_panic(expected = "a view of its own registry")]
fn a_handle_refuses_the_view_of_another_registry() {
    let (one, other) = (numbers(), numbers());
    let _ = one.handle("one").unwrap().get_in(&other.view());
}

#[test]
fn a_snapshot_is_frozen_ordered_and_converts() {
    let registry = numbers();
    let before = registry.snapshot();
    registry.put("zero", 0).unwrap();
    registry.replace("one", 11).unwrap();
    registry.remove("two").unwrap();
    let after = registry.snapshot();

    assert_eq!(
        before.iter().collect::<Vec<_>>(),
        [("one", &1), ("three", &3), ("two", &2)]
    );
    assert_eq!(before.names().collect::<Vec<_>>(), ["one", "three", "two"]);
    assert_eq!(
        (before.len(), before.revision(), before.is_empty()),
        (3, 1, false)
    );
    assert_eq!(
        after.iter().collect::<Vec<_>>(),
        [("one", &11), ("three", &3), ("zero", &0)]
    );
    assert_eq!((after.len(), after.revision()), (3, 4));
    assert_eq!(before.get("zero"), None);
    assert!(before.contains("two") && !after.contains("two"));
    assert_eq!(before.get_owned("two").as_deref(), Some(&2));

    let map: HashMap<String, u32> = after.to_hash_map();
    let tree: BTreeMap<String, u32> = after.to_btree_map();
    assert_eq!(tree.keys().collect::<Vec<_>>(), ["one", "three", "zero"]);
    assert_eq!(Registry::from(map).snapshot().to_btree_map(), tree);
    assert_eq!(Registry::from(tree.clone()).snapshot().to_btree_map(), tree);

    let entries: Vec<_> = after
        .entries()
        .map(|(name, entry)| (name, entry.revision(), *entry.value().unwrap()))
        .collect();
    assert_eq!(entries, [("one", 3, 11), ("three", 1, 3), ("zero", 2, 0)]);
}

#[test]
fn a_snapshot_is_read_from_anywhere_in_its_order() {
    let registry = Registry::from_iter([("a", 1), ("c", 3), ("e", 5)]);
    let snapshot = registry.snapshot();
    let from = |start| {
        snapshot
            .iter_from(start)
            .map(|(_, n)| *n)
            .collect::<Vec<_>>()
    };
    assert_eq!(from(Bound::Unbounded), [1, 3, 5]);
    assert_eq!(from(Bound::Included("c")), [3, 5]);
    assert_eq!(from(Bound::Excluded("c")), [5]);
    assert_eq!(from(Bound::Included("d")), [5]);
    assert_eq!(from(Bound::Excluded("e")), [0; 0]);
}

#[test]
fn a_copy_belongs_to_the_caller() {
    let registry = Registry::from_iter([("list", vec![1, 2])]);
    let mut copy = registry.snapshot().to_hash_map();
    copy.get_mut("list").unwrap().push(3);
    copy.clear();
    assert_eq!(registry.get("list").as_deref(), Some(&vec![1, 2]));
}

#[test]
fn entries_tell_their_revision_and_place() {
    let registry = Registry::new();
    registry.register("code", 1).unwrap();
    registry
        .register_at("file", 2, Place::new("app.yaml:12"))
        .unwrap();
    let code = registry.entry("code").unwrap();
    assert!(
        code.place().to_string().contains("reading.rs:"),
        "{}",
        code.place()
    );
    assert!(!code.is_factory());
    let file = registry.entry("file").unwrap();
    assert_eq!(
        (file.place().to_string(), file.revision()),
        ("app.yaml:12".to_owned(), 2)
    );
    assert_eq!(registry.entry("none").map(|entry| entry.revision()), None);
    let error = registry.register("file", 3).unwrap_err();
    assert!(
        matches!(&error, ChangeError::Taken { place, .. } if *place == Place::new("app.yaml:12"))
    );
}

#[test]
fn values_of_every_shape_are_kept() {
    #[derive(Debug, PartialEq)]
    #[repr(align(256))]
    struct Wide([u8; 300]);

    let wide = Registry::from_iter([("w", Wide([7; 300]))]);
    let value = wide.get("w").unwrap();
    assert_eq!(*value, Wide([7; 300]));
    assert_eq!(std::ptr::from_ref(&*value).addr() % 256, 0);
    let unit = Registry::from_iter([("u", ())]);
    assert_eq!(unit.get("u").as_deref(), Some(&()));
    let trait_objects: Registry<Box<dyn Fn() -> i32 + Send + Sync>> = Registry::new();
    trait_objects.register("f", Box::new(|| 5)).unwrap();
    assert_eq!(trait_objects.read("f", |f| f()), Some(5));
}

#[test]
fn the_order_of_names_follows_every_coming_and_going() {
    let registry = Registry::from_iter([("b", 1), ("a", 1)]);
    let names = |registry: &Registry<i32>| {
        let snapshot = registry.snapshot();
        snapshot.names().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&registry), ["a", "b"]);
    registry.replace("a", 2).unwrap();
    assert_eq!(names(&registry), ["a", "b"]);
    registry.register("aa", 3).unwrap();
    assert_eq!(names(&registry), ["a", "aa", "b"]);
    registry.remove("a").unwrap();
    assert_eq!(names(&registry), ["aa", "b"]);
    registry
        .transaction(|draft| {
            draft.remove("b")?;
            draft.register("b", 4)
        })
        .unwrap();
    assert_eq!(names(&registry), ["aa", "b"]);
}
