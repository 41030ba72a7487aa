use std::error::Error;
use std::fmt;
use std::sync::Arc;

use byname_registry::TransactionError;

use crate::error::StoreError;

/// Why a transaction of a [`Durable`](super::Durable) was not made.
///
/// Unless it is [`Store`](Self::Store) with [`StoreError::Unknown`], nothing of it was.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DurableError<E> {
    /// Others kept changing what the transaction had read.
    Conflict {
        /// How often it was tried.
        attempts: usize,
        /// The name that had changed at the last try.
        name: Arc<str>,
    },
    /// The closure returned an error.
    Aborted(E),
    /// The store refused it.
    Store(StoreError),
}

impl<E> DurableError<E> {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict { .. } => true,
            Self::Aborted(_) => false,
            Self::Store(error) => error.is_retryable(),
        }
    }
}

impl<E> From<StoreError> for DurableError<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<E> From<TransactionError<E>> for DurableError<E> {
    fn from(error: TransactionError<E>) -> Self {
        match error {
            TransactionError::Conflict { attempts, name } => Self::Conflict { attempts, name },
            TransactionError::Aborted(error) => Self::Aborted(error),
            // A copy that follows a store refuses when it is sealed only.
            _ => Self::Store(StoreError::Closed {
                why: super::pump::SEALED,
            }),
        }
    }
}

impl<E: fmt::Display> fmt::Display for DurableError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { attempts, name } => write!(
                f,
                "gave up after {attempts} attempts: others keep changing what the transaction \
                 reads, `{name}` the last time; try again later, or allow more attempts"
            ),
            Self::Aborted(error) => write!(f, "the transaction was aborted: {error}"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for DurableError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Conflict { .. } => None,
            Self::Aborted(error) => Some(error),
            Self::Store(error) => Some(error),
        }
    }
}
