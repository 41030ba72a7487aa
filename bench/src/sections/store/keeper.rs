//! What is measured: stores that keep entries by name, each as a program would use it.

use std::error::Error;
use std::path::Path;

use super::byname::Byname;
use super::lmdb::Lmdb;
use super::raw::Raw;
use super::rewrite::Rewrite;
use super::sqlite::Sqlite;

pub(super) type Failure = Box<dyn Error + Send + Sync>;

/// A store as one process has it open. Threads share it.
pub(super) trait Keeper: Send + Sync {
    /// Gives what one thread writes through.
    fn hand(&self) -> Result<Box<dyn Hand + '_>, Failure>;

    /// Puts entries in, as few transactions as the store likes.
    fn fill(&self, entries: &[(String, String)]) -> Result<(), Failure>;

    /// Calls `heard` with the value of [`BEACON`] whenever another process has changed it, as soon
    /// as this process can know, until `heard` says that it is enough. `ready` is called when
    /// nothing more can be missed.
    fn follow(
        &self,
        ready: &mut dyn FnMut(),
        heard: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), Failure>;
}

/// One thread's way to write.
pub(super) trait Hand {
    /// Adds a name that must not be there and, in the same transaction, takes out another; returns
    /// when that is durable.
    fn rotate(&mut self, name: &str, value: &str, out: Option<&str>) -> Result<(), Failure>;

    /// Takes a name out, durably.
    fn remove(&mut self, name: &str) -> Result<(), Failure>;

    /// Puts a value in the place of what is there, if anything, durably.
    fn put(&mut self, name: &str, value: &str) -> Result<(), Failure>;
}

/// The entry that observers wait for.
pub(super) const BEACON: &str = "beacon";

/// How often one who is not told of a change looks for it.
pub(super) const LOOK: std::time::Duration = std::time::Duration::from_millis(1);

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Byname,
    Sqlite,
    SqliteBatched,
    Lmdb,
    LmdbBatched,
    Rewrite,
    /// Overwrites 4 KiB of one file and calls `fdatasync`.
    Overwrite,
    /// Replaces a file of so many bytes.
    Replace(usize),
}

impl Peer {
    /// The name in tables.
    pub(super) fn row(self) -> String {
        match self {
            Self::Byname => "**file store**".into(),
            Self::Sqlite => "SQLite, a transaction an add".into(),
            Self::SqliteBatched => "SQLite, batched in the process".into(),
            Self::Lmdb => "LMDB, a transaction an add".into(),
            Self::LmdbBatched => "LMDB, batched in the process".into(),
            Self::Rewrite => "naive lock + write + rename".into(),
            Self::Overwrite => "4 KiB overwritten, `fdatasync`".into(),
            Self::Replace(bytes) => format!(
                "{} KB written beside, `fsync`, rename, `fsync` of the folder",
                bytes as f64 / 1e3
            ),
        }
    }

    /// The name on the command line of a worker.
    pub(super) fn key(self) -> String {
        match self {
            Self::Byname => "byname".into(),
            Self::Sqlite => "sqlite".into(),
            Self::SqliteBatched => "sqlite-batched".into(),
            Self::Lmdb => "lmdb".into(),
            Self::LmdbBatched => "lmdb-batched".into(),
            Self::Rewrite => "rewrite".into(),
            Self::Overwrite => "overwrite".into(),
            Self::Replace(bytes) => format!("replace-{bytes}"),
        }
    }

    /// The peer of a key.
    pub(super) fn of(key: &str) -> Option<Self> {
        if let Some(bytes) = key.strip_prefix("replace-") {
            return bytes.parse().ok().map(Self::Replace);
        }
        [
            Self::Byname,
            Self::Sqlite,
            Self::SqliteBatched,
            Self::Lmdb,
            Self::LmdbBatched,
            Self::Rewrite,
            Self::Overwrite,
        ]
        .into_iter()
        .find(|peer| peer.key() == key)
    }

    /// The folder, below that of its size, that this peer shares with others of the same kind.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Byname => "byname",
            Self::Sqlite | Self::SqliteBatched => "sqlite",
            Self::Lmdb | Self::LmdbBatched => "lmdb",
            Self::Rewrite => "rewrite",
            Self::Overwrite | Self::Replace(_) => "raw",
        }
    }

    /// Opens the store in `folder`, which is there.
    pub(super) fn open(self, folder: &Path) -> Result<Box<dyn Keeper>, Failure> {
        Ok(match self {
            Self::Byname => Box::new(Byname::open(folder)?),
            Self::Sqlite => Box::new(Sqlite::open(folder, false)?),
            Self::SqliteBatched => Box::new(Sqlite::open(folder, true)?),
            Self::Lmdb => Box::new(Lmdb::open(folder, false)?),
            Self::LmdbBatched => Box::new(Lmdb::open(folder, true)?),
            Self::Rewrite => Box::new(Rewrite::open(folder)),
            Self::Overwrite => Box::new(Raw::overwrite(folder)?),
            Self::Replace(bytes) => Box::new(Raw::replace(folder, bytes)),
        })
    }
}
