//! The folder in which the stores are: on the disk that the build is on, gone at the end.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::crew;
use super::keeper::Peer;

/// A folder of this run.
pub(super) struct Ground {
    folder: PathBuf,
    filled: BTreeSet<PathBuf>,
}

impl Ground {
    /// Makes a folder beside the program, and refuses one that only looks like a disk.
    pub(super) fn new() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let beside = program.parent().unwrap_or(Path::new("."));
        let folder = beside.join(format!("store-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let ground = Self {
            folder,
            filled: BTreeSet::new(),
        };
        let kind = Mount::of(&ground.folder)?.kind;
        if ["tmpfs", "ramfs"].contains(&kind.as_str()) {
            return Err(io::Error::other(format!(
                "{} is on a {kind}, where nothing is durable; set CARGO_TARGET_DIR to a folder on a disk",
                ground.folder.display(),
            )));
        }
        Ok(ground)
    }

    /// Describes the disk as a Markdown line.
    pub(super) fn describe(&self) -> io::Result<String> {
        let mount = Mount::of(&self.folder)?;
        let cache = mount.write_cache().unwrap_or_else(|| "unknown".into());
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: Vec<&str> = load.split(' ').take(3).collect();
        Ok(format!(
            "- disk: {} ({}) on {}; write cache of the device as the kernel sees it: {cache}; load \
             average when this began: {}",
            mount.kind,
            mount.options,
            mount.device,
            load.join(" "),
        ))
    }

    /// Gives the folder of a peer's store that has so many entries; fills it if this is the first
    /// time.
    pub(super) fn store(&mut self, peer: Peer, entries: usize) -> io::Result<PathBuf> {
        let folder = self.folder.join(format!("{entries}-{}", peer.folder()));
        if self.filled.insert(folder.clone()) {
            fs::create_dir(&folder)?;
            crew::fill(peer, &folder, entries)?;
        }
        Ok(folder)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {error}", self.folder.display());
        }
    }
}

/// The file system that a file is on.
struct Mount {
    /// Major and minor number.
    number: String,
    kind: String,
    device: String,
    options: String,
}

impl Mount {
    fn of(path: &Path) -> io::Result<Self> {
        let device = fs::metadata(path)?.dev();
        let number = format!(
            "{}:{}",
            rustix::fs::major(device),
            rustix::fs::minor(device)
        );
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let found = mounts.lines().find_map(|line| {
            let (place, what) = line.split_once(" - ")?;
            let mut place = place.split(' ').skip(2);
            (place.next()? == number).then_some(())?;
            let options = place.nth(2)?.to_owned();
            let mut what = what.split(' ');
            Some(Self {
                number: number.clone(),
                kind: what.next()?.to_owned(),
                device: what.next()?.to_owned(),
                options,
            })
        });
        found.ok_or_else(|| {
            io::Error::other(format!("no file system is mounted as device {number}"))
        })
    }

    /// Whether the device keeps writes until it is told to flush.
    fn write_cache(&self) -> Option<String> {
        let device = format!("/sys/dev/block/{}", self.number);
        let cache = ["queue/write_cache", "../queue/write_cache"]
            .iter()
            .find_map(|file| fs::read_to_string(format!("{device}/{file}")).ok())?;
        Some(cache.trim().to_owned())
    }
}
