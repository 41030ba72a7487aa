use std::time::Duration;

use super::Fixture;
use super::scene::{Follower, answer, commit, entries, number, put, refused};
use crate::error::StoreError;
use crate::lease::LeaseId;
use crate::store::Store;
use crate::transaction::Transaction;

const LONG: Duration = Duration::from_secs(3600);

fn leased(name: &str, id: LeaseId) -> Transaction {
    Transaction::new().put_leased(name, number(1), id)
}

fn must_have_ended(result: Result<impl Sized, StoreError>, id: LeaseId) {
    match result {
        Err(StoreError::Lease { id: told }) => assert_eq!(told, id),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("lease {id} has ended"),
    }
}

/// A lease lasts as long as was asked for at least, any handle can keep it alive and end it, and its
/// entries go with it as one revision.
pub fn a_lease_can_be_kept_and_revoked(fixture: &dyn Fixture) {
    let (a, b) = (fixture.open(), fixture.open());
    let lease = answer(&a.grant(LONG)).unwrap();
    assert!(lease.time >= LONG, "{lease:?}");
    let other = answer(&a.grant(LONG)).unwrap();
    assert_ne!(lease.id, other.id);
    commit(&*a, leased("a", lease.id));
    commit(&*b, leased("b", lease.id));
    commit(&*a, leased("freed", lease.id));
    commit(&*a, leased("other", other.id));
    // Written without it, or with another, an entry does not go with the lease any more.
    put(&*a, "freed", 2);
    answer(&a.refresh()).unwrap();
    let record = a.mirror().get_owned("b").expect("put by another handle");
    assert_eq!(record.lease, Some(lease.id));
    assert_eq!(answer(&b.keep_alive(lease.id)).unwrap().id, lease.id);
    let begin = a.mirror().snapshot();
    let mut watch = a.watch(begin.revision());
    let mut follower = Follower::at(&begin);
    let revision = answer(&b.revoke(lease.id)).unwrap();
    assert!(revision > begin.revision());
    follower.follow(&mut watch, revision);
    assert_eq!(follower.revision, revision, "they go as one revision");
    let left: Vec<_> = follower.entries.keys().map(String::as_str).collect();
    assert_eq!(left, ["freed", "other"]);
    assert_eq!(entries(&*a), follower.entries);
    // One without entries ends as well.
    let empty = answer(&a.grant(LONG)).unwrap();
    answer(&a.revoke(empty.id)).unwrap();
    must_have_ended(answer(&b.keep_alive(empty.id)), empty.id);
}

/// A lease that nobody keeps alive ends by itself, with its entries.
pub fn a_lease_that_lapses_takes_its_entries(fixture: &dyn Fixture) {
    let (a, b) = (fixture.open(), fixture.open());
    put(&*a, "kept", 1);
    if fixture.advance(Duration::ZERO) {
        return lapses_in_time(fixture, &*a);
    }
    let begin = b.mirror().snapshot();
    let mut watch = b.watch(begin.revision());
    let mut follower = Follower::at(&begin);
    let lease = answer(&a.grant(Duration::from_millis(50))).unwrap();
    let both = leased("a", lease.id).put_leased("b", number(1), lease.id);
    match answer(&a.submit(both)) {
        Ok(revision) => follower.follow(&mut watch, revision),
        // On a slow machine it has lapsed already.
        Err(error) => must_have_ended(Err::<(), _>(error), lease.id),
    }
    while follower.entries.contains_key("a") || follower.entries.contains_key("b") {
        let both = follower.entries.contains_key("a") && follower.entries.contains_key("b");
        assert!(both, "they go as one revision");
        let next = follower.revision + 1;
        follower.follow(&mut watch, next);
    }
    must_have_ended(answer(&b.keep_alive(lease.id)), lease.id);
}

/// With time in hand: to the nanosecond.
fn lapses_in_time(fixture: &dyn Fixture, store: &dyn Store) {
    let second = Duration::from_secs(1);
    let instant = Duration::from_nanos(1);
    let lease = answer(&store.grant(10 * second)).unwrap();
    commit(
        store,
        leased("a", lease.id).put_leased("b", number(1), lease.id),
    );
    let there = || {
        answer(&store.refresh()).unwrap();
        entries(store).len() == 3
    };
    fixture.advance(lease.time.saturating_sub(instant));
    assert!(there());
    answer(&store.keep_alive(lease.id)).unwrap();
    fixture.advance(lease.time.saturating_sub(instant));
    assert!(there());
    let before = store.mirror().revision();
    let mut watch = store.watch(before);
    let mut follower = Follower::at(&store.mirror().snapshot());
    fixture.advance(second);
    assert!(!there());
    follower.follow(&mut watch, before + 1);
    let left: Vec<_> = follower.entries.keys().map(String::as_str).collect();
    assert_eq!(left, ["kept"], "they go as one revision");
    must_have_ended(answer(&store.keep_alive(lease.id)), lease.id);
}

/// Nothing can be done with a lease that has ended, or never was.
pub fn an_ended_lease_is_refused(fixture: &dyn Fixture) {
    let store = fixture.open();
    put(&*store, "kept", 1);
    let lease = answer(&store.grant(LONG)).unwrap();
    answer(&store.revoke(lease.id)).unwrap();
    for id in [lease.id, LeaseId(0x5eed_5eed_5eed_5eed)] {
        let both = Transaction::new().put("other", number(1));
        let error = refused(&*store, both.put_leased("a", number(1), id));
        must_have_ended(Err::<(), _>(error), id);
        must_have_ended(answer(&store.keep_alive(id)), id);
        must_have_ended(answer(&store.revoke(id)), id);
    }
}
