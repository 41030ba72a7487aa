//! What programs see, as long as nothing goes wrong.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

use super::super::SimDisk;
use super::{ACCESS, DOCUMENT, OLD, PART, at, disk};
use crate::disk::{Access, Disk};

fn errno<T>(result: io::Result<T>) -> Errno {
    let error = result.err().expect("an error");
    Errno::from_io_error(&error).expect("one of the system")
}

#[test]
fn a_file_is_created_once_and_read_whole() {
    let disk = disk(false);
    let access = Access {
        mode: 0o640,
        owner: Some((7, 8)),
    };
    let mut file = disk.create(at(DOCUMENT), access).unwrap();
    assert_eq!(file.write(b"ab").unwrap(), 2);
    assert_eq!(file.write(b"c").unwrap(), 1);
    assert_eq!(errno(disk.create(at(DOCUMENT), access)), Errno::EXIST);
    let (bytes, stat) = disk.read(at(DOCUMENT)).unwrap();
    assert_eq!(bytes, b"abc");
    assert_eq!(stat, file.stat().unwrap());
    assert_eq!(stat, disk.stat(at(DOCUMENT)).unwrap());
    assert_eq!((stat.mode, stat.owner, stat.group), (0o640, 7, 8));
    assert_eq!((stat.size, stat.links, stat.is_file), (3, 1, true));
    assert_eq!(
        disk.list(at("/data")).unwrap(),
        [OsString::from("document")]
    );
    disk.remove(at(DOCUMENT)).unwrap();
    assert_eq!(errno(disk.read(at(DOCUMENT))), Errno::NOENT);
    assert_eq!(file.stat().unwrap().links, 0);
    assert_eq!(errno(disk.read(at("/data"))), Errno::ISDIR);
    assert_eq!(errno(disk.create(at("/no/x"), access)), Errno::NOENT);
}

#[test]
fn inode_numbers_are_used_again_unless_the_file_is_open() {
    let disk = disk(true);
    let number = |path: &str| disk.stat(at(path)).unwrap().inode;
    let first = number(DOCUMENT);
    disk.replace(at(DOCUMENT), b"2").unwrap();
    let second = number(DOCUMENT);
    assert_ne!(first, second);
    disk.replace(at(DOCUMENT), b"3").unwrap();
    assert_eq!(number(DOCUMENT), first, "after every second replacement");
    disk.remove(at(DOCUMENT)).unwrap();
    let file = disk.create(at(DOCUMENT), ACCESS).unwrap();
    let held = number(DOCUMENT);
    disk.remove(at(DOCUMENT)).unwrap();
    disk.overwrite(at(DOCUMENT), b"4").unwrap();
    assert_ne!(number(DOCUMENT), held);
    assert_eq!(disk.open_handles(), 1);
    drop(file);
    assert_eq!(disk.open_handles(), 0);
    disk.overwrite(at(PART), b"5").unwrap();
    assert_eq!(number(PART), held);
}

#[test]
fn times_are_those_of_a_clock_that_may_be_coarse() {
    let disk = disk(true);
    let before = disk.stat(at(DOCUMENT)).unwrap();
    disk.overwrite(at(DOCUMENT), OLD).unwrap();
    let edited = disk.stat(at(DOCUMENT)).unwrap();
    assert!(edited.modified > before.modified);
    assert!(!edited.is_same_content(&before));
    disk.link(at(DOCUMENT), at(PART)).unwrap();
    let linked = disk.stat(at(DOCUMENT)).unwrap();
    assert_eq!(linked.modified, edited.modified);
    assert!(linked.changed > edited.changed);
    assert_eq!(linked.links, 2);
    disk.set_clock_grain(1_000_000);
    let before = disk.stat(at(DOCUMENT)).unwrap();
    disk.overwrite(at(DOCUMENT), OLD).unwrap();
    let edited = disk.stat(at(DOCUMENT)).unwrap();
    assert!(
        edited.is_same_content(&before),
        "an edit that does not show"
    );
}

#[test]
fn names_move_and_change_places() {
    let disk = disk(true);
    disk.replace(at(PART), b"part").unwrap();
    disk.exchange(at(PART), at(DOCUMENT)).unwrap();
    assert_eq!(disk.content(at(DOCUMENT)).unwrap(), b"part");
    assert_eq!(disk.content(at(PART)).unwrap(), OLD);
    assert_eq!(errno(disk.link(at(PART), at(DOCUMENT))), Errno::EXIST);
    disk.rename(at(PART), at(DOCUMENT)).unwrap();
    assert_eq!(disk.content(at(DOCUMENT)).unwrap(), OLD);
    assert_eq!(disk.content(at(PART)), None);
    assert_eq!(errno(disk.exchange(at(PART), at(DOCUMENT))), Errno::NOENT);
    disk.link(at(DOCUMENT), at(PART)).unwrap();
    disk.rename(at(PART), at(DOCUMENT)).unwrap();
    assert!(
        disk.look(at(PART)).is_some(),
        "renaming one name of a file over another of the same file does nothing"
    );
    disk.allow_exchange(false);
    let refused = disk.exchange(at(PART), at(DOCUMENT)).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::Unsupported);
    disk.create_folder(at("/data/kept"), 0o700).unwrap();
    disk.create_folder(at("/data/kept"), 0o755).unwrap();
    assert_eq!(disk.stat(at("/data/kept")).unwrap().mode, 0o700);
    assert_eq!(errno(disk.create_folder(at(PART), 0o700)), Errno::EXIST);
    assert_eq!(errno(disk.rename(at(PART), at("/data/kept"))), Errno::ISDIR);
}

#[test]
fn symbolic_links_are_followed_where_they_should_be() {
    let disk = disk(true);
    disk.make_folder(at("/etc/byname")).unwrap();
    disk.make_symlink(at("../../data/document"), at("/etc/byname/link"))
        .unwrap();
    disk.make_symlink(at("/etc/byname"), at("/conf")).unwrap();
    let resolve = |path: &str| disk.resolve(at(path)).unwrap();
    assert_eq!(resolve("/conf/link"), PathBuf::from(DOCUMENT));
    assert_eq!(disk.read(at("/conf/../../data/document")).unwrap().0, OLD);
    assert_eq!(errno(disk.read(at("/conf/link"))), Errno::LOOP);
    assert_eq!(
        resolve("/new/folder/file"),
        PathBuf::from("/new/folder/file")
    );
    assert!(!disk.stat(at("/conf/link")).unwrap().is_file);
    assert_eq!(errno(disk.create(at("/conf/link"), ACCESS)), Errno::EXIST);
    disk.make_symlink(at("missing"), at("/conf/broken"))
        .unwrap();
    assert_eq!(
        resolve("/conf/broken"),
        PathBuf::from("/etc/byname/missing")
    );
    disk.make_symlink(at("loop"), at("/data/loop")).unwrap();
    assert_eq!(errno(disk.resolve(at("/data/loop"))), Errno::LOOP);
}

#[test]
fn a_lock_is_held_by_one_handle_until_it_is_unlocked_or_dropped() {
    let disk = disk(false);
    let other_process = disk.clone();
    let path = at("/data/lock");
    let one = disk.open_lock(path, ACCESS).unwrap();
    let two = other_process.open_lock(path, ACCESS).unwrap();
    assert!(one.stat().unwrap().is_same_file(&two.stat().unwrap()));
    assert!(one.try_lock().unwrap());
    assert!(!two.try_lock().unwrap());
    one.write_note(b"one").unwrap();
    assert_eq!(two.read_note().unwrap(), b"one");
    one.unlock().unwrap();
    assert!(two.try_lock().unwrap());
    assert!(disk.is_locked());
    assert!(!one.try_lock().unwrap());
    drop(two);
    assert!(!disk.is_locked());
    // Whoever removes the file of a lock lets two in.
    assert!(one.try_lock().unwrap());
    disk.remove(path).unwrap();
    let three = disk.open_lock(path, ACCESS).unwrap();
    assert!(three.try_lock().unwrap());
    assert!(!one.stat().unwrap().is_same_file(&three.stat().unwrap()));
}

#[test]
fn a_word_is_shared_until_another_takes_its_place() {
    let disk = disk(false);
    let (path, scratch) = (at("/data/word"), at("/data/scratch"));
    assert!(disk.open_word(path, "id").unwrap().is_none());
    let one = disk.create_word(path, scratch, ACCESS, "id", 1).unwrap();
    let two = disk.open_word(path, "id").unwrap().unwrap();
    assert!(disk.open_word(path, "another").unwrap().is_none());
    assert!(one.raise(9));
    assert_eq!(two.load(), 9);
    let three = disk.create_word(path, scratch, ACCESS, "id", 9).unwrap();
    one.retire();
    assert_eq!((two.load(), three.load()), (u64::MAX, 9));
    assert!(!two.stat().unwrap().is_same_file(&three.stat().unwrap()));
    disk.overwrite(at("/data/other"), b"").unwrap();
    // Who finds one that is retired is told so.
    disk.link(path, at("/data/three")).unwrap();
    three.retire();
    let found = disk.open_word(at("/data/three"), "id").unwrap().unwrap();
    assert_eq!(found.load(), u64::MAX);
    assert!(disk.open_word(at("/data/other"), "id").unwrap().is_none());
}

#[test]
fn a_fork_goes_its_own_way() {
    let one = disk(true);
    let lock = one.open_lock(at("/data/lock"), ACCESS).unwrap();
    assert!(lock.try_lock().unwrap());
    let two: SimDisk = one.fork();
    assert!(!two.is_locked());
    assert_eq!((two.calls(), two.operations()), (0, 0));
    two.remove(at(DOCUMENT)).unwrap();
    assert!(one.look(at(DOCUMENT)).is_some());
    assert_eq!(one.network(at("/")).unwrap(), None);
    one.set_network(Some("nfs"));
    assert_eq!(one.network(at("/")).unwrap().as_deref(), Some("nfs"));
    let missing = one.network(at("/nowhere")).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}
