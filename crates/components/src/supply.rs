//! What a factory's needs are met from, at the moment of its build.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::context::{Context, Lazy};
use crate::part::{Part, Type};
use crate::running::WeakRunning;
use crate::values::{ValueError, Values};

/// Why a need could not be met although the check before had nothing against it: something was
/// changed since.
#[derive(Debug)]
#[allow(unnameable_types, reason = "of a sealed trait")]
pub enum SupplyError {
    Missing {
        name: Arc<str>,
    },
    WrongType {
        name: Arc<str>,
        asked: &'static str,
        found: &'static str,
    },
    Value(ValueError),
}

impl fmt::Display for SupplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "it needs `{name}`, which is not there any more"),
            Self::WrongType { name, asked, found } => {
                write!(
                    f,
                    "it needs `{name}` as a `{asked}`, which is a `{found}` now"
                )
            }
            Self::Value(error) => error.fmt(f),
        }
    }
}

impl Error for SupplyError {}

/// What is needed, built.
#[allow(unnameable_types, reason = "of a sealed trait")]
pub struct Supply {
    /// The service that is being built.
    pub(crate) name: Arc<str>,
    /// What is meant by the names that the factory declared, where it is something else.
    pub(crate) redirects: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    /// Services by their own names.
    pub(crate) parts: BTreeMap<Arc<str>, Part>,
    pub(crate) values: Values,
    pub(crate) app: WeakRunning,
}

impl Supply {
    fn meant<'s>(&'s self, name: &'s Arc<str>) -> &'s Arc<str> {
        self.redirects.get(name).unwrap_or(name)
    }

    pub(crate) fn part(&self, name: &Arc<str>) -> Option<&Part> {
        self.parts.get(self.meant(name))
    }

    pub(crate) fn all(&self, of: Type) -> impl Iterator<Item = (&Arc<str>, &Part)> {
        self.parts.iter().filter(move |(_, part)| part.of() == of)
    }

    pub(crate) fn lazy<T: ?Sized + Send + Sync + 'static>(&self, name: &Arc<str>) -> Lazy<T> {
        Lazy::new(Arc::clone(self.meant(name)), self.app.clone())
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    pub(crate) fn context(&self) -> Context {
        Context::new(Arc::clone(&self.name), self.app.clone())
    }
}

impl fmt::Debug for Supply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supply")
            .field("name", &self.name)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}
