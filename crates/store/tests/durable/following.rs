//! What others commit, and how it reaches the copy and its observers.

use std::sync::Arc;
use std::time::Duration;

use byname_registry::{Event, Policy};
use byname_store::{Durable, Json, MemoryStore, Store, Transaction};
use byname_testkit::PATIENCE;

use crate::rig::{entry, open, state, still, write};

fn covers(event: Event<u32>) -> (u64, u64, Vec<String>) {
    match event {
        Event::Change(change) => {
            let names = change.entries().iter();
            let mut names: Vec<_> = names.map(|changed| changed.name().to_owned()).collect();
            names.sort_unstable();
            (*change.covers().start(), change.revision(), names)
        }
        Event::Resync { .. } => panic!("nothing was lost"),
    }
}

#[test]
fn observers_hear_of_others_without_anybody_asking() {
    let store = MemoryStore::new();
    let elsewhere: Durable<u32> = open(store.reopen());
    let here: Durable<u32> = open(store);
    let (_, mut heard) = here.registry().subscribe(Policy::DropOldest);
    elsewhere.put("a", 1).unwrap();
    elsewhere.add_many([("b", 2), ("c", 3)]).unwrap();
    let mut next = || covers(heard.recv_timeout(PATIENCE).unwrap());
    assert_eq!(next(), (1, 1, vec!["a".to_owned()]));
    assert_eq!(next(), (2, 2, vec!["b".to_owned(), "c".to_owned()]));
}

#[test]
fn revisions_that_jump_are_covered() {
    let store = Arc::new(MemoryStore::options().steps([4, 7]).open());
    let here: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    let (_, mut heard) = here.registry().subscribe(Policy::DropOldest);
    write(&*store, "a", "1");
    write(&*store, "a", "2");
    here.latest().unwrap();
    let mut next = || covers(heard.try_recv().unwrap());
    assert_eq!(next(), (1, 4, vec!["a".to_owned()]));
    assert_eq!(next(), (5, 11, vec!["a".to_owned()]));
}

#[test]
fn a_copy_begins_whole_and_reads_each_entry_once() {
    let store = Arc::new(MemoryStore::new());
    for round in 0..50 {
        write(&*store, &format!("{}", round % 10), &round.to_string());
    }
    let here: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    let expected: Vec<_> = (0..10)
        .map(|n| entry(&n.to_string(), 41 + n, u32::try_from(40 + n).unwrap()))
        .collect();
    assert_eq!(state(&here), expected);
    assert_eq!(here.registry().revision(), 50);
}

/// The store has forgotten what the copy needs to go on: the copy takes everything, and what it has
/// already stays the very same value.
#[test]
fn when_history_is_gone_the_copy_takes_the_difference() {
    let store = Arc::new(MemoryStore::new());
    write(&*store, "same", "1");
    write(&*store, "changed", "1");
    write(&*store, "removed", "1");
    write(&*store, "spoilt", "1");
    let here: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    let same = here.registry().get_owned("same").unwrap();
    let (_, mut heard) = here.registry().subscribe(Policy::DropOldest);
    // More than a watch holds.
    for round in 0..1_100 {
        write(&*store, "changed", &round.to_string());
    }
    write(&*store, "spoilt", "\"text\"");
    write(&*store, "new", "1");
    let remove = Transaction::new().remove("removed");
    store.submit(remove).wait().unwrap();
    here.latest().unwrap();
    let all = [
        entry("changed", 1_104, 1_099),
        entry("new", 1_106, 1),
        entry("same", 1, 1),
        entry("spoilt", 4, 1),
    ];
    assert_eq!(state(&here), all);
    let (first, last, names) = covers(heard.try_recv().unwrap());
    assert_eq!((first, last), (5, 1_107));
    assert_eq!(names, ["changed", "new", "removed"]);
    assert!(std::ptr::eq(
        &raw const *same,
        &raw const *here.registry().get_owned("same").unwrap()
    ));
    assert_eq!(here.health().problems.len(), 1);
}

#[test]
fn an_older_backup_is_taken_up_as_a_change() {
    let store = Arc::new(MemoryStore::new());
    let here: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    here.put("a", 1).unwrap();
    let backup = store.backup();
    here.put("a", 2).unwrap();
    here.put("b", 1).unwrap();
    store.restore(&backup);
    here.latest().unwrap();
    assert_eq!(state(&here), [entry("a", 4, 1)]);
}

#[test]
fn what_goes_with_a_lease_goes_from_the_copy() {
    let store = Arc::new(MemoryStore::new());
    let here: Durable<u32> = open_arc(&store);
    let (_, mut heard) = here.registry().subscribe(Policy::DropOldest);
    let lease = store.grant(Duration::from_secs(3600)).wait().unwrap();
    here.put_leased("a", 1, lease.id).unwrap();
    let record = store.mirror().get_owned("a").unwrap();
    assert_eq!(record.lease, Some(lease.id));
    store.revoke(lease.id).wait().unwrap();
    let mut next = || covers(heard.recv_timeout(PATIENCE).unwrap());
    assert_eq!(next().1, 1);
    assert_eq!(next().1, 2);
    assert!(here.latest().unwrap().is_empty());
    assert!(here.put_leased("a", 1, lease.id).is_err());
}

fn open_arc(store: &Arc<MemoryStore>) -> Durable<u32> {
    Durable::open(Arc::clone(store) as Arc<dyn Store>).unwrap()
}

#[test]
fn who_submits_by_hand_can_wait_until_it_is_shown() {
    let store = Arc::new(MemoryStore::new());
    let here: Durable<u32> = still(Arc::clone(&store) as Arc<dyn Store>);
    let put = Transaction::new().put("a", Json::of(&1).unwrap());
    let pending = here.store().submit(put);
    let revision = pending.wait().unwrap();
    assert!(!pending.withdraw());
    assert!(here.registry().is_empty());
    byname_testkit::block_on(here.shown(revision)).unwrap();
    assert_eq!(state(&here), [entry("a", 1, 1)]);
}
