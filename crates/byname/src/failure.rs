//! Why a command did not do what it was asked, and the exit code that says so.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use byname_components::Problems;
use byname_machines::{ImportError, MachinesError};
use byname_store::StoreError;

/// The exit code of a command that was called the wrong way.
pub(crate) const USAGE: u8 = 2;
/// The exit code of a command that was called rightly and failed.
const FAILED: u8 = 1;

/// The reason why a command that was called rightly failed: exit code 1.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    closed_pipe: bool,
    /// Whether the message is written as it is.
    is_whole: bool,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            closed_pipe: false,
            is_whole: false,
        }
    }

    /// Everything that is wrong with a configuration, each said as an error or a warning, and how many
    /// they are.
    pub(crate) fn told(problems: &Problems) -> Self {
        Self {
            is_whole: true,
            ..Self::new(format!("{problems}\n{}", count(problems)))
        }
    }

    /// A failure to write the answer; a reader that has gone away is no failure.
    pub(crate) fn output(error: &io::Error) -> Self {
        Self {
            closed_pipe: error.kind() == io::ErrorKind::BrokenPipe,
            ..Self::new(format!("cannot write to stdout: {error}"))
        }
    }

    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.closed_pipe
    }

    /// Whether the message says by itself that it is an error.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub(crate) fn exit_code() -> ExitCode {
        ExitCode::from(FAILED)
    }
}

/// How many problems there are.
pub(crate) fn count(problems: &Problems) -> String {
    let count = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    let (errors, warnings) = (problems.errors(), problems.warnings());
    format!("{}, {}", count(errors, "error"), count(warnings, "warning"))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<MachinesError> for Failure {
    fn from(error: MachinesError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}
