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

/// Who opened the registry before there was one has mapped no shared word. It once made a new one over
/// that of the process that made the registry, so those who had mapped that were never told of changes.
#[test]
fn who_opened_before_the_first_commit_uses_the_word_of_who_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.json");
    let alone = || FileOptions::new().watch(false).poll(None);
    let early = FileStore::open(&path, alone()).unwrap();
    let reads_early = FileStore::open(&path, alone()).unwrap();
    let first = FileStore::open(&path, alone()).unwrap();
    assert_eq!(first.submit(add("a", "1")).wait().unwrap(), 1);
    let late = FileStore::open(&path, alone()).unwrap();
    assert_eq!(reads_early.refresh().wait().unwrap(), 1);
    assert_eq!(early.submit(add("b", "2")).wait().unwrap(), 2);
    for store in [&first, &late, &reads_early] {
        assert_eq!(store.committed(), 2);
        assert_eq!(store.refresh().wait().unwrap(), 2);
        assert!(store.mirror().contains("b"));
    }
}
