//! A registry that follows a store: two steps to commit, a store's revisions, a whole state.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use byname_registry::{
    ChangeError, Changes, Event, MAX_REVISION, Options, Policy, Registry, TransactionError,
};

fn following() -> Registry<&'static str> {
    Registry::builder().following().build()
}

fn state(registry: &Registry<&'static str>) -> Vec<(String, u64, &'static str)> {
    let snapshot = registry.snapshot();
    snapshot
        .entries()
        .map(|(name, entry)| (name.to_owned(), entry.revision(), *entry.value().unwrap()))
        .collect()
}

#[test]
fn prepare_yields_what_publish_makes_visible() {
    let registry = following();
    let (answer, changes) = registry
        .prepare(|draft| {
            draft.register("a", "one")?;
            draft.register("b", "one")?;
            Ok::<_, ChangeError>(42)
        })
        .unwrap();
    assert_eq!((answer, changes.len(), registry.revision()), (42, 2, 0));
    let mut names: Vec<_> = changes.iter().collect();
    names.sort_unstable();
    assert_eq!(names, [("a", Some(&"one")), ("b", Some(&"one"))]);
    // Room for I/O: the store learns that this is revision 17.
    assert_eq!(registry.publish(17, changes), Ok(17));
    assert_eq!(
        state(&registry),
        [("a".into(), 17, "one"), ("b".into(), 17, "one")]
    );
}

#[test]
fn revisions_jump_and_strictly_increase() {
    let registry = following();
    assert_eq!(registry.publish(5, Changes::new()), Ok(5));
    let backwards = |revision| ChangeError::Backwards {
        revision,
        present: 5,
    };
    assert_eq!(registry.publish(5, Changes::new()), Err(backwards(5)));
    assert_eq!(registry.publish(4, Changes::new()), Err(backwards(4)));
    assert_eq!(registry.resync::<&str>(3, []), Err(backwards(3)));
    assert_eq!(registry.publish(900, Changes::new()), Ok(900));
}

#[test]
fn the_stores_own_changes_carry_its_revisions() {
    let registry = following();
    let mut changes = Changes::new();
    changes.put("a", 3, "x").unwrap();
    changes.put("b", 7, "y").unwrap();
    changes.remove("never-there");
    registry.publish(8, changes).unwrap();
    assert_eq!(
        state(&registry),
        [("a".into(), 3, "x"), ("b".into(), 7, "y")]
    );
    let mut changes = Changes::new();
    changes.remove("a");
    registry.publish(9, changes).unwrap();
    assert_eq!(state(&registry), [("b".into(), 7, "y")]);
}

#[test]
fn changes_prepared_from_something_else_are_refused() {
    let registry = following();
    let ((), changes) = registry
        .prepare(|draft| draft.register("a", "mine"))
        .unwrap();
    let mut theirs = Changes::new();
    theirs.put("a", 1, "theirs").unwrap();
    registry.publish(1, theirs).unwrap();
    assert_eq!(
        registry.publish(2, changes),
        Err(ChangeError::Stale { name: "a".into() })
    );
    assert_eq!(state(&registry), [("a".into(), 1, "theirs")]);
}

#[test]
fn prepared_changes_say_what_they_were_prepared_from() {
    let registry = following();
    let mut heard = Changes::new();
    heard.put("read", 3, "x").unwrap();
    heard.put("put", 5, "x").unwrap();
    heard.put("removed", 6, "x").unwrap();
    registry.publish(9, heard).unwrap();
    let ((), changes) = registry
        .prepare(|draft| {
            assert_eq!(draft.get("read"), Some(&"x"));
            draft.put("put", "y")?;
            draft.register("new", "y")?;
            draft.remove("removed")
        })
        .unwrap();
    let mut reads: Vec<_> = changes.reads().collect();
    reads.sort_unstable();
    assert_eq!(reads, [("new", 0), ("read", 3), ("removed", 6)]);
    assert_eq!((changes.base(), changes.read_everything()), (9, false));
    let (seen, changes) = registry
        .prepare(|draft| Ok::<_, ChangeError>(draft.iter().count()))
        .unwrap();
    assert_eq!((seen, changes.read_everything()), (3, true));
    let nothing = Changes::<()>::new();
    assert_eq!((nothing.base(), nothing.reads().count()), (0, 0));
}

#[test]
fn resync_publishes_the_difference_only() {
    let registry = following();
    registry
        .resync(10, [("a", 4, "a4"), ("b", 5, "b5"), ("c", 6, "c6")])
        .unwrap();
    let kept = registry.get_owned("a").unwrap();
    let before = registry.snapshot();
    // `a` is unchanged, `b` is new in the store, `c` is gone, `d` has come.
    registry
        .resync(
            20,
            [("a", 4, "not taken"), ("b", 12, "b12"), ("d", 13, "d13")],
        )
        .unwrap();
    assert_eq!(
        state(&registry),
        [
            ("a".into(), 4, "a4"),
            ("b".into(), 12, "b12"),
            ("d".into(), 13, "d13")
        ]
    );
    assert_eq!(registry.revision(), 20);
    assert!(std::ptr::eq(
        &raw const *kept,
        &raw const *registry.get_owned("a").unwrap()
    ));
    assert_eq!(
        before.iter().map(|(_, v)| *v).collect::<Vec<_>>(),
        ["a4", "b5", "c6"]
    );
}

#[test]
fn who_may_change_it_is_clear() {
    let registry = following();
    assert_eq!(registry.put("a", "x"), Err(ChangeError::Following));
    assert_eq!(registry.put_all([("a", "x")]), Err(ChangeError::Following));
    let refused = registry
        .transaction(|draft| draft.put("a", "x"))
        .unwrap_err();
    assert_eq!(refused, TransactionError::Refused(ChangeError::Following));
    registry.seal();
    assert_eq!(
        registry.publish(1, Changes::new()),
        Err(ChangeError::Sealed)
    );
    let memory = Registry::new();
    assert_eq!(
        memory.publish(1, Changes::<()>::new()),
        Err(ChangeError::NotFollowing)
    );
    assert_eq!(memory.resync::<&str>(1, []), Err(ChangeError::NotFollowing));
    let refused = memory.prepare(|draft| draft.put("a", ())).unwrap_err();
    assert_eq!(
        refused,
        TransactionError::Refused(ChangeError::NotFollowing)
    );
}

/// Found by review: the top bit of a revision is used inside.
#[test]
fn revisions_have_a_last_one() {
    let registry = following();
    let refused = |revision| Err(ChangeError::Revision { revision });
    assert_eq!(
        registry.publish(MAX_REVISION + 1, Changes::new()),
        refused(MAX_REVISION + 1)
    );
    assert_eq!(registry.resync::<&str>(u64::MAX, []), refused(u64::MAX));
    let mut changes = Changes::new();
    changes.put("a", u64::MAX, "last").unwrap();
    assert_eq!(registry.publish(MAX_REVISION, changes), Ok(MAX_REVISION));
    assert_eq!(state(&registry), [("a".into(), u64::MAX, "last")]);
    let view = registry.view();
    assert_eq!(
        (view.get("a"), view.revision()),
        (Some(&"last"), MAX_REVISION)
    );
}

#[test]
fn no_change_waits_longer_for_an_observer_than_the_registry_lets_it() {
    let registry: Registry<&str> = Registry::builder()
        .following()
        .longest_wait(Duration::ZERO)
        .build();
    let deadline = Duration::from_secs(3600);
    let (_, mut slow) = registry.subscribe(Options::new(Policy::Wait { deadline }).capacity(1));
    for revision in 1..=3 {
        let mut changes = Changes::new();
        changes.put("a", revision, "value").unwrap();
        assert_eq!(registry.publish(revision, changes).unwrap(), revision);
    }
    assert_eq!(slow.stats().waited, 0);
    let Some(Event::Resync { snapshot, .. }) = slow.recv() else {
        panic!("its queue was full");
    };
    assert_eq!(snapshot.revision(), 3);
}
