//! Several processes of one machine on one document: adding, reading, removing, stopped and killed at
//! any moment.
//!
//! A test starts this binary again as its children; [`child`] is what they run.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::print_stdout,
    reason = "a child talks with its parent, and a test says what it has seen"
)]

mod child;
mod crew;
mod generation;
mod killed;
mod linearizable;
mod note_004;
mod paused;
mod refused;
mod seal;
mod storm;

use std::path::{Path, PathBuf};

use byname_store::{Condition, FileOptions, FileStore, Json, Record, State, Transaction};
use tempfile::TempDir;

/// Whether the long runs are asked for: `BYNAME_SWEEP=full`.
fn is_full() -> bool {
    std::env::var_os("BYNAME_SWEEP").is_some_and(|sweep| sweep == "full")
}

/// A folder and the document in it, on the disk that temporary files are on.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.json");
    (folder, path)
}

/// The same in memory where there is such a folder: durability costs nothing there, so more happens at
/// once.
fn place_in_memory() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.unwrap();
    let path = folder.path().join("m.json");
    (folder, path)
}

/// Patient: many write at once, on a machine that may be busy with much else.
fn options() -> FileOptions {
    FileOptions::new().wait(std::time::Duration::from_secs(600))
}

fn open(path: &Path) -> FileStore {
    FileStore::open(path, options()).unwrap()
}

/// Opens without a thread that follows what others do.
fn open_quietly(path: &Path) -> FileStore {
    FileStore::open(path, options().watch(false).poll(None)).unwrap()
}

fn json(text: &str) -> Json {
    Json::new(text).unwrap()
}

fn add(name: &str, value: &str) -> Transaction {
    Transaction::new()
        .when(name, Condition::Absent)
        .put(name, json(value))
}

/// The text of an entry's value, without white space.
fn text(record: &Record) -> String {
    let value: serde_json::Value = record.value.read().unwrap();
    value.to_string()
}

/// Names, values and revisions of everything.
fn content(state: &State) -> Vec<(String, String, u64)> {
    let entries = state.entries().map(|(name, entry)| {
        let record = state.get(name).unwrap();
        (name.to_owned(), text(record), entry.revision())
    });
    entries.collect()
}

/// Names of what is in a folder, in order.
fn listed(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
