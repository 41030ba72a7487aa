//! The folder in which the stores are: on the disk that the build is on, gone at the end.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::clock::now;
use super::crew;
use super::keeper::Peer;
use crate::histogram::Histogram;

/// A disk that takes this many times its good time is busy with others' writes.
const BUSY: f64 = 2.0;
/// How often a pace is taken at a time; the median counts.
const PROBES: usize = 7;

/// A folder of this run.
pub(super) struct Ground {
    folder: PathBuf,
    filled: BTreeSet<PathBuf>,
    probe: File,
    paces: Histogram,
}

impl Ground {
    /// Makes a folder beside the program, and refuses one that only looks like a disk.
    pub(super) fn new() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let beside = program.parent().unwrap_or(Path::new("."));
        let folder = beside.join(format!("store-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let ground = Self {
            probe: File::create_new(folder.join("probe"))?,
            folder,
            filled: BTreeSet::new(),
            paces: Histogram::new(),
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

    /// Gives the nanoseconds that a block overwritten and made durable takes now.
    pub(super) fn pace(&mut self) -> io::Result<u64> {
        let mut times = [0; PROBES];
        for (at, time) in (0..).zip(&mut times) {
            let began = now();
            self.probe.write_all_at(&[at; 4096], 0)?;
            self.probe.sync_data()?;
            *time = now() - began;
        }
        times.sort_unstable();
        let pace = times[PROBES / 2];
        self.paces.add(pace);
        Ok(pace)
    }

    /// Whether others keep the disk busy at such a pace; the pace that one probe in ten reaches is
    /// good.
    pub(super) fn is_busy(&self, pace: u64) -> bool {
        pace as f64 > self.paces.quantile(0.1) as f64 * BUSY
    }

    /// Gives the good pace, and the one that half of the probes did not reach.
    pub(super) fn paces(&self) -> (u64, u64) {
        (self.paces.quantile(0.1), self.paces.quantile(0.5))
    }

    /// Describes the disk as a Markdown line.
    pub(super) fn describe(&self) -> io::Result<String> {
        let mount = Mount::of(&self.folder)?;
        let cache = mount.write_cache().unwrap_or_else(|| "unknown".into());
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: Vec<&str> = load.split(' ').take(3).collect();
        let journal = match mount.has_journal() {
            Some(false) => " without a journal",
            Some(true) => " with a journal",
            None => "",
        };
        Ok(format!(
            "- disk: {}{journal} ({}) on {}; write cache of the device as the kernel sees it: {cache}; load \
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

    /// Whether an ext4 has a journal: the kernel has a thread and a folder for each that there is.
    fn has_journal(&self) -> Option<bool> {
        if self.kind != "ext4" {
            return None;
        }
        let device = Path::new(&self.device).file_name()?.to_str()?;
        let journals = match fs::read_dir("/proc/fs/jbd2") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(false),
            journals => journals.ok()?,
        };
        let names = journals.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let ours = format!("{device}-");
        Some(names.into_iter().any(|name| name.starts_with(&ours)))
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
