//! The disk of this machine.

#[cfg_attr(unix, path = "real/unix.rs")]
#[cfg_attr(not(unix), path = "real/other.rs")]
mod system;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::lock::RealLock;
use super::{Access, Disk, LockFile, NewFile, Stat, Word};

pub(super) use system::stat_of;

/// How often a file that changes while it is read is read again.
const READS: usize = 16;
/// How many symbolic links are followed, one after another.
const LINKS: usize = 40;
/// How often a lock file that comes and goes between two looks is looked for.
const OPENINGS: usize = 64;

/// The disk of this machine.
///
/// On Linux everything that [`Disk`] promises holds. On other Unix systems network file systems are
/// not told from local ones, and where there is no exchange of names [`exchange`](Disk::exchange)
/// says so. Elsewhere owners, modes and the durability of names are left to the system, and there is
/// no shared generation word: [`open_word`](Disk::open_word) and [`create_word`](Disk::create_word)
/// return [`io::ErrorKind::Unsupported`].
///
/// # Examples
///
/// ```
/// use byname_store::disk::{Access, Disk, RealDisk};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("note");
/// let mut file = RealDisk.create(&path, Access { mode: 0o600, owner: None })?;
/// assert_eq!(file.write(b"kept")?, 4);
/// file.sync()?;
/// RealDisk.sync_folder(folder.path())?;
/// let (bytes, stat) = RealDisk.read(&path)?;
/// assert_eq!((&*bytes, stat.size), (&b"kept"[..], 4));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RealDisk;

/// What a path must be opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Reading,
    ReadingAndWriting,
}

/// Opens what must be a regular file; follows no link at the end, and never waits for a pipe's
/// other end.
pub(super) fn open_file(path: &Path, opening: Opening) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(opening == Opening::ReadingAndWriting);
    system::follow_nothing(&mut options);
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        Ok(file)
    } else if kind.is_dir() {
        Err(io::ErrorKind::IsADirectory.into())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ))
    }
}

/// Creates a file that must not exist, and gives it this access before anything is in it; removed
/// again if it cannot be given.
pub(super) fn create_file(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    system::follow_nothing(&mut options);
    system::create_private(&mut options, access);
    let file = options.open(path)?;
    if let Err(error) = system::set_access(&file, access) {
        // The first error is the one to tell; a file that cannot be removed is swept later.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(file)
}

/// Opens the file of a lock, or creates it.
fn open_or_create(path: &Path, access: Access) -> io::Result<File> {
    let mut last = io::ErrorKind::NotFound.into();
    for _ in 0..OPENINGS {
        match open_file(path, Opening::ReadingAndWriting) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        match create_file(path, access) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            result => return result,
        }
    }
    Err(last)
}

impl Disk for RealDisk {
    fn read(&self, path: &Path) -> io::Result<(Vec<u8>, Stat)> {
        for _ in 0..READS {
            let mut file = open_file(path, Opening::Reading)?;
            let before = stat_of(&file.metadata()?);
            let mut bytes = Vec::with_capacity(usize::try_from(before.size).unwrap_or(0) + 1);
            file.read_to_end(&mut bytes)?;
            let after = stat_of(&file.metadata()?);
            // A file that is written in place, by an editor say, must not be seen half old.
            if before.is_same_content(&after) && bytes.len() as u64 == after.size {
                return Ok((bytes, after));
            }
        }
        Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("it changed each of the {READS} times it was read"),
        ))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        fs::symlink_metadata(path).map(|metadata| stat_of(&metadata))
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut path = path.to_path_buf();
        for _ in 0..=LINKS {
            let Some(name) = path.file_name().map(OsString::from) else {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "it does not end in the name of a file",
                ));
            };
            let above = match path.parent() {
                Some(above) if !above.as_os_str().is_empty() => above,
                _ => Path::new("."),
            };
            let above = match fs::canonicalize(above) {
                // Nothing is there yet, so there is no link to follow.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return std::path::absolute(&path);
                }
                result => result?,
            };
            path = above.join(name);
            match fs::read_link(&path) {
                Ok(target) => path = above.join(target),
                // EINVAL: it is no link.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::InvalidInput | io::ErrorKind::NotFound
                    ) =>
                {
                    return Ok(path);
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!(
            "more than {LINKS} symbolic links lead from one to the next"
        )))
    }

    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(Created(create_file(path, access)?)))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        open_file(path, system::OPENING_TO_SYNC)?.sync_all()
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        system::sync_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        system::exchange(one, other)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        match system::create_folder(path, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::metadata(path)?.is_dir() {
                    Ok(())
                } else {
                    Err(io::ErrorKind::NotADirectory.into())
                }
            }
            result => result,
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect()
    }

    fn open_lock(&self, path: &Path, access: Access) -> io::Result<Box<dyn LockFile>> {
        Ok(Box::new(RealLock::new(open_or_create(path, access)?)))
    }

    fn open_word(&self, path: &Path, registry: &str) -> io::Result<Option<Box<dyn Word>>> {
        system::open_word(path, registry)
    }

    fn create_word(
        &self,
        path: &Path,
        scratch: &Path,
        access: Access,
        registry: &str,
        revision: u64,
    ) -> io::Result<Box<dyn Word>> {
        system::create_word(path, scratch, access, registry, revision)
    }

    fn network(&self, path: &Path) -> io::Result<Option<String>> {
        system::network(path)
    }
}

/// A file that this process created and writes.
struct Created(File);

impl NewFile for Created {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) if !bytes.is_empty() => return Err(io::ErrorKind::WriteZero.into()),
                result => return result,
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.0.metadata().map(|metadata| stat_of(&metadata))
    }
}
