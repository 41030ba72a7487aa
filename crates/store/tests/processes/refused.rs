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
