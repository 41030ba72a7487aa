use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How a store is.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Health {
    /// The revision that the mirror shows.
    pub revision: u64,
    /// The newest acknowledged revision that is known of; above `revision` while the mirror is behind.
    pub committed: u64,
    /// How long the mirror has been behind or out of contact; `None` when it is not.
    pub stale: Option<Duration>,
    /// What an operator should look at.
    pub problems: Vec<Problem>,
    /// How many changes this store has turned away since it was opened, because as many waited as
    /// [may](crate::FileOptions::queue): they were refused as [`Full`](crate::StoreError::Full).
    pub turned_away: u64,
}

impl Health {
    /// Whether nothing needs looking at and the mirror is up to date.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.stale.is_none() && self.problems.is_empty()
    }
}

/// Something about a store that an operator should look at. None of it has lost anything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Somebody's edit cannot be read; the last good state stays.
    BrokenEdit {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// A valid edit waits for a process that may write.
    EditWaits {
        /// The file.
        path: PathBuf,
    },
    /// Parts of an edit, or all of a text, stood against what is there; they were set aside.
    SetAside {
        /// Where they are now.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What is in the place of the document is not what was committed last, nor an edit of it.
    Damage {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// An earlier revision could not be kept.
    NotKept {
        /// Which.
        revision: u64,
        /// Why.
        reason: String,
    },
    /// Changes are found by looking only, not by being told of them.
    NotWatched {
        /// Why.
        reason: String,
    },
    /// An entry is there that the program cannot read as what it should be.
    Unreadable {
        /// The entry.
        name: String,
        /// Why.
        reason: String,
    },
    /// The store cannot be reached; the last known state stays.
    Unreachable {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokenEdit {
                path,
                line,
                column,
                message,
            } => write!(
                f,
                "{}:{line}:{column}: the edit cannot be read: {message}; the last good state stays",
                path.display()
            ),
            Self::EditWaits { path } => write!(
                f,
                "{}: the edit waits for a process that may write the file",
                path.display()
            ),
            Self::SetAside { path, reason } => {
                write!(f, "set aside as {}: {reason}", path.display())
            }
            Self::Damage { path, what } => write!(f, "{}: {what}", path.display()),
            Self::NotKept { revision, reason } => {
                write!(f, "revision {revision} is not kept: {reason}")
            }
            Self::NotWatched { reason } => write!(f, "changes are found by looking only: {reason}"),
            Self::Unreadable { name, reason } => {
                write!(f, "entry `{name}` cannot be read: {reason}")
            }
            Self::Unreachable { reason } => write!(f, "the store cannot be reached: {reason}"),
        }
    }
}
