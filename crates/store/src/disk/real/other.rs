//! What is left where there is no Unix: compiled, never tried.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Opening;
use crate::disk::{Access, Stat, Word};

/// Only a handle that may write can make content durable.
pub(super) const OPENING_TO_SYNC: Opening = Opening::ReadingAndWriting;

/// The number of a file cannot be had without calls of the system's own: all files seem the same,
/// and only size and time tell contents apart.
pub(crate) fn stat_of(metadata: &Metadata) -> Stat {
    let modified = metadata.modified().map_or(0, nanos);
    Stat {
        device: 0,
        inode: 0,
        size: metadata.len(),
        modified,
        changed: modified,
        mode: if metadata.permissions().readonly() {
            0o400
        } else {
            0o600
        },
        owner: 0,
        group: 0,
        links: 1,
        is_file: metadata.is_file(),
    }
}

fn nanos(time: SystemTime) -> i128 {
    let since = |span: std::time::Duration| i128::try_from(span.as_nanos()).unwrap_or(i128::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => since(after),
        Err(before) => -since(before.duration()),
    }
}

pub(super) fn follow_nothing(_: &mut OpenOptions) {}

pub(super) fn create_private(_: &mut OpenOptions, _: Access) {}

#[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
pub(super) fn set_access(_: &File, _: Access) -> io::Result<()> {
    Ok(())
}

/// The file systems of these platforms make names durable by themselves; nothing can be asked for.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    fs::metadata(path).map(drop)
}

pub(super) fn create_folder(path: &Path, _: u32) -> io::Result<()> {
    fs::create_dir(path)
}

pub(super) fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn open_word(_: &Path, _: &str) -> io::Result<Option<Box<dyn Word>>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn create_word(
    _: &Path,
    _: &Path,
    _: Access,
    _: &str,
    _: u64,
) -> io::Result<Box<dyn Word>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn network(path: &Path) -> io::Result<Option<String>> {
    fs::metadata(path).map(|_| None)
}
