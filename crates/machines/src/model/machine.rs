use serde::Serialize;

use super::{Definition, MachineName};

/// A machine: its name, what is said of it, and when that was last changed.
///
/// As JSON it is one object: `name`, `revision`, and the fields of the definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Machine {
    /// Its name.
    pub name: MachineName,
    /// The revision of its last change; 0 for `local`, which is kept nowhere.
    pub revision: u64,
    /// What is said of it.
    #[serde(flatten)]
    pub definition: Definition,
}

impl Machine {
    /// Makes a machine that is kept nowhere, to connect to.
    #[must_use]
    pub fn unkept(name: MachineName, definition: Definition) -> Self {
        Self {
            name,
            revision: 0,
            definition,
        }
    }

    /// Makes the machine that is always there.
    #[must_use]
    pub fn local() -> Self {
        Self::unkept(MachineName::local(), Definition::local())
    }
}
