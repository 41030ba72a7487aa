use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use byname_store::Blame;

use crate::model::Kind;

/// Why something could not be done on a machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectionError {
    /// This program cannot connect to machines of this kind.
    Kind {
        /// The kind.
        kind: Kind,
    },
    /// No machine can do what was asked for.
    Invalid {
        /// What was expected.
        what: &'static str,
        /// What was found.
        value: String,
    },
    /// The machine cannot be reached: nobody listens, there is no way, or the name is unknown.
    Unreachable {
        /// What `ssh` says.
        reason: String,
    },
    /// The machine does not let this key or user in.
    Denied {
        /// What `ssh` says.
        reason: String,
    },
    /// The machine does not show the host key that is known for it.
    HostKey {
        /// What `ssh` says.
        reason: String,
    },
    /// The connection broke while something ran; it may have been done, or may run on.
    Lost {
        /// What `ssh` says.
        reason: String,
    },
    /// It did not end in time; on this machine it was ended, with everything it had started in its
    /// process group. On another machine it may run on.
    Timeout {
        /// What took too long.
        doing: &'static str,
        /// How long was waited.
        waited: Duration,
    },
    /// There is no such file, folder or program on the machine.
    NotFound {
        /// Which.
        path: String,
    },
    /// The user on the machine may not do this.
    Permission {
        /// With which file, folder or program.
        path: String,
    },
    /// It is a folder, or something else that has no content.
    NotAFile {
        /// Which.
        path: String,
    },
    /// The file is larger than the bound.
    TooLarge {
        /// Which.
        path: String,
        /// The bound in bytes.
        limit: usize,
    },
    /// The private key cannot be read.
    Key {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A program that is needed on this machine is missing.
    Tool {
        /// Which.
        tool: &'static str,
    },
    /// The machine did it otherwise than it should.
    Failed {
        /// What was being done.
        doing: String,
        /// What it says.
        reason: String,
    },
    /// The system refused something on this machine.
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: Arc<io::Error>,
    },
}

impl ConnectionError {
    pub(super) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            doing: doing.into(),
            source: Arc::new(source),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Kind { .. } | Self::Denied { .. } | Self::HostKey { .. } | Self::Key { .. } => {
                Blame::Configuration
            }
            Self::Invalid { .. }
            | Self::NotFound { .. }
            | Self::Permission { .. }
            | Self::NotAFile { .. }
            | Self::TooLarge { .. } => Blame::Caller,
            Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::Timeout { .. }
            | Self::Failed { .. } => Blame::Peer,
            Self::Tool { .. } | Self::Io { .. } => Blame::Environment,
        }
    }

    /// Whether the same call may succeed later. What it runs may then run twice, if the connection
    /// was [lost](Self::Lost) or it took [too long](Self::Timeout).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Timeout { .. }
        )
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { kind } => {
                let known: Vec<_> = Kind::KNOWN.iter().map(|k| format!("`{k}`")).collect();
                write!(
                    f,
                    "cannot connect to a machine of kind `{kind}`; the kinds that are known here are {}",
                    known.join(" and ")
                )
            }
            Self::Invalid { what, value } => write!(f, "found {value:?}, expected {what}"),
            Self::Unreachable { reason } => write!(f, "cannot be reached: {reason}"),
            Self::Denied { reason } => write!(
                f,
                "does not let us in: {reason}; check the user, the key, and who is allowed on the machine"
            ),
            Self::HostKey { reason } => write!(
                f,
                "does not show the host key that is known for it: {reason}; if it was set up anew, \
                 remove the old key from the file of known hosts, and ask yourself who answers otherwise"
            ),
            Self::Lost { reason } => write!(
                f,
                "the connection was lost: {reason}; what was begun may have been done"
            ),
            Self::Timeout { doing, waited } => {
                write!(f, "{doing} was not done within {waited:?}")
            }
            Self::NotFound { path } => write!(f, "there is no {path:?}"),
            Self::Permission { path } => write!(f, "{path:?}: permission denied"),
            Self::NotAFile { path } => write!(f, "{path:?} is a folder or special, not a file"),
            Self::TooLarge { path, limit } => {
                write!(f, "{path:?} is larger than the bound of {limit} bytes")
            }
            Self::Key { path, reason } => {
                write!(f, "the private key {path:?} cannot be read: {reason}")
            }
            Self::Tool { tool } => write!(
                f,
                "the program `{tool}` is missing on this machine; install it, or put it into PATH"
            ),
            Self::Failed { doing, reason } => write!(f, "{doing}: {reason}"),
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl Error for ConnectionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
