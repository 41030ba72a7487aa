//! Keys follow what stands under their name.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use byname_components::{LookupError, Parts};

#[test]
fn a_key_shows_what_stands_there_whatever_else_changes() {
    let parts = Parts::new("part");
    let first = Arc::new(1_u64);
    parts.register("a", Arc::clone(&first)).unwrap();
    let key = parts.key::<u64>("a").unwrap();
    for other in 0..3 {
        assert!(Arc::ptr_eq(&key.get(), &first));
        parts
            .register(&format!("b{other}"), Arc::new(other))
            .unwrap();
        assert_eq!(key.read(|value| *value), 1);
    }
    parts.replace("a", Arc::new(2_u64)).unwrap();
    let copy = key.clone();
    assert_eq!((*key.get(), copy.read(|value| *value)), (2, 2));
    // The same one comes back, in a part of its own.
    parts.replace("a", Arc::clone(&first)).unwrap();
    assert!(Arc::ptr_eq(&key.get(), &first));
    parts.replace("a", Arc::new("text".to_owned())).unwrap();
    assert_eq!((*key.get(), *copy.get()), (1, 1));
    parts.registry().remove("a").unwrap();
    assert_eq!((*key.get(), key.name()), (1, "a"));
    parts.register("a", Arc::new(3_u64)).unwrap();
    assert_eq!((*key.get(), *copy.get()), (3, 3));
    let error = parts.key::<u32>("a").unwrap_err();
    assert!(matches!(error, LookupError::WrongType { .. }), "{error}");
}

#[test]
fn a_name_is_read_in_place() {
    let parts = Parts::new("part");
    parts.register("a", Arc::new(1_u64)).unwrap();
    assert_eq!(parts.read("a", |value: &u64| *value + 1).unwrap(), Some(2));
    assert_eq!(parts.read("b", |value: &u64| *value).unwrap(), None);
    let error = parts.read("a", |value: &u32| *value).unwrap_err();
    assert!(matches!(error, LookupError::WrongType { .. }), "{error}");
}

/// A key is quick because it looks whether anything has changed; what it must not do is miss a change
/// that has returned, while others come and go beside it.
#[test]
fn concurrent_readers_of_a_key_miss_no_change_that_has_returned() {
    const CHANGES: u64 = 5_000;
    let parts = Parts::new("part");
    parts.register("a", Arc::new(0_u64)).unwrap();
    parts.register("other", Arc::new(())).unwrap();
    let key = parts.key::<u64>("a").unwrap();
    let (returned, done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let (mut last, key) = (0, key.clone());
                while !done.load(Ordering::Acquire) {
                    let before = returned.load(Ordering::Acquire);
                    let seen = key.read(|value| *value);
                    assert!(
                        seen >= before,
                        "{seen} was read after {before} had returned"
                    );
                    assert!(seen >= last, "{seen} was read after {last}");
                    last = seen;
                }
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                parts.replace("other", Arc::new(())).unwrap();
            }
        });
        for change in 1..=CHANGES {
            parts.replace("a", Arc::new(change)).unwrap();
            returned.store(change, Ordering::Release);
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(key.read(|value| *value), CHANGES);
}

/// The first part comes back again and again, so that the key goes from the quick way to the long one and
/// back, while others read through it: what they find must not make it quick at a revision that it was
/// not looked at in.
#[test]
fn concurrent_readers_of_a_key_whose_first_part_comes_back() {
    let parts = Parts::new("part");
    parts.register("a", Arc::new(0_u64)).unwrap();
    let first = parts
        .registry()
        .get("a")
        .map(|part| (*part).clone())
        .unwrap();
    let key = parts.key::<u64>("a").unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    std::hint::black_box(key.read(|value| *value));
                }
            });
        }
        let mut wrong = Vec::new();
        for change in 1..=100_000_u64 {
            if change % 2 == 0 {
                parts.registry().replace("a", first.clone()).unwrap();
            } else {
                parts.replace("a", Arc::new(change)).unwrap();
            }
            let seen = key.read(|value| *value);
            if seen != change % 2 * change {
                wrong.push((change, seen));
            }
        }
        done.store(true, Ordering::Release);
        assert!(wrong.is_empty(), "{wrong:?}");
    });
}
