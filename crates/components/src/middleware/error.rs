//! Why a middleware cannot be had.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use byname_registry::{BuildError, Place, suggestion};

use crate::part::LookupError;

/// Why a middleware cannot be had.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MiddlewareError {
    /// There is none of that name, or it is of another type.
    Lookup(LookupError),
    /// There is no factory of its type.
    UnknownFactory {
        /// The middleware.
        name: Arc<str>,
        /// The factory that it names.
        factory: Arc<str>,
        /// Names that may have been meant.
        nearest: Vec<String>,
        /// Where the middleware is defined.
        place: Place,
    },
    /// It was not built: the cause, that its settings are wrong among others, is the
    /// [`source`](Error::source).
    Build {
        /// The middleware.
        name: Arc<str>,
        /// Where it is defined.
        place: Place,
        /// Why.
        error: BuildError,
    },
}

impl fmt::Display for MiddlewareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup(error) => error.fmt(f),
            Self::UnknownFactory {
                name,
                factory,
                nearest,
                place,
            } => write!(
                f,
                "middleware `{name}` ({place}) is of type `{factory}`, which no factory makes{}",
                suggestion(nearest)
            ),
            Self::Build { name, place, error } => {
                write!(f, "middleware `{name}` ({place}) was not built: ")?;
                match error {
                    BuildError::Failed { .. } => f.write_str("its factory failed"),
                    BuildError::Panicked { message, .. } => {
                        write!(f, "its factory panicked: {message}")
                    }
                    error => error.fmt(f),
                }
            }
        }
    }
}

impl Error for MiddlewareError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Build { error, .. } => error.source(),
            Self::Lookup(_) | Self::UnknownFactory { .. } => None,
        }
    }
}

impl From<LookupError> for MiddlewareError {
    fn from(error: LookupError) -> Self {
        Self::Lookup(error)
    }
}
