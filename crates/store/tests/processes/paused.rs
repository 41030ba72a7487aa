//! A disk in a process of its own, which lets the process come to a chosen call and no further; and one
//! that refuses a kind of call.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use byname_store::disk::{Access, Disk, LockFile, NewFile, RealDisk, Seal, Stat, Word};
use byname_store::{FileOptions, FileStore, Store, Transaction};

use crate::child::{Child, listen, say};
use crate::json;

/// What the process at which calls stop writes: two entries at once.
pub(crate) const PAIR: [&str; 2] = ["left", "right"];

/// Starts a process that writes [`PAIR`], both with `value`, and stops before its call number `at`.
pub(crate) fn start(path: &Path, value: u64, at: usize) -> Child {
    let mut child = Child::start(&format!("paused\t{}\t{value}\t{at}", path.display()));
    child.go();
    child
}

/// Which call of such a process `call` is; writes the pair twice to find that out.
pub(crate) fn position(path: &Path, call: &str) -> usize {
    let run = || {
        let all = start(path, 2, usize::MAX);
        all.wait_for_line("acknowledged", 1);
        all.finish()
    };
    // The first one finds less than those after it.
    run();
    run().iter().position(|line| line == call).unwrap()
}

/// The part of that process. It says each call before it makes it.
pub(crate) fn in_child(words: &[&str]) {
    let [path, value, at] = words else {
        panic!("{words:?}");
    };
    let calls = Arc::new(Calls {
        counting: AtomicBool::new(false),
        made: AtomicUsize::new(0),
        at: at.parse().unwrap(),
        refused: None,
    });
    let disk = Arc::new(Paused(Arc::clone(&calls)));
    // Its thread that reads would make calls of its own.
    let options = FileOptions::new().watch(false).poll(None);
    let store = FileStore::open_on(disk, path, options).unwrap();
    let pair = PAIR.iter().fold(Transaction::new(), |pair, name| {
        pair.put(*name, json(value))
    });
    calls.counting.store(true, Ordering::SeqCst);
    let revision = store.submit(pair).wait().unwrap();
    calls.counting.store(false, Ordering::SeqCst);
    say(&format!("acknowledged {revision}"));
    listen();
}

#[derive(Debug)]
struct Calls {
    counting: AtomicBool,
    made: AtomicUsize,
    /// The call that is not made; of calls that are refused, the first one that is.
    at: usize,
    /// What is refused.
    refused: Option<&'static str>,
}

/// A disk that refuses each call of a kind.
pub(crate) fn refusing(what: &'static str) -> impl Disk {
    refusing_after(what, 0)
}

/// The same, but for the first `spared` calls of that kind.
pub(crate) fn refusing_after(what: &'static str, spared: usize) -> impl Disk {
    Paused(Arc::new(Calls {
        counting: AtomicBool::new(false),
        made: AtomicUsize::new(0),
        at: spared,
        refused: Some(what),
    }))
}

impl Calls {
    fn call(&self, what: &str, path: &Path) -> io::Result<()> {
        if let Some(refused) = self.refused {
            let is_refused = refused == what && self.made.fetch_add(1, Ordering::SeqCst) >= self.at;
            return if is_refused {
                Err(io::Error::other("refused by the test"))
            } else {
                Ok(())
            };
        }
        if !self.counting.load(Ordering::SeqCst) {
            return Ok(());
        }
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if number == self.at {
            say(&format!("stopped before {what} {name}"));
            loop {
                thread::park();
            }
        }
        say(&format!("call {what} {name}"));
        Ok(())
    }
}

#[derive(Debug)]
struct Paused(Arc<Calls>);

impl Disk for Paused {
    fn read(&self, path: &Path) -> io::Result<(Vec<u8>, Stat)> {
        self.0.call("read", path)?;
        RealDisk.read(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.0.call("stat", path)?;
        RealDisk.stat(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        RealDisk.resolve(path)
    }

    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn NewFile>> {
        self.0.call("create", path)?;
        let file = RealDisk.create(path, access)?;
        let (calls, path) = (Arc::clone(&self.0), path.to_path_buf());
        Ok(Box::new(PausedFile { file, calls, path }))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.0.call("sync_file", path)?;
        RealDisk.sync_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.0.call("sync_folder", path)?;
        RealDisk.sync_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.call("rename", to)?;
        RealDisk.rename(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.0.call("exchange", other)?;
        RealDisk.exchange(one, other)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.call("link", to)?;
        RealDisk.link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.call("remove", path)?;
        RealDisk.remove(path)
    }

    fn create_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.0.call("create_folder", path)?;
        RealDisk.create_folder(path, mode)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.0.call("list", path)?;
        RealDisk.list(path)
    }

    fn open_lock(&self, path: &Path, access: Access) -> io::Result<Box<dyn LockFile>> {
        self.0.call("open_lock", path)?;
        let file = RealDisk.open_lock(path, access)?;
        let (calls, path) = (Arc::clone(&self.0), path.to_path_buf());
        Ok(Box::new(PausedLock { file, calls, path }))
    }

    fn open_word(&self, path: &Path, registry: &str) -> io::Result<Option<Box<dyn Word>>> {
        self.0.call("open_word", path)?;
        let word = RealDisk.open_word(path, registry)?;
        Ok(word.map(|word| self.word(word, path)))
    }

    fn create_word(
        &self,
        path: &Path,
        scratch: &Path,
        access: Access,
        registry: &str,
        revision: u64,
    ) -> io::Result<Box<dyn Word>> {
        self.0.call("create_word", path)?;
        let word = RealDisk.create_word(path, scratch, access, registry, revision)?;
        Ok(self.word(word, path))
    }

    fn network(&self, path: &Path) -> io::Result<Option<String>> {
        RealDisk.network(path)
    }
}

impl Paused {
    fn word(&self, word: Box<dyn Word>, path: &Path) -> Box<dyn Word> {
        let (calls, path) = (Arc::clone(&self.0), path.to_path_buf());
        Box::new(PausedWord { word, calls, path })
    }
}

struct PausedFile {
    file: Box<dyn NewFile>,
    calls: Arc<Calls>,
    path: PathBuf,
}

impl NewFile for PausedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A write in two parts can be stopped between them.
        self.calls.call("write", &self.path)?;
        self.file.write(&bytes[..bytes.len().div_ceil(2)])
    }

    fn sync(&mut self) -> io::Result<()> {
        self.calls.call("sync", &self.path)?;
        self.file.sync()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.file.stat()
    }
}

struct PausedLock {
    file: Box<dyn LockFile>,
    calls: Arc<Calls>,
    path: PathBuf,
}

impl LockFile for PausedLock {
    fn try_lock(&self) -> io::Result<bool> {
        self.calls.call("try_lock", &self.path)?;
        self.file.try_lock()
    }

    fn unlock(&self) -> io::Result<()> {
        self.calls.call("unlock", &self.path)?;
        self.file.unlock()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.file.stat()
    }

    fn write_note(&self, note: &[u8]) -> io::Result<()> {
        let what = if note.is_empty() {
            "clear_note"
        } else {
            "write_note"
        };
        self.calls.call(what, &self.path)?;
        self.file.write_note(note)
    }

    fn read_note(&self) -> io::Result<Vec<u8>> {
        self.file.read_note()
    }
}

struct PausedWord {
    word: Box<dyn Word>,
    calls: Arc<Calls>,
    path: PathBuf,
}

impl Word for PausedWord {
    fn load(&self) -> u64 {
        self.word.load()
    }

    fn raise(&self, revision: u64) -> bool {
        let _ = self.calls.call("raise", &self.path);
        self.word.raise(revision)
    }

    fn seal(&self) -> Option<Seal> {
        self.word.seal()
    }

    fn set_seal(&self, seal: &Seal) {
        let _ = self.calls.call("set_seal", &self.path);
        self.word.set_seal(seal);
    }

    fn retire(&self) {
        let _ = self.calls.call("retire", &self.path);
        self.word.retire();
    }

    fn stat(&self) -> io::Result<Stat> {
        self.word.stat()
    }
}
