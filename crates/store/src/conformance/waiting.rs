use super::Fixture;
use super::scene::{Follower, answer, entries, number, put, together};
use crate::error::StoreError;
use crate::transaction::Transaction;

/// When a commit is acknowledged, the mirror of its handle shows it, to every thread.
pub fn who_wrote_sees_it(fixture: &dyn Fixture) {
    let store = fixture.open();
    together(4, |index| {
        for round in 0..10 {
            let name = format!("{index}/{round}");
            let transaction = Transaction::new().put(name.as_str(), number(round));
            let revision = answer(&store.submit(transaction)).unwrap();
            let entry = store.mirror().entry(&name).expect("acknowledged");
            assert_eq!(entry.revision(), revision);
            assert!(store.mirror().revision() >= revision);
            assert!(store.committed() >= revision);
        }
    });
}

/// Nobody has to wait for what was submitted.
pub fn a_dropped_pending_is_done_nevertheless(fixture: &dyn Fixture) {
    let store = fixture.open();
    let mut watch = store.watch(store.mirror().revision());
    let mut follower = Follower::at(&store.mirror().snapshot());
    drop(store.submit(Transaction::new().put("dropped", number(1))));
    while !follower.entries.contains_key("dropped") {
        let next = follower.revision + 1;
        follower.follow(&mut watch, next);
    }
    assert_eq!(follower.entries["dropped"].1, number(1));
}

/// What was withdrawn in time has not happened and will not; what was not has, and tells how it went.
pub fn what_is_withdrawn_has_not_happened(fixture: &dyn Fixture) {
    let store = fixture.open();
    put(&*store, "a", 1);
    let held = fixture.hold();
    let kept = store.submit(Transaction::new().put("kept", number(1)));
    let given_up = store.submit(Transaction::new().put("given-up", number(1)));
    let withdrawn = given_up.withdraw();
    assert!(
        withdrawn || held.is_none(),
        "nothing begins while it is held"
    );
    drop(held);
    let revision = answer(&kept).unwrap();
    assert!(!kept.withdraw(), "it has happened");
    assert_eq!(answer(&kept).unwrap(), revision);
    let outcome = answer(&given_up);
    put(&*store, "after", 1);
    let there = entries(&*store).contains_key("given-up");
    match outcome {
        Ok(_) => assert!(there && !withdrawn),
        Err(StoreError::Withdrawn) => assert!(withdrawn && !there),
        Err(error) => panic!("{error}"),
    }
    assert_eq!(entries(&*store)["kept"].0, revision);
}
