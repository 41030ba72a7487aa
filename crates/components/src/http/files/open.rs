//! Finds a file below the folder, and opens that file and no other.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::path::may_be_answered;
use super::settings::Symlinks;
use super::validators::Stamp;

/// A regular file, as it was when it was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) stamp: Stamp,
}

/// What is there under some names.
#[derive(Debug)]
pub(super) enum Found {
    File(Opened),
    Folder,
    /// Nothing, or nothing that may be answered.
    Nothing,
}

/// The folder, and what may be followed out of it.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) folder: PathBuf,
    pub(super) symlinks: Symlinks,
    pub(super) dotfiles: Vec<String>,
}

impl Root {
    /// Finds what is there under these names, each of which may be answered. It waits for the disk.
    ///
    /// The way down is opened name by name and follows no link. Where there is one, its end is
    /// looked for, and what that is called is opened in the same way: whoever switches a link meanwhile
    /// has an answer of "nothing", never of another place.
    pub(super) fn find(&self, names: &[String]) -> io::Result<Found> {
        let direct = open_below(&self.folder, names);
        let found = match direct {
            Err(error) if may_be_link(&error) && self.symlinks != Symlinks::Refuse => {
                self.find_end(names)
            }
            direct => direct.and_then(looked_at),
        };
        match found {
            Err(error) if is_nothing(&error) => {
                if error.kind() == io::ErrorKind::PermissionDenied {
                    tracing::debug!(folder = %self.folder.display(), ?names, "may not be read");
                }
                Ok(Found::Nothing)
            }
            found => found,
        }
    }

    /// Finds where links lead.
    fn find_end(&self, names: &[String]) -> io::Result<Found> {
        let folder = fs::canonicalize(&self.folder)?;
        let mut asked = folder.clone();
        asked.extend(names);
        let end = fs::canonicalize(asked)?;
        let answered = |name: &str| may_be_answered(name, &self.dotfiles);
        if let Ok(inside) = end.strip_prefix(&folder) {
            let names = inside.components().map(|name| name.as_os_str().to_str());
            let names: Option<Vec<_>> = names.collect();
            let names = names.filter(|names| names.iter().all(|name| answered(name)));
            return match names {
                Some(names) => open_below(&folder, &names).and_then(looked_at),
                None => Ok(Found::Nothing),
            };
        }
        let name = end.file_name().and_then(|name| name.to_str());
        if self.symlinks != Symlinks::Anywhere || !name.is_some_and(answered) {
            return Ok(Found::Nothing);
        }
        open_below::<&str>(&end, &[]).and_then(looked_at)
    }
}

/// Tells what was opened.
fn looked_at(file: File) -> io::Result<Found> {
    let metadata = file.metadata()?;
    Ok(if metadata.is_file() {
        let stamp = Stamp::of(&metadata);
        Found::File(Opened { file, stamp })
    } else if metadata.is_dir() {
        Found::Folder
    } else {
        Found::Nothing
    })
}

/// Opens what is below a folder without following a link below it, and without waiting for whoever
/// writes to a pipe.
#[cfg(unix)]
fn open_below<N: AsRef<str>>(folder: &Path, names: &[N]) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open, openat};

    #[cfg(any(target_os = "linux", target_os = "android"))]
    const PASS: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const PASS: OFlags = OFlags::RDONLY
        .union(OFlags::CLOEXEC)
        .union(OFlags::NONBLOCK);
    const READ: OFlags = OFlags::RDONLY
        .union(OFlags::CLOEXEC)
        .union(OFlags::NONBLOCK)
        .union(OFlags::NOCTTY);

    let first = if names.is_empty() { READ } else { PASS };
    let mut at = open(folder, first, Mode::empty())?;
    for (i, name) in names.iter().enumerate() {
        let how = if i + 1 < names.len() {
            PASS.union(OFlags::DIRECTORY)
        } else {
            READ
        };
        let how = how.union(OFlags::NOFOLLOW);
        at = openat(&at, name.as_ref(), how, Mode::empty())?;
    }
    Ok(File::from(at))
}

/// Without such calls, what is opened is what was checked unless a link is put there in between.
#[cfg(not(unix))]
fn open_below<N: AsRef<str>>(folder: &Path, names: &[N]) -> io::Result<File> {
    let mut path = folder.to_owned();
    for name in names {
        path.push(name.as_ref());
        if fs::symlink_metadata(&path)?.is_symlink() {
            return Err(io::ErrorKind::FilesystemLoop.into());
        }
    }
    File::open(path)
}

/// Whether a link may have been in the way: the system calls it a loop where it is last, and no folder
/// where another name follows.
fn may_be_link(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return true;
    }
    matches!(error.kind(), io::ErrorKind::NotADirectory)
}

/// Whether an error means that there is nothing to answer, rather than that the system failed.
fn is_nothing(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let nothing = [Errno::LOOP, Errno::NAMETOOLONG, Errno::NXIO];
        let raw = error.raw_os_error();
        if nothing
            .iter()
            .any(|errno| raw == Some(errno.raw_os_error()))
        {
            return true;
        }
    }
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidFilename
    )
}
