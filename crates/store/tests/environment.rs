//! Folders that may not be written, disks that are full, links, owners and what is no file: nothing
//! changes that was not acknowledged, and it goes on when it can.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod place;

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use byname_store::{FileOptions, FileStore, Problem, Store, StoreError, Transaction};
use place::*;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// The kind of what the system said.
fn kind(error: &StoreError) -> ErrorKind {
    match error {
        StoreError::Io { source, .. } => source.kind(),
        other => panic!("{other:?}"),
    }
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

/// The store in memory is the one on the disk.
fn memory_is_disk(place: &Place, store: &FileStore) {
    let other = place.open(deaf().read_only(true));
    assert_eq!(shown(&other), shown(store));
    assert_eq!(other.mirror().revision(), store.mirror().revision());
    assert!(other.health().is_good(), "{:?}", other.health());
}

#[test]
fn who_may_only_read_reads() {
    let test = "who_may_only_read_reads";
    let Some(folder) = child_folder() else {
        for hidden in [false, true] {
            let place = Place::new();
            set_mode(place.folder(), 0o755);
            let options = if hidden { deaf() } else { deaf().mode(0o644) };
            let store = place.open(options);
            commit(&store, put("alpha", "1"));
            // What is beside a document that was private is still hidden from others.
            set_mode(&place.document(), 0o644);
            assert_eq!(mode(&place.side("")), if hidden { 0o700 } else { 0o755 });
            if !run_again(test, Child::Nobody, place.folder()) {
                return;
            }
            assert_eq!(commit(&store, put("alpha", "2")), 2);
            memory_is_disk(&place, &store);
        }
        return;
    };
    let place = Place::at(&folder);
    for options in [deaf(), FileOptions::new(), deaf().read_only(true)] {
        let store = place.open(options);
        assert_eq!(shown(&store), entries(&[("alpha", 1, "1")]));
        assert_eq!(store.refresh().wait().unwrap(), 1);
        assert!(store.health().is_good(), "{:?}", store.health());
    }
    let store = place.open(deaf());
    let error = refused(&store, put("alpha", "3"));
    assert_eq!(kind(&error), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(shown(&store), entries(&[("alpha", 1, "1")]));
    assert_eq!(names(&folder), ["machines.json", "machines.json.d"]);
}

#[test]
fn an_edit_waits_for_who_may_write() {
    let test = "an_edit_waits_for_who_may_write";
    let Some(folder) = child_folder() else {
        let place = Place::new();
        set_mode(place.folder(), 0o755);
        let store = place.open(deaf().mode(0o644));
        commit(&store, put("alpha", "1"));
        let edited = place.text().replace("\"value\": 1\n", "\"value\": 11\n");
        place.save_in_place(&edited);
        if run_again(test, Child::Nobody, place.folder()) {
            assert_eq!(place.text(), edited);
            assert_eq!(commit(&store, Transaction::new()), 2);
            assert_eq!(shown(&store), entries(&[("alpha", 2, "11")]));
            memory_is_disk(&place, &store);
        }
        return;
    };
    let place = Place::at(folder);
    let waits = Problem::EditWaits {
        path: place.document(),
    };
    for options in [FileOptions::new(), deaf(), deaf().read_only(true)] {
        let store = place.open(options);
        assert_eq!(store.health().problems, std::slice::from_ref(&waits));
        assert_eq!(shown(&store), entries(&[("alpha", 1, "1")]));
        // Asking for more than there is finds no more.
        assert_eq!(store.refresh().wait().unwrap(), 1);
        assert_eq!(store.health().problems, std::slice::from_ref(&waits));
    }
}

#[test]
fn a_folder_that_may_not_be_written() {
    let test = "a_folder_that_may_not_be_written";
    let Some(folder) = child_folder() else {
        let place = Place::new();
        chown(place.folder(), Some(NOBODY), Some(NOBODY)).unwrap_or_default();
        run_again(test, Child::Nobody, place.folder());
        return;
    };
    let place = Place::at(&folder);
    set_mode(&folder, 0o555);
    let store = place.open(FileOptions::new());
    for _ in 0..3 {
        let error = refused(&store, put("alpha", "1"));
        assert_eq!(kind(&error), ErrorKind::PermissionDenied, "{error}");
        assert_eq!(store.mirror().revision(), 0);
        assert!(names(&folder).is_empty());
    }
    set_mode(&folder, 0o755);
    assert_eq!(commit(&store, put("alpha", "1")), 1);
    // And once more, now that there is a document.
    set_mode(&folder, 0o555);
    let error = refused(&store, put("alpha", "2"));
    assert_eq!(kind(&error), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(shown(&store), entries(&[("alpha", 1, "1")]));
    memory_is_disk(&place, &store);
    set_mode(&folder, 0o755);
    assert_eq!(commit(&store, put("alpha", "3")), 2);
    memory_is_disk(&place, &store);
    assert_eq!(names(&folder), ["machines.json", "machines.json.d"]);
}

#[test]
fn a_file_system_that_is_read_only() {
    let test = "a_file_system_that_is_read_only";
    let Some(folder) = child_folder() else {
        let place = Place::new();
        run_again(test, Child::Mounts, place.folder());
        return;
    };
    let place = Place::at(&folder);
    let path = folder.to_str().unwrap();
    let store = place.open(deaf());
    commit(&store, put("alpha", "1"));
    drop(store);
    run("mount", &["--bind", path, path]);
    run("mount", &["-o", "remount,bind,ro", path]);
    let before = place.bytes();
    let store = place.open(FileOptions::new());
    assert_eq!(shown(&store), entries(&[("alpha", 1, "1")]));
    assert!(store.health().is_good(), "{:?}", store.health());
    let error = refused(&store, put("alpha", "2"));
    assert_eq!(kind(&error), ErrorKind::ReadOnlyFilesystem, "{error}");
    assert_eq!(shown(&store), entries(&[("alpha", 1, "1")]));
    assert_eq!(place.bytes(), before);
    let missing = Place::at(folder.join("missing"));
    let other = missing.open(deaf());
    let error = refused(&other, put("alpha", "2"));
    assert_eq!(kind(&error), ErrorKind::ReadOnlyFilesystem, "{error}");
    run("mount", &["-o", "remount,bind,rw", path]);
    assert_eq!(commit(&store, put("alpha", "2")), 2);
    memory_is_disk(&place, &store);
    assert_eq!(commit(&other, put("alpha", "2")), 1);
    memory_is_disk(&missing, &other);
}

/// Takes all the space but `left` pages.
fn fill(folder: &Path, left: u64) {
    let mut filler = fs::File::create(folder.join("filler")).unwrap();
    let mut size = 0_u64;
    loop {
        match filler.write(&[b'x'; 4_096]) {
            Ok(written) => size += written as u64,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::StorageFull);
                break;
            }
        }
    }
    filler.set_len(size.saturating_sub(left * 4_096)).unwrap();
}

#[test]
fn a_disk_that_is_full() {
    let test = "a_disk_that_is_full";
    let Some(folder) = child_folder() else {
        let place = Place::new();
        run_again(test, Child::Mounts, place.folder());
        return;
    };
    let path = folder.to_str().unwrap();
    let mut failures = 0;
    let mut successes = 0;
    for first in [true, false] {
        for left in 0..=12 {
            run(
                "mount",
                &["-t", "tmpfs", "-o", "size=512k,mode=755", "tmpfs", path],
            );
            let place = Place::at(&folder);
            let store = place.open(deaf());
            if !first {
                commit(&store, put("alpha", "1"));
            }
            let before = (shown(&store), store.mirror().revision());
            fill(&folder, left);
            // Somewhat more than two pages.
            let value = format!("\"{}\"", "v".repeat(9_000));
            match store.submit(put("beta", &value)).wait() {
                Err(error) => {
                    failures += 1;
                    assert_eq!(kind(&error), ErrorKind::StorageFull, "{left}: {error}");
                    assert_eq!((shown(&store), store.mirror().revision()), before, "{left}");
                }
                Ok(revision) => {
                    successes += 1;
                    assert_eq!(revision, before.1 + 1, "{left}");
                    assert_eq!(shown(&store)["beta"].0, revision, "{left}");
                }
            }
            memory_is_disk(&place, &store);
            let mut there = names(&folder);
            there.retain(|name| !["filler", "machines.json", "machines.json.d"].contains(&&**name));
            assert!(there.is_empty(), "{left}: {there:?}");
            // There is space again.
            fs::remove_file(folder.join("filler")).unwrap();
            let revision = store.mirror().revision();
            assert_eq!(commit(&store, put("gamma", &value)), revision + 1, "{left}");
            memory_is_disk(&place, &store);
            assert!(store.health().is_good(), "{left}: {:?}", store.health());
            drop(store);
            run("umount", &[path]);
        }
    }
    assert!(failures > 4 && successes > 4, "{failures} and {successes}");
}

#[test]
fn a_disk_without_room_for_names() {
    let test = "a_disk_without_room_for_names";
    let Some(folder) = child_folder() else {
        let place = Place::new();
        run_again(test, Child::Mounts, place.folder());
        return;
    };
    let path = folder.to_str().unwrap();
    let (mut failures, mut successes) = (0, 0);
    for inodes in 2..=14 {
        let options = format!("nr_inodes={inodes},mode=755");
        run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs", path]);
        let place = Place::at(&folder);
        let store = place.open(deaf());
        let mut expected = 0;
        for value in 0..4 {
            match store.submit(put("alpha", &value.to_string())).wait() {
                Err(error) => {
                    failures += 1;
                    assert_eq!(kind(&error), ErrorKind::StorageFull, "{inodes}: {error}");
                }
                Ok(revision) => {
                    successes += 1;
                    expected += 1;
                    assert_eq!(revision, expected, "{inodes}");
                }
            }
            assert_eq!(store.mirror().revision(), expected, "{inodes}");
            memory_is_disk(&place, &store);
        }
        run("mount", &["-o", "remount,nr_inodes=100", path]);
        assert_eq!(
            commit(&store, put("alpha", "\"last\"")),
            expected + 1,
            "{inodes}"
        );
        memory_is_disk(&place, &store);
        assert!(store.health().is_good(), "{inodes}: {:?}", store.health());
        drop(store);
        run("umount", &[path]);
    }
    assert!(failures > 4 && successes > 4, "{failures} and {successes}");
}

#[test]
fn a_link_stays_and_what_it_names_is_replaced() {
    let place = Place::new();
    let elsewhere = Place::new();
    symlink(elsewhere.document(), place.folder().join("second")).unwrap();
    symlink("second", place.document()).unwrap();
    for options in [deaf(), FileOptions::new().poll(None)] {
        let link = FileStore::open(place.document(), options).unwrap();
        let revision = link.mirror().revision();
        assert_eq!(commit(&link, put("alpha", "1")), revision + 1);
        let direct = elsewhere.open(deaf());
        assert_eq!(shown(&direct), shown(&link));
        assert_eq!(commit(&direct, put("alpha", "2")), revision + 2);
        assert_eq!(link.refresh().wait().unwrap(), revision + 2);
        assert!(link.health().is_good(), "{:?}", link.health());
    }
    assert_eq!(
        fs::read_link(place.document()).unwrap(),
        Path::new("second")
    );
    assert_eq!(names(place.folder()), ["machines.json", "second"]);
    assert_eq!(
        names(elsewhere.folder()),
        ["machines.json", "machines.json.d"]
    );
    assert!(
        fs::symlink_metadata(elsewhere.document())
            .unwrap()
            .is_file()
    );
    // A link in a circle is an error.
    symlink("circle", place.folder().join("circle")).unwrap();
    let error = FileStore::open(place.folder().join("circle"), deaf()).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
}

#[test]
fn an_edit_through_a_link_is_heard() {
    let place = Place::new();
    let elsewhere = Place::new();
    symlink(elsewhere.document(), place.document()).unwrap();
    let store = place.open(FileOptions::new().poll(None));
    commit(&store, put("alpha", "1"));
    place.save_in_place(place.text().replace("\"value\": 1\n", "\"value\": 11\n"));
    until(&store, 2);
    assert_eq!(shown(&store), entries(&[("alpha", 2, "11")]));
    until_good(&store);
    assert!(fs::symlink_metadata(place.document()).unwrap().is_symlink());
}

#[test]
fn who_may_do_what_stays() {
    let is_root = rustix::process::getuid().is_root();
    for wanted in [0o600, 0o640, 0o644, 0o660, 0o400] {
        let place = Place::new();
        let store = place.open(deaf());
        commit(&store, put("alpha", "1"));
        assert_eq!(mode(&place.document()), 0o600);
        set_mode(&place.document(), wanted);
        if is_root {
            chown(place.document(), Some(1_234), Some(5_678)).unwrap();
        }
        let owner = |path: &Path| {
            let metadata = fs::metadata(path).unwrap();
            (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
        };
        let expected = owner(&place.document());
        for revision in 2..=4 {
            assert_eq!(commit(&store, put("alpha", "2")), revision);
            assert_eq!(owner(&place.document()), expected);
            assert_eq!(owner(&place.kept(revision)), expected);
        }
        // So it does over an edit, of whoever.
        place.save_in_place(place.text().replace("\"value\": 2\n", "\"value\": 22\n"));
        commit(&store, Transaction::new());
        assert_eq!(owner(&place.document()), expected);
        assert!(store.health().is_good(), "{:?}", store.health());
    }
}

#[test]
fn what_is_created_has_the_access_that_was_asked_for() {
    let test = "what_is_created_has_the_access_that_was_asked_for";
    let Some(folder) = child_folder() else {
        let place = Place::new();
        set_mode(place.folder(), 0o755);
        assert!(run_again(test, Child::Masked, place.folder()));
        return;
    };
    for (wanted, beside) in [(0o600, 0o700), (0o640, 0o750), (0o644, 0o755)] {
        let place = Place::at(folder.join(format!("{wanted:o}")));
        fs::create_dir(place.folder()).unwrap();
        let store = place.open(deaf().mode(wanted));
        commit(&store, put("alpha", "1"));
        commit(&store, put("alpha", "2"));
        let files = [
            "word",
            "lock",
            "previous",
            "revisions/00000000000000000002.json",
        ];
        assert_eq!(mode(&place.document()), wanted);
        for file in files {
            assert_eq!(mode(&place.side(file)), wanted, "{file}");
        }
        for folder in ["", "revisions", "aside", "leases"] {
            assert_eq!(mode(&place.side(folder)), beside, "{folder}");
        }
    }
}

#[test]
fn folders_that_are_missing_are_made_for_oneself() {
    let place = Place::new();
    let deep = Place::at(place.folder().join("one/two/three"));
    let store = deep.open(FileOptions::new());
    assert_eq!(store.mirror().revision(), 0);
    assert!(store.health().is_good(), "{:?}", store.health());
    // Reading has made nothing.
    assert!(names(place.folder()).is_empty());
    assert_eq!(commit(&store, put("alpha", "1")), 1);
    for folder in ["one", "one/two", "one/two/three"] {
        assert_eq!(mode(&place.folder().join(folder)), 0o700);
    }
    memory_is_disk(&deep, &store);
    // It hears of what happens there, although the folder was not there at first.
    deep.save_by_rename(deep.text().replace("\"value\": 1\n", "\"value\": 11\n"));
    until(&store, 2);
    until_good(&store);
    assert_eq!(shown(&store)["alpha"], (2, "11".to_owned()));
}

#[test]
fn what_is_no_file_is_no_document() {
    let place = Place::new();
    fs::create_dir(place.folder().join("folder")).unwrap();
    fs::write(place.folder().join("file"), "").unwrap();
    run("mkfifo", &[place.folder().join("pipe").to_str().unwrap()]);
    for name in ["folder", "pipe", "file/below"] {
        let path = place.folder().join(name);
        let error = FileStore::open(&path, FileOptions::new()).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{name}: {error}");
        assert!(
            error.to_string().contains(name.split('/').next().unwrap()),
            "{error}"
        );
    }
    assert_eq!(names(place.folder()), ["file", "folder", "pipe"]);
    // Nor does it become one while a store is open.
    let store = place.open(FileOptions::new().poll(None));
    commit(&store, put("alpha", "1"));
    fs::rename(place.document(), place.folder().join("away")).unwrap();
    fs::create_dir(place.document()).unwrap();
    problem(&store, |p| matches!(p, Problem::Unreachable { .. }));
    assert!(matches!(
        refused(&store, put("alpha", "2")),
        StoreError::Io { .. }
    ));
    assert_eq!(shown(&store), entries(&[("alpha", 1, "1")]));
    fs::remove_dir(place.document()).unwrap();
    fs::rename(place.folder().join("away"), place.document()).unwrap();
    until_good(&store);
    assert_eq!(commit(&store, put("alpha", "2")), 2);
    memory_is_disk(&place, &store);
}
