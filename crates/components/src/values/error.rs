//! Why a configuration value cannot be had or set.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use byname_registry::{ChangeError, Place, suggestion};

use crate::problem::Problems;

/// Why a configuration value cannot be had or set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError {
    /// The name is no way to a value.
    Name {
        /// The name.
        name: Arc<str>,
        /// Where in the name, in characters from 1.
        column: usize,
        /// What was expected there.
        expected: &'static str,
    },
    /// There is no such value.
    Absent {
        /// The name.
        name: Arc<str>,
        /// Names that may have been meant.
        nearest: Vec<String>,
    },
    /// The value is `null`, and was asked for as a type that cannot be.
    Null {
        /// The name.
        name: Arc<str>,
        /// The type that was asked for.
        asked: &'static str,
        /// Where it stands.
        place: Place,
    },
    /// The value is of another type.
    Unreadable {
        /// The name.
        name: Arc<str>,
        /// All that is wrong with it, with the places.
        problems: Problems,
    },
    /// The name leads through a value that has nothing under it, or not this.
    Through {
        /// The name.
        name: Arc<str>,
        /// What is in the way.
        at: String,
        /// What kind of value that is.
        found: &'static str,
        /// Where it stands.
        place: Place,
    },
    /// The registry does not change any more.
    Refused(ChangeError),
    /// Others keep changing the values.
    Busy {
        /// The name.
        name: Arc<str>,
        /// What the registry says.
        error: String,
    },
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name {
                name,
                column,
                expected,
            } => write!(
                f,
                "`{name}` is no name of a configuration value: expected {expected} at column {column}"
            ),
            Self::Absent { name, nearest } => write!(
                f,
                "there is no configuration value `{name}`{}",
                suggestion(nearest)
            ),
            Self::Null { name, asked, place } => write!(
                f,
                "configuration value `{name}` is null, not a `{asked}` ({place}); leave it out, or \
                 read it as an `Option`"
            ),
            Self::Unreadable { name, problems } => {
                write!(
                    f,
                    "configuration value `{name}` cannot be read:\n{problems}"
                )
            }
            Self::Through {
                name,
                at,
                found,
                place,
            } => write!(
                f,
                "configuration value `{name}` cannot be changed: `{at}` is {found}, which has \
                 nothing of that name under it ({place}); change that as a whole"
            ),
            Self::Refused(error) => error.fmt(f),
            Self::Busy { name, error } => {
                write!(f, "configuration value `{name}` was not changed: {error}")
            }
        }
    }
}

impl Error for ValueError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }
}
