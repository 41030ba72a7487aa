//! A file, a folder, a link, a word: as programs see it, and as much of it as is durable.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::fault::Failure;
use crate::disk::Seal;

/// Names a file for ever; inode numbers are used again.
pub(super) type Id = u64;

#[derive(Clone, Debug)]
pub(super) struct Content {
    /// As programs see it.
    pub(super) data: Arc<[u8]>,
    /// What is durable. A power cut may leave anything between the two.
    pub(super) stable: Arc<[u8]>,
    /// What the next sync writes.
    dirty: Vec<Range<usize>>,
    /// Where the last write was.
    pub(super) last: Range<usize>,
}

impl Content {
    pub(super) fn empty() -> Self {
        Self::settled(Arc::from([]))
    }

    pub(super) fn settled(data: Arc<[u8]>) -> Self {
        Self {
            stable: Arc::clone(&data),
            data,
            dirty: Vec::new(),
            last: 0..0,
        }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        let start = self.data.len();
        self.data = self.data.iter().chain(bytes).copied().collect();
        self.last = start..self.data.len();
        self.dirty.push(self.last.clone());
    }

    /// Opens, truncates, writes.
    pub(super) fn overwrite(&mut self, bytes: &[u8]) {
        self.data = Arc::from(bytes);
        self.last = 0..bytes.len();
        self.dirty = vec![self.last.clone()];
    }

    pub(super) fn sync_unless(&mut self, failure: Option<Failure>) -> io::Result<()> {
        if let Some(failure) = failure {
            if failure.cleans() {
                // What it was to write counts as written from now on.
                self.dirty.clear();
            }
            return Err(failure.error());
        }
        if self.dirty.is_empty() {
            return Ok(());
        }
        let mut stable = self.stable.to_vec();
        stable.resize(self.data.len(), 0);
        for range in self.dirty.drain(..) {
            stable[range.clone()].copy_from_slice(&self.data[range]);
        }
        self.stable = Arc::from(stable);
        Ok(())
    }

    /// Drops what is neither durable nor to be written.
    pub(super) fn evict(&mut self) {
        if self.dirty.is_empty() {
            self.data = Arc::clone(&self.stable);
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.data == self.stable
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    pub(super) names: BTreeMap<OsString, Id>,
    pub(super) stable: BTreeMap<OsString, Id>,
    /// Whether the next sync writes anything.
    pub(super) dirty: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Generation {
    pub(super) registry: String,
    /// Every pair of value and seal since its creation; the last is the present one.
    pub(super) history: Vec<(u64, Option<Seal>)>,
    /// A page of zeros is not valid.
    pub(super) valid: bool,
}

impl Generation {
    /// Whether it is a word of this registry; one that another has taken the place of is one too.
    pub(super) fn is_of(&self, registry: &str) -> bool {
        self.valid && self.registry == registry
    }
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    File(Content),
    Folder(Folder),
    Symlink(PathBuf),
    Word(Generation),
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The inode number.
    pub(super) number: u64,
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) links: u64,
    /// How many handles are open: as long as there is one the number is not used again.
    pub(super) open: u64,
    pub(super) modified: u64,
    pub(super) changed: u64,
    pub(super) body: Body,
}
