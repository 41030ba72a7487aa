use super::Fixture;
use super::scene::{answer, entries, json, number, put, refused};
use crate::error::StoreError;
use crate::transaction::{Condition, Transaction};

/// A name that is none is refused, wherever it stands.
pub fn names_that_are_none_are_refused(fixture: &dyn Fixture) {
    let store = fixture.open();
    put(&*store, "a", 1);
    let long = "x".repeat(crate::MAX_NAME + 1);
    for name in ["", "\n", "a\0", "\u{85}", &long] {
        let transactions = [
            Transaction::new().put("b", number(1)).put(name, number(1)),
            Transaction::new().put("b", number(1)).remove(name),
            Transaction::new()
                .put("b", number(1))
                .when(name, Condition::Absent),
        ];
        for transaction in transactions {
            match refused(&*store, transaction) {
                StoreError::Name { name: told } => assert_eq!(&*told, name),
                other => panic!("{other}"),
            }
        }
    }
}

/// What is more than the store says that it takes is refused before anything is done.
pub fn more_than_the_limits_is_refused(fixture: &dyn Fixture) {
    let store = fixture.open();
    put(&*store, "a", 1);
    let limits = store.limits();
    let limit = |error: StoreError, limit, found| match error {
        StoreError::Limit {
            limit: told,
            found: had,
            ..
        } => assert_eq!((told, had), (limit, found)),
        other => panic!("{other}"),
    };
    // What cannot be tried in reasonable time and space need not be.
    if limits.operations < 1 << 20 {
        let mut transaction = Transaction::new().when("b", Condition::Absent);
        for index in 0..limits.operations {
            transaction = transaction.put(format!("{index}"), number(index));
        }
        let found = limits.operations + 1;
        limit(refused(&*store, transaction), limits.operations, found);
    }
    if limits.value < 64 << 20 {
        let length = usize::try_from(limits.value).unwrap() - 1;
        let text = format!("\"{}\"", "x".repeat(length));
        let transaction = Transaction::new().put("b", number(1)).put("a", json(&text));
        limit(
            refused(&*store, transaction),
            limits.value,
            limits.value + 1,
        );
    }
}

/// Of transactions that are committed together, one whose conditions do not hold fails alone.
pub fn one_bad_transaction_fails_alone(fixture: &dyn Fixture) {
    let store = fixture.open();
    put(&*store, "taken", 1);
    let held = fixture.hold();
    let pending: Vec<_> = (0..20)
        .map(|index| {
            let condition = if index % 5 == 0 {
                ("taken", Condition::Absent)
            } else {
                ("missing", Condition::Absent)
            };
            let transaction = Transaction::new()
                .when(condition.0, condition.1)
                .put(format!("{index}"), number(index));
            store.submit(transaction)
        })
        .collect();
    drop(held);
    for (index, pending) in pending.iter().enumerate() {
        match answer(pending) {
            Ok(revision) => {
                assert_ne!(index % 5, 0, "its condition does not hold");
                assert_eq!(entries(&*store)[&index.to_string()].0, revision);
            }
            Err(StoreError::Condition { name, .. }) => {
                assert_eq!((index % 5, &*name), (0, "taken"));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(entries(&*store).len(), 17);
}
