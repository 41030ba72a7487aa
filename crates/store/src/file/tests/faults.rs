//! Each call of a play fails in every way it can, once and from then on: what an error refuses has
//! not happened, what was acknowledged stays, and when the disk is well again so is the store.

use super::play::{self, Play, Weather};
use super::{
    Put, Stand, Value, allowed, check, is_full_sweep, power_cut, reopened, shown, transaction,
};
use crate::Store;
use crate::disk::sim::{Failure, Journal, SimDisk, explore_faults};

/// How many states after a power cut are looked at after each fault; the first is the one in which
/// nothing is lost.
const CUTS: usize = 2;
/// One of how many faults is tried.
const OF: usize = 7;

fn fail_everywhere(play: &Play) {
    fail(play, &Failure::ALL, if is_full_sweep() { 1 } else { OF });
}

fn fail(play: &Play, failures: &[Failure], of: usize) {
    let (base, stands) = play.set();
    let terms = play.terms();
    let swept = explore_faults(
        &base,
        failures,
        of,
        |disk| {
            let journal = Journal::new(stands.last().cloned());
            let store = play::play(disk, &journal, play, Weather::Faulty);
            disk.heal();
            if let Some(store) = store {
                go_on(disk, &journal, &store, terms.damaged);
            }
            journal
        },
        |disk, journal, _| {
            for state in disk.crash_states(power_cut(CUTS)) {
                check(&state.boot(), journal, &stands, terms);
            }
        },
    );
    assert!(swept.points > 25, "{}: {swept:?}", play.name);
}

/// The disk is well again: the same store takes a transaction.
fn go_on(disk: &SimDisk, journal: &Journal<Stand>, store: &super::FileStore, damaged: bool) {
    let more = [Put("later", Value(97, 30))];
    let before = allowed(journal);
    for stand in before.clone() {
        // It may be written anew, or restored.
        journal.intend(Stand {
            revision: stand.revision + 1,
            ..stand
        });
    }
    let mut committed = store.submit(transaction(&more)).wait();
    if damaged && committed.is_err() {
        let restored = store.restore(0).wait();
        assert!(restored.is_ok(), "{restored:?}");
        committed = store.submit(transaction(&more)).wait();
    }
    let revision = committed.unwrap();
    let now = shown(store);
    assert_eq!(now.revision, revision);
    let is_after = |one: &Stand| {
        // Writing anew what may not be durable, and restoring, are revisions of their own.
        (0..3).any(|more_revisions| {
            let mut next = one.after(&more);
            next.revision += more_revisions;
            next.holds_what(&now)
        })
    };
    assert!(
        before.iter().any(is_after),
        "{now:#?} comes after none of {before:#?}"
    );
    journal.acknowledge(journal.intend(now.clone()));
    assert_eq!(reopened(disk), now);
}

#[test]
fn creating_a_registry() {
    fail_everywhere(&play::CREATION);
}

#[test]
fn adding_updating_and_removing() {
    fail_everywhere(&play::CHANGES);
}

#[test]
fn adding_updating_and_removing_where_names_cannot_be_exchanged() {
    fail_everywhere(&play::WITHOUT_EXCHANGE);
}

#[test]
fn committing_from_two_processes() {
    fail_everywhere(&play::TWO_PROCESSES);
}

#[test]
fn taking_up_an_edit_by_hand() {
    fail_everywhere(&play::BY_HAND);
}

#[test]
fn merging_an_edit_by_hand_of_an_earlier_revision() {
    fail_everywhere(&play::BY_HAND_LATE);
    // A base that cannot be read is not one that is not kept.
    fail(&play::BY_HAND_LATE, &[Failure::Files], 1);
}

#[test]
fn restoring_a_damaged_document() {
    for play in [&play::EMPTIED, &play::REMOVED] {
        fail_everywhere(play);
    }
}
