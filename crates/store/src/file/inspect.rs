//! Telling what there is, without changing anything.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::document::Document;
use super::examine::Found;
use super::lock::{LOCK, read_holder};
use super::shared::{Shared, failed, found};
use crate::disk::Stat;
use crate::error::{Holder, StoreError};
use crate::health::Problem;

/// What is in the document's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Nothing, and nothing was ever there.
    Fresh,
    /// The document, as it was committed.
    Whole,
    /// A text by hand, to be taken up by the next commit.
    Edited,
    /// A text by hand that cannot be read.
    Broken,
    /// Neither what was committed last nor an edit of it.
    Damaged,
    /// A document of a later version of the format.
    LaterFormat,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh => "nothing yet",
            Self::Whole => "whole",
            Self::Edited => "edited by hand, not taken up yet",
            Self::Broken => "edited by hand, and cannot be read",
            Self::Damaged => "damaged",
            Self::LaterFormat => "of a later format",
        })
    }
}

/// A revision that is kept beside the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// Its number.
    pub revision: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many entries it has; `None` when it cannot be relied on.
    pub entries: Option<u64>,
}

/// A file that a writer has left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// Where it is.
    pub path: PathBuf,
    /// How many bytes it has.
    pub bytes: u64,
}

/// Who may write, and what writers have left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Locks {
    /// The file of the lock.
    pub path: PathBuf,
    /// Whether it is held; `None` when the system does not tell.
    pub held: Option<bool>,
    /// Who says to hold it. A note that nobody stands behind was left by a process that was killed.
    pub holder: Option<Holder>,
    /// Temporaries: of writers at work or, if nobody holds the lock, of killed ones.
    pub leftovers: Vec<Leftover>,
}

/// What there is of a file store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The document.
    pub document: PathBuf,
    /// The registry's identity.
    pub id: Option<String>,
    /// What is in the document's place.
    pub state: State,
    /// What is to be said of it.
    pub problem: Option<Problem>,
    /// The revision in the document's place, if it can be read.
    pub revision: Option<u64>,
    /// The entries there.
    pub entries: Option<u64>,
    /// The newest revision that is known to have been committed; 0 for none.
    pub committed: u64,
    /// The revisions that are kept, oldest first.
    pub kept: Vec<Kept>,
    /// What was set aside.
    pub aside: Vec<PathBuf>,
    /// The locks.
    pub locks: Locks,
}

impl Inspection {
    /// Whether there is nothing that an operator should look at.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let kept = self.kept.iter().all(|kept| kept.entries.is_some());
        matches!(self.state, State::Fresh | State::Whole) && kept
    }
}

pub(super) fn inspect(shared: &Arc<Shared>) -> Result<Inspection, StoreError> {
    let (look, what) = shared.see()?;
    let parsed = Document::parse(look.bytes(), None).ok();
    let (id, shown) = {
        let current = shared.current();
        (current.id.clone(), current.revision)
    };
    let state = match &what {
        Found::Fresh => State::Fresh,
        Found::Same | Found::Newer(..) => State::Whole,
        Found::Edit(_) => State::Edited,
        Found::Broken(_) => State::Broken,
        Found::Damage(_) => State::Damaged,
        Found::Format(_) => State::LaterFormat,
    };
    let kept = kept(shared, id.as_deref())?;
    let aside = shared.paths.aside();
    let names = found(shared.disk.list(&aside)).map_err(failed("listing", &aside))?;
    let mut set_aside: Vec<_> = names
        .unwrap_or_default()
        .iter()
        .map(|name| aside.join(name))
        .collect();
    set_aside.sort_unstable();
    Ok(Inspection {
        document: shared.paths.document.clone(),
        id: id.as_deref().map(str::to_owned),
        problem: Shared::problem(&shared.paths.named, &what),
        state,
        revision: parsed.as_ref().map(|parsed| parsed.document.revision),
        entries: parsed
            .as_ref()
            .map(|parsed| parsed.document.entries().len() as u64),
        committed: shared.known().max(shown),
        kept,
        aside: set_aside,
        locks: locks(shared)?,
    })
}

/// The revisions that are kept. Those that a writer lets go meanwhile, or is still making, are not.
fn kept(shared: &Shared, id: Option<&str>) -> Result<Vec<Kept>, StoreError> {
    let folder = shared.paths.revisions();
    // A copy is made before its revision is acknowledged.
    let acknowledged = shared.acknowledged();
    let revisions = shared
        .kept_revisions()
        .map_err(failed("listing", &folder))?;
    let mut kept = Vec::new();
    for revision in revisions {
        let path = shared.paths.revision(revision);
        let read = || {
            let document = shared.kept(revision, id)?;
            Some(document.entries().len() as u64)
        };
        let mut entries = read();
        let Some(stat) = found(shared.disk.stat(&path)).map_err(failed("looking at", &path))?
        else {
            continue;
        };
        if entries.is_none() && revision > acknowledged && acknowledged > 0 {
            let lock = shared.paths.side.join(LOCK);
            let lock = found(shared.disk.stat(&lock)).map_err(failed("looking at", &lock))?;
            if lock.is_some_and(|lock| is_held(&lock) != Some(false)) {
                continue;
            }
            // Whoever was making it is done by now.
            entries = read();
        }
        kept.push(Kept {
            revision,
            bytes: stat.size,
            entries,
        });
    }
    Ok(kept)
}

fn locks(shared: &Shared) -> Result<Locks, StoreError> {
    let path = shared.paths.side.join(LOCK);
    let stat = found(shared.disk.stat(&path)).map_err(failed("looking at", &path))?;
    let held = match stat {
        None => Some(false),
        Some(stat) => is_held(&stat),
    };
    let mut leftovers = Vec::new();
    for folder in [&shared.paths.folder, &shared.paths.side] {
        let names = found(shared.disk.list(folder)).map_err(failed("listing", folder))?;
        for name in names.unwrap_or_default() {
            if shared.paths.is_scratch(&name) {
                let path = folder.join(name);
                // It may be gone by now: a writer at work.
                if let Ok(stat) = shared.disk.stat(&path) {
                    leftovers.push(Leftover {
                        path,
                        bytes: stat.size,
                    });
                }
            }
        }
    }
    leftovers.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(Locks {
        path,
        held,
        holder: read_holder(&*shared.disk, &shared.paths.side),
        leftovers,
    })
}

/// Whether the system knows of a lock on this file; trying it would be in the way of writers.
#[cfg(target_os = "linux")]
fn is_held(stat: &Stat) -> Option<bool> {
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let (major, minor) = (
        rustix::fs::major(stat.device),
        rustix::fs::minor(stat.device),
    );
    let file = format!("{major:02x}:{minor:02x}:{}", stat.inode);
    Some(locks.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some("FLOCK") && words.any(|word| word == file)
    }))
}

/// Other systems do not list their locks.
#[cfg(not(target_os = "linux"))]
fn is_held(_: &Stat) -> Option<bool> {
    None
}
