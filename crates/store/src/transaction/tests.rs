#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn json(text: &str) -> Json {
    Json::new(text).unwrap()
}

/// `here` is at revision 4, nothing else is there; the state is at revision 9.
fn check(transaction: &Transaction) -> Option<String> {
    let present = |name: &str| if name == "here" { 4 } else { 0 };
    let error = transaction.check(present, 9).err()?;
    Some(error.to_string())
}

#[test]
fn each_condition_holds_or_says_what_was_found() {
    let when = |name: &str, condition| check(&Transaction::new().when(name, condition));
    assert_eq!(when("here", Condition::Exists), None);
    assert_eq!(when("gone", Condition::Absent), None);
    assert_eq!(when("here", Condition::Revision(4)), None);
    assert_eq!(when("gone", Condition::Revision(0)), None);
    let refused = |text: &str| Some(text.to_owned());
    assert_eq!(
        when("gone", Condition::Exists),
        refused("there is no `gone`")
    );
    assert_eq!(
        when("here", Condition::Absent),
        refused("`here` is there already, at revision 4")
    );
    assert_eq!(
        when("here", Condition::Revision(3)),
        refused("`here` is at revision 4, not 3; read it again and decide anew")
    );
    assert_eq!(
        when("here", Condition::Revision(0)),
        refused("`here` is there already, at revision 4")
    );
    assert_eq!(
        when("gone", Condition::Revision(4)),
        refused("there is no `gone`; revision 4 was expected")
    );
}

#[test]
fn unchanged_since_means_nothing_at_all() {
    assert_eq!(check(&Transaction::new().unchanged_since(9)), None);
    assert_eq!(
        check(&Transaction::new().unchanged_since(8)),
        Some("something has changed after revision 8: the store is at 9".to_owned())
    );
}

#[test]
fn every_condition_must_hold() {
    let both = Transaction::new()
        .when("here", Condition::Exists)
        .when("here", Condition::Absent);
    assert!(check(&both).is_some());
}

#[test]
fn of_several_writes_of_a_name_the_last_counts() {
    let transaction = Transaction::new()
        .put("a", json("1"))
        .put("b", json("1"))
        .remove("a")
        .put("c", json("1"))
        .put("b", json("2"));
    let last: Vec<_> = transaction
        .last_writes()
        .map(|(name, write)| match write {
            Write::Put { value, .. } => format!("{name}={}", value.as_str()),
            Write::Remove => format!("{name} removed"),
        })
        .collect();
    assert_eq!(last, ["a removed", "c=1", "b=2"]);
    assert_eq!(Transaction::new().last_writes().count(), 0);
}
