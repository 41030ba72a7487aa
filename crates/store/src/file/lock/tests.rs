//! The lock across handles, threads and processes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attacked;
mod exclusive;
mod refusing;
mod watched;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use byname_testkit::PATIENCE;
use tempfile::TempDir;

use super::bell::Silence;
use super::{FileLock, Held, LOCK, Refused, SPARE, TURN, Wait, read_holder};
use crate::disk::{Access, Disk, RealDisk};

const ACCESS: Access = Access {
    mode: 0o600,
    owner: None,
};

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_path_buf();
    (folder, path)
}

fn lock_in(folder: &Path) -> FileLock {
    lock_on(Arc::new(RealDisk), folder)
}

fn lock_on(disk: Arc<dyn Disk>, folder: &Path) -> FileLock {
    let seed = std::process::id().into();
    FileLock::new(disk, folder, ACCESS, seed, Arc::new(Silence))
}

/// Waits as long as only a broken program needs.
fn patiently(lock: &mut FileLock) -> Held {
    lock.acquire(&mut |waited| {
        if waited < PATIENCE {
            Wait::GoOn
        } else {
            Wait::GiveUp
        }
    })
    .unwrap()
}

/// Tries once.
fn once(lock: &mut FileLock) -> Result<Held, Refused> {
    lock.acquire(&mut |waited| {
        assert_eq!(waited, Duration::ZERO);
        Wait::GiveUp
    })
}

fn is_refused(lock: &mut FileLock) -> bool {
    matches!(once(lock), Err(Refused::GaveUp { .. }))
}

/// Adds one to the number in a file: two who do this at once lose one.
fn count(folder: &Path) {
    let path = folder.join("count");
    let counted: u64 = fs::read_to_string(&path).unwrap().parse().unwrap();
    fs::write(&path, (counted + 1).to_string()).unwrap();
}

fn counted(folder: &Path) -> u64 {
    let text = fs::read_to_string(folder.join("count")).unwrap();
    text.parse().unwrap()
}

fn start_count(folder: &Path) {
    fs::write(folder.join("count"), "0").unwrap();
}

fn inode(path: &Path) -> u64 {
    RealDisk.stat(path).unwrap().inode
}
