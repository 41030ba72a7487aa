use super::Fixture;
use super::scene::{answer, commit, entries, json, number, put, refused};
use crate::error::StoreError;
use crate::transaction::{Condition, Transaction};

/// A registry begins empty, and all its handles name the same one.
pub fn an_empty_registry_has_no_entries_and_one_id(fixture: &dyn Fixture) {
    let (a, b) = (fixture.open(), fixture.open());
    assert!(a.mirror().is_empty());
    put(&*a, "a", 1);
    answer(&b.refresh()).unwrap();
    assert!(a.id().is_some(), "what has been written to has an id");
    assert_eq!(a.id(), b.id());
}

/// Each commit has a larger revision than the one before, and its entries have it.
pub fn revisions_grow_and_entries_carry_them(fixture: &dyn Fixture) {
    let store = fixture.open();
    let mut last = store.mirror().revision();
    for round in 0..10 {
        let revision = put(&*store, "a", round);
        assert!(revision > last, "{revision} after {last}");
        let other = put(&*store, &format!("{round}"), round);
        assert!(other > revision, "{other} after {revision}");
        let entries = entries(&*store);
        assert_eq!(entries["a"], (revision, number(round)));
        assert_eq!(entries[&format!("{round}")].0, other);
        last = other;
    }
    assert!(store.committed() >= last);
    assert!(store.mirror().revision() >= last);
}

/// All of a transaction has one revision; all of it is there, or nothing.
pub fn a_transaction_is_one_revision(fixture: &dyn Fixture) {
    let store = fixture.open();
    put(&*store, "old", 1);
    let all = (0..50).fold(Transaction::new().remove("old"), |all, index| {
        all.put(format!("{index}"), number(index))
    });
    let revision = commit(&*store, all);
    let entries = entries(&*store);
    assert_eq!(entries.len(), 50);
    assert!(entries.values().all(|(own, _)| *own == revision));
    let half = Transaction::new()
        .put("x", number(1))
        .when("missing", Condition::Exists)
        .put("y", number(1));
    refused(&*store, half);
}

/// Each kind of condition holds when it should, and says what was found when it does not.
pub fn conditions_hold_or_refuse(fixture: &dyn Fixture) {
    let store = fixture.open();
    let here = put(&*store, "here", 1);
    let when = |name: &str, condition| {
        Transaction::new()
            .when(name, condition)
            .put("written", number(1))
    };
    let fails = |name: &str, condition, found| match refused(&*store, when(name, condition)) {
        StoreError::Condition {
            name: named,
            expected,
            found: told,
        } => assert_eq!((&*named, expected, told), (name, condition, found)),
        other => panic!("{other}"),
    };
    fails("gone", Condition::Exists, 0);
    fails("here", Condition::Absent, here);
    fails("here", Condition::Revision(0), here);
    fails("here", Condition::Revision(here + 1), here);
    fails("gone", Condition::Revision(here), 0);
    commit(&*store, when("here", Condition::Exists));
    commit(&*store, when("gone", Condition::Absent));
    commit(&*store, when("gone", Condition::Revision(0)));
    commit(&*store, when("here", Condition::Revision(here)));
    // A token of an earlier entry of the name fits no later one.
    commit(&*store, Transaction::new().remove("here"));
    fails("here", Condition::Revision(here), 0);
    let again = put(&*store, "here", 1);
    assert!(again > here);
    fails("here", Condition::Revision(here), again);
}

/// What a transaction itself writes does not count for its conditions.
pub fn conditions_see_the_state_before_the_transaction(fixture: &dyn Fixture) {
    let store = fixture.open();
    let add = Transaction::new()
        .put("a", number(1))
        .when("a", Condition::Absent);
    let revision = commit(&*store, add);
    let replace = Transaction::new()
        .remove("a")
        .when("a", Condition::Exists)
        .when("a", Condition::Revision(revision));
    commit(&*store, replace);
    assert!(entries(&*store).is_empty());
}

/// Writes of a name within one transaction come one after another.
pub fn of_several_writes_of_a_name_the_last_counts(fixture: &dyn Fixture) {
    let store = fixture.open();
    put(&*store, "removed", 1);
    let transaction = Transaction::new()
        .put("a", number(1))
        .put("removed", number(2))
        .remove("a")
        .put("a", number(3))
        .remove("removed")
        .put("never", number(1))
        .remove("never");
    let revision = commit(&*store, transaction);
    let expected = [("a".to_owned(), (revision, number(3)))];
    assert_eq!(entries(&*store), expected.into());
}

/// Removing a name that has no entry is no error.
pub fn removing_what_is_not_there_does_nothing(fixture: &dyn Fixture) {
    let store = fixture.open();
    let kept = put(&*store, "kept", 1);
    let revision = commit(&*store, Transaction::new().remove("gone"));
    assert!(revision >= kept);
    let revision = commit(
        &*store,
        Transaction::new().remove("gone").put("a", number(1)),
    );
    let entries = entries(&*store);
    assert_eq!(entries.len(), 2);
    assert_eq!((entries["kept"].0, entries["a"].0), (kept, revision));
}

/// A transaction of conditions alone tells whether they hold, and at which revision.
pub fn what_writes_nothing_yields_a_revision(fixture: &dyn Fixture) {
    let store = fixture.open();
    assert_eq!(
        commit(&*store, Transaction::new()),
        store.mirror().revision()
    );
    let at = put(&*store, "a", 1);
    let before = entries(&*store);
    let asks = Transaction::new().when("a", Condition::Revision(at));
    let revision = commit(&*store, asks.clone().unchanged_since(at));
    assert!(revision >= at && store.mirror().revision() >= revision);
    assert_eq!(entries(&*store), before);
    put(&*store, "a", 2);
    refused(&*store, asks);
}

/// A transaction that requires that nothing has changed is refused after a change of anything.
pub fn unchanged_since_refuses_after_any_change(fixture: &dyn Fixture) {
    let store = fixture.open();
    let at = put(&*store, "a", 1);
    let since = |revision| {
        Transaction::new()
            .unchanged_since(revision)
            .put("b", number(1))
    };
    let later = commit(&*store, since(at));
    match refused(&*store, since(at)) {
        StoreError::Changed { since, found } => assert_eq!((since, found), (at, later)),
        other => panic!("{other}"),
    }
    commit(&*store, since(later));
}

/// Names and values come back as they were written, digits and all.
pub fn names_and_values_are_kept_as_they_are(fixture: &dyn Fixture) {
    let store = fixture.open();
    let names = [
        "a".to_owned(),
        " ".to_owned(),
        "\"\\/'{}[]:,\u{7e}".to_owned(),
        "\u{e9}\u{20ac}\u{1f600}\u{200f}".to_owned(),
        "x".repeat(crate::MAX_NAME),
    ];
    let values = [
        "null",
        "-0.0",
        "12345678901234567890123.4567890e-12",
        "\"\\u00e9 \u{1f600} \\n \\\" \\\\ \"",
        "{\"z\": 1, \"a\": [], \"\": {}, \"b\": [true, false, null, {\"c\": 1.50}]}",
    ];
    let mut transaction = Transaction::new();
    for (name, value) in names.iter().zip(values) {
        transaction = transaction.put(name.as_str(), json(value));
    }
    commit(&*store, transaction);
    let other = fixture.open();
    answer(&other.refresh()).unwrap();
    for store in [&*store, &*other] {
        let entries = entries(store);
        assert_eq!(entries.len(), names.len());
        for (name, value) in names.iter().zip(values) {
            assert_eq!(entries[name].1, json(value));
        }
    }
}
