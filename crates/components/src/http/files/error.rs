//! Why a folder cannot be served.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a folder cannot be served. It is told at the start, to whoever wrote the configuration.
#[derive(Debug)]
#[non_exhaustive]
pub enum FilesError {
    /// The folder is not there, is none, or cannot be read.
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file that stands for every page is not there, or cannot be read.
    Fallback {
        /// Its path in the folder.
        fallback: String,
        /// The folder.
        folder: PathBuf,
        /// Why, where the system told.
        source: Option<io::Error>,
    },
    /// A setting has a value that it cannot have.
    Setting {
        /// Which, as it is written in the configuration.
        setting: &'static str,
        /// What is wrong, and what was expected.
        message: String,
    },
}

impl fmt::Display for FilesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { folder, .. } => {
                write!(f, "folder `{}` cannot be served", folder.display())
            }
            Self::Fallback {
                fallback, folder, ..
            } => write!(
                f,
                "`fallback: {fallback}` is no file that may be answered from folder `{}`",
                folder.display()
            ),
            Self::Setting { setting, message } => write!(f, "`{setting}` {message}"),
        }
    }
}

impl Error for FilesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Folder { source, .. } => Some(source),
            Self::Fallback { source, .. } => source.as_ref().map(|source| source as _),
            Self::Setting { .. } => None,
        }
    }
}
