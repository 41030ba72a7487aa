//! What can go wrong with a change.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::place::Place;

/// Why a change was refused. Nothing of it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeError {
    /// The name is taken.
    Taken {
        /// The name.
        name: Arc<str>,
        /// Where the present entry was registered.
        place: Place,
        /// The revision of the present entry.
        revision: u64,
    },
    /// There is no entry of that name.
    Absent {
        /// The name.
        name: Arc<str>,
    },
    /// The entry is not at the revision that the caller expected.
    Moved {
        /// The name.
        name: Arc<str>,
        /// The revision that the caller named; 0 means that the name should have been free.
        expected: u64,
        /// The entry's revision; 0 means that there is none.
        found: u64,
    },
    /// The name is empty or longer than [`MAX_NAME`](crate::MAX_NAME) bytes.
    Name {
        /// The length of the name in bytes.
        len: usize,
    },
    /// The registry is sealed: it does not change any more.
    Sealed,
    /// The registry follows a store: it changes through [`publish`](crate::Registry::publish) and
    /// [`resync`](crate::Registry::resync) only.
    Following,
    /// The registry follows no store, so it counts its own revisions.
    NotFollowing,
    /// The revision is not after the present one.
    Backwards {
        /// The revision that was to be published.
        revision: u64,
        /// The registry's revision.
        present: u64,
    },
    /// The revision is above [`MAX_REVISION`](crate::MAX_REVISION).
    Revision {
        /// The revision that was to be published.
        revision: u64,
    },
    /// What the changes were prepared from is not there any more.
    Stale {
        /// A name that changed meanwhile.
        name: Arc<str>,
    },
}

impl ChangeError {
    /// Whether the same call can succeed after reading again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Moved { .. } | Self::Stale { .. })
    }
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken {
                name,
                place,
                revision,
            } => write!(
                f,
                "`{name}` is already registered at {place} (revision {revision}); \
                 choose another name, or replace it"
            ),
            Self::Absent { name } => {
                write!(f, "there is no entry `{name}`; register it first")
            }
            Self::Moved {
                name,
                expected: 0,
                found,
            } => {
                write!(
                    f,
                    "expected no entry `{name}`, found one of revision {found}"
                )
            }
            Self::Moved {
                name,
                expected,
                found: 0,
            } => {
                write!(
                    f,
                    "expected `{name}` at revision {expected}, but it has been removed"
                )
            }
            Self::Moved {
                name,
                expected,
                found,
            } => write!(
                f,
                "expected `{name}` at revision {expected}, found revision {found}; \
                 read it again and decide anew"
            ),
            Self::Name { len } => write!(
                f,
                "a name has 1 to {} bytes, this one has {len}",
                crate::MAX_NAME
            ),
            Self::Sealed => f.write_str("the registry is sealed and does not change any more"),
            Self::Following => {
                f.write_str("the registry follows a store; change it through the store")
            }
            Self::NotFollowing => f.write_str(
                "the registry follows no store and counts its own revisions; \
                 make it with `Registry::builder().following()` to publish a store's",
            ),
            Self::Backwards { revision, present } => write!(
                f,
                "revision {revision} is not after revision {present}, which is already published"
            ),
            Self::Revision { revision } => write!(
                f,
                "revision {revision} is above {}, the last that a registry can have",
                crate::MAX_REVISION
            ),
            Self::Stale { name } => {
                write!(
                    f,
                    "`{name}` has changed since the changes were prepared; prepare them again"
                )
            }
        }
    }
}

impl Error for ChangeError {}

/// Why a transaction committed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionError<E> {
    /// Others kept changing what the transaction had read.
    Conflict {
        /// How often it was tried.
        attempts: usize,
        /// The name that had changed at the last try.
        name: Arc<str>,
    },
    /// The registry refuses changes: it is sealed, or follows a store.
    Refused(ChangeError),
    /// The closure returned an error.
    Aborted(E),
}

impl<E: fmt::Display> fmt::Display for TransactionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { attempts, name } => write!(
                f,
                "gave up after {attempts} attempts: others keep changing what the transaction \
                 reads, `{name}` the last time; try again later, or allow more attempts"
            ),
            Self::Refused(error) => error.fmt(f),
            Self::Aborted(error) => write!(f, "the transaction was aborted: {error}"),
        }
    }
}

impl<E: Error + 'static> Error for TransactionError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Conflict { .. } => None,
            Self::Refused(error) => Some(error),
            Self::Aborted(error) => Some(error),
        }
    }
}
