//! The power goes at every operation of a play, and leaves every state that it may: afterwards the
//! registry is at the last acknowledged revision or at one in flight, and goes on from there.

use std::cell::Cell;

use super::play::{self, Play, Weather};
use super::{
    Put, Stand, Terms, Value, allowed, check, is_durable, open, power_cut, reopened, shown,
    transaction,
};
use crate::Store;
use crate::disk::sim::{Journal, SimDisk, explore, explore_kills};

/// Every how many states it is cut again while it recovers.
const AGAIN: usize = 97;

fn cut_everywhere(play: &Play, limit: usize) {
    let (base, stands) = play.set();
    let journal = Journal::new(stands.last().cloned());
    let terms = play.terms();
    let count = Cell::new(0_usize);
    let swept = explore(
        power_cut(limit),
        &base,
        &journal,
        |disk, journal| {
            play::play(disk, journal, play, Weather::Calm);
        },
        |disk, journal, _| {
            count.set(count.get() + 1);
            if count.get().is_multiple_of(AGAIN) {
                cut_again(&disk.fork(), journal, &stands, terms);
            }
            check(disk, journal, &stands, terms);
        },
    );
    assert!(
        swept.points > 10 && swept.states > 100,
        "{}: {swept:?}",
        play.name
    );
}

/// Cuts the power while what was left is opened and a transaction is committed there.
fn cut_again(base: &SimDisk, before: &Journal<Stand>, known: &[Stand], terms: Terms) {
    let found = reopened(base);
    let mut ever = known.to_vec();
    ever.extend(before.past());
    ever.extend(before.in_flight());
    let more = [Put("more", Value(98, 40))];
    let journal = Journal::new(Some(found.clone()));
    let later = allowed(before);
    let later: Vec<_> = later
        .into_iter()
        .filter(|stand| stand.revision > found.revision)
        .collect();
    // What was in flight then, an edit say, may be taken up now.
    for stand in &later {
        journal.intend(stand.clone());
    }
    if terms.damaged {
        journal.intend(Stand {
            revision: found.revision + 1,
            ..found.clone()
        });
    }
    for stand in later.iter().chain([&found]) {
        journal.intend(stand.after(&more));
    }
    explore(
        power_cut(4),
        base,
        &journal,
        |disk, journal| {
            let store = open(disk).unwrap();
            let mut committed = store.submit(transaction(&more)).wait();
            if terms.damaged && committed.is_err() {
                store.restore(0).wait().unwrap();
                let restored = shown(&store);
                journal.acknowledge(journal.intend(restored.clone()));
                journal.intend(restored.after(&more));
                committed = store.submit(transaction(&more)).wait();
            }
            committed.unwrap();
            journal.acknowledge(journal.intend(shown(&store)));
        },
        |disk, journal, _| {
            check(disk, journal, &ever, terms);
        },
    );
}

/// Ends the process at every operation; another one goes on, and then the power goes: what the other
/// one has shown must stay.
fn kill_everywhere(play: &Play) {
    let (base, stands) = play.set();
    let journal = Journal::new(stands.last().cloned());
    let terms = play.terms();
    let swept = explore_kills(
        &base,
        &journal,
        |disk, journal| {
            play::play(disk, journal, play, Weather::Calm);
        },
        |disk, journal, _| {
            let store = open(disk).unwrap();
            is_durable(disk, &shown(&store), journal, terms);
            drop(store);
            check(disk, journal, &stands, terms);
        },
    );
    assert!(swept.points > 10, "{}: {swept:?}", play.name);
}

#[test]
fn another_process_goes_on_after_a_kill() {
    for play in [
        &play::CREATION,
        &play::CHANGES,
        &play::WITHOUT_EXCHANGE,
        &play::TWO_PROCESSES,
        &play::BY_HAND,
        &play::BY_HAND_LATE,
        &play::EMPTIED,
    ] {
        kill_everywhere(play);
    }
}

#[test]
fn creating_a_registry() {
    cut_everywhere(&play::CREATION, 30);
}

#[test]
fn adding_updating_and_removing() {
    cut_everywhere(&play::CHANGES, 14);
}

#[test]
fn adding_updating_and_removing_where_names_cannot_be_exchanged() {
    cut_everywhere(&play::WITHOUT_EXCHANGE, 10);
}

#[test]
fn changing_while_the_clock_stands_still() {
    cut_everywhere(&play::COARSE, 10);
}

#[test]
fn committing_in_groups() {
    cut_everywhere(&play::GROUPS, 16);
}

#[test]
fn committing_from_two_processes() {
    cut_everywhere(&play::TWO_PROCESSES, 12);
}

#[test]
fn taking_up_an_edit_by_hand() {
    cut_everywhere(&play::BY_HAND, 14);
}

#[test]
fn taking_up_an_edit_by_hand_that_was_written_in_place() {
    cut_everywhere(&play::BY_HAND_IN_PLACE, 10);
}

#[test]
fn merging_an_edit_by_hand_of_an_earlier_revision() {
    cut_everywhere(&play::BY_HAND_LATE, 14);
}

#[test]
fn restoring_a_damaged_document() {
    for play in [&play::EMPTIED, &play::CUT, &play::REMOVED] {
        cut_everywhere(play, 12);
    }
}
