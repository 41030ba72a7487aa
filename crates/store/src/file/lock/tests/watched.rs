//! The real disk, with a count of what is locked, and errors on demand.

use std::ffi::OsString;
use std::io;
use std::sync::{Mutex, MutexGuard};

use super::*;
use crate::disk::{LockFile, NewFile, Stat, Word};

#[derive(Debug, Default)]
pub(super) struct Watched {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    tried: Vec<String>,
    locked: Vec<String>,
    fails_locking: Option<&'static str>,
    fails_unlocking: bool,
    forbids: Option<&'static str>,
    refuses_links: bool,
}

impl Watched {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// How often locking this file was tried.
    pub(super) fn tries(&self, name: &str) -> usize {
        self.seen().tried.iter().filter(|n| *n == name).count()
    }

    /// What is locked now.
    pub(super) fn locked(&self) -> Vec<String> {
        self.seen().locked.clone()
    }

    pub(super) fn fail_locking(&self, name: &'static str) {
        self.seen().fails_locking = Some(name);
    }

    pub(super) fn fail_unlocking(&self) {
        self.seen().fails_unlocking = true;
    }

    pub(super) fn forbid(&self, name: &'static str) {
        self.seen().forbids = Some(name);
    }

    pub(super) fn refuse_links(&self) {
        self.seen().refuses_links = true;
    }
}

struct WatchedLock {
    name: String,
    file: Box<dyn LockFile>,
    seen: Arc<Mutex<Seen>>,
}

impl WatchedLock {
    fn forget(&self) {
        let mut seen = self.seen.lock().unwrap();
        seen.locked.retain(|name| *name != self.name);
    }
}

impl LockFile for WatchedLock {
    fn try_lock(&self) -> io::Result<bool> {
        let mut seen = self.seen.lock().unwrap();
        seen.tried.push(self.name.clone());
        if seen.fails_locking == Some(&*self.name) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let locked = self.file.try_lock()?;
        if locked {
            seen.locked.push(self.name.clone());
        }
        Ok(locked)
    }

    fn unlock(&self) -> io::Result<()> {
        if self.seen.lock().unwrap().fails_unlocking {
            return Err(io::Error::other("on demand"));
        }
        self.forget();
        self.file.unlock()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.file.stat()
    }

    fn write_note(&self, note: &[u8]) -> io::Result<()> {
        self.file.write_note(note)
    }

    fn read_note(&self) -> io::Result<Vec<u8>> {
        self.file.read_note()
    }
}

impl Drop for WatchedLock {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Disk for Watched {
    fn read(&self, path: &Path) -> io::Result<(Vec<u8>, Stat)> {
        RealDisk.read(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        RealDisk.stat(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        RealDisk.resolve(path)
    }

    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn NewFile>> {
        RealDisk.create(path, access)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        RealDisk.exchange(one, other)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.seen().refuses_links {
            // As from a file system that knows no links: EPERM.
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        RealDisk.link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn create_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        RealDisk.create_folder(path, mode)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        RealDisk.list(path)
    }

    fn open_lock(&self, path: &Path, access: Access) -> io::Result<Box<dyn LockFile>> {
        let name = path.file_name().unwrap().to_str().unwrap();
        if self.seen().forbids == Some(name) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(Box::new(WatchedLock {
            name: name.to_owned(),
            file: RealDisk.open_lock(path, access)?,
            seen: self.seen.clone(),
        }))
    }

    fn open_word(&self, path: &Path, registry: &str) -> io::Result<Option<Box<dyn Word>>> {
        RealDisk.open_word(path, registry)
    }

    fn create_word(
        &self,
        path: &Path,
        scratch: &Path,
        access: Access,
        registry: &str,
        revision: u64,
    ) -> io::Result<Box<dyn Word>> {
        RealDisk.create_word(path, scratch, access, registry, revision)
    }

    fn network(&self, path: &Path) -> io::Result<Option<String>> {
        RealDisk.network(path)
    }
}
