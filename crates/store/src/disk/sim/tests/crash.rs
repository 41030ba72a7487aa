//! What a power cut may leave of the usual ways to replace a file.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::super::{Journal, PowerCut, SimDisk, explore, explore_kills};
use super::{ACCESS, DOCUMENT, FOLDER, PART, at, disk, found, new, replace, write_all};
use crate::disk::{Disk, Seal};

const ALL: PowerCut = PowerCut {
    limit: 100_000,
    seed: 1,
    unordered: true,
};
const ORDERED: PowerCut = PowerCut {
    unordered: false,
    ..ALL
};

/// What readers may find after a power cut at the end.
fn left(disk: &SimDisk, cut: PowerCut) -> BTreeSet<&'static str> {
    let states = disk.crash_states(cut);
    states.iter().map(|state| found(&state.boot())).collect()
}

/// What readers may find while it is being replaced, and after it was.
fn outcomes(
    with_old: bool,
    sync_file: bool,
    sync_folder: bool,
) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let during = RefCell::new(BTreeSet::new());
    let after = RefCell::new(BTreeSet::new());
    let journal = Journal::new(Some("before"));
    explore(
        ALL,
        &disk(with_old),
        &journal,
        |disk, journal| {
            let ticket = journal.intend("after");
            replace(disk, sync_file, sync_folder).unwrap();
            journal.acknowledge(ticket);
        },
        |disk, journal, _| {
            let done = journal.acknowledged() == Some("after");
            let set = if done { &after } else { &during };
            set.borrow_mut().insert(found(disk));
        },
    );
    (during.into_inner(), after.into_inner())
}

#[test]
fn without_any_sync_the_document_may_be_old_empty_zeros_or_torn() {
    let (during, after) = outcomes(true, false, false);
    let all = BTreeSet::from(["old", "new", "empty", "zeros", "torn"]);
    assert_eq!((during, after), (BTreeSet::from(["old"]), all));
    let (_, after) = outcomes(false, false, false);
    assert_eq!(
        after,
        BTreeSet::from(["missing", "new", "empty", "zeros", "torn"])
    );
}

#[test]
fn without_the_sync_of_the_folder_an_acknowledged_change_may_be_lost() {
    let (_, after) = outcomes(true, true, false);
    assert_eq!(after, BTreeSet::from(["old", "new"]));
    let (_, after) = outcomes(false, true, false);
    assert_eq!(after, BTreeSet::from(["missing", "new"]));
}

#[test]
fn without_the_sync_of_the_file_its_content_may_be_lost_and_the_old_one_with_it() {
    let all = BTreeSet::from(["new", "empty", "zeros", "torn"]);
    for with_old in [true, false] {
        let (_, after) = outcomes(with_old, false, true);
        assert_eq!(after, all);
    }
}

#[test]
fn with_both_syncs_an_acknowledged_change_stays_and_one_in_flight_is_whole() {
    let (during, after) = outcomes(true, true, true);
    assert_eq!(during, BTreeSet::from(["old", "new"]));
    assert_eq!(after, BTreeSet::from(["new"]));
    let (during, after) = outcomes(false, true, true);
    assert_eq!(during, BTreeSet::from(["missing", "new"]));
    assert_eq!(after, BTreeSet::from(["new"]));
}

#[test]
fn syncing_a_file_does_not_make_its_name_durable() {
    let disk = disk(false);
    let mut file = disk.create(at(DOCUMENT), ACCESS).unwrap();
    write_all(&mut *file, &new()).unwrap();
    file.sync().unwrap();
    assert_eq!(left(&disk, ORDERED), BTreeSet::from(["missing", "new"]));
    disk.sync_folder(at(FOLDER)).unwrap();
    assert_eq!(left(&disk, ORDERED), BTreeSet::from(["new"]));
}

#[test]
fn a_write_may_be_torn_at_every_byte_and_at_every_sector() {
    let disk = disk(false);
    let mut file = disk.create(at(DOCUMENT), ACCESS).unwrap();
    disk.sync_folder(at(FOLDER)).unwrap();
    write_all(&mut *file, &new()).unwrap();
    let states = disk.crash_states(ALL);
    let contents: BTreeSet<Vec<u8>> = states
        .iter()
        .map(|state| state.boot().content(at(DOCUMENT)).unwrap())
        .collect();
    for length in 0..=new().len() {
        assert!(contents.contains(&new()[..length]), "{length} bytes");
    }
    let mut second_lost = new();
    second_lost[512..].fill(0);
    let mut first_lost = new();
    first_lost[..512].fill(0);
    assert!(contents.contains(&first_lost));
    assert!(contents.contains(&second_lost));
    assert!(contents.contains(&vec![0; new().len()]));
}

#[test]
fn overwriting_in_place_may_leave_a_mix_of_old_and_new() {
    let disk = disk(true);
    disk.overwrite(at(DOCUMENT), &new()).unwrap();
    assert_eq!(
        left(&disk, ALL),
        BTreeSet::from(["old", "new", "empty", "zeros", "torn"])
    );
    disk.sync_file(at(DOCUMENT)).unwrap();
    assert_eq!(left(&disk, ALL), BTreeSet::from(["new"]));
}

#[test]
fn changes_of_names_are_lost_from_the_end_or_where_unordered_one_by_one() {
    let disk = disk(true);
    disk.link(at(DOCUMENT), at("/data/one")).unwrap();
    disk.link(at(DOCUMENT), at("/data/two")).unwrap();
    let pairs = |cut: PowerCut| -> BTreeSet<(bool, bool)> {
        let states = disk.crash_states(cut);
        let both = states.iter().map(|state| {
            let disk = state.boot();
            let there = |path: &str| disk.look(at(path)).is_some();
            assert_eq!(
                disk.look(at(DOCUMENT)).unwrap().links,
                1 + u64::from(there("/data/one")) + u64::from(there("/data/two"))
            );
            (there("/data/one"), there("/data/two"))
        });
        both.collect()
    };
    let ordered = BTreeSet::from([(false, false), (true, false), (true, true)]);
    assert_eq!(pairs(ORDERED), ordered);
    let any = BTreeSet::from([(false, false), (true, false), (false, true), (true, true)]);
    assert_eq!(pairs(ALL), any);
}

#[test]
fn changes_of_one_name_are_never_lost_out_of_order() {
    let disk = disk(false);
    disk.overwrite(at("/data/a"), b"a").unwrap();
    disk.overwrite(at("/data/b"), b"b").unwrap();
    disk.settle();
    disk.rename(at("/data/a"), at(DOCUMENT)).unwrap();
    disk.rename(at("/data/b"), at(DOCUMENT)).unwrap();
    let states = disk.crash_states(ALL);
    let found: BTreeSet<(Option<Vec<u8>>, usize)> = states
        .iter()
        .map(|state| {
            let disk = state.boot();
            (disk.content(at(DOCUMENT)), disk.paths().len())
        })
        .collect();
    // Neither, the first, both; and never the second without the first.
    let expected = BTreeSet::from([
        (None, 4),
        (Some(b"a".to_vec()), 4),
        (Some(b"b".to_vec()), 3),
    ]);
    assert_eq!(found, expected);
}

#[test]
fn an_exchange_is_atomic() {
    let disk = disk(true);
    disk.replace(at(PART), &new()).unwrap();
    disk.settle();
    disk.exchange(at(PART), at(DOCUMENT)).unwrap();
    let states = disk.crash_states(ALL);
    let found: BTreeSet<_> = states
        .iter()
        .map(|state| {
            (
                found(&state.boot()),
                state.boot().content(at(PART)).unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        BTreeSet::from([("new", super::OLD.to_vec()), ("old", new())])
    );
}

#[test]
fn syncing_one_folder_makes_nothing_of_another_durable() {
    let disk = disk(false);
    disk.create_folder(at("/data/kept"), 0o700).unwrap();
    disk.overwrite(at("/data/kept/one"), b"1").unwrap();
    disk.sync_file(at("/data/kept/one")).unwrap();
    disk.sync_folder(at("/data/kept")).unwrap();
    // The name of the folder itself is not durable.
    let lost = |disk: &SimDisk| {
        let states = disk.crash_states(ORDERED);
        states
            .iter()
            .filter(|state| state.boot().content(at("/data/kept/one")).is_none())
            .count()
    };
    assert_eq!(lost(&disk), 1);
    disk.sync_folder(at(FOLDER)).unwrap();
    assert_eq!(lost(&disk), 0);
    disk.rename(at("/data/kept/one"), at("/data/one")).unwrap();
    disk.sync_folder(at(FOLDER)).unwrap();
    assert_eq!(disk.crash_states(ALL).len(), 1);
}

#[test]
fn a_word_comes_back_with_any_value_it_had_or_as_zeros_or_not_at_all() {
    let disk = disk(false);
    let path = at("/data/word");
    let word = disk
        .create_word(path, at("/data/scratch"), ACCESS, "id", 3)
        .unwrap();
    disk.sync_folder(at(FOLDER)).unwrap();
    assert!(word.raise(5));
    assert!(word.raise(4), "raising to less does nothing");
    let seal = Seal {
        revision: 5,
        checksum: 7,
        stat: word.stat().unwrap(),
    };
    word.set_seal(&seal);
    assert_eq!((word.load(), word.seal()), (5, Some(seal)));
    let states = disk.crash_states(ALL);
    let found: BTreeSet<Option<(u64, bool)>> = states
        .iter()
        .map(|state| {
            let word = state.boot().open_word(path, "id").unwrap()?;
            Some((word.load(), word.seal().is_some()))
        })
        .collect();
    let expected = BTreeSet::from([None, Some((3, false)), Some((5, false)), Some((5, true))]);
    assert_eq!(found, expected);
    let gone = states
        .iter()
        .filter(|state| state.boot().look(path).is_none());
    assert_eq!(gone.count(), 1);
}

#[test]
fn after_a_power_cut_nobody_has_a_lock() {
    let disk = disk(false);
    let lock = disk.open_lock(at("/data/lock"), ACCESS).unwrap();
    assert!(lock.try_lock().unwrap());
    lock.write_note(b"me").unwrap();
    disk.settle();
    let states = disk.crash_states(ALL);
    assert_eq!(states.len(), 1);
    let again = states[0].boot();
    assert_eq!((disk.boots(), again.boots()), (1, 2));
    let lock = again.open_lock(at("/data/lock"), ACCESS).unwrap();
    assert_eq!(lock.read_note().unwrap(), b"me");
    assert!(lock.try_lock().unwrap());
}

#[test]
fn no_more_states_than_asked_for_each_once_and_the_same_each_time() {
    let disk = disk(true);
    for round in 0..4 {
        let path = format!("/data/{round}");
        disk.overwrite(at(&path), &new()).unwrap();
    }
    replace(&disk, false, false).unwrap();
    let cut = PowerCut {
        limit: 500,
        seed: 9,
        unordered: true,
    };
    let marks = |cut: PowerCut| -> Vec<u64> {
        let states = disk.crash_states(cut);
        states.iter().map(super::super::CrashState::mark).collect()
    };
    let first = marks(cut);
    assert_eq!(first.len(), 500);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 500);
    assert_eq!(first, marks(cut));
    let other = PowerCut { seed: 10, ..cut };
    assert_ne!(first, marks(other));
    // The two ends are among the first.
    let few = disk.crash_states(PowerCut { limit: 2, ..cut });
    let finds: Vec<_> = few.iter().map(|state| found(&state.boot())).collect();
    assert_eq!(finds, ["new", "old"]);
}

#[test]
fn what_was_left_may_be_cut_again() {
    let first = disk(true);
    replace(&first, true, true).unwrap();
    let mut finds = BTreeSet::new();
    for state in first.crash_states(ALL) {
        let again = state.boot();
        again.remove(at(DOCUMENT)).unwrap();
        finds.extend(left(&again, ALL));
    }
    assert_eq!(finds, BTreeSet::from(["missing", "new"]));
}

#[test]
fn whoever_goes_on_after_a_kill_sees_what_the_power_may_still_take() {
    let mut kept = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let journal = Journal::new(Some("old"));
    explore_kills(
        &disk(true),
        &journal,
        |disk, _| replace(disk, true, true).unwrap(),
        |disk, _, _| {
            assert!(!disk.is_locked());
            seen.insert(found(disk));
            if found(disk) == "new" {
                kept.extend(left(disk, ALL));
            }
        },
    );
    assert_eq!(seen, BTreeSet::from(["old", "new"]));
    assert_eq!(kept, BTreeSet::from(["old", "new"]));
}

#[test]
fn a_journal_knows_what_may_be() {
    let journal = Journal::new(Some(0));
    let (one, two, three) = (journal.intend(1), journal.intend(2), journal.intend(3));
    assert_eq!(journal.in_flight(), [1, 2, 3]);
    journal.refuse(one);
    journal.acknowledge(two);
    assert_eq!(
        (journal.acknowledged(), journal.in_flight()),
        (Some(2), vec![3])
    );
    journal.acknowledge(three);
    assert_eq!(
        (journal.acknowledged(), journal.in_flight()),
        (Some(3), vec![])
    );
}
