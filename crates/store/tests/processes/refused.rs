//! What the system refuses during a commit is told to the caller, and nothing has changed.

use std::fs;
use std::sync::Arc;

use byname_store::{FileOptions, FileStore, Store, StoreError};

use crate::{add, listed, open_quietly, paused, place};

#[test]
fn a_commit_that_is_refused_changes_nothing() {
    for what in ["create", "write", "sync", "exchange"] {
        let (folder, path) = place();
        open_quietly(&path).submit(add("a", "1")).wait().unwrap();
        let before = fs::read(&path).unwrap();
        let disk = Arc::new(paused::refusing(what));
        let options = FileOptions::new().watch(false).poll(None);
        let store = FileStore::open_on(disk, &path, options).unwrap();
        for _ in 0..2 {
            let refused = store.submit(add("b", "2")).wait();
            assert!(
                matches!(refused, Err(StoreError::Io { .. })),
                "{what}: {refused:?}"
            );
            assert_eq!(store.mirror().revision(), 1);
            assert!(!store.mirror().contains("b"));
            assert_eq!(fs::read(&path).unwrap(), before, "{what}");
            assert_eq!(listed(folder.path()), ["m.json", "m.json.d"]);
        }
        drop(store);
        assert_eq!(open_quietly(&path).submit(add("b", "2")).wait().unwrap(), 2);
    }
}

/// The folder cannot be made durable when the document is in place: whether it outlives a power cut is
/// unknown, and that is what is said. It is not shown, nor told to others, until it is durable.
#[test]
fn a_commit_whose_folder_cannot_be_made_durable_is_unknown() {
    let (_folder, path) = place();
    open_quietly(&path).submit(add("a", "1")).wait().unwrap();
    let other = open_quietly(&path);
    // Two folders are made durable before the first commit of a process.
    let disk = Arc::new(paused::refusing_after("sync_folder", 2));
    let options = FileOptions::new().watch(false).poll(None);
    let store = FileStore::open_on(disk, &path, options).unwrap();
    let outcome = store.submit(add("b", "2")).wait();
    let Err(StoreError::Unknown { revision, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(revision, 2);
    assert_eq!(store.mirror().revision(), 1);
    assert_eq!(other.committed(), 1);
    // Trying again may only be told to have worked: it is written anew, and that fails as well.
    let again = store.submit(add("c", "3")).wait();
    assert!(again.is_err(), "{again:?}");
    assert_eq!(store.mirror().revision(), 1);
    drop(store);
    // Whoever can make it durable shows it, and goes on.
    let revision = other.submit(add("d", "4")).wait().unwrap();
    assert!(other.mirror().contains("b"));
    assert_eq!(open_quietly(&path).committed(), revision);
}

/// What waits for the lock goes into one commit; of it, what cannot be done fails alone.
#[test]
fn what_cannot_be_done_fails_alone() {
    let (_folder, path) = place();
    let store = open_quietly(&path);
    store.submit(add("a", "1")).wait().unwrap();
    let exchange = paused::position(&path, "call exchange m.json");
    let holder = paused::start(&path, 3, exchange);
    assert_eq!(
        holder.wait_for_line("stopped before ", 1),
        "exchange m.json"
    );
    let waiting = ["b", "a", "c", "b", "d"].map(|name| store.submit(add(name, "2")));
    holder.kill();
    // The first of them gets the revision after the third: what the killed one wrote was never in place.
    let outcomes = waiting.map(|pending| match pending.wait() {
        Ok(revision) => Ok(revision),
        Err(StoreError::Condition { name, found, .. }) => Err((name.to_string(), found)),
        Err(error) => panic!("{error}"),
    });
    let taken = |name: &str, found| Err((name.to_owned(), found));
    assert_eq!(
        outcomes,
        [Ok(4), taken("a", 1), Ok(5), taken("b", 4), Ok(6)]
    );
    assert_eq!(open_quietly(&path).mirror().revision(), 6);
}
