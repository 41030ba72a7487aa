//! Sockets that are files.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::address::Address;
use super::error::{ListenError, Occupant};
use super::settings::Unix;
use super::socket::BACKLOG;

/// A socket that is a file, which is removed with it, unless it is somebody else's by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    listener: UnixListener,
    path: PathBuf,
    identity: Option<Identity>,
}

/// What tells a file from another of the same name: its device and its number there.
type Identity = (u64, u64);

fn identity(path: &Path) -> io::Result<Identity> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl SocketFile {
    pub(super) async fn bind(path: &Path, settings: &Unix) -> Result<Self, ListenError> {
        let failed = |source| ListenError::Bind {
            address: Address::Unix(path.to_path_buf()),
            source,
        };
        clear(path, settings).await?;
        let socket = UnixSocket::new_stream().map_err(failed)?;
        socket.bind(path).map_err(|source| {
            // Somebody was faster.
            if source.kind() == io::ErrorKind::AddrInUse {
                occupied(path, Occupant::Listener)
            } else {
                failed(source)
            }
        })?;
        // Nobody can connect before the socket listens, so nobody slips in under other permissions.
        let identity = identity(path);
        let mode = fs::Permissions::from_mode(settings.mode.bits());
        let ready = fs::set_permissions(path, mode).and_then(|()| socket.listen(BACKLOG));
        match ready {
            Ok(listener) => Ok(Self {
                listener,
                path: path.to_path_buf(),
                identity: identity.ok(),
            }),
            Err(source) => {
                let _ = fs::remove_file(path);
                Err(failed(source))
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).ok() == self.identity && self.identity.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn occupied(path: &Path, by: Occupant) -> ListenError {
    ListenError::Occupied {
        path: path.to_path_buf(),
        by,
    }
}

/// Removes the socket file of a program that has ended, where that is wanted.
async fn clear(path: &Path, settings: &Unix) -> Result<(), ListenError> {
    let Ok(found) = fs::symlink_metadata(path) else {
        // If it is there and cannot be looked at, binding says why.
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(occupied(path, Occupant::Other));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        // It has gone meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // Somebody answers; or nobody can tell, and what may be alive is left alone.
        _ => return Err(occupied(path, Occupant::Listener)),
    }
    if !settings.replace {
        return Err(occupied(path, Occupant::Orphan));
    }
    // Not the file of who took the place of the orphan meanwhile.
    if identity(path).ok() != Some((found.dev(), found.ino())) {
        return Err(occupied(path, Occupant::Listener));
    }
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(ListenError::Bind {
            address: Address::Unix(path.to_path_buf()),
            source,
        }),
        _ => Ok(()),
    }
}
