use std::time::Duration;

use super::error::ConnectionError;

/// How long something may take, and how much it may yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How long, from the call to its end; 60 s by default.
    pub time: Duration,
    /// How many bytes of a file, or of each of a program's two outputs; 16 MiB by default.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(60),
            bytes: 16 << 20,
        }
    }
}

impl Bounds {
    /// Takes the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes the time.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Changes the number of bytes.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }
}

/// A program to run with its arguments, each of which reaches it byte by byte as it is here.
///
/// No shell sees any of it. For a line of a shell, run one: `Command::new("sh").args(["-c", line])`.
///
/// # Examples
///
/// ```
/// use byname_machines::{Command, Connection, LocalConnection, Machine};
///
/// let here = LocalConnection::new(&Machine::local());
/// let output = here.run(&Command::new("printf").args(["%s.", "$(id)", ""]))?;
/// assert_eq!(output.stdout, b"$(id)..");
/// # Ok::<(), byname_machines::ConnectionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Command {
    pub(super) program: String,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) folder: Option<String>,
    pub(super) stdin: Vec<u8>,
    pub(super) bounds: Bounds,
}

impl Command {
    /// Makes one without arguments. The program is looked for in the machine's `PATH` unless there
    /// is a `/` in it; a relative one with a `/` begins in the work folder.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: None,
            stdin: Vec::new(),
            bounds: Bounds::default(),
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the program's environment, on top of what the machine gives it.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Runs it in another folder; a relative one begins in the work folder.
    pub fn folder(mut self, folder: impl Into<String>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Gives the program this to read; nothing by default.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Changes how long it may take and how much of its outputs is kept.
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Checks what no machine can run.
    pub(super) fn check(&self) -> Result<(), ConnectionError> {
        let invalid = |what: &'static str, value: &str| {
            Err(ConnectionError::Invalid {
                what,
                value: value.to_owned(),
            })
        };
        let program = &self.program;
        if program.is_empty() || program.starts_with('-') || program.contains(['\0', '=']) {
            return invalid(
                "a program that does not begin with `-`, without NUL and `=`",
                program,
            );
        }
        for arg in &self.args {
            if arg.contains('\0') {
                return invalid("an argument without NUL", arg);
            }
        }
        for (name, value) in &self.env {
            let bytes = name.as_bytes();
            let first = bytes
                .first()
                .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
            if !first
                || !bytes
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || *b == b'_')
            {
                return invalid("a variable named by letters, digits and `_`", name);
            }
            if value.contains('\0') {
                return invalid("a variable's value without NUL", name);
            }
        }
        match &self.folder {
            Some(folder) => check_path(folder),
            None => Ok(()),
        }
    }
}

/// Checks a path that is to be used on a machine.
pub(super) fn check_path(path: &str) -> Result<(), ConnectionError> {
    if path.is_empty() || path.contains('\0') {
        Err(ConnectionError::Invalid {
            what: "a path that is not empty, without NUL",
            value: path.to_owned(),
        })
    } else {
        Ok(())
    }
}
