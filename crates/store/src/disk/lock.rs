//! The file of a lock, on the disk of this machine.

use std::fs::{File, TryLockError};
use std::io;

use super::real::stat_of;
use super::{LockFile, Stat};

/// The bytes of a note; it always fills them, so that the file neither grows nor shrinks after the
/// first one and a full disk cannot stop the next.
const NOTE: usize = 1_024;

/// The lock belongs to the open file: the kernel gives it up with the last descriptor of it, however
/// the process ends.
pub(super) struct RealLock(File);

impl RealLock {
    pub(super) fn new(file: File) -> Self {
        Self(file)
    }
}

impl LockFile for RealLock {
    fn try_lock(&self) -> io::Result<bool> {
        loop {
            match self.0.try_lock() {
                Ok(()) => return Ok(true),
                Err(TryLockError::WouldBlock) => return Ok(false),
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    fn unlock(&self) -> io::Result<()> {
        self.0.unlock()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.0.metadata().map(|metadata| stat_of(&metadata))
    }

    fn write_note(&self, note: &[u8]) -> io::Result<()> {
        if note.len() > NOTE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a note has at most {NOTE} bytes, this one {}", note.len()),
            ));
        }
        let mut page = [b' '; NOTE];
        page[..note.len()].copy_from_slice(note);
        page[NOTE - 1] = if note.len() == NOTE {
            note[NOTE - 1]
        } else {
            b'\n'
        };
        write_at_start(&self.0, &page)
    }

    fn read_note(&self) -> io::Result<Vec<u8>> {
        let mut page = [0; NOTE];
        let length = read_at_start(&self.0, &mut page)?;
        Ok(page[..length].trim_ascii_end().to_vec())
    }
}

impl Drop for RealLock {
    /// Closing is not enough: a child that was forked and has not yet become its program has a
    /// descriptor of the same open file.
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked when the descriptor closes.
        let _ = self.0.unlock();
    }
}

#[cfg(unix)]
fn write_at_start(file: &File, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, 0)
}

#[cfg(unix)]
fn read_at_start(file: &File, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        match std::os::unix::fs::FileExt::read_at(file, bytes, 0) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(not(unix))]
fn write_at_start(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    use io::{Seek, Write};
    file.rewind()?;
    file.write_all(bytes)
}

#[cfg(not(unix))]
fn read_at_start(mut file: &File, bytes: &mut [u8]) -> io::Result<usize> {
    use io::{Read, Seek};
    file.rewind()?;
    file.read(bytes)
}
