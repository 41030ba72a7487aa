//! Every way of changing, on one thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

use byname_registry::{ChangeError, Changes, MAX_NAME, Registry, TransactionError};

type Never = std::convert::Infallible;

#[test]
fn each_change_is_the_next_revision() {
    let registry = Registry::new();
    assert_eq!(registry.register("a", 1), Ok(1));
    assert_eq!(registry.put("b", 1), Ok(2));
    assert_eq!(registry.replace("a", 2), Ok(3));
    assert_eq!(registry.remove("b"), Ok(4));
    assert_eq!(registry.put_all([("c", 1), ("d", 1)]), Ok(5));
    assert_eq!(registry.put_all::<&str>([]), Ok(5));
    assert_eq!(registry.revision(), 5);
    assert_eq!(registry.len(), 3);
}

#[test]
fn what_is_refused_changes_nothing() {
    let registry = Registry::from_iter([("a", 1)]);
    let taken = registry.register("a", 2).unwrap_err();
    let ChangeError::Taken {
        name,
        place,
        revision: 1,
    } = &taken
    else {
        panic!("{taken:?}")
    };
    assert_eq!(&**name, "a");
    assert!(place.to_string().contains("changing.rs:"), "{place}");
    assert_eq!(
        registry.replace("b", 2),
        Err(ChangeError::Absent { name: "b".into() })
    );
    assert_eq!(
        registry.remove("b"),
        Err(ChangeError::Absent { name: "b".into() })
    );
    assert_eq!(registry.put("", 2), Err(ChangeError::Name { len: 0 }));
    let long = "x".repeat(MAX_NAME + 1);
    assert_eq!(
        registry.put(&long, 2),
        Err(ChangeError::Name { len: MAX_NAME + 1 })
    );
    assert_eq!(
        registry.put_all([("z", 1), ("", 1)]),
        Err(ChangeError::Name { len: 0 })
    );
    assert_eq!((registry.revision(), registry.len()), (1, 1));
    assert_eq!(registry.put(&long[1..], 2), Ok(2));
    assert_eq!(registry.get(&long[1..]).as_deref(), Some(&2));
}

#[test]
fn errors_say_what_to_do() {
    let registry = Registry::from_iter([("db", 1)]);
    for (error, says) in [
        (
            registry.register("db", 2).unwrap_err(),
            "choose another name, or replace it",
        ),
        (
            registry.replace("cache", 2).unwrap_err(),
            "there is no entry `cache`; register it first",
        ),
        (
            registry.compare_and_set("db", 9, 2).unwrap_err(),
            "found revision 1; read it again",
        ),
        (
            registry.compare_and_set("db", 0, 2).unwrap_err(),
            "expected no entry `db`, found one of",
        ),
        (
            registry.compare_and_set("x", 4, 2).unwrap_err(),
            "at revision 4, but it has been removed",
        ),
        (
            registry.put("", 2).unwrap_err(),
            "a name has 1 to 65535 bytes, this one has 0",
        ),
        (
            registry.publish(9, Changes::new()).unwrap_err(),
            "builder().following()",
        ),
    ] {
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn compare_and_set_takes_the_revision_of_the_entry() {
    let registry = Registry::new();
    assert_eq!(registry.compare_and_set("a", 0, 1), Ok(1));
    assert_eq!(registry.put("b", 1), Ok(2));
    assert_eq!(registry.compare_and_set("a", 1, 2), Ok(3));
    let moved = |expected, found| ChangeError::Moved {
        name: "a".into(),
        expected,
        found,
    };
    assert_eq!(registry.compare_and_set("a", 1, 3), Err(moved(1, 3)));
    assert!(moved(1, 3).is_retryable());
    registry.remove("a").unwrap();
    assert_eq!(registry.compare_and_set("a", 3, 4), Err(moved(3, 0)));
    assert_eq!(registry.compare_and_set("a", 0, 4), Ok(5));
}

#[test]
fn a_transaction_is_one_revision() {
    let registry = Registry::from_iter([("a", 1), ("b", 2), ("c", 3)]);
    let committed = registry
        .transaction(|draft| {
            assert_eq!(draft.revision(), 1);
            let sum = draft.iter().map(|(_, n)| n).sum::<i32>();
            draft.replace("a", 10)?;
            draft.remove("b")?;
            draft.register("d", sum)?;
            draft.put("e", 5)?;
            draft.put("e", 50)?;
            assert_eq!(draft.get("a"), Some(&10));
            assert!(!draft.contains("b") && draft.contains("e"));
            assert_eq!(draft.get("b"), None);
            let seen: Vec<_> = draft
                .iter()
                .map(|(name, n)| (name.to_owned(), *n))
                .collect();
            assert_eq!(seen.len(), 4);
            assert_eq!(seen[0], ("a".to_owned(), 10));
            Ok::<_, ChangeError>(sum)
        })
        .unwrap();
    assert_eq!((committed.value, committed.revision), (6, 2));
    let snapshot = registry.snapshot();
    let all: Vec<_> = snapshot.iter().map(|(name, n)| (name, *n)).collect();
    assert_eq!(all, [("a", 10), ("c", 3), ("d", 6), ("e", 50)]);
    assert_eq!(registry.entry("e").unwrap().revision(), 2);
}

#[test]
fn a_draft_knows_its_own_changes() {
    let registry = Registry::from_iter([("a", 1)]);
    registry
        .transaction(|draft| {
            draft.register("new", 1)?;
            assert!(matches!(
                draft.register("new", 2),
                Err(ChangeError::Taken { .. })
            ));
            draft.remove("new")?;
            assert_eq!(
                draft.remove("new"),
                Err(ChangeError::Absent { name: "new".into() })
            );
            draft.remove("a")?;
            assert_eq!(
                draft.replace("a", 5),
                Err(ChangeError::Absent { name: "a".into() })
            );
            draft.register("a", 7)?;
            assert_eq!(draft.entry_revision("a"), 1);
            draft.compare_and_set("a", 1, 8)?;
            assert!(draft.compare_and_set("a", 2, 9).is_err());
            Ok::<_, ChangeError>(())
        })
        .unwrap();
    assert_eq!(
        registry.snapshot().to_btree_map(),
        [("a".to_owned(), 8)].into()
    );
}

#[test]
fn a_transaction_without_changes_makes_no_revision() {
    let registry = Registry::from_iter([("a", 1)]);
    let read = registry
        .transaction(|draft| Ok::<_, Never>(draft.get("a").copied()))
        .unwrap();
    assert_eq!(
        (read.value, read.revision, registry.revision()),
        (Some(1), 1, 1)
    );
}

#[test]
fn an_error_or_a_panic_leaves_everything_as_it_was() {
    let registry = Registry::from_iter([("a", 1)]);
    let before = registry.snapshot().to_btree_map();
    let aborted = registry.transaction(|draft| {
        draft.put("a", 2).unwrap();
        draft.put("b", 2).unwrap();
        Err::<(), _>("changed my mind")
    });
    assert_eq!(
        aborted.unwrap_err(),
        TransactionError::Aborted("changed my mind")
    );
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        registry.transaction(|draft| -> Result<(), Never> {
            draft.put("a", 3).unwrap();
            panic!("half-way")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(
        (registry.revision(), registry.snapshot().to_btree_map()),
        (1, before)
    );
    registry.put("a", 4).unwrap();
}

#[test]
fn a_transaction_may_use_its_registry_and_runs_again_when_that_conflicts() {
    let registry = Registry::from_iter([("a", 1), ("log", 0)]);
    let mut runs = 0;
    let committed = registry
        .transaction(|draft| {
            runs += 1;
            let a = *draft.get("a").unwrap();
            if runs < 3 {
                registry.put("a", a + 1).unwrap();
            }
            draft.put("log", a)
        })
        .unwrap();
    assert_eq!((runs, committed.revision), (3, 4));
    assert_eq!(registry.get("log").as_deref(), Some(&3));
}

#[test]
fn a_transaction_gives_up_after_its_attempts() {
    let registry = Registry::builder().attempts(5).build();
    registry.put("hot", 0).unwrap();
    let mut runs = 0;
    let result = registry.transaction(|draft| {
        runs += 1;
        let _ = draft.get("hot");
        registry.put("hot", runs).unwrap();
        draft.put("other", 1)
    });
    let conflict = TransactionError::Conflict {
        attempts: 5,
        name: "hot".into(),
    };
    assert_eq!(result.unwrap_err(), conflict);
    assert!(conflict.to_string().starts_with("gave up after 5 attempts"));
    assert_eq!(runs, 5);
    assert!(!registry.contains("other"));
}

#[test]
fn what_a_transaction_did_not_read_does_not_conflict() {
    let registry = Registry::from_iter([("a", 1), ("b", 1)]);
    let mut runs = 0;
    registry
        .transaction(|draft| {
            runs += 1;
            registry.put("b", 2).unwrap();
            registry.put("a", 3).unwrap();
            draft.put("a", 4)
        })
        .unwrap();
    assert_eq!((runs, registry.get("a").as_deref()), (1, Some(&4)));
    // Reading an absent name is reading, and so is iterating.
    for conflicting in [true, false] {
        let mut runs = 0;
        registry
            .transaction(|draft| {
                runs += 1;
                let _ = if conflicting {
                    draft.get("absent").is_some()
                } else {
                    draft.iter().count() == 0
                };
                if runs == 1 {
                    registry
                        .put(if conflicting { "absent" } else { "more" }, 1)
                        .unwrap();
                }
                draft.put("c", 1)
            })
            .unwrap();
        assert_eq!(runs, 2);
        if conflicting {
            registry.remove("absent").unwrap();
        }
    }
}

#[test]
fn a_sealed_registry_is_read_and_not_changed() {
    let registry = Registry::from_iter([("a", 1)]);
    registry.seal();
    assert!(registry.is_sealed());
    assert_eq!(registry.put("a", 2), Err(ChangeError::Sealed));
    assert_eq!(registry.register("b", 2), Err(ChangeError::Sealed));
    assert_eq!(registry.remove("a"), Err(ChangeError::Sealed));
    assert_eq!(registry.put_all([("c", 1)]), Err(ChangeError::Sealed));
    let refused = registry.transaction(|draft| draft.put("a", 3)).unwrap_err();
    assert_eq!(refused, TransactionError::Refused(ChangeError::Sealed));
    assert_eq!(
        ChangeError::Sealed.to_string(),
        "the registry is sealed and does not change any more"
    );
    assert_eq!(
        (registry.get("a").as_deref(), registry.revision()),
        (Some(&1), 1)
    );
}

#[test]
fn a_registry_is_sealed_while_a_transaction_runs() {
    let registry = Registry::from_iter([("a", 1)]);
    let refused = registry.transaction(|draft| {
        registry.seal();
        draft.put("a", 2)
    });
    assert_eq!(
        refused.unwrap_err(),
        TransactionError::Refused(ChangeError::Sealed)
    );
    assert_eq!(registry.get("a").as_deref(), Some(&1));
}

#[test]
fn a_hundred_thousand_names_come_and_go() {
    let registry = Registry::new();
    let name = |n: usize| format!("name-{n}");
    registry
        .put_all((0..100_000).map(|n| (name(n), n)))
        .unwrap();
    assert_eq!((registry.revision(), registry.len()), (1, 100_000));
    for n in 0..100_000 {
        assert_eq!(registry.get(&name(n)).as_deref(), Some(&n));
    }
    for n in (0..100_000).step_by(2) {
        registry.remove(&name(n)).unwrap();
    }
    for n in 100_000..150_000 {
        registry.register(&name(n), n).unwrap();
    }
    assert_eq!(registry.len(), 100_000);
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.iter().count(), 100_000);
    assert!(snapshot.names().is_sorted());
}
