//! A disk on which something happens in the middle.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use byname_store::disk::{Access, Disk, LockFile, NewFile, RealDisk, Stat, Word};

/// What is done in the middle of something.
type Deed = Box<dyn FnOnce() + Send>;

/// The real disk, except that one file may be said to be as it was whatever is written into it, and
/// that somebody may do something right before it does.
#[derive(Default)]
pub struct Meddled {
    before_create: Mutex<Option<Deed>>,
    before_exchange: Mutex<Option<Deed>>,
    told: Mutex<Option<Stat>>,
}

impl Meddled {
    /// From now on `path` is said to be as it is now.
    pub fn lie(&self, path: &Path) {
        let path = path.canonicalize().unwrap();
        *self.told.lock().unwrap() = Some(RealDisk.stat(&path).unwrap());
    }

    /// What is said.
    pub fn told(&self) -> Option<Stat> {
        *self.told.lock().unwrap()
    }

    /// Does something once, right before the next file is created.
    pub fn before_create(&self, deed: impl FnOnce() + Send + 'static) {
        *self.before_create.lock().unwrap() = Some(Box::new(deed));
    }

    /// Does something once, right before the next exchange.
    pub fn before_exchange(&self, deed: impl FnOnce() + Send + 'static) {
        *self.before_exchange.lock().unwrap() = Some(Box::new(deed));
    }

    fn stat_of(&self, stat: Stat) -> Stat {
        match *self.told.lock().unwrap() {
            Some(told) if told.is_same_file(&stat) => told,
            _ => stat,
        }
    }
}

impl fmt::Debug for Meddled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meddled").finish_non_exhaustive()
    }
}

impl Disk for Meddled {
    fn read(&self, path: &Path) -> io::Result<(Vec<u8>, Stat)> {
        let (bytes, stat) = RealDisk.read(path)?;
        Ok((bytes, self.stat_of(stat)))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        Ok(self.stat_of(RealDisk.stat(path)?))
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        RealDisk.resolve(path)
    }

    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn NewFile>> {
        if let Some(deed) = self.before_create.lock().unwrap().take() {
            deed();
        }
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
        if let Some(deed) = self.before_exchange.lock().unwrap().take() {
            deed();
        }
        RealDisk.exchange(one, other)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
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
        RealDisk.open_lock(path, access)
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
