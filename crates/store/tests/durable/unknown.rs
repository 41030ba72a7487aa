//! Fields that this program does not know.

use std::sync::Arc;

use byname_store::{Durable, MemoryStore, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::rig::{kept, still, write};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Machine {
    kind: String,
}

fn machine(kind: &str) -> Machine {
    Machine {
        kind: kind.to_owned(),
    }
}

const NEWER: &str = r#"{"kind":"ssh","cores":8,"price":1.50}"#;
const REWRITTEN: &str = r#"{"kind":"local","cores":8,"price":1.50}"#;

fn with_newer() -> (Arc<MemoryStore>, Durable<Machine>, u64) {
    let store = Arc::new(MemoryStore::new());
    let durable = still(Arc::clone(&store) as Arc<dyn Store>);
    let revision = write(&*store, "m", NEWER);
    durable.latest().unwrap();
    (store, durable, revision)
}

#[test]
fn they_are_kept_by_whatever_rewrites_the_entry() {
    type Rewrite = fn(&Durable<Machine>, u64) -> u64;
    let ways: [Rewrite; 4] = [
        |durable, _| durable.put("m", machine("local")).unwrap(),
        |durable, _| durable.replace("m", machine("local")).unwrap(),
        |durable, at| durable.compare_and_set("m", at, machine("local")).unwrap(),
        |durable, _| {
            let change = durable.transaction(|draft| draft.replace("m", machine("local")));
            change.unwrap().revision
        },
    ];
    for way in ways {
        let (store, durable, revision) = with_newer();
        assert_eq!(way(&durable, revision), revision + 1);
        assert_eq!(kept(&*store, "m"), REWRITTEN);
        assert_eq!(*durable.registry().get("m").unwrap(), machine("local"));
    }
}

#[test]
fn an_entry_that_was_removed_in_between_is_a_new_one() {
    let (store, durable, _) = with_newer();
    durable.remove("m").unwrap();
    durable.register("m", machine("local")).unwrap();
    assert_eq!(kept(&*store, "m"), r#"{"kind":"local"}"#);
}

/// The copy does not know of the fields yet: what it keeps of an entry is checked by the store.
#[test]
fn they_are_kept_though_somebody_has_just_changed_them() {
    let here = MemoryStore::new();
    let elsewhere = here.reopen();
    let store = Arc::new(here);
    let durable: Durable<Machine> = still(Arc::clone(&store) as Arc<dyn Store>);
    write(&elsewhere, "m", r#"{"kind":"ssh","cores":4}"#);
    durable.latest().unwrap();
    store.pause();
    let at = write(&elsewhere, "m", NEWER);
    durable.put("m", machine("local")).unwrap();
    assert_eq!(kept(&*store, "m"), REWRITTEN);
    // A token of a revision that the copy has not seen.
    let later = write(&elsewhere, "m", r#"{"kind":"ssh","cores":16}"#);
    assert_eq!((at, later), (2, 4));
    durable
        .compare_and_set("m", later, machine("local"))
        .unwrap();
    assert_eq!(kept(&*store, "m"), r#"{"kind":"local","cores":16}"#);
    write(&elsewhere, "m", NEWER);
    let stale = durable.compare_and_set("m", later, machine("local"));
    assert!(matches!(stale, Err(StoreError::Condition { found: 6, .. })));
    assert_eq!(durable.registry().revision(), 6);
}
