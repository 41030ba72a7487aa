//! Ways to run something on a machine.

mod command;
mod error;
mod local;
mod many;
mod output;
mod process;
mod quote;
mod ssh;

use std::fmt;
use std::sync::Arc;

use crate::model::{Kind, Machine, MachineName};

pub use command::{Bounds, Command};
pub use error::ConnectionError;
pub use local::LocalConnection;
pub use many::{Progress, RunResult, each, run_many};
pub use output::{Output, Status};
pub use quote::quote;
pub use ssh::{HostKeys, SshConnection, SshOptions};

/// A way to run something on a machine.
///
/// # The contract
///
/// Calls block, may be made from any thread, and end within the bounds they are given. A relative
/// path begins in the machine's work folder or, if it has none, where commands begin: in the present
/// folder of this process on a `local` machine, in the home of whoever logs in otherwise. A path that
/// is `~` or begins with `~/` is in that home; a file of that name is written `./~`. A path is never
/// taken for an option or seen by a shell.
///
/// An error says that what was asked for was not done, unless it is
/// [`Timeout`](ConnectionError::Timeout) or [`Lost`](ConnectionError::Lost): then a command may have
/// run, or run on. A file is written whole or not at all even then.
pub trait Connection: Send + Sync + fmt::Debug {
    /// Returns the machine.
    fn machine(&self) -> &MachineName;

    /// Runs a program, and returns what it wrote and how it ended. That it did not end well is no
    /// error.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::Invalid`], [`ConnectionError::NotFound`] for the folder or the program,
    /// [`ConnectionError::Permission`], and what keeps from reaching the machine.
    fn run(&self, command: &Command) -> Result<Output, ConnectionError>;

    /// Reads a regular file, of which at most `bounds.bytes` are taken.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::TooLarge`], [`ConnectionError::NotFound`],
    /// [`ConnectionError::Permission`], [`ConnectionError::NotAFile`], and what keeps from reaching
    /// the machine.
    fn read_file(&self, path: &str, bounds: Bounds) -> Result<Vec<u8>, ConnectionError>;

    /// Writes a file: into a new one beside it, which then takes its place, so that others see the
    /// old content or the new one. A symbolic link is followed.
    ///
    /// The file has the permissions `mode`; with `None` those it had, or 0644 if it is new.
    ///
    /// # Errors
    ///
    /// As for [`read_file`](Self::read_file); [`ConnectionError::NotFound`] when the folder is
    /// missing.
    fn write_file(
        &self,
        path: &str,
        content: &[u8],
        mode: Option<u32>,
        bounds: Bounds,
    ) -> Result<(), ConnectionError>;

    /// Returns whether there is something at `path`, symbolic links followed.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::Permission`] when that may not be known, and what keeps from reaching the
    /// machine.
    fn exists(&self, path: &str, bounds: Bounds) -> Result<bool, ConnectionError>;
}

/// How connections are made.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Through `ssh`.
    pub ssh: SshOptions,
}

impl Options {
    /// Takes the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// Makes a connection to a machine. Nothing is sent before the first call.
///
/// # Errors
///
/// [`ConnectionError::Kind`] when the machine is of a kind to which this program cannot connect;
/// those of [`SshConnection::new`].
pub fn connect(
    machine: &Machine,
    options: &Options,
) -> Result<Arc<dyn Connection>, ConnectionError> {
    let kind = &machine.definition.kind;
    if *kind == Kind::LOCAL {
        Ok(Arc::new(LocalConnection::new(machine)))
    } else if *kind == Kind::SSH {
        Ok(Arc::new(SshConnection::new(machine, &options.ssh)?))
    } else {
        Err(ConnectionError::Kind { kind: kind.clone() })
    }
}
