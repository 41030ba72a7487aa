//! The private folder for what lives as long as a connection: sockets, and messages of `ssh`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::error::ConnectionError;
use super::options::SshOptions;
use crate::model::Host;

/// A socket's path is at most 103 bytes on some systems, and `ssh` puts 17 behind it while it makes
/// the socket.
const MAX_CONTROL: usize = 103 - 17;

pub(super) struct Runtime {
    folder: PathBuf,
}

/// A file that goes when this does.
pub(super) struct Log(PathBuf);

impl Log {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // There is none unless ssh had something to say.
        _ = fs::remove_file(&self.0);
    }
}

impl Runtime {
    /// Makes the folder if it is missing, and checks that nobody else may enter it.
    pub(super) fn open(options: &SshOptions) -> Result<Self, ConnectionError> {
        let folder = match &options.runtime {
            Some(folder) => folder.clone(),
            None => system::default_folder(),
        };
        let failed = |error| {
            let doing = format!("making the private folder {}", folder.display());
            ConnectionError::io(doing, error)
        };
        system::create(&folder).map_err(failed)?;
        Ok(Self { folder })
    }

    /// A file for the messages of one `ssh`.
    pub(super) fn log(&self) -> Log {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Log(self
            .folder
            .join(format!("{}-{number}.log", std::process::id())))
    }

    /// The socket of connections that may stand in for each other: they lead to the same place with
    /// the same key, and trust the same host keys.
    pub(super) fn control(
        &self,
        host: &Host,
        key: Option<&str>,
        options: &SshOptions,
    ) -> Result<Option<PathBuf>, ConnectionError> {
        if cfg!(not(unix)) || options.persist.is_none() {
            return Ok(None);
        }
        let mut hasher = DefaultHasher::new();
        (host, key, &options.known_hosts, &options.config).hash(&mut hasher);
        (options.host_keys as u8).hash(&mut hasher);
        let path = self.folder.join(format!("{:016x}", hasher.finish()));
        if path.as_os_str().len() <= MAX_CONTROL {
            Ok(Some(path))
        } else {
            Err(ConnectionError::Invalid {
                what: "a runtime folder for ssh whose path is at most 69 bytes long",
                value: self.folder.display().to_string(),
            })
        }
    }
}

#[cfg(unix)]
mod system {
    use std::fs::DirBuilder;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};

    use rustix::process::geteuid;

    use super::{Path, PathBuf, fs, io};

    pub(super) fn default_folder() -> PathBuf {
        match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
            Some(folder) if folder.is_absolute() => folder.join("byname"),
            _ => PathBuf::from(format!("/tmp/byname-{}", geteuid().as_raw())),
        }
    }

    pub(super) fn create(folder: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // Somebody else may have put something there; a link is not followed. None of the low six bits
        // of the mode is set when others may do nothing.
        let there = fs::symlink_metadata(folder)?;
        let own = there.uid() == geteuid().as_raw() && there.mode().trailing_zeros() >= 6;
        if there.is_dir() && own {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it is there and is not a folder of this user that is closed to others; remove it, \
             or choose another",
            ))
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::{Path, PathBuf, fs, io};

    pub(super) fn default_folder() -> PathBuf {
        std::env::temp_dir().join("byname")
    }

    pub(super) fn create(folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }
}
