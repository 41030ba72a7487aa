use super::Fixture;
use super::scene::{answer, entries, number, put, refused};
use crate::error::StoreError;
use crate::transaction::{Condition, Transaction};

/// After a refresh the mirror shows everything that any handle had acknowledged before it.
pub fn a_refresh_shows_what_others_committed(fixture: &dyn Fixture) {
    let (a, b) = (fixture.open(), fixture.open());
    for round in 0..10 {
        let (from, to) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let revision = put(&**from, "a", round);
        let reached = answer(&to.refresh()).unwrap();
        assert!(reached >= revision, "{reached} after {revision}");
        assert!(to.mirror().revision() >= revision);
        assert_eq!(entries(&**to), entries(&**from));
        assert_eq!(entries(&**to)["a"], (revision, number(round)));
        // A token goes from one handle to the other.
        let swap = Transaction::new()
            .when("a", Condition::Revision(revision))
            .put("a", number(100 + round));
        let swapped = answer(&to.submit(swap.clone())).unwrap();
        match answer(&from.submit(swap)) {
            Err(StoreError::Condition { found, .. }) => assert_eq!(found, swapped),
            other => panic!("{other:?}"),
        }
    }
}

/// A handle that comes later begins with everything.
pub fn a_new_handle_shows_everything(fixture: &dyn Fixture) {
    let store = fixture.open();
    for round in 0..20 {
        put(&*store, &format!("{}", round % 7), round);
    }
    answer(&store.submit(Transaction::new().remove("3"))).unwrap();
    let other = fixture.open();
    answer(&other.refresh()).unwrap();
    assert_eq!(entries(&*other), entries(&*store));
    assert_eq!(other.mirror().revision(), store.mirror().revision());
    drop(store);
    put(&*other, "3", 3);
    assert_eq!(entries(&*fixture.open()), entries(&*other));
}

/// A handle out of contact keeps its last state, says so, refuses, and catches up afterwards.
pub fn out_of_contact_nothing_is_lost_and_nothing_looks_empty(fixture: &dyn Fixture) {
    let store = fixture.open();
    put(&*store, "a", 1);
    let Some(remote) = fixture.remote() else {
        assert!(store.health().is_good(), "{:?}", store.health());
        return;
    };
    let away = &*remote.store;
    answer(&away.refresh()).unwrap();
    let before = entries(away);
    assert_eq!(before.len(), 1);
    assert!(away.health().is_good(), "{:?}", away.health());
    (remote.contact)(false);
    put(&*store, "a", 2);
    put(&*store, "b", 1);
    let error = answer(&away.refresh()).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    let put = Transaction::new().put("c", number(1));
    let error = answer(&away.submit(put)).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(error.is_retryable());
    assert_eq!(entries(away), before);
    let health = away.health();
    assert!(health.stale.is_some() && !health.is_good(), "{health:?}");
    assert!(!health.problems.is_empty());
    (remote.contact)(true);
    answer(&away.refresh()).unwrap();
    assert!(away.health().is_good(), "{:?}", away.health());
    assert_eq!(entries(away), entries(&*store));
    assert!(!entries(away).contains_key("c"));
    refused(away, Transaction::new().when("c", Condition::Exists));
}
