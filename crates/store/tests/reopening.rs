//! A registry outlives the store it was written through.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use byname_store::{Condition, FileOptions, FileStore, Json, Store, StoreError, Transaction};

fn json(text: &str) -> Json {
    Json::new(text).unwrap()
}

fn add(name: &str, value: &str) -> Transaction {
    Transaction::new()
        .when(name, Condition::Absent)
        .put(name, json(value))
}

#[test]
fn what_was_committed_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.json");
    let store = FileStore::open(&path, FileOptions::new()).unwrap();
    assert_eq!(store.submit(add("a", "1")).wait().unwrap(), 1);
    assert_eq!(
        store
            .submit(add("b", r#"{"x":[1,2,{}],"y":"z"}"#))
            .wait()
            .unwrap(),
        2
    );
    assert!(matches!(
        store.submit(add("b", "1")).wait(),
        Err(StoreError::Condition { found: 2, .. })
    ));
    assert_eq!(
        store.submit(Transaction::new().remove("a")).wait().unwrap(),
        3
    );
    let other = FileStore::open(&path, FileOptions::new()).unwrap();
    assert_eq!(other.mirror().revision(), 3);
    assert_eq!(other.mirror().snapshot().names().collect::<Vec<_>>(), ["b"]);
    assert_eq!(other.submit(add("c", "true")).wait().unwrap(), 4);
    assert_eq!(store.committed(), 4);
    assert_eq!(store.refresh().wait().unwrap(), 4);
    assert!(store.mirror().contains("c"));
    assert!(store.health().is_good(), "{:?}", store.health());
}
