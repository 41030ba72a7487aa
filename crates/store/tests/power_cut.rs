//! A real file system that loses power: what was acknowledged is there afterwards, and nothing else
//! but perhaps the commit that was in flight.
//!
//! A small image is mounted through a loop device and shut down by the file system's own ioctl: from
//! that moment nothing reaches the image. This needs root, loop devices and mkfs.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod place;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use byname_store::{Condition, Store, Transaction};
use place::*;

/// Makes the child of the child write until it is stopped, in this folder.
const WRITES: &str = "BYNAME_STORE_TEST_WRITES";

/// Shuts the file system down that a path is on. With 1 what is in the journal in memory is written
/// first, with 2 it is lost.
const SHUT_DOWN: &str = "import fcntl, os, struct, sys
folder = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(folder, 0x8004587D, struct.pack('I', int(sys.argv[2])))";

/// A file system of its own in a file.
struct Image {
    file: PathBuf,
    folder: PathBuf,
    options: &'static str,
}

impl Image {
    fn new(inside: &Path, kind: &Kind) -> Self {
        let file = inside.join("image");
        let folder = inside.join("mounted");
        fs::create_dir_all(&folder).unwrap();
        let _ = fs::remove_file(&file);
        fs::File::create(&file).unwrap().set_len(kind.size).unwrap();
        let mut arguments = kind.make.to_vec();
        arguments.push(file.to_str().unwrap());
        run(kind.program, &arguments);
        let image = Self {
            file,
            folder,
            options: kind.options,
        };
        image.mount();
        image
    }

    fn mount(&self) {
        let (file, folder) = (self.file.to_str().unwrap(), self.folder.to_str().unwrap());
        run("mount", &["-o", self.options, file, folder]);
    }

    /// Loses power, and comes back.
    fn cut(&self, flag: u8) {
        self.shut_down(flag);
        self.come_back();
    }

    fn shut_down(&self, flag: u8) {
        let folder = self.folder.to_str().unwrap();
        run("python3", &["-c", SHUT_DOWN, folder, &flag.to_string()]);
    }

    fn come_back(&self) {
        run("umount", &[self.folder.to_str().unwrap()]);
        self.mount();
    }

    fn place(&self) -> Place {
        Place::at(self.folder.join("data"))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // The next one is mounted at the same place.
        let _ = Command::new("umount").arg(&self.folder).status();
    }
}

/// How a file system is made and mounted.
struct Kind {
    program: &'static str,
    make: &'static [&'static str],
    options: &'static str,
    size: u64,
}

const KINDS: [Kind; 3] = [
    Kind {
        program: "mkfs.ext4",
        make: &["-q", "-F"],
        options: "loop",
        size: 8 << 20,
    },
    // Without the heuristics that spare those who forget to make the file durable.
    Kind {
        program: "mkfs.ext4",
        make: &["-q", "-F"],
        options: "loop,noauto_da_alloc",
        size: 8 << 20,
    },
    Kind {
        program: "mkfs.xfs",
        make: &["-q", "-f"],
        options: "loop",
        size: 300 << 20,
    },
];

/// Runs `child` for every kind of file system that this machine can lose the power of.
fn for_each_kind(test: &str, child: impl Fn(&Path, &Kind)) {
    let Some(folder) = child_folder() else {
        let place = Place::new();
        if !is_there("python3") {
            not_run(test, "python3 is not there, which asks for the power cut");
        } else if !Path::new("/dev/loop-control").exists() {
            not_run(test, "there are no loop devices");
        } else {
            run_again(test, Child::Mounts, place.folder());
        }
        return;
    };
    for kind in &KINDS {
        if is_there(kind.program) {
            child(&folder, kind);
        } else {
            not_run(test, &format!("{} is not there", kind.program));
        }
    }
}

/// Revision n puts n under "last", and a further entry, so that the document changes its size.
fn step(revision: u64) -> Transaction {
    let value = revision.to_string();
    Transaction::new()
        .when("last", Condition::Revision(revision - 1))
        .put("last", json(&value))
        .put(format!("entry-{revision:04}"), json(&value))
}

/// The state is that of one revision, which is returned, and all is well.
fn found(place: &Place) -> u64 {
    let store = place.open(deaf());
    let revision = store.mirror().revision();
    let mut expected = std::collections::BTreeMap::new();
    for number in 1..=revision {
        let value = (number, number.to_string());
        expected.insert(format!("entry-{number:04}"), value.clone());
        expected.insert("last".to_owned(), value);
    }
    assert_eq!(shown(&store), expected);
    assert!(store.health().is_good(), "{:?}", store.health());
    // It goes on, and whoever comes sees it.
    assert_eq!(commit(&store, step(revision + 1)), revision + 1);
    assert_eq!(place.open(deaf()).mirror().revision(), revision + 1);
    assert_eq!(place.aside().len(), 0);
    revision
}

#[test]
fn what_was_acknowledged_outlives_a_power_cut() {
    let test = "what_was_acknowledged_outlives_a_power_cut";
    for_each_kind(test, |folder, kind| {
        for flag in [1, 2] {
            let image = Image::new(folder, kind);
            let place = image.place();
            // The first of them makes the document, and the folder that it is in.
            let mut revision = 0;
            for commits in [1, 1, 2, 7] {
                let store = place.open(deaf());
                for _ in 0..commits {
                    revision += 1;
                    assert_eq!(commit(&store, step(revision)), revision);
                }
                image.shut_down(flag);
                drop(store);
                image.come_back();
                assert_eq!(found(&place), revision, "{}, {flag}", kind.options);
                revision += 1;
                // Found has made one more, which is as durable.
                image.cut(flag);
                assert_eq!(place.open(deaf()).mirror().revision(), revision);
            }
        }
    });
}

#[test]
fn an_edit_that_was_taken_up_outlives_a_power_cut() {
    let test = "an_edit_that_was_taken_up_outlives_a_power_cut";
    for_each_kind(test, |folder, kind| {
        for flag in [1, 2] {
            let image = Image::new(folder, kind);
            let place = image.place();
            let store = place.open(deaf());
            commit(&store, put("alpha", "1"));
            place.save_by_rename(place.text().replace("\"value\": 1\n", "\"value\": 11\n"));
            commit(&store, Transaction::new());
            // One that is broken is written over; it is kept all the same.
            let broken = place.text().replace("\"value\": 11\n", "\"value\": 111,\n");
            place.save_by_rename(&broken);
            commit(&store, put("beta", "2"));
            image.shut_down(flag);
            drop(store);
            image.come_back();
            let store = place.open(deaf());
            let expected = [("alpha", 2, "11"), ("beta", 3, "2")];
            assert_eq!(
                shown(&store),
                entries(&expected),
                "{}, {flag}",
                kind.options
            );
            // What had not yet found its name among what was set aside finds it now.
            commit(&store, put("beta", "3"));
            let aside = place.aside();
            let is_kept = aside.values().any(|text| *text == broken.as_bytes());
            assert!(is_kept, "{}, {flag}: {aside:?}", kind.options);
        }
    });
}

/// Commits until that fails, and tells every revision that was acknowledged.
#[allow(clippy::print_stdout, reason = "the test reads it")]
fn write(folder: PathBuf) {
    let store = Place::at(folder).open(deaf());
    for revision in 1.. {
        match store.submit(step(revision)).wait() {
            Ok(acknowledged) => println!("acknowledged {acknowledged}"),
            Err(_) => return,
        }
    }
}

#[test]
fn a_power_cut_amid_commits_loses_none_that_was_acknowledged() {
    let test = "a_power_cut_amid_commits_loses_none_that_was_acknowledged";
    if let Some(folder) = std::env::var_os(WRITES) {
        write(folder.into());
        return;
    }
    for_each_kind(test, |folder, kind| {
        for flag in [1, 2] {
            for heard in [0, 0, 1, 2, 5, 20] {
                let image = Image::new(folder, kind);
                let place = image.place();
                let mut writer = Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", test, "--nocapture", "--test-threads=1"])
                    .env(WRITES, place.folder())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap();
                let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
                let mut acknowledged = lines.filter_map(|line| {
                    let number = line.unwrap();
                    number.strip_prefix("acknowledged ")?.parse::<u64>().ok()
                });
                let mut last = 0;
                if heard == 0 {
                    // The first is being made, or is about to be.
                    eventually("it has begun", || place.folder().exists());
                }
                for _ in 0..heard {
                    last = acknowledged.next().unwrap();
                }
                image.shut_down(flag);
                // What was acknowledged before that moment has been said.
                last = acknowledged.last().unwrap_or(last);
                // It ends by itself or, where it touches the shared page, by a signal.
                writer.wait().unwrap();
                image.come_back();
                let revision = found(&place);
                assert!(
                    revision == last || revision == last + 1,
                    "{}, {flag}: {last} was acknowledged, {revision} is there",
                    kind.options
                );
            }
        }
    });
}
