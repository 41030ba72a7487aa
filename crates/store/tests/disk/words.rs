//! The shared generation word.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use byname_store::disk::{Bell, Disk, RealDisk, Seal, Stat, Word};
use byname_testkit::{PATIENCE, ProcessBarrier, arrive, role, together};

use super::{PRIVATE, as_nobody, fifo, folder, with_mode};

const ID: &str = "6f1c0123456789abcdef0123456789ab";

fn create(folder: &Path, revision: u64) -> Box<dyn Word> {
    let (path, scratch) = (folder.join("word"), folder.join("scratch"));
    RealDisk
        .create_word(&path, &scratch, with_mode(0o644), ID, revision)
        .unwrap()
}

fn open(folder: &Path) -> Option<Box<dyn Word>> {
    RealDisk.open_word(&folder.join("word"), ID).unwrap()
}

fn seal(revision: u64) -> Seal {
    Seal {
        revision,
        checksum: !revision,
        stat: Stat {
            device: u64::MAX,
            inode: revision,
            size: 1 << 40,
            modified: -1_700_000_000_123_456_789,
            changed: i128::MAX - i128::from(revision),
            mode: 0o7640,
            owner: u32::MAX,
            group: 7,
            links: 3,
            is_file: true,
        },
    }
}

#[test]
fn two_mappings_are_one_word() {
    let (_kept, folder) = folder();
    let one = create(&folder, 7);
    let other = open(&folder).unwrap();
    assert_eq!((one.load(), other.load()), (7, 7));
    assert_eq!(one.stat().unwrap(), other.stat().unwrap());
    assert!(other.raise(9));
    assert_eq!((one.load(), other.load()), (9, 9));
    assert!(
        one.raise(8),
        "below it: nothing to do, and nothing forbidden"
    );
    assert_eq!(other.load(), 9);
    drop(one);
    assert!(other.raise(10));
    assert_eq!(open(&folder).unwrap().load(), 10);
    assert_eq!(RealDisk.list(&folder).unwrap(), ["word"]);
    assert_eq!(other.stat().unwrap().size, 4_096);
}

#[cfg(target_os = "linux")]
#[test]
fn a_bell_wakes_who_waits_at_another_mapping() {
    let (_kept, folder) = folder();
    let one = create(&folder, 0);
    let other = open(&folder).unwrap();
    for bell in [Bell::Turn, Bell::Lock] {
        let rung = one.rung(bell).unwrap();
        other.ring(bell);
        assert_eq!(one.rung(bell), Some(rung + 1));
        // It has rung since: there is nothing to wait for.
        let began = Instant::now();
        one.wait(bell, rung, PATIENCE);
        assert!(began.elapsed() < PATIENCE);
        let rings = AtomicBool::new(true);
        thread::scope(|scope| {
            scope.spawn(|| {
                while rings.load(Ordering::Relaxed) {
                    other.ring(bell);
                    thread::yield_now();
                }
            });
            for _ in 0..100 {
                let rung = one.rung(bell).unwrap();
                let began = Instant::now();
                one.wait(bell, rung, PATIENCE);
                assert!(began.elapsed() < PATIENCE);
            }
            rings.store(false, Ordering::Relaxed);
        });
    }
    let ended = Instant::now();
    one.wait(
        Bell::Turn,
        one.rung(Bell::Turn).unwrap(),
        Duration::from_millis(1),
    );
    assert!(ended.elapsed() < PATIENCE, "a wait ends by itself");
}

#[test]
fn the_page_is_as_documented() {
    let (_kept, folder) = folder();
    let word = create(&folder, 0x0102);
    word.raise(0x0103);
    word.ring(Bell::Turn);
    word.ring(Bell::Lock);
    word.ring(Bell::Lock);
    let bytes = fs::read(folder.join("word")).unwrap();
    let mut expected = vec![0; 4_096];
    expected[..8].copy_from_slice(&0x6279_6E61_776F_7264_u64.to_ne_bytes());
    expected[8..16].copy_from_slice(&1_u64.to_ne_bytes());
    expected[16..48].copy_from_slice(ID.as_bytes());
    expected[64..72].copy_from_slice(&0x0103_u64.to_ne_bytes());
    if cfg!(target_os = "linux") {
        expected[256..260].copy_from_slice(&1_u32.to_ne_bytes());
        expected[320..324].copy_from_slice(&2_u32.to_ne_bytes());
    }
    assert!(bytes == expected, "{bytes:?}");
}

#[test]
fn a_seal_comes_back_as_it_was() {
    let (_kept, folder) = folder();
    let (one, other) = (create(&folder, 1), open(&folder).unwrap());
    assert_eq!(other.seal(), None);
    for revision in [0, 1, u64::MAX] {
        one.set_seal(&seal(revision));
        assert_eq!(other.seal(), Some(seal(revision)));
    }
    let mut folder_seal = seal(5);
    folder_seal.stat.is_file = false;
    other.set_seal(&folder_seal);
    assert_eq!(one.seal(), Some(folder_seal));
}

#[test]
fn a_torn_seal_is_none() {
    let (_kept, folder) = folder();
    let word = create(&folder, 1);
    word.set_seal(&seal(1));
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(folder.join("word"))
        .unwrap();
    let mut first = [0; 104];
    file.read_exact_at(&mut first, 128).unwrap();
    // Any one bit.
    for (at, &byte) in (128..).zip(&first) {
        file.write_all_at(&[byte ^ 1], at).unwrap();
        assert_eq!(word.seal(), None, "byte {at}");
        file.write_all_at(&[byte], at).unwrap();
    }
    assert_eq!(word.seal(), Some(seal(1)));
    // A writer that stopped between two numbers of the second seal.
    word.set_seal(&seal(2));
    let mut second = [0; 104];
    file.read_exact_at(&mut second, 128).unwrap();
    for stop in (8..104).step_by(8) {
        let mut mixed = second;
        mixed[stop..].copy_from_slice(&first[stop..]);
        file.write_all_at(&mixed, 128).unwrap();
        let expected = (mixed == second).then(|| seal(2));
        assert_eq!(word.seal(), expected, "stopped at {stop}");
    }
    word.set_seal(&seal(3));
    assert_eq!(word.seal(), Some(seal(3)), "the next writer repairs it");
}

#[test]
fn what_is_not_this_registrys_word_is_none() {
    let (_kept, folder) = folder();
    let path = folder.join("word");
    assert!(open(&folder).is_none(), "nothing is there");
    drop(create(&folder, 3));
    let other = ID.replace('6', "7");
    for id in [&*other, "", "6f1c", &ID.replace('6', "g")] {
        assert!(RealDisk.open_word(&path, id).unwrap().is_none(), "{id}");
    }
    let page = fs::read(&path).unwrap();
    for at in 0..48 {
        let mut wrong = page.clone();
        wrong[at] ^= 1;
        fs::write(&path, &wrong).unwrap();
        assert!(open(&folder).is_none(), "byte {at}");
    }
    for size in [0, 1, 72, 4_095, 4_097, 8_192] {
        let mut wrong = page.clone();
        wrong.resize(size, 0);
        fs::write(&path, &wrong).unwrap();
        assert!(open(&folder).is_none(), "{size} bytes");
    }
    fs::write(&path, vec![0; 4_096]).unwrap();
    assert!(open(&folder).is_none(), "what a power cut may leave");
    fs::write(&path, &page).unwrap();
    assert_eq!(open(&folder).unwrap().load(), 3);
}

#[test]
fn what_is_no_file_is_no_word() {
    let (_kept, folder) = folder();
    let path = folder.join("word");
    drop(create(&folder, 3));
    fs::rename(&path, folder.join("elsewhere")).unwrap();
    symlink("elsewhere", &path).unwrap();
    assert!(open(&folder).is_none());
    fs::remove_file(&path).unwrap();
    fifo(&path);
    assert!(open(&folder).is_none());
    assert_eq!(
        create(&folder, 4).load(),
        4,
        "it takes the place of anything"
    );
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(open(&folder).is_none());
    let scratch = folder.join("scratch");
    let created = RealDisk.create_word(&path, &scratch, PRIVATE, ID, 1);
    assert_eq!(
        created.map(drop).unwrap_err().kind(),
        ErrorKind::IsADirectory
    );
    assert!(!scratch.exists());
    let created = RealDisk.create_word(&path, &scratch, PRIVATE, "id", 1);
    assert_eq!(
        created.map(drop).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    assert!(!scratch.exists());
}

#[test]
fn a_word_that_was_replaced_says_so_and_never_sinks() {
    let (_kept, folder) = folder();
    let old = create(&folder, 3);
    let reader = open(&folder).unwrap();
    let new = create(&folder, 5);
    assert_eq!(reader.load(), 3, "the old file is another one");
    assert!(!old.stat().unwrap().is_same_file(&new.stat().unwrap()));
    old.retire();
    assert_eq!(reader.load(), u64::MAX);
    reader.raise(6);
    assert_eq!(reader.load(), u64::MAX);
    assert_eq!((new.load(), open(&folder).unwrap().load()), (5, 5));
}

#[test]
fn a_word_that_may_only_be_read_is_followed() {
    as_nobody(
        "words::a_word_that_may_only_be_read_is_followed",
        |folder| {
            super::set_mode(folder, 0o755);
            let word = create(folder, 11);
            word.set_seal(&seal(11));
            word.raise(12);
            let hidden = (folder.join("hidden"), folder.join("scratch"));
            RealDisk
                .create_word(&hidden.0, &hidden.1, PRIVATE, ID, 1)
                .unwrap();
        },
        |folder| {
            let word = open(folder).unwrap();
            assert!(!word.raise(13));
            word.set_seal(&seal(13));
            word.retire();
            assert_eq!((word.load(), word.seal()), (12, Some(seal(11))));
            let hidden = RealDisk.open_word(&folder.join("hidden"), ID);
            assert_eq!(
                hidden.map(drop).unwrap_err().kind(),
                ErrorKind::PermissionDenied
            );
        },
    );
}

/// Raises the word again and again to `step` above what it is; returns the highest it was raised to.
fn raise_by(word: &dyn Word, step: u64, times: u32) -> u64 {
    let mut seen = 0;
    let mut highest = 0;
    for _ in 0..times {
        let now = word.load();
        assert!(now >= seen, "it sank from {seen} to {now}");
        highest = now + step;
        assert!(word.raise(highest));
        seen = highest;
    }
    highest
}

#[test]
fn concurrent_raises_of_threads_end_at_the_highest() {
    let (_kept, folder) = folder();
    let words = [create(&folder, 0), open(&folder).unwrap()];
    let highest = together(2, |index| {
        raise_by(&*words[index], [1, 1_000][index], 1_000_000)
    });
    assert_eq!(Some(words[0].load()), highest.into_iter().max());
}

#[test]
fn concurrent_raises_of_processes_end_at_the_highest() {
    if let Some(role) = role() {
        let (folder, step) = role.rsplit_once(' ').unwrap();
        let word = open(Path::new(folder)).unwrap();
        arrive().unwrap();
        let highest = raise_by(&*word, step.parse().unwrap(), 500_000);
        fs::write(Path::new(folder).join(step), highest.to_string()).unwrap();
        return;
    }
    let (_kept, folder) = folder();
    let word = create(&folder, 0);
    let mut barrier = ProcessBarrier::new().unwrap();
    let steps = ["1", "10", "100", "1000"];
    for step in steps {
        barrier
            .spawn_test(
                "words::concurrent_raises_of_processes_end_at_the_highest",
                &format!("{} {step}", folder.display()),
            )
            .unwrap();
    }
    for child in barrier.release().unwrap() {
        let finished = child.wait(PATIENCE).unwrap();
        assert!(finished.status.success(), "{finished:?}");
    }
    let highest = steps.map(|step| {
        let highest = fs::read_to_string(folder.join(step)).unwrap();
        highest.parse::<u64>().unwrap()
    });
    assert_eq!(Some(word.load()), highest.into_iter().max());
}

#[test]
fn concurrent_readers_see_one_seal_or_none() {
    let (_kept, folder) = folder();
    let (writer, reader) = (create(&folder, 0), open(&folder).unwrap());
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for revision in 1..=20_000 {
                writer.set_seal(&seal(revision));
            }
        });
        let mut last = 0;
        while !writing.is_finished() {
            if let Some(seen) = reader.seal() {
                assert_eq!(seen, seal(seen.revision));
                assert!(seen.revision >= last);
                last = seen.revision;
            }
        }
    });
    assert_eq!(reader.seal(), Some(seal(20_000)));
}
