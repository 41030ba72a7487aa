//! A registry in one file, shared by the processes of a machine.

mod absorb;
mod commit;
pub(crate) mod document;
mod examine;
mod hearing;
mod inspect;
mod leases;
mod loader;
mod lock;
mod options;
mod paths;
mod problems;
mod queue;
mod repair;
mod shared;
mod writer;

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use byname_registry::Registry;

pub use self::inspect::{Inspection, Kept, Leftover, Locks, State as FileState};
pub use self::options::{BootClock, FileOptions, SystemBootClock};
pub use self::repair::Cleaned;

use self::document::{Document, Sealed};
use self::examine::Found;
use self::paths::Paths;
use self::queue::Job;
use self::shared::{Shared, failed, found, visible};
use crate::disk::{Disk, RealDisk, Word};
use crate::error::StoreError;
use crate::health::Health;
use crate::lease::{Lease, LeaseId};
use crate::pending::Pending;
use crate::record::Record;
use crate::store::{Limits, Store};
use crate::transaction::Transaction;
use crate::watch::Watch;

/// A registry kept in one JSON document, which any number of processes of one machine share.
///
/// Reads are those of the [`mirror`](Store::mirror). A commit is durable before it is visible, and
/// visible in every process before it is acknowledged to anybody who then asks with
/// [`refresh`](Store::refresh). The document may be edited by hand while programs run. The format,
/// the protocol and their reasons are in `docs/format.md` of the repository.
///
/// Opening needs no permission to write, takes no lock, and does not wait for those who commit.
///
/// # Examples
///
/// ```
/// use byname_store::{Condition, FileOptions, FileStore, Json, Store, Transaction};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("machines.json");
/// let store = FileStore::open(&path, FileOptions::new())?;
/// let add = Transaction::new()
///     .when("alpha", Condition::Absent)
///     .put("alpha", Json::new(r#"{"kind":"ssh"}"#)?);
/// let revision = store.submit(add).wait()?;
/// assert_eq!(store.mirror().revision(), revision);
/// assert!(FileStore::open(&path, FileOptions::new())?.mirror().contains("alpha"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileStore {
    shared: Arc<Shared>,
}

impl FileStore {
    /// Opens the registry that is kept in the document at `path`. There need not be one: then the
    /// registry is empty, and the first commit makes it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Network`], [`StoreError::Io`]; and when there is no state to show, not even a
    /// kept copy of what was committed last, [`StoreError::Damage`], [`StoreError::Syntax`] or
    /// [`StoreError::Format`].
    pub fn open(path: impl AsRef<Path>, options: FileOptions) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(RealDisk), path, options)
    }

    /// Opens a registry on a disk of one's own.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_on(
        disk: Arc<dyn Disk>,
        path: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let document = disk
            .resolve(path)
            .map_err(failed("following links", path))?;
        let paths = Paths::new(path, document);
        if !options.network
            && let Some(kind) = network(&*disk, &paths.folder)?
        {
            return Err(StoreError::Network {
                path: path.to_path_buf(),
                kind,
            });
        }
        let store = Self {
            shared: Arc::new(Shared::new(disk, paths, options)),
        };
        store.first_look()?;
        let options = &store.shared.options;
        if (options.watch || options.poll.is_some()) && store.shared.loader.start() {
            store.shared.start("byname-read", loader::run);
        }
        Ok(store)
    }

    /// Brings the mirror to what there is.
    fn first_look(&self) -> Result<(), StoreError> {
        let shared = &self.shared;
        let first = shared.look()?;
        let kept = visible(shared.kept_revisions()).map_err(failed(
            "listing the kept revisions",
            &shared.paths.revisions(),
        ))?;
        let kept = kept.unwrap_or_default();
        let in_place = Document::parse(first.bytes(), None).ok();
        let whole = in_place
            .as_ref()
            .is_some_and(|parsed| matches!(parsed.sealed, Sealed::Right(_)));
        // Whose registry this is, as what was committed says and not what was put here.
        let named = in_place.map(|parsed| parsed.document.id);
        let mut id = named.clone().filter(|_| whole);
        if let Some(of_document) = &id {
            shared.current().id = Some(Arc::clone(of_document));
            shared.renew_word()?;
        }
        if shared.with_word(|_| ()).is_none()
            && let Some(newest) = shared.newest_kept()
        {
            id = Some(newest.id);
            shared.current().id.clone_from(&id);
            shared.renew_word()?;
        }
        if id.is_none() && named.is_some() {
            // Nothing but the word can tell an edit of this registry from damage.
            shared.current().id.clone_from(&named);
            shared.renew_word()?;
            if shared.with_word(|_| ()).is_none() {
                shared.current().id = None;
            }
        }
        // A copy is kept after its revision was made durable, whether or not the copy has survived.
        shared.current().kept = kept.last().copied().unwrap_or(0);
        let (look, what) = shared.see()?;
        shared.note(&what);
        match what {
            Found::Fresh => Ok(()),
            Found::Newer(document, checksum) => {
                let revision = document.revision;
                if revision > shared.acknowledged() {
                    shared.make_durable_if_possible()?;
                }
                shared.publish(document, look.stat(), checksum);
                shared.raise(revision);
                Ok(())
            }
            Found::Edit(ref parsed)
                if shared.known() == 0
                    || shared.known() < parsed.document.revision
                    || shared.fall_back().is_err() =>
            {
                // There is nothing else to show, or nothing that is not older than what the text was
                // made of: somebody must take it up, and then it is shown.
                shared
                    .current()
                    .id
                    .get_or_insert_with(|| Arc::clone(&parsed.document.id));
                if shared.options.repair {
                    return Ok(());
                }
                let refused = |why: &str| StoreError::Damage {
                    path: shared.paths.named.clone(),
                    what: format!("was written by hand, and {why}"),
                };
                if shared.options.read_only {
                    return Err(refused("nobody who may write has taken it up yet"));
                }
                let (completer, pending) = Pending::new();
                shared.push(Job::Absorb(completer), shared.options.wait);
                pending.wait().map(|_| ()).map_err(|error| match error {
                    StoreError::Io { source, .. } => {
                        refused(&format!("cannot be taken up: {source}"))
                    }
                    error => error,
                })
            }
            other => {
                let fallen = if shared.known() > 0 {
                    shared.fall_back().is_ok()
                } else {
                    false
                };
                if matches!(other, Found::Edit(_)) && !shared.options.repair {
                    shared.absorb_soon();
                }
                match shared.refusal(&other) {
                    Some(error)
                        if !shared.options.repair
                            && (!fallen || matches!(other, Found::Format(_))) =>
                    {
                        Err(error)
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Puts the content of a kept revision in place, as a new revision; 0 stands for the older copy
    /// that somebody has put in the document's place or, if there is none, for the newest kept
    /// revision. What is in place is set aside.
    #[must_use = "it is done whether or not it is waited for, and may fail"]
    pub fn restore(&self, revision: u64) -> Pending<u64> {
        self.ask(|completer| Job::Restore(revision, completer))
    }

    /// Takes what is in the document's place as a new revision, whatever its history.
    #[must_use = "it is done whether or not it is waited for, and may fail"]
    pub fn adopt(&self) -> Pending<u64> {
        self.ask(Job::Adopt)
    }

    /// Removes what is provably of no use: what writers left that were killed, copies that are more
    /// than are to be kept or cannot be relied on, leases that have ended.
    #[must_use = "it is done whether or not it is waited for, and may fail"]
    pub fn clean(&self) -> Pending<Cleaned> {
        self.ask(Job::Sweep)
    }

    /// Tells what is there, without changing anything.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] when the folder cannot be read.
    pub fn inspect(&self) -> Result<Inspection, StoreError> {
        inspect::inspect(&self.shared)
    }

    fn ask<T: Clone>(&self, job: impl FnOnce(crate::Completer<T>) -> Job) -> Pending<T> {
        self.ask_within(self.shared.options.wait, job)
    }

    fn ask_within<T: Clone>(
        &self,
        wait: Duration,
        job: impl FnOnce(crate::Completer<T>) -> Job,
    ) -> Pending<T> {
        let (completer, pending) = Pending::new();
        let job = job(completer);
        if self.shared.options.read_only {
            job.refuse(StoreError::Closed {
                why: "the store was opened for reading only",
            });
        } else {
            self.shared.push(job, wait);
        }
        pending
    }
}

impl Store for FileStore {
    fn id(&self) -> Option<String> {
        self.shared.current().id.as_deref().map(str::to_owned)
    }

    fn mirror(&self) -> &Registry<Record> {
        &self.shared.mirror
    }

    fn committed(&self) -> u64 {
        let detached = self.shared.detached.load(Ordering::Relaxed);
        match self.shared.with_word(<dyn Word>::load) {
            Some(revision) if !detached => revision,
            _ => self.shared.committed_without_word(),
        }
    }

    fn refresh(&self) -> Pending<u64> {
        let shown = self.shared.mirror.revision();
        if self.committed() <= shown {
            return Pending::done(Ok(shown));
        }
        let (completer, pending) = Pending::new();
        if self.shared.loader.request(completer) {
            self.shared.start("byname-read", loader::run);
        }
        pending
    }

    fn submit(&self, transaction: Transaction) -> Pending<u64> {
        if let Err(error) = self.shared.options.limits.check(&transaction) {
            return Pending::done(Err(error));
        }
        let wait = transaction.wait.unwrap_or(self.shared.options.wait);
        self.ask_within(wait, |completer| Job::Commit(transaction, completer))
    }

    fn watch(&self, after: u64) -> Watch {
        self.shared.history.watch(after)
    }

    fn grant(&self, time: Duration) -> Pending<Lease> {
        self.ask(|completer| Job::Grant(time, completer))
    }

    fn keep_alive(&self, id: LeaseId) -> Pending<Lease> {
        self.ask(|completer| Job::KeepAlive(id, completer))
    }

    fn revoke(&self, id: LeaseId) -> Pending<u64> {
        self.ask(|completer| Job::Revoke(id, completer))
    }

    fn health(&self) -> Health {
        let committed = self.shared.acknowledged();
        let revision = self.shared.mirror.revision();
        let behind = self.shared.current().behind;
        Health {
            revision,
            committed: committed.max(revision),
            stale: behind.map(|since| since.elapsed()),
            problems: self.shared.problems.all(),
            turned_away: self.shared.queue.turned_away(),
        }
    }

    fn limits(&self) -> Limits {
        self.shared.options.limits
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("document", &self.shared.paths.document)
            .field("revision", &self.shared.mirror.revision())
            .finish_non_exhaustive()
    }
}

/// The network file system that `folder` is on or, while it is missing, would be made on.
fn network(disk: &dyn Disk, folder: &Path) -> Result<Option<String>, StoreError> {
    for folder in folder.ancestors() {
        let here = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let kind = found(disk.network(here)).map_err(failed("looking at the folder", here))?;
        if let Some(kind) = kind {
            return Ok(kind);
        }
    }
    Ok(None)
}

/// A number that nobody else has.
fn random() -> u64 {
    // Each state has keys from the system's source of random numbers.
    std::hash::RandomState::new().build_hasher().finish()
}

/// Names a registry that is made now.
fn new_id() -> Arc<str> {
    format!("{:016x}{:016x}", random(), random()).into()
}

#[cfg(all(test, unix))]
mod tests;
