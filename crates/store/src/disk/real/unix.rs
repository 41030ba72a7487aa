//! What is Unix's own.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Gid, Mode, OFlags, Uid};

use super::Opening;
use crate::disk::{Access, Stat, Word, word};

/// Any descriptor of a file will do to make its content durable.
pub(super) const OPENING_TO_SYNC: Opening = Opening::Reading;

const NANOS: i128 = 1_000_000_000;

pub(crate) fn stat_of(metadata: &Metadata) -> Stat {
    let time = |seconds: i64, nanos: i64| i128::from(seconds) * NANOS + i128::from(nanos);
    Stat {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: time(metadata.mtime(), metadata.mtime_nsec()),
        changed: time(metadata.ctime(), metadata.ctime_nsec()),
        mode: metadata.mode() & 0o7777,
        owner: metadata.uid(),
        group: metadata.gid(),
        links: metadata.nlink(),
        is_file: metadata.is_file(),
    }
}

/// No link at the end of the path, no terminal to become ours, no waiting for a pipe's other end.
/// (That the descriptor is closed on exec is how the standard library opens everything.)
pub(super) fn follow_nothing(options: &mut OpenOptions) {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(flags.bits().cast_signed());
}

/// Until [`set_access`] has run nobody but the owner may open what is created.
pub(super) fn create_private(options: &mut OpenOptions, access: Access) {
    options.mode(access.mode & 0o600);
}

/// Gives a file that was just created, and is still empty, its owner, its group and its mode.
///
/// Only root may give a file away, and others may only choose among their own groups. What is
/// refused is left out, and the mode made up for it so that nobody may do more than was asked for:
/// where the group cannot be given, group and others get what *both* were to have, because those
/// who would have been the group are now among the others, and the group is another one. Where the
/// owner cannot be given it is this process's user, who writes the file. In both cases the bits that
/// lend the file's owner or group to a program are left out.
pub(super) fn set_access(file: &File, access: Access) -> io::Result<()> {
    let mut mode = access.mode & 0o7777;
    if let Some((owner, group)) = access.owner {
        let now = file.metadata()?;
        let (owner_differs, group_differs) = (now.uid() != owner, now.gid() != group);
        let owner = owner_differs.then(|| Uid::from_raw(owner));
        let group = group_differs.then(|| Gid::from_raw(group));
        // Before the mode is set: a change of owner takes bits away.
        if (owner_differs || group_differs) && !change_owner(file, owner, group)? {
            mode &= 0o777;
            if group_differs && (!owner_differs || !change_owner(file, None, group)?) {
                let both = (mode >> 3) & mode & 0o7;
                mode = (mode & 0o700) | (both << 3) | both;
            }
        }
    }
    rustix::io::retry_on_intr(|| rustix::fs::fchmod(file, Mode::from_raw_mode(mode)))?;
    Ok(())
}

/// Returns false when this process may not do that.
fn change_owner(file: &File, owner: Option<Uid>, group: Option<Gid>) -> io::Result<bool> {
    match rustix::io::retry_on_intr(|| rustix::fs::fchown(file, owner, group)) {
        Ok(()) => Ok(true),
        // EINVAL: an id that has no meaning in this user namespace.
        Err(rustix::io::Errno::PERM | rustix::io::Errno::INVAL) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true);
    options.custom_flags(OFlags::DIRECTORY.bits().cast_signed());
    options.open(path)?.sync_all()
}

pub(super) fn create_folder(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().mode(mode & 0o700).create(path)?;
    let mut options = OpenOptions::new();
    options.read(true);
    options.custom_flags((OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed());
    // A folder that not even its owner may read cannot be opened; its mode is set by its name.
    match options.open(path) {
        Ok(folder) => rustix::io::retry_on_intr(|| {
            rustix::fs::fchmod(&folder, Mode::from_raw_mode(mode & 0o7777))
        })?,
        Err(_) => rustix::fs::chmod(path, Mode::from_raw_mode(mode & 0o7777))?,
    }
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;

    match rustix::io::retry_on_intr(|| renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)) {
        // EINVAL is how a file system says that it does not know the flag.
        Err(error @ (Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)) => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            io::Error::from(error),
        )),
        result => Ok(result?),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn open_word(path: &Path, registry: &str) -> io::Result<Option<Box<dyn Word>>> {
    Ok(word::open(path, registry)?.map(|word| Box::new(word) as _))
}

pub(super) fn create_word(
    path: &Path,
    scratch: &Path,
    access: Access,
    registry: &str,
    revision: u64,
) -> io::Result<Box<dyn Word>> {
    Ok(Box::new(word::create(
        path, scratch, access, registry, revision,
    )?))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn network(path: &Path) -> io::Result<Option<String>> {
    let kind = rustix::io::retry_on_intr(|| rustix::fs::statfs(path))?.f_type;
    // The kernel's numbers have 32 bits; some systems extend their sign.
    let kind = u32::try_from(i128::from(kind) & 0xFFFF_FFFF).unwrap_or(0);
    Ok(super::super::network::name(kind).map(str::to_owned))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn network(path: &Path) -> io::Result<Option<String>> {
    std::fs::metadata(path).map(|_| None)
}
