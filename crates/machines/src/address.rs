use std::fmt;
use std::str::FromStr;

use crate::error::MachinesError;
use crate::machines::Machines;
use crate::model::{Definition, Invalid, Machine, MachineName};

/// Names a file or folder on a machine: `[machine:]path`.
///
/// What stands before the first `:` is a machine unless it holds a `/`; without it the path is on
/// `local`. So a path of this machine with a `:` in its first part is written `./a:b` or `local:a:b`.
/// A relative path begins in the machine's work folder, and one that begins with `~/` in the home of
/// whoever logs in.
///
/// The canonical form, which [`Display`](fmt::Display) writes, always names the machine.
///
/// # Examples
///
/// ```
/// use byname_machines::Address;
///
/// let address: Address = "alpha:logs/today".parse()?;
/// assert_eq!((address.machine().as_str(), address.path()), ("alpha", "logs/today"));
/// assert_eq!("notes".parse::<Address>()?, "local:notes".parse()?);
/// assert_eq!("notes".parse::<Address>()?.to_string(), "local:notes");
/// assert_eq!("./a:b".parse::<Address>()?.path(), "./a:b");
/// # Ok::<(), byname_machines::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    machine: MachineName,
    path: String,
}

/// An [`Address`] whose machine is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Located {
    /// The machine.
    pub machine: Machine,
    /// The path there: absolute, beginning with `~`, or, where the machine has no work folder,
    /// relative to where commands begin.
    pub path: String,
}

impl Address {
    /// Puts an address together; an empty `machine` stands for `local`.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when `machine` is no name, or the path is empty, longer than 4,096 bytes, or has
    /// control characters in it.
    pub fn new(machine: &str, path: &str) -> Result<Self, Invalid> {
        let machine = match machine {
            "" => MachineName::local(),
            name => MachineName::new(name).map_err(|error| {
                let expected = format!(
                    "a machine before `:`, {}; write `./` or `local:` before a path of this machine \
                     that has a `:` in it",
                    error.expected
                );
                Invalid::new("address", name, expected)
            })?,
        };
        if path.is_empty() || path.len() > 4_096 || path.chars().any(char::is_control) {
            return Err(Invalid::new(
                "address",
                path,
                "a path of 1 to 4096 bytes without control characters",
            ));
        }
        Ok(Self {
            machine,
            path: path.to_owned(),
        })
    }

    /// Returns the machine.
    #[must_use]
    pub fn machine(&self) -> &MachineName {
        &self.machine
    }

    /// Returns the path, as it was written.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Finds the machine, and where on it the path leads.
    ///
    /// # Errors
    ///
    /// [`MachinesError::NotFound`] when there is no such machine, [`MachinesError::Store`].
    pub fn resolve(&self, machines: &Machines) -> Result<Located, MachinesError> {
        let machine = machines.get(self.machine.as_str())?;
        let path = machine.definition.path(&self.path);
        Ok(Located { machine, path })
    }
}

impl Definition {
    /// Returns where `path` leads on this machine: in the work folder, if there is one and the path
    /// begins with neither `/` nor `~/`.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        match &self.folder {
            Some(folder) if !(path.starts_with('/') || path == "~" || path.starts_with("~/")) => {
                format!("{}/{path}", folder.trim_end_matches('/'))
            }
            _ => path.to_owned(),
        }
    }
}

impl FromStr for Address {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.split_once(':') {
            Some(("", _)) => Err(Invalid::new(
                "address",
                text,
                "a machine before `:`; leave out the `:` for a path of this machine",
            )),
            Some((machine, path)) if !machine.contains('/') => Self::new(machine, path),
            _ => Self::new("", text),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.machine, self.path)
    }
}
