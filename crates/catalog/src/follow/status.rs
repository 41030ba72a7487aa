//! How the files of a catalog are doing.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::import::ImportError;

/// What is wrong with a file, in words that name neither its path nor its folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    place: Option<(u32, u32)>,
    message: Arc<str>,
}

impl Trouble {
    pub(super) fn new(message: impl Into<Arc<str>>) -> Self {
        Self {
            place: None,
            message: message.into(),
        }
    }

    /// Returns the line and the column, counted from 1, if the trouble is at one place.
    #[must_use]
    pub const fn place(&self) -> Option<(u32, u32)> {
        self.place
    }

    /// Returns what is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<&ImportError> for Trouble {
    fn from(error: &ImportError) -> Self {
        Self {
            place: error.line().zip(error.column()),
            message: error.message().into(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// What was found when a file was last looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FileState {
    /// It is understood, and what it says is in the catalog.
    Good,
    /// It cannot be understood; what it said before is in the catalog.
    Broken(Trouble),
    /// It cannot be read; what it said before is in the catalog.
    Unreadable(Trouble),
}

impl FileState {
    /// Returns the word for the state: `good`, `broken` or `unreadable`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Broken(_) => "broken",
            Self::Unreadable(_) => "unreadable",
        }
    }

    /// Returns what is wrong with the file; `None` if nothing is.
    #[must_use]
    pub const fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Good => None,
            Self::Broken(trouble) | Self::Unreadable(trouble) => Some(trouble),
        }
    }
}

/// What is known about one file of a catalog.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FileStatus {
    /// Which of the files it is, counted from 1; a later one wins.
    pub position: usize,
    /// The path as it was given.
    pub path: PathBuf,
    /// What was found when it was last looked at.
    pub state: FileState,
    /// The revision of the catalog that first held the last good content of the file.
    pub good_revision: u64,
    /// How many offerings its last good content has.
    pub offerings: usize,
    /// How many entries of its last good content could not be understood and were left out.
    pub refused: u64,
}

impl FileStatus {
    /// Returns the name of the file without its folders: a peer learns nothing of the machine.
    #[must_use]
    pub fn file_name(&self) -> String {
        self.path.file_name().map_or_else(
            || "file".to_owned(),
            |name| Path::new(name).display().to_string(),
        )
    }
}
