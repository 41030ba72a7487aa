//! The disk as the file store sees it.
//!
//! Everything that the file store asks of the system goes through these traits, so that a test can
//! put a disk in its place that fails or loses power at any call.
#![allow(
    clippy::missing_errors_doc,
    reason = "every call fails as the system does, which `Disk` says once"
)]

mod lock;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod network;
mod real;
#[cfg(unix)]
mod word;

#[cfg(all(unix, any(test, feature = "sim")))]
pub mod sim;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use real::RealDisk;

/// What the system says about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The device it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its size in bytes.
    pub size: u64,
    /// When its content was last changed, in nanoseconds since 1970.
    pub modified: i128,
    /// When anything about it was last changed, in nanoseconds since 1970.
    pub changed: i128,
    /// Its permissions: the low twelve bits of the mode.
    pub mode: u32,
    /// Its owner.
    pub owner: u32,
    /// Its group.
    pub group: u32,
    /// How many names it has; 0 after the last one was removed.
    pub links: u64,
    /// Whether it is a regular file.
    pub is_file: bool,
}

impl Stat {
    /// Whether both are of one file: what its names are does not matter.
    #[must_use]
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether both are of one file whose content was not changed in between, as far as the system
    /// can tell. A rename or a further link does not count.
    #[must_use]
    pub fn is_same_content(&self, other: &Self) -> bool {
        self.is_same_file(other) && (self.size, self.modified) == (other.size, other.modified)
    }
}

/// Who a new file is to belong to, and who may do what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The low twelve bits of the mode, whatever the process's mask.
    pub mode: u32,
    /// Owner and group, if they are to be set.
    pub owner: Option<(u32, u32)>,
}

/// A disk. Errors are those of the system, raw number included where there is one.
///
/// No call retries anything but an interruption (`EINTR`) of a call that had not begun.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Reads a whole file, and says what it was: the answer of `fstat` after the last read.
    fn read(&self, path: &Path) -> io::Result<(Vec<u8>, Stat)>;

    /// Says what a path is; follows no symbolic link at its end.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// Follows symbolic links: the path at which a file stands or, if the last link leads nowhere,
    /// would stand. At most 40 links.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;

    /// Creates a file that must not exist, with this access, following no symbolic link.
    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn NewFile>>;

    /// Makes the content of a file durable that others have written.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Renames, in the place of what `to` names if there is such a thing.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Lets two names change what they name. [`io::ErrorKind::Unsupported`] where the system cannot.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;

    /// Gives a file a further name, which must be free.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a name of a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Creates a folder with this mode; one that is there already is left as it is. The names above
    /// are not made durable.
    fn create_folder(&self, path: &Path, mode: u32) -> io::Result<()>;

    /// Lists the names in a folder, in no order.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// Opens the file of a lock, which is created with this access if it is missing.
    fn open_lock(&self, path: &Path, access: Access) -> io::Result<Box<dyn LockFile>>;

    /// Opens the shared generation word at `path`; `None` when there is no valid one of this
    /// registry. Maps it for writing if that is allowed.
    fn open_word(&self, path: &Path, registry: &str) -> io::Result<Option<Box<dyn Word>>>;

    /// Puts a new word in the place of whatever is at `path`, by rename; `scratch` is a free path in
    /// the same folder. Nobody else does so at the same time: the caller holds the lock.
    fn create_word(
        &self,
        path: &Path,
        scratch: &Path,
        access: Access,
        registry: &str,
        revision: u64,
    ) -> io::Result<Box<dyn Word>>;

    /// Returns the name of the network file system that `path` is on; `None` when it is on none.
    fn network(&self, path: &Path) -> io::Result<Option<String>>;
}

/// A file that has been created and is being written.
pub trait NewFile: Send {
    /// Writes some of `bytes` at the end; returns how many, at least one.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Makes the content durable. After an error nothing is known of it, and the call must not be
    /// repeated.
    fn sync(&mut self) -> io::Result<()>;

    /// Says what the file is.
    fn stat(&self) -> io::Result<Stat>;
}

/// The file of a lock, open. Dropping it unlocks.
pub trait LockFile: Send + Sync {
    /// Tries to lock it for this handle alone; false when somebody else has it.
    fn try_lock(&self) -> io::Result<bool>;

    /// Unlocks it.
    fn unlock(&self) -> io::Result<()>;

    /// Says what the file is.
    fn stat(&self) -> io::Result<Stat>;

    /// Overwrites the note in the file: who holds the lock. At most 1,024 bytes.
    fn write_note(&self, note: &[u8]) -> io::Result<()>;

    /// Reads the note.
    fn read_note(&self) -> io::Result<Vec<u8>>;
}

/// What was committed last, as the one who committed it saw it: tells damage from an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The revision.
    pub revision: u64,
    /// The checksum of the document.
    pub checksum: u64,
    /// The file.
    pub stat: Stat,
}

/// What rings when a file lock is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bell {
    /// The turnstile is free.
    Turn,
    /// The right to write is free.
    Lock,
}

/// A number that all processes of the machine share: the newest acknowledged revision.
pub trait Word: Send + Sync {
    /// Loads it: whatever was done before it was raised to what is returned is seen.
    fn load(&self) -> u64;

    /// Raises it to `revision` if it is below. Returns false when it may not be written.
    fn raise(&self, revision: u64) -> bool;

    /// Returns what was committed last; `None` when there is no such note, or it is torn.
    fn seal(&self) -> Option<Seal>;

    /// Notes what was committed last. Only the holder of the lock does so.
    fn set_seal(&self, seal: &Seal);

    /// Marks this word as replaced by another file: whoever still loads it is told by
    /// `u64::MAX` to open the path again.
    fn retire(&self);

    /// Says how often this bell has rung, modulo 2³²; `None` where it does not.
    fn rung(&self, bell: Bell) -> Option<u32> {
        let _ = bell;
        None
    }

    /// Waits until the bell has rung other than `rung` times, at most so long; it may return early.
    fn wait(&self, bell: Bell, rung: u32, at_most: Duration) {
        let _ = (bell, rung);
        std::thread::sleep(at_most);
    }

    /// Rings a bell: the one who has waited longest is woken, in whatever process.
    fn ring(&self, bell: Bell) {
        let _ = bell;
    }

    /// Says what the file is.
    fn stat(&self) -> io::Result<Stat>;
}
