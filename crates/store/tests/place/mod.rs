//! A document in a folder of its own, and what hands do to it.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(unreachable_pub, reason = "what the test programs use")]

pub mod meddled;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use byname_store::{
    Condition, FileOptions, FileStore, Health, Json, Problem, Store, StoreError, Transaction,
};
use byname_testkit::PATIENCE;
use tempfile::TempDir;

/// A folder with a document in it, or a place for one.
pub struct Place {
    folder: PathBuf,
    /// Removes the folder in the end, if it was made for this.
    _temporary: Option<TempDir>,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder: folder.path().canonicalize().unwrap(),
            _temporary: Some(folder),
        }
    }

    /// In a folder that is there.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            _temporary: None,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn document(&self) -> PathBuf {
        self.folder().join("machines.json")
    }

    pub fn side(&self, name: &str) -> PathBuf {
        self.folder().join("machines.json.d").join(name)
    }

    pub fn kept(&self, revision: u64) -> PathBuf {
        self.side("revisions").join(format!("{revision:020}.json"))
    }

    pub fn open(&self, options: FileOptions) -> FileStore {
        FileStore::open(self.document(), options).unwrap()
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.document()).unwrap()
    }

    pub fn bytes(&self) -> Vec<u8> {
        fs::read(self.document()).unwrap()
    }

    /// Everything that was set aside: paths and contents.
    pub fn aside(&self) -> BTreeMap<String, Vec<u8>> {
        let Ok(folder) = fs::read_dir(self.side("aside")) else {
            return BTreeMap::new();
        };
        folder
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect()
    }

    /// What was set aside for the reason `why`, oldest first.
    pub fn aside_as(&self, why: &str) -> Vec<Vec<u8>> {
        let end = format!("-{why}.json");
        let all = self.aside().into_iter();
        all.filter(|(name, _)| name.ends_with(&end))
            .map(|(_, bytes)| bytes)
            .collect()
    }

    /// Saves as most editors do: a new file takes the old one's name.
    pub fn save_by_rename(&self, text: impl AsRef<[u8]>) {
        save_by_rename(&self.document(), text.as_ref());
    }

    /// Saves as the others do: into the file that is there.
    pub fn save_in_place(&self, text: impl AsRef<[u8]>) {
        save_in_place(&self.document(), text.as_ref());
    }
}

pub fn save_by_rename(path: &Path, text: &[u8]) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_extension(format!("editor-{}-{count}", std::process::id()));
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}

pub fn save_in_place(path: &Path, text: &[u8]) {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).truncate(true).open(path).unwrap();
    file.write_all(text).unwrap();
}

/// Hears and looks for nothing: only a commit finds an edit.
pub fn deaf() -> FileOptions {
    hearing().watch(false)
}

/// Hears of everything, and is quick to tell what cannot be read.
pub fn hearing() -> FileOptions {
    FileOptions::new()
        .poll(None)
        .settle(Duration::from_millis(40))
}

pub fn json(text: &str) -> Json {
    Json::new(text).unwrap()
}

pub fn put(name: &str, value: &str) -> Transaction {
    Transaction::new().put(name, json(value))
}

pub fn add(name: &str, value: &str) -> Transaction {
    put(name, value).when(name, Condition::Absent)
}

pub fn commit(store: &FileStore, transaction: Transaction) -> u64 {
    store.submit(transaction).wait().unwrap()
}

pub fn refused(store: &FileStore, transaction: Transaction) -> StoreError {
    store.submit(transaction).wait().unwrap_err()
}

/// What the mirror shows: by name the entry's revision and its value.
pub fn shown(store: &FileStore) -> BTreeMap<String, (u64, String)> {
    let snapshot = store.mirror().snapshot();
    let entries = snapshot.entries();
    entries
        .map(|(name, entry)| {
            let record = entry.value().unwrap();
            let value: serde_json::Value = record.value.read().unwrap();
            (name.to_owned(), (entry.revision(), value.to_string()))
        })
        .collect()
}

/// The same as a list, to be compared with.
pub fn entries(list: &[(&str, u64, &str)]) -> BTreeMap<String, (u64, String)> {
    list.iter()
        .map(|(name, revision, value)| ((*name).to_owned(), (*revision, (*value).to_owned())))
        .collect()
}

/// Waits until `holds`; a program that works is not waited for long.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "not so: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until the mirror shows `revision`.
pub fn until(store: &FileStore, revision: u64) {
    eventually(&format!("revision {revision} is shown"), || {
        assert!(
            store.mirror().revision() <= revision,
            "{} is above {revision}: {:?}",
            store.mirror().revision(),
            store.health()
        );
        store.mirror().revision() == revision
    });
}

/// Waits for a problem that `is_it`, and returns it.
pub fn problem(store: &FileStore, is_it: impl Fn(&Problem) -> bool) -> Problem {
    let mut found = None;
    eventually("there is such a problem", || {
        found = store.health().problems.into_iter().find(|p| is_it(p));
        found.is_some()
    });
    found.unwrap()
}

/// Waits until nothing is to be said of the store.
pub fn until_good(store: &FileStore) {
    eventually("the store is good", || store.health().is_good());
}

pub fn set_aside(health: &Health) -> Vec<(PathBuf, String)> {
    let problems = health.problems.iter();
    problems
        .filter_map(|problem| match problem {
            Problem::SetAside { path, reason } => Some((path.clone(), reason.clone())),
            _ => None,
        })
        .collect()
}

/// What tells a child its folder.
const FOLDER: &str = "BYNAME_STORE_TEST_FOLDER";
/// The user and the group that own nothing.
pub const NOBODY: u32 = 65_534;

/// In which surroundings a test is run once more.
#[derive(Clone, Copy)]
pub enum Child {
    /// As a user who owns nothing of this one's.
    Nobody,
    /// Where it may mount what it likes, and nobody else sees it.
    Mounts,
    /// Where nothing that is created is for others.
    Masked,
}

/// The folder, in a process that [`run_again`] has started.
pub fn child_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Runs the test `test` once more, in a process of its own, and waits for it. Where that cannot be it
/// says so, and returns false.
pub fn run_again(test: &str, child: Child, folder: &Path) -> bool {
    let program = std::env::current_exe().unwrap();
    let is_root = rustix::process::getuid().is_root();
    let mut command = match child {
        Child::Nobody => {
            if !is_root {
                return not_run(test, "there is nobody else to be; it needs root");
            }
            let open = |path: &Path| fs::metadata(path).is_ok_and(|m| m.mode() & 0o001 != 0);
            if !program.ancestors().all(open) {
                return not_run(
                    test,
                    "the test program is in a folder that not all may enter",
                );
            }
            let mut command = Command::new(&program);
            command.uid(NOBODY).gid(NOBODY);
            command
        }
        Child::Mounts => {
            if !is_root {
                return not_run(test, "mounting needs root");
            }
            let unshare = ["--mount", "--propagation", "private"];
            let may = Command::new("unshare").args(unshare).arg("true").output();
            if !may.is_ok_and(|may| may.status.success()) {
                return not_run(test, "`unshare --mount` is not there, or not allowed");
            }
            let mut command = Command::new("unshare");
            command.args(unshare).arg(&program);
            command
        }
        Child::Masked => {
            let mut command = Command::new("sh");
            command
                .args(["-c", "umask 077; exec \"$0\" \"$@\""])
                .arg(&program);
            command
        }
    };
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{said}\n{errors}",
        output.status
    );
    assert!(said.contains("1 passed"), "no such test: {test}\n{said}");
    say(&errors);
    true
}

/// Says what did not run, and returns false.
pub fn not_run(what: &str, why: &str) -> bool {
    say(&format!("NOT RUN: {what}: {why}\n"));
    false
}

#[allow(clippy::print_stderr, reason = "it is for who runs the tests")]
fn say(text: &str) {
    for line in text.lines().filter(|line| line.starts_with("NOT RUN: ")) {
        eprintln!("{line}");
    }
}

/// Runs a program that must succeed.
pub fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
}

/// Whether a program is there.
pub fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = [PathBuf::from("/sbin"), PathBuf::from("/usr/sbin")];
    std::env::split_paths(&path)
        .chain(own)
        .any(|folder| folder.join(program).is_file())
}
