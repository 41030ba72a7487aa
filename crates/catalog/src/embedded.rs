//! The data that comes with the program.
//!
//! Facts about thousands of offerings in the [compact format](crate::import::compact), made from
//! the packages that `NOTICE` names by `scripts/update-embedded-data`.

use crate::import::{Import, ImportError, parse};

/// Is the name of the embedded data in messages, as a file's path is of a file.
pub const SOURCE: &str = "embedded";

/// Is the embedded data as it is in the repository.
pub const TEXT: &str = include_str!("../data/embedded.catalog");

/// Reads the embedded data.
///
/// # Errors
///
/// [`ImportError`] if the program was built with data that its own importer does not read, which
/// the tests rule out.
///
/// # Examples
///
/// ```
/// let import = byname_catalog::embedded::load()?;
/// assert!(import.offerings.len() >= 3_000);
/// assert!(import.reports.is_empty());
/// # Ok::<(), byname_catalog::import::ImportError>(())
/// ```
pub fn load() -> Result<Import, ImportError> {
    parse(SOURCE, TEXT.as_bytes())
}
