//! Why there is no listener.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::address::Address;

/// Why a listener cannot listen, and what to do.
///
/// All of them are mended by who writes the configuration or runs the machine; none by trying again.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// A setting makes no sense.
    Setting {
        /// Which, as it is written: `timeouts.idle`.
        key: &'static str,
        /// What is wrong with it, and what was expected.
        why: String,
    },
    /// A setting cannot be changed while it listens.
    Restart {
        /// Which, as it is written.
        key: &'static str,
    },
    /// The system does not let it listen there.
    Bind {
        /// Where.
        address: Address,
        /// What the system said.
        source: io::Error,
    },
    /// There is a file where its socket file would be.
    Occupied {
        /// The path.
        path: PathBuf,
        /// What it is.
        by: Occupant,
    },
    /// A file of its TLS settings cannot be used.
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; nothing of what is in it.
        why: String,
    },
}

/// What is in the place of a socket file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Occupant {
    /// A socket that somebody listens at.
    Listener,
    /// A socket that nobody listens at any more.
    Orphan,
    /// Something that is no socket.
    Other,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { key, why } => write!(f, "`{key}` {why}"),
            Self::Restart { key } => write!(f, "`{key}` is only changed by a restart"),
            Self::Bind { address, source } => {
                write!(f, "cannot listen on {address}: ")?;
                match (address, source.kind()) {
                    (Address::Tcp(tcp), io::ErrorKind::AddrInUse) => write!(
                        f,
                        "another program does already; stop it, or choose another port, as {} (any \
                         free one)",
                        SocketAddr::new(tcp.ip(), 0)
                    ),
                    (Address::Tcp(_), io::ErrorKind::PermissionDenied) => f.write_str(
                        "not permitted; ports below 1024 often need more rights, choose another in \
                         `address`",
                    ),
                    (Address::Tcp(_), io::ErrorKind::AddrNotAvailable) => f.write_str(
                        "this machine has no such address; use 127.0.0.1 for this machine only or \
                         0.0.0.0 for all of its addresses",
                    ),
                    (Address::Unix(_), io::ErrorKind::NotFound) => {
                        f.write_str("there is no such folder; make it, or choose another path")
                    }
                    (Address::Unix(_), io::ErrorKind::PermissionDenied) => f.write_str(
                        "not permitted; choose a path in a folder that the program may write to",
                    ),
                    (Address::Unix(_), io::ErrorKind::InvalidInput) => f.write_str(
                        "a path of a socket has about 100 bytes at most; choose a shorter one",
                    ),
                    _ => write!(f, "{source}"),
                }
            }
            Self::Occupied { path, by } => {
                write!(f, "cannot listen on unix:{}: ", path.display())?;
                f.write_str(match by {
                    Occupant::Listener => {
                        "another program does already; stop it, or choose another path"
                    }
                    Occupant::Orphan => {
                        "the socket of a program that has ended is there; remove it, or set \
                         `unix.replace: true`"
                    }
                    Occupant::Other => {
                        "there is a file that is no socket; remove it, or choose another path"
                    }
                })
            }
            Self::Tls { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind { source, .. } => Some(source),
            _ => None,
        }
    }
}
