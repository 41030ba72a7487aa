//! Why an entry could not be had, and the names on the way to it.

use std::{error::Error, fmt, sync::Arc, time::Duration};

/// Says why a factory failed; shared by everybody who waited for it.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Names an entry together with the registry that holds it.
///
/// Displayed as `registry/name`, or as `name` where the registry has no label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildName {
    registry: Arc<str>,
    name: Arc<str>,
}

impl BuildName {
    pub(crate) fn new(registry: Arc<str>, name: Arc<str>) -> Self {
        Self { registry, name }
    }

    /// Returns the label of the registry; empty if it has none.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the name of the entry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for BuildName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.registry.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.registry, self.name)
        }
    }
}

/// Lists entries of which each asked for the next; never empty.
///
/// Displayed as `services/api -> services/db`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BuildPath(Arc<[BuildName]>);

impl BuildPath {
    pub(crate) fn new(first: Vec<BuildName>, last: BuildName) -> Self {
        let mut names = first;
        names.push(last);
        Self(names.into())
    }

    /// Returns the names, the first asker first.
    #[must_use]
    pub fn names(&self) -> &[BuildName] {
        &self.0
    }

    /// Returns the entry that was asked for last.
    #[must_use]
    pub fn last(&self) -> &BuildName {
        &self.0[self.0.len() - 1]
    }
}

impl fmt::Display for BuildPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" -> ")?;
            }
            name.fmt(f)?;
        }
        Ok(())
    }
}

/// Says why an entry could not be built or waited for.
///
/// A clone shares the cause with the original: everybody who waited for a failed build holds the same
/// one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The factory returned an error, which is the [`source`](Error::source).
    Failed {
        /// The entry, after those that asked for it when its build began.
        path: BuildPath,
        /// What the factory returned.
        cause: Cause,
    },
    /// The factory, or the future it made, panicked.
    Panicked {
        /// The entry, after those that asked for it when its build began.
        path: BuildPath,
        /// What the panic said.
        message: Arc<str>,
    },
    /// The build would wait for itself.
    Cycle {
        /// The whole circle: the entry that was asked for is its first name and its last.
        path: BuildPath,
    },
    /// Builds are nested deeper than the registry allows.
    TooDeep {
        /// The entry, after those whose builds are nested around it.
        path: BuildPath,
        /// How many builds may be nested.
        limit: usize,
    },
    /// The entry was not built in the time that a wait may take.
    Deadline {
        /// The entry, after those that asked for it here.
        path: BuildPath,
        /// How long was waited.
        after: Duration,
    },
    /// The factory is asynchronous, has not built the entry yet, and the ask was synchronous.
    NeedsAsync {
        /// The entry, after those that asked for it here.
        path: BuildPath,
    },
    /// The ask would have blocked a thread that runs asynchronous tasks.
    InsideRuntime {
        /// The entry, after those that asked for it here.
        path: BuildPath,
    },
}

impl BuildError {
    /// Returns the entry that could not be had, after those that asked for it.
    #[must_use]
    pub fn path(&self) -> &BuildPath {
        match self {
            Self::Failed { path, .. }
            | Self::Panicked { path, .. }
            | Self::Cycle { path }
            | Self::TooDeep { path, .. }
            | Self::Deadline { path, .. }
            | Self::NeedsAsync { path }
            | Self::InsideRuntime { path } => path,
        }
    }

    /// Returns the entry that could not be had.
    #[must_use]
    pub fn name(&self) -> &BuildName {
        self.path().last()
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Failed { .. } => write!(f, "the factory of `{name}` failed")?,
            Self::Panicked { message, .. } => {
                write!(f, "the factory of `{name}` panicked: {message}")?;
            }
            Self::Cycle { path } => {
                return write!(
                    f,
                    "`{name}` needs itself to be built: {path}; let one of these factories keep a \
                     handle and ask later, when its value is used"
                );
            }
            Self::TooDeep { path, limit } => {
                return write!(
                    f,
                    "more than {limit} builds are nested in one another: {path}; if this is no \
                     factory that registers ever new names, raise the registry's limit"
                );
            }
            Self::Deadline { after, .. } => write!(
                f,
                "`{name}` was not built within {after:?}: its factory is slow, or waits for \
                 something that waits for `{name}`"
            )?,
            Self::NeedsAsync { .. } => write!(
                f,
                "`{name}` is not built yet and its factory is asynchronous: resolve it in a task, \
                 or blocking on a thread outside any runtime"
            )?,
            Self::InsideRuntime { .. } => write!(
                f,
                "waiting for `{name}` would block a thread that runs asynchronous tasks: await it \
                 instead"
            )?,
        }
        if self.path().names().len() > 1 {
            write!(f, " (asked for by {})", self.path())?;
        }
        Ok(())
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed { cause, .. } => Some(&**cause),
            _ => None,
        }
    }
}
