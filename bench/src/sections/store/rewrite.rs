//! The naive store: one JSON file, locked, read, changed, written beside, made durable, renamed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::inotify;
use serde_json::Value;

use super::keeper::{BEACON, Failure, Hand, Keeper};

pub(super) type Entries = BTreeMap<String, Value>;

static TEMPORARIES: AtomicU64 = AtomicU64::new(0);

/// The path of the document in a folder.
pub(super) fn document(folder: &Path) -> PathBuf {
    folder.join("entries.json")
}

/// Reads the document; there is none before the first write.
pub(super) fn read(path: &Path) -> Result<Entries, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Entries::new()),
        Err(error) => Err(error.into()),
    }
}

pub(super) struct Rewrite {
    folder: PathBuf,
}

impl Rewrite {
    pub(super) fn open(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    fn own(&self) -> Result<Own, Failure> {
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.folder.join("lock"))?;
        Ok(Own {
            document: document(&self.folder),
            folder: File::open(&self.folder)?,
            lock,
        })
    }
}

impl Keeper for Rewrite {
    fn hand(&self) -> Result<Box<dyn Hand + '_>, Failure> {
        Ok(Box::new(self.own()?))
    }

    fn fill(&self, entries: &[(String, String)]) -> Result<(), Failure> {
        self.own()?.change(|all| {
            for (name, value) in entries {
                all.insert(name.clone(), serde_json::from_str(value)?);
            }
            Ok(())
        })
    }

    fn follow(
        &self,
        ready: &mut dyn FnMut(),
        heard: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), Failure> {
        let watched = inotify::init(inotify::CreateFlags::CLOEXEC)?;
        inotify::add_watch(&watched, &self.folder, inotify::WatchFlags::MOVED_TO)?;
        let document = document(&self.folder);
        let mut space = [std::mem::MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(watched, &mut space);
        ready();
        loop {
            events.next()?;
            while !events.is_buffer_empty() {
                events.next()?;
            }
            let entries = read(&document)?;
            let value = entries.get(BEACON).map(Value::to_string);
            if value.is_some_and(|value| !heard(&value)) {
                return Ok(());
            }
        }
    }
}

struct Own {
    document: PathBuf,
    folder: File,
    lock: File,
}

impl Own {
    fn change(
        &self,
        change: impl FnOnce(&mut Entries) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.lock.lock()?;
        let done = self.replace(change);
        self.lock.unlock()?;
        done
    }

    fn replace(
        &self,
        change: impl FnOnce(&mut Entries) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut entries = read(&self.document)?;
        change(&mut entries)?;
        let bytes = serde_json::to_vec_pretty(&entries)?;
        let beside = self.document.with_extension(format!(
            "{}-{}.tmp",
            std::process::id(),
            TEMPORARIES.fetch_add(1, Ordering::Relaxed)
        ));
        let mut file = File::create_new(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &self.document)?;
        self.folder.sync_all()?;
        Ok(())
    }
}

impl Hand for Own {
    fn rotate(&mut self, name: &str, value: &str, out: Option<&str>) -> Result<(), Failure> {
        self.change(|all| {
            let value = serde_json::from_str(value)?;
            if all.insert(name.to_owned(), value).is_some() {
                return Err(format!("`{name}` is there already").into());
            }
            if let Some(out) = out {
                all.remove(out);
            }
            Ok(())
        })
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.change(|all| {
            all.remove(name);
            Ok(())
        })
    }

    fn put(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        self.change(|all| {
            all.insert(name.to_owned(), serde_json::from_str(value)?);
            Ok(())
        })
    }
}
