//! Calls that fail.

use std::collections::BTreeSet;
use std::io;

use rustix::io::Errno;

use super::super::{Call, Failure, Fault, Journal, PowerCut, explore_faults};
use super::{ACCESS, DOCUMENT, FOLDER, PART, at, disk, found, new, replace, write_all};
use crate::disk::Disk;

const ALL: PowerCut = PowerCut {
    limit: 100_000,
    seed: 1,
    unordered: true,
};

fn once(at: u64, failure: Failure) -> Fault {
    Fault {
        at,
        failure,
        lasting: false,
    }
}

#[test]
fn a_fault_strikes_its_call_once_or_from_then_on() {
    let disk = disk(true);
    disk.plan(once(2, Failure::Input));
    assert!(disk.stat(at(DOCUMENT)).is_ok());
    let error = disk.stat(at(DOCUMENT)).unwrap_err();
    assert_eq!(Errno::from_io_error(&error), Some(Errno::IO));
    assert!(disk.stat(at(DOCUMENT)).is_ok());
    disk.plan(Fault {
        at: 4,
        failure: Failure::Files,
        lasting: true,
    });
    assert!(disk.stat(at(DOCUMENT)).is_ok(), "needs no descriptor");
    for _ in 0..2 {
        let error = disk.read(at(DOCUMENT)).unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::MFILE));
    }
    disk.heal();
    assert!(disk.read(at(DOCUMENT)).is_ok());
    let fired: Vec<Call> = disk.fired().iter().map(|(_, call, _)| *call).collect();
    assert_eq!(fired, [Call::Stat, Call::Read, Call::Read]);
}

#[test]
fn a_write_may_be_short_and_the_disk_full_after_it() {
    let disk = disk(false);
    let mut file = disk.create(at(DOCUMENT), ACCESS).unwrap();
    disk.plan(once(2, Failure::Short));
    assert_eq!(file.write(b"12345").unwrap(), 3);
    assert_eq!(file.write(b"45").unwrap(), 2);
    disk.plan(once(4, Failure::ShortThenSpace));
    assert_eq!(file.write(b"67").unwrap(), 1);
    let error = file.write(b"7").unwrap_err();
    assert_eq!(Errno::from_io_error(&error), Some(Errno::NOSPC));
    assert_eq!(file.write(b"7").unwrap(), 1);
    assert_eq!(disk.content(at(DOCUMENT)).unwrap(), b"1234567");
}

#[test]
fn a_sync_after_one_that_failed_succeeds_and_makes_nothing_durable() {
    let disk = disk(false);
    let mut file = disk.create(at(DOCUMENT), ACCESS).unwrap();
    write_all(&mut *file, &new()).unwrap();
    disk.sync_folder(at(FOLDER)).unwrap();
    disk.plan(once(disk.calls() + 1, Failure::Input));
    file.sync().unwrap_err();
    file.sync().unwrap();
    disk.sync_file(at(DOCUMENT)).unwrap();
    assert_eq!(found(&disk), "new", "programs still see it");
    let states = disk.crash_states(ALL);
    let finds: BTreeSet<_> = states.iter().map(|state| found(&state.boot())).collect();
    assert_eq!(finds, BTreeSet::from(["new", "empty", "zeros", "torn"]));
    // What is written later is durable, what was lost is not.
    assert_eq!(file.write(b"!").unwrap(), 1);
    file.sync().unwrap();
    let states = disk.crash_states(ALL);
    assert!(states.iter().any(|state| {
        let bytes = state.boot().content(at(DOCUMENT)).unwrap();
        bytes.starts_with(&[0; 700]) && bytes.ends_with(b"!")
    }));
    disk.drop_caches();
    assert_ne!(found(&disk), "new", "and in the end they do not");
}

#[test]
fn a_folder_whose_sync_failed_is_not_durable_until_it_is_changed_and_synced_again() {
    let disk = disk(true);
    let finds = || -> BTreeSet<_> {
        let states = disk.crash_states(ALL);
        states.iter().map(|state| found(&state.boot())).collect()
    };
    replace(&disk, true, false).unwrap();
    disk.plan(once(disk.calls() + 1, Failure::Input));
    disk.sync_folder(at(FOLDER)).unwrap_err();
    disk.sync_folder(at(FOLDER)).unwrap();
    assert_eq!(finds(), BTreeSet::from(["old", "new"]));
    disk.link(at(DOCUMENT), at(PART)).unwrap();
    disk.sync_folder(at(FOLDER)).unwrap();
    assert_eq!(finds(), BTreeSet::from(["new"]));
}

#[test]
fn a_rename_that_reports_an_error_may_have_happened() {
    for (failure, expected) in [(Failure::Input, "old"), (Failure::InputAfterwards, "new")] {
        let disk = disk(true);
        disk.replace(at(PART), &new()).unwrap();
        disk.plan(once(1, failure));
        let error = disk.rename(at(PART), at(DOCUMENT)).unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::IO));
        assert_eq!(found(&disk), expected);
    }
}

/// Writes the document; after an error of a sync it tries again if it is careless.
fn save(disk: &super::SimDisk, careless: bool) -> io::Result<()> {
    let mut file = disk.create(at(PART), ACCESS)?;
    let written = write_all(&mut *file, &new()).and_then(|()| match file.sync() {
        Err(_) if careless => file.sync(),
        result => result,
    });
    let placed = written.and_then(|()| disk.rename(at(PART), at(DOCUMENT)));
    if let Err(error) = placed {
        disk.remove(at(PART)).ok();
        return Err(error);
    }
    match disk.sync_folder(at(FOLDER)) {
        Err(_) if careless => disk.sync_folder(at(FOLDER)),
        result => result,
    }
}

/// Which states may be left after a save that was acknowledged in spite of a fault.
fn after_a_fault(careless: bool) -> BTreeSet<&'static str> {
    let mut finds = BTreeSet::new();
    let swept = explore_faults(
        &disk(true),
        &Failure::ALL,
        1,
        |disk| {
            let journal = Journal::new(Some("old"));
            let ticket = journal.intend("new");
            if save(disk, careless).is_ok() {
                journal.acknowledge(ticket);
            }
            journal
        },
        |disk, journal, _| {
            if journal.acknowledged() == Some("new") {
                let states = disk.crash_states(ALL);
                finds.extend(states.iter().map(|state| found(&state.boot())));
            }
        },
    );
    assert!(swept.points > 20, "{swept:?}");
    finds
}

#[test]
fn whoever_repeats_a_sync_that_failed_is_caught() {
    assert_eq!(after_a_fault(false), BTreeSet::from(["new"]));
    let careless = after_a_fault(true);
    let expected = BTreeSet::from(["old", "new", "empty", "zeros", "torn"]);
    assert_eq!(careless, expected);
}

#[test]
fn every_call_fails_in_every_way_that_it_can() {
    let mut struck = BTreeSet::new();
    explore_faults(
        &disk(true),
        &Failure::ALL,
        1,
        |disk| {
            save(disk, false).ok();
            Journal::new(Some(()))
        },
        |disk, _, fault| {
            let (_, call, failure) = disk.fired()[0];
            assert_eq!(failure, fault.failure);
            struck.insert((call, format!("{failure:?}"), fault.lasting));
        },
    );
    let ways = |call| struck.iter().filter(|(c, ..)| *c == call).count();
    assert_eq!(ways(Call::Create), 9);
    assert_eq!(ways(Call::Write), 9);
    assert_eq!(ways(Call::Sync), 5);
    assert_eq!(ways(Call::Rename), 8);
    assert_eq!(ways(Call::SyncFolder), 7);
}

#[test]
fn without_power_nothing_works_and_nothing_changes() {
    let disk = disk(true);
    disk.cut_power_at(3);
    let error = replace(&disk, true, true).unwrap_err();
    assert_eq!(error.to_string(), "the power is out");
    assert_eq!(disk.operations(), 2);
    assert!(disk.stat(at(DOCUMENT)).is_err());
    assert!(disk.remove(at(DOCUMENT)).is_err());
    assert_eq!(found(&disk), "old");
    assert_eq!(disk.content(at(PART)).unwrap(), new());
}
