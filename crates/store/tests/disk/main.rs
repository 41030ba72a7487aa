//! The real disk keeps what the trait promises.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod files;
mod locks;
mod words;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use byname_store::disk::{Access, Disk, NewFile};
use byname_testkit::{PATIENCE, ProcessBarrier, arrive};
use tempfile::TempDir;

/// What tells a child of [`as_nobody`] its folder.
const FOLDER: &str = "BYNAME_STORE_TEST_FOLDER";
/// The user and the group that own nothing.
const NOBODY: u32 = 65_534;

const PRIVATE: Access = Access {
    mode: 0o600,
    owner: None,
};

fn with_mode(mode: u32) -> Access {
    Access { mode, owner: None }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    (folder, path)
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

fn fifo(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
}

fn write_all(file: &mut dyn NewFile, bytes: &[u8]) {
    let mut written = 0;
    while written < bytes.len() {
        written += file.write(&bytes[written..]).unwrap();
    }
}

fn put(disk: &dyn Disk, path: &Path, bytes: &[u8]) {
    write_all(&mut *disk.create(path, PRIVATE).unwrap(), bytes);
}

/// Runs the test `test` once more, as a user who owns nothing of the parent's: `parent` prepares the
/// folder, `child` runs in the other process. Where this process is not root there is nobody else to
/// be, so that the test does not run, and says so.
fn as_nobody(test: &str, parent: impl FnOnce(&Path), child: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        arrive().unwrap();
        child(Path::new(&folder));
        return;
    }
    let (_kept, folder) = folder();
    parent(&folder);
    let program = std::env::current_exe().unwrap();
    if !is_root() || !is_open_to_all(&program) {
        not_run(test);
        return;
    }
    let mut barrier = ProcessBarrier::new().unwrap();
    let mut command = Command::new(&program);
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(FOLDER, &folder)
        .uid(NOBODY)
        .gid(NOBODY);
    barrier.spawn(&mut command).unwrap();
    for child in barrier.release().unwrap() {
        let finished = child.wait(PATIENCE).unwrap();
        assert!(finished.status.success(), "{finished:?}");
    }
}

#[allow(clippy::print_stderr, reason = "it is for who runs the tests")]
fn not_run(test: &str) {
    eprintln!("NOT RUN: {test}: it needs root, and a test binary that all users may run");
}

/// Whether any user may run the program: all folders above it may be entered.
fn is_open_to_all(program: &Path) -> bool {
    let open = |path: &Path| std::fs::metadata(path).is_ok_and(|m| m.mode() & 0o001 != 0);
    program.ancestors().all(open)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
