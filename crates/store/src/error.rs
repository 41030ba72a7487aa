//! What can go wrong with a store.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::json::JsonError;
use crate::lease::LeaseId;
use crate::transaction::Condition;

/// Whose fault something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The caller asked for what cannot be.
    Caller,
    /// What an operator wrote.
    Configuration,
    /// The machine: its disk, its permissions, its other processes.
    Environment,
    /// A server elsewhere.
    Peer,
    /// This program.
    Bug,
}

/// Who holds the right to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// The program.
    pub program: String,
    /// Since when, as RFC 3339 in UTC.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pid,
            host,
            program,
            since,
        } = self;
        write!(f, "{program} (pid {pid} on {host}) since {since}")
    }
}

/// Why a store did not do what it was asked to do. Unless it is [`Unknown`](Self::Unknown), nothing
/// of it was done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// A condition of the transaction does not hold.
    Condition {
        /// The entry.
        name: Arc<str>,
        /// What should have held.
        expected: Condition,
        /// The entry's revision; 0 when there is none.
        found: u64,
    },
    /// The transaction required that nothing had changed.
    Changed {
        /// Since this revision.
        since: u64,
        /// The present revision.
        found: u64,
    },
    /// A name is empty, too long, or has a control character in it.
    Name {
        /// The name.
        name: Arc<str>,
    },
    /// The value cannot be written as JSON, or an entry cannot be read as a value.
    Value {
        /// The entry.
        name: Arc<str>,
        /// What is wrong.
        error: JsonError,
    },
    /// There is no such lease, or it has ended.
    Lease {
        /// Which.
        id: LeaseId,
    },
    /// More than the store takes.
    Limit {
        /// Of what, with its unit.
        what: &'static str,
        /// How much it takes.
        limit: u64,
        /// How much it was given.
        found: u64,
    },
    /// The right to write was not free in time.
    Busy {
        /// How long was waited.
        waited: Duration,
        /// Who has it, if that can be told.
        holder: Option<Holder>,
    },
    /// As many changes wait as the store lets wait. It is counted as
    /// [`turned_away`](crate::Health::turned_away).
    Full {
        /// How many that is.
        limit: u64,
    },
    /// The operation was withdrawn before it had begun.
    Withdrawn,
    /// The change may or may not outlive a power cut: it is in place, and making it durable failed.
    Unknown {
        /// The revision that it has if it does.
        revision: u64,
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: Arc<io::Error>,
    },
    /// The system refused something.
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: Arc<io::Error>,
    },
    /// What is in the document's place is neither what was committed last nor an edit of it.
    Damage {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        what: String,
    },
    /// The document cannot be read.
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: JsonError,
    },
    /// The program's own [check](crate::FileOptions::check) of a value by hand panicked. The text stays
    /// as it is.
    Check {
        /// The file.
        path: PathBuf,
        /// The line of the entry, from 1; 0 when it cannot be told.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
        /// The entry.
        name: Arc<str>,
        /// What the panic said.
        message: String,
    },
    /// The document was written by a later version of the format.
    Format {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// The file is on a network file system, whose locks and shared memory cannot be relied on.
    Network {
        /// The file.
        path: PathBuf,
        /// The kind of file system.
        kind: String,
    },
    /// The store was opened for reading only, or was closed.
    Closed {
        /// Why nothing can be written.
        why: &'static str,
    },
    /// The store cannot be reached.
    Unreachable {
        /// Why.
        reason: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed later, or after reading again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Condition { .. }
                | Self::Changed { .. }
                | Self::Busy { .. }
                | Self::Full { .. }
                | Self::Unreachable { .. }
        )
    }

    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Condition { .. }
            | Self::Changed { .. }
            | Self::Name { .. }
            | Self::Value { .. }
            | Self::Lease { .. }
            | Self::Limit { .. }
            | Self::Withdrawn
            | Self::Closed { .. } => Blame::Caller,
            Self::Syntax { .. } | Self::Format { .. } | Self::Network { .. } => {
                Blame::Configuration
            }
            Self::Busy { .. }
            | Self::Full { .. }
            | Self::Unknown { .. }
            | Self::Io { .. }
            | Self::Damage { .. } => Blame::Environment,
            Self::Unreachable { .. } => Blame::Peer,
            Self::Check { .. } => Blame::Bug,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition {
                name,
                expected: Condition::Exists,
                ..
            } => write!(f, "there is no `{name}`"),
            Self::Condition {
                name,
                expected: Condition::Absent | Condition::Revision(0),
                found,
            } => {
                write!(f, "`{name}` is there already, at revision {found}")
            }
            Self::Condition {
                name,
                expected: Condition::Revision(expected),
                found: 0,
            } => {
                write!(f, "there is no `{name}`; revision {expected} was expected")
            }
            Self::Condition {
                name,
                expected: Condition::Revision(expected),
                found,
            } => write!(
                f,
                "`{name}` is at revision {found}, not {expected}; read it again and decide anew"
            ),
            Self::Changed { since, found } => {
                write!(
                    f,
                    "something has changed after revision {since}: the store is at {found}"
                )
            }
            Self::Name { name } => write!(
                f,
                "{name:?} is not a name: expected 1 to {} bytes without control characters",
                crate::MAX_NAME
            ),
            Self::Value { name, error } => write!(f, "the value of `{name}`: {error}"),
            Self::Lease { id } => write!(f, "lease {id} has ended, or never was"),
            Self::Limit { what, limit, found } => {
                write!(f, "{found} {what}; at most {limit} are taken")
            }
            Self::Busy {
                waited,
                holder: Some(holder),
            } => {
                write!(
                    f,
                    "the right to write was not free within {waited:?}; {holder} has it"
                )
            }
            Self::Busy {
                waited,
                holder: None,
            } => {
                write!(
                    f,
                    "the right to write was not free within {waited:?}; who has it cannot be told"
                )
            }
            Self::Full { limit } => write!(
                f,
                "{limit} changes wait for the right to write already, and no more may; try again when \
                 some of them have been made"
            ),
            Self::Withdrawn => f.write_str("withdrawn before it had begun"),
            Self::Unknown {
                revision,
                doing,
                path,
                source,
            } => write!(
                f,
                "{}: revision {revision} is in place, but whether it outlives a power cut is unknown: {doing}: {source}",
                path.display()
            ),
            Self::Io {
                doing,
                path,
                source,
            } => write!(f, "{}: {doing}: {source}", path.display()),
            Self::Damage { path, what } => write!(f, "{}: {what}", path.display()),
            Self::Syntax { path, error } if error.line == 0 => {
                write!(f, "{}: {}", path.display(), error.message)
            }
            Self::Syntax { path, error } => write!(
                f,
                "{}:{}:{}: {}",
                path.display(),
                error.line,
                error.column,
                error.message
            ),
            Self::Check {
                path,
                line,
                column,
                name,
                message,
            } => write!(
                f,
                "{}:{line}:{column}: checking `{name}`, which was changed by hand, panicked: {message}; \
                 the text stays as it is, and nothing is written over it",
                path.display()
            ),
            Self::Format { path, found } => write!(
                f,
                "{}: has format {found}, which is newer than this program; use the program that wrote it",
                path.display()
            ),
            Self::Network { path, kind } => write!(
                f,
                "{}: is on a network file system ({kind}), where locks and shared memory do not reach \
                 other machines; choose a local folder, or allow it explicitly",
                path.display()
            ),
            Self::Closed { why } => f.write_str(why),
            Self::Unreachable { reason } => write!(f, "the store cannot be reached: {reason}"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unknown { source, .. } | Self::Io { source, .. } => Some(&**source),
            Self::Value { error, .. } | Self::Syntax { error, .. } => Some(error),
            _ => None,
        }
    }
}
