use std::error::Error;
use std::fmt;

use byname_store::{Blame, DurableError, StoreError};

use crate::model::{Invalid, MachineName};
use byname_registry::suggestion;

/// Why the registry of machines did not do what it was asked to do. Unless it is
/// [`Store`](Self::Store) with [`StoreError::Unknown`], nothing of it was done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MachinesError {
    /// There is no such machine.
    NotFound {
        /// What was asked for.
        name: String,
        /// Names that are like it, the nearest first.
        nearest: Vec<String>,
    },
    /// There is a machine of that name already.
    Exists {
        /// The name.
        name: MachineName,
        /// Its revision.
        revision: u64,
    },
    /// The machine is not at the revision that was expected.
    Moved {
        /// The machine.
        name: String,
        /// The revision that was expected.
        expected: u64,
        /// The one it has.
        found: u64,
    },
    /// `local` is always there, as it is.
    Protected,
    /// What is said of the machine is not valid.
    Invalid {
        /// The machine.
        name: String,
        /// Every fault, at least one.
        problems: Vec<Invalid>,
    },
    /// Others kept changing it.
    Conflict {
        /// The machine.
        name: String,
        /// How often it was tried.
        attempts: usize,
    },
    /// What the store answers.
    Store(StoreError),
}

impl MachinesError {
    pub(crate) fn invalid(name: &str, problem: Invalid) -> Self {
        Self::Invalid {
            name: name.to_owned(),
            problems: vec![problem],
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Store(error) => error.blame(),
            Self::Conflict { .. } => Blame::Environment,
            _ => Blame::Caller,
        }
    }

    /// Whether the same call may succeed later, or after reading again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Moved { .. } | Self::Conflict { .. } => true,
            Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }
}

impl fmt::Display for MachinesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { name, nearest } => {
                write!(
                    f,
                    "there is no machine `{}`{}",
                    name.escape_debug(),
                    suggestion(nearest)
                )
            }
            Self::Exists { name, revision } => write!(
                f,
                "there is a machine `{name}` already, at revision {revision}; update it, or choose \
                 another name"
            ),
            Self::Moved {
                name,
                expected,
                found: 0,
            } => write!(
                f,
                "there is no machine `{name}` any more; it was expected at revision {expected}"
            ),
            Self::Moved {
                name,
                expected,
                found,
            } => write!(
                f,
                "machine `{name}` is at revision {found}, not {expected}; read it again and decide anew"
            ),
            Self::Protected => f.write_str(
                "`local` is this machine: it is always there, and cannot be added, changed or \
                 removed; add a machine of kind `local` under another name to say more of it",
            ),
            Self::Invalid { name, problems } => write!(
                f,
                "machine `{}`: {}",
                name.escape_debug(),
                Invalid::join(problems)
            ),
            Self::Conflict { name, attempts } => write!(
                f,
                "machine `{name}`: gave up after {attempts} attempts, because others keep changing it; \
                 try again later"
            ),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl Error for MachinesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Invalid { problems, .. } => problems.first().map(|e| e as _),
            _ => None,
        }
    }
}

impl From<StoreError> for MachinesError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<DurableError<Self>> for MachinesError {
    fn from(error: DurableError<Self>) -> Self {
        match error {
            DurableError::Aborted(error) => error,
            DurableError::Conflict { attempts, name } => Self::Conflict {
                attempts,
                name: name.to_string(),
            },
            DurableError::Store(error) => Self::Store(error),
            // A later release of the store may have more; none of them is a success.
            other => Self::Store(StoreError::Unreachable {
                reason: other.to_string(),
            }),
        }
    }
}
