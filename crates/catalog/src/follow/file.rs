//! One file: what is in it, and whether that is new.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::status::{FileState, Trouble};
use super::trail::Trail;
use crate::import::{self, Import, MAX_BYTES};

/// A file that belongs to a catalog.
#[derive(Debug)]
pub(super) struct File {
    /// The path as it was given, for messages.
    pub(super) given: PathBuf,
    /// The same path from the root, so that a later change of folder does not move it.
    path: PathBuf,
    /// What was seen last, understood or not.
    seen: Option<Mark>,
    marks: RandomState,
    /// Something that is read once and is then used up, a pipe say, cannot be followed.
    pub(super) followed: bool,
}

/// Tells one content from another: the length, and a hash with a key of this process.
///
/// Times and inodes are not in it: neither says that a content is the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Mark {
    length: usize,
    hash: u64,
}

/// What a look at a file has found.
#[derive(Debug)]
pub(super) enum Look {
    /// The bytes are those of the look before.
    Same,
    /// There is something new, and it is understood.
    New(Box<Import>),
    /// There is something new to say about why the last good content stays.
    Bad(FileState),
}

impl File {
    /// Reads a file for the first time.
    ///
    /// # Errors
    ///
    /// The state that says what is wrong.
    pub(super) fn open(given: &Path) -> Result<(Self, Import), FileState> {
        let path = std::path::absolute(given).map_err(|error| unreadable(&error))?;
        let metadata = fs::metadata(&path).map_err(|error| unreadable(&error))?;
        let mut file = Self {
            given: given.to_owned(),
            path,
            seen: None,
            marks: RandomState::new(),
            followed: metadata.is_file(),
        };
        if metadata.is_dir() {
            return Err(unreadable(&io::ErrorKind::IsADirectory.into()));
        }
        let bytes = file.read().map_err(|error| unreadable(&error))?;
        file.seen = Some(file.mark(&bytes));
        let import = file.understand(&bytes)?;
        Ok((file, import))
    }

    /// Looks whether there is something new.
    ///
    /// `state` is what the look before has found: the same trouble twice is not new.
    pub(super) fn look(&mut self, state: &FileState) -> Look {
        let bytes = match self.regular().and_then(|()| self.read()) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.seen = None;
                let found = unreadable(&error);
                return if found == *state {
                    Look::Same
                } else {
                    Look::Bad(found)
                };
            }
        };
        let mark = self.mark(&bytes);
        if self.seen == Some(mark) {
            return Look::Same;
        }
        self.seen = Some(mark);
        match self.understand(&bytes) {
            Ok(import) => Look::New(Box::new(import)),
            Err(state) => Look::Bad(state),
        }
    }

    /// Forgets what was seen: the next look finds it new.
    pub(super) fn forget(&mut self) {
        self.seen = None;
    }

    /// The places whose change can change this file.
    pub(super) fn trail(&self) -> Trail {
        Trail::follow(&self.path)
    }

    /// Makes sure that opening the file does not wait for somebody to write into it.
    fn regular(&self) -> io::Result<()> {
        let metadata = fs::metadata(&self.path)?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        Ok(())
    }

    /// Reads what is there, or one byte more than an importer takes.
    fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(&self.path)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn understand(&self, bytes: &[u8]) -> Result<Import, FileState> {
        import::parse(&self.given.to_string_lossy(), bytes)
            .map_err(|error| FileState::Broken(Trouble::from(&error)))
    }

    fn mark(&self, bytes: &[u8]) -> Mark {
        Mark {
            length: bytes.len(),
            hash: self.marks.hash_one(bytes),
        }
    }
}

/// Says in words for anybody why a file cannot be read.
fn unreadable(error: &io::Error) -> FileState {
    FileState::Unreadable(match error.kind() {
        io::ErrorKind::NotFound => Trouble::new("there is no such file"),
        io::ErrorKind::PermissionDenied => Trouble::new("reading it is not permitted"),
        io::ErrorKind::IsADirectory => Trouble::new("it is a folder; expected a file"),
        _ => Trouble::new(format!("it cannot be read: {error}")),
    })
}
