#![doc = include_str!("../../../../../docs/embedded-format.md")]

mod fields;
mod price;
mod read;
mod write;

pub use write::write;

pub(crate) use read::{import, looks_like};

/// Names a source that the facts in a file came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Is the name of the source, such as a package's.
    pub name: String,
    /// Is its version.
    pub version: String,
    /// Is the SPDX expression of its licence.
    pub licence: String,
}

/// Begins every file in this format.
const HEADER: &str = "byname-catalog 1";

#[cfg(test)]
mod tests;
