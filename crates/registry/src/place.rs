//! Where an entry was registered.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Where an entry was registered: a line of code, or whatever its registrar says.
///
/// Errors about a name that is already taken show it, so that both places can be looked at.
///
/// # Examples
///
/// ```
/// use byname_registry::{Place, Registry};
///
/// let services = Registry::new();
/// services.register_at("db", 1, Place::new("app.yaml:12"))?;
/// let error = services.register("db", 2).unwrap_err();
/// assert!(error.to_string().contains("app.yaml:12"));
/// # Ok::<(), byname_registry::ChangeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Code(&'static Location<'static>),
    // Boxed once more to keep every entry a word smaller.
    Named(Arc<Box<str>>),
}

impl Place {
    /// Names a place that is not a line of code: a line of a file, a request, an import.
    #[must_use]
    pub fn new(description: impl Into<Box<str>>) -> Self {
        Self(Kind::Named(Arc::new(description.into())))
    }

    /// Returns the line of code that calls this function.
    #[must_use]
    #[track_caller]
    pub fn caller() -> Self {
        Self(Kind::Code(Location::caller()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Code(location) => write!(f, "{}:{}", location.file(), location.line()),
            Kind::Named(description) => f.write_str(description),
        }
    }
}
