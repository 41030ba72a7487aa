//! The one thread of an open store that writes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::document::{Document, Fields, Slot};
use super::lock::{FileLock, Held, Refused, Wait, read_holder};
use super::queue::{Job, Next};
use super::shared::{Shared, failed, found};
use crate::disk::{Access, Stat};
use crate::error::StoreError;
use crate::lease::Lease;
use crate::record::Record;
use crate::transaction::{Transaction, Write};

/// How many jobs one commit takes.
const BATCH: usize = 4_096;
/// How often a commit begins anew because somebody's text came between.
const TRIES: usize = 16;

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    lock: Option<FileLock>,
    /// The right to write, while it is had.
    held: Option<Held>,
    /// Whether what a previous writer may have left has been swept.
    swept: bool,
    /// The document that was displaced last, as it was then; `None` when it has to be looked at.
    pub(super) previous: Option<Stat>,
    /// The kept revisions, in order; `None` when others may have changed them.
    pub(super) kept: Option<Vec<u64>>,
    /// What must not be said before the lock is released.
    answers: Vec<Answer>,
}

type Answer = Box<dyn FnOnce() + Send>;

/// What the writer builds on: the mirror shows what is in the document's place, or nothing is there.
pub(super) struct Ground {
    /// The file that is to be displaced; `None` when there must be none.
    pub(super) expected: Option<Stat>,
    /// What is to become of the displaced text, if it is somebody's.
    pub(super) aside: Option<Aside>,
    /// Whether a document must be written even if nothing changes.
    pub(super) rewrite: bool,
}

/// How a displaced text is set aside.
#[derive(Clone)]
pub(super) struct Aside {
    /// What it is called.
    pub(super) why: &'static str,
    /// What is to be told of it, if anything.
    pub(super) report: Option<String>,
}

/// Why a document was not put in place.
pub(super) enum Miss {
    /// Something else is in its place than was expected. Nothing has changed.
    Moved,
    /// It failed.
    Failed(StoreError),
}

impl From<StoreError> for Miss {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Changes on top of a document, which can be taken back.
pub(super) struct Batch {
    pub(super) document: Document,
    base: u64,
    undo: Vec<(Arc<str>, Option<Slot>)>,
    fields: Option<Fields>,
}

impl Batch {
    pub(super) fn new(document: Document) -> Self {
        Self {
            base: document.revision,
            document,
            undo: Vec::new(),
            fields: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.document.revision == self.base
    }

    /// Begins the next revision.
    pub(super) fn next(&mut self) -> u64 {
        self.document.revision += 1;
        self.document.revision
    }

    pub(super) fn put(&mut self, name: &Arc<str>, revision: u64, record: Record) {
        let old = self.document.put(Arc::clone(name), revision, record);
        self.undo.push((Arc::clone(name), old));
    }

    /// Puts what another document holds, with the fields that are not known.
    pub(super) fn put_slot(&mut self, name: &Arc<str>, revision: u64, mut slot: Slot) {
        slot.revision = revision;
        self.undo
            .push((Arc::clone(name), self.document.get(name).cloned()));
        self.document.restore(Arc::clone(name), Some(slot));
    }

    /// Takes over what another document has beside its entries.
    pub(super) fn set_fields(&mut self, fields: Fields) {
        let before = self.document.set_fields(fields);
        self.fields.get_or_insert(before);
    }

    /// Returns whether there was such an entry.
    pub(super) fn remove(&mut self, name: &Arc<str>) -> bool {
        let old = self.document.remove(name);
        let was_there = old.is_some();
        if let Some(old) = old {
            self.undo.push((Arc::clone(name), Some(old)));
        }
        was_there
    }

    fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.undo.iter().map(|(name, _)| name)
    }

    pub(super) fn take_back(mut self) -> Document {
        for (name, slot) in self.undo.drain(..).rev() {
            self.document.restore(name, slot);
        }
        if let Some(fields) = self.fields {
            self.document.set_fields(fields);
        }
        self.document.revision = self.base;
        self.document
    }
}

/// Serves the queue until it is closed.
pub(super) fn run(shared: &Arc<Shared>) {
    /// Nobody waits for a writer that is gone.
    struct Leave<'s>(&'s Shared);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            self.0.loader.wanting(false);
            self.0.loader.writing(false);
            self.0.queue.close();
            self.0.queue.refuse_all(&super::queue::closed());
        }
    }
    let _leave = Leave(shared);
    let mut writer = Writer {
        shared: Arc::clone(shared),
        lock: None,
        held: None,
        swept: false,
        previous: None,
        kept: None,
        answers: Vec::new(),
    };
    while shared.queue.next(writer.next_look_at_leases()) == Next::Work {
        writer.round();
    }
}

impl Writer {
    /// Takes the lock and does all that waits.
    fn round(&mut self) {
        if let Err(error) = self.prepare() {
            self.shared.queue.refuse_all(&error);
            return;
        }
        let shared = Arc::clone(&self.shared);
        let Some(mut lock) = self.lock.take() else {
            return;
        };
        shared.loader.wanting(true);
        let acquired = lock.acquire(&mut |_| {
            let holder = || read_holder(&*shared.disk, &shared.paths.side);
            if shared.queue.time_out(holder) {
                Wait::GoOn
            } else {
                Wait::GiveUp
            }
        });
        shared.loader.wanting(false);
        match acquired {
            Ok(held) => {
                let (jobs, expire) = shared.queue.take(BATCH);
                self.held = Some(held);
                shared.loader.writing(true);
                self.under_lock(jobs, expire);
                shared.loader.writing(false);
                self.held = None;
                for answer in self.answers.drain(..) {
                    answer();
                }
            }
            Err(Refused::GaveUp { .. }) => {}
            Err(Refused::Io(error)) => {
                // The folder may have been removed: it is made anew the next time.
                shared.queue.refuse_all(&error);
                return;
            }
        }
        self.lock = Some(lock);
    }

    /// Makes what stands beside the document.
    fn prepare(&mut self) -> Result<(), StoreError> {
        let paths = &self.shared.paths;
        let is_there =
            |folder: &Path| found(self.shared.disk.stat(folder)).is_ok_and(|stat| stat.is_some());
        if self.lock.is_some()
            && is_there(&paths.side)
            && is_there(&paths.revisions())
            && is_there(&paths.aside())
            && is_there(&paths.leases())
        {
            return Ok(());
        }
        let shared = &*self.shared;
        let (disk, paths) = (&*shared.disk, &shared.paths);
        // From the first folder that exists down to the document's own.
        let mut missing = Vec::new();
        let mut folder = paths.folder.as_path();
        while found(disk.stat(folder))
            .map_err(failed("looking at the folder", folder))?
            .is_none()
        {
            missing.push(folder);
            match folder.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => folder = parent,
                _ => break,
            }
        }
        for folder in missing.into_iter().rev() {
            disk.create_folder(folder, 0o700)
                .map_err(failed("creating the folder", folder))?;
            if let Some(parent) = folder
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
            {
                disk.sync_folder(parent)
                    .map_err(failed("making the folder durable", parent))?;
            }
        }
        let document =
            found(disk.stat(&paths.document)).map_err(failed("looking at", &paths.document))?;
        let access = shared.access(document.as_ref());
        for folder in [
            &paths.side,
            &paths.revisions(),
            &paths.aside(),
            &paths.leases(),
        ] {
            disk.create_folder(folder, folder_mode(access))
                .map_err(failed("creating the folder", folder))?;
        }
        disk.sync_folder(&paths.side)
            .map_err(failed("making the folder durable", &paths.side))?;
        disk.sync_folder(&paths.folder)
            .map_err(failed("making the folder durable", &paths.folder))?;
        self.lock = Some(FileLock::new(
            Arc::clone(&shared.disk),
            &paths.side,
            access,
            super::random(),
            Arc::clone(&self.shared) as _,
        ));
        Ok(())
    }

    fn under_lock(&mut self, jobs: Vec<Job>, expire: bool) {
        if jobs.is_empty() && !expire {
            return;
        }
        // What looks at the place itself comes first: it may be why the others could not be done.
        let (own, mut jobs): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .partition(|job| matches!(job, Job::Restore(..) | Job::Adopt(_) | Job::Sweep(_)));
        for job in own {
            match job {
                Job::Restore(revision, completer) => {
                    let result = self.restore(revision);
                    self.answers
                        .push(Box::new(move || completer.complete(result)));
                }
                Job::Adopt(completer) => {
                    let result = self.adopt();
                    self.answers
                        .push(Box::new(move || completer.complete(result)));
                }
                Job::Sweep(completer) => {
                    let result = self.clean();
                    self.answers
                        .push(Box::new(move || completer.complete(result)));
                }
                _ => {}
            }
        }
        if jobs.is_empty() && !expire {
            return;
        }
        for _ in 0..TRIES {
            match self.attempt(&jobs, expire) {
                Ok(results) => {
                    self.answer(jobs, results);
                    return;
                }
                Err(Miss::Moved) => {}
                Err(Miss::Failed(error)) => {
                    for job in jobs.drain(..) {
                        let error = error.clone();
                        self.answers.push(Box::new(move || job.refuse(error)));
                    }
                    return;
                }
            }
        }
        for job in jobs {
            let path = self.shared.paths.named.clone();
            self.answers.push(Box::new(move || {
                job.refuse(StoreError::Damage {
                    path,
                    what: "is changed by something else all the time; stop that and try again"
                        .into(),
                });
            }));
        }
    }

    fn answer(&mut self, jobs: Vec<Job>, results: Vec<Result<Done, StoreError>>) {
        for (job, result) in jobs.into_iter().zip(results) {
            self.answers.push(match job {
                Job::Commit(_, completer) | Job::Revoke(_, completer) | Job::Absorb(completer) => {
                    Box::new(move || completer.complete(result.map(|done| done.revision)))
                }
                Job::Grant(time, completer) => Box::new(move || {
                    completer.complete(result.map(|done| {
                        done.lease.unwrap_or(Lease {
                            id: crate::LeaseId(0),
                            time,
                        })
                    }));
                }),
                Job::KeepAlive(id, completer) => Box::new(move || {
                    let none = Lease {
                        id,
                        time: Duration::ZERO,
                    };
                    completer.complete(result.map(|done| done.lease.unwrap_or(none)));
                }),
                Job::Restore(..) | Job::Adopt(_) | Job::Sweep(_) => continue,
            });
        }
    }

    /// Does `jobs` on top of what is in place, as one document.
    fn attempt(
        &mut self,
        jobs: &[Job],
        expire: bool,
    ) -> Result<Vec<Result<Done, StoreError>>, Miss> {
        let ground = self.settle()?;
        if !self.swept {
            self.sweep()?;
            self.swept = true;
        }
        let mut batch = Batch::new(self.take_document());
        if expire || self.shared.leased.load(Ordering::Relaxed) {
            self.expire(&mut batch);
        }
        let results: Vec<_> = jobs
            .iter()
            .map(|job| match job {
                Job::Commit(transaction, _) => self.evaluate(transaction, &mut batch).map(Done::at),
                Job::Grant(time, _) => self.grant(*time).map(Done::lease),
                Job::KeepAlive(id, _) => self.keep_alive(*id).map(Done::lease),
                Job::Revoke(id, _) => self.revoke(*id, &mut batch).map(Done::at),
                Job::Absorb(_) | Job::Restore(..) | Job::Adopt(_) | Job::Sweep(_) => {
                    Ok(Done::at(batch.document.revision))
                }
            })
            .collect();
        if batch.is_empty() && !ground.rewrite {
            self.put_back(batch.take_back());
            return Ok(results);
        }
        if batch.is_empty() {
            batch.next();
        }
        self.commit(batch, &ground)?;
        Ok(results)
    }

    /// Puts the batch in place, durably, and publishes it; takes it back if that fails.
    pub(super) fn commit(&mut self, batch: Batch, ground: &Ground) -> Result<u64, Miss> {
        let rendered = batch.document.render();
        let total = rendered.bytes.len() as u64;
        let base = batch.base;
        if total > self.shared.options.limits.total {
            self.put_back(batch.take_back());
            return Err(Miss::Failed(StoreError::Limit {
                what: "bytes in all",
                limit: self.shared.options.limits.total,
                found: total,
            }));
        }
        let revision = batch.document.revision;
        if self.kept.as_ref().and_then(|kept| kept.last()) != Some(&base) {
            // Others have committed since, and kept theirs.
            self.kept = None;
        }
        if revision > byname_registry::MAX_REVISION {
            self.put_back(batch.take_back());
            return Err(Miss::Failed(StoreError::Limit {
                what: "revisions",
                limit: byname_registry::MAX_REVISION,
                found: revision,
            }));
        }
        match self.replace(&rendered.bytes, rendered.checksum, revision, ground) {
            Ok(stat) => {
                let names: Vec<_> = batch.names().cloned().collect();
                let document = Arc::new(batch.document);
                self.shared
                    .publish_names(document, stat, rendered.checksum, base, &names);
                Ok(revision)
            }
            Err(miss) => {
                self.put_back(batch.take_back());
                Err(miss)
            }
        }
    }

    fn evaluate(&self, transaction: &Transaction, batch: &mut Batch) -> Result<u64, StoreError> {
        let present = |name: &str| batch.document.get(name).map_or(0, |slot| slot.revision);
        transaction.check(present, batch.document.revision)?;
        let limits = self.shared.options.limits;
        let mut added = 0;
        let mut effect = false;
        for (name, write) in transaction.last_writes() {
            match write {
                Write::Put { value, lease } => {
                    if let Some(id) = lease
                        && !self.lives(*id)?
                    {
                        return Err(StoreError::Lease { id: *id });
                    }
                    added += (value.as_str().len() + name.len()) as u64;
                    effect = true;
                }
                Write::Remove => effect |= batch.document.get(name).is_some(),
            }
        }
        let total = batch.document.size() + added;
        if total > limits.total && added > 0 {
            return Err(StoreError::Limit {
                what: "bytes in all",
                limit: limits.total,
                found: total,
            });
        }
        if !effect {
            return Ok(batch.document.revision);
        }
        if batch.document.revision >= byname_registry::MAX_REVISION {
            return Err(StoreError::Limit {
                what: "revisions",
                limit: byname_registry::MAX_REVISION,
                found: byname_registry::MAX_REVISION,
            });
        }
        let revision = batch.next();
        for (name, write) in transaction.last_writes() {
            match write {
                Write::Put { value, lease } => batch.put(
                    name,
                    revision,
                    Record {
                        value: value.clone(),
                        lease: *lease,
                    },
                ),
                Write::Remove => {
                    batch.remove(name);
                }
            }
        }
        Ok(revision)
    }

    /// Refuses to go on without the right to write: somebody has taken the lock's file away, and others
    /// may have it now.
    pub(super) fn still_held(&self) -> Result<(), StoreError> {
        let path = &self.shared.paths.side;
        let held = self.held.as_ref().map_or(Ok(false), Held::is_in_place);
        if held.map_err(failed("looking at the lock in", path))? {
            return Ok(());
        }
        Err(StoreError::Damage {
            path: path.clone(),
            what: "its lock was removed while it was held; nothing was written".into(),
        })
    }

    /// Takes the document that the mirror shows, to be changed.
    pub(super) fn take_document(&mut self) -> Document {
        let mut current = self.shared.current();
        let document = current.document.take();
        let id = current.id.clone();
        drop(current);
        match document {
            Some(document) => Arc::unwrap_or_clone(document),
            None => Document::new(id.unwrap_or_else(super::new_id)),
        }
    }

    /// Gives it back unchanged.
    pub(super) fn put_back(&mut self, document: Document) {
        let mut current = self.shared.current();
        if current.document.is_none()
            && current.revision == document.revision
            && document.revision > 0
        {
            current.document = Some(Arc::new(document));
        }
    }
}

/// What a job yields.
struct Done {
    revision: u64,
    lease: Option<Lease>,
}

impl Done {
    fn at(revision: u64) -> Self {
        Self {
            revision,
            lease: None,
        }
    }

    fn lease(lease: Lease) -> Self {
        Self {
            revision: 0,
            lease: Some(lease),
        }
    }
}

/// A folder may be entered by whoever may read what is in it.
fn folder_mode(access: Access) -> u32 {
    0o700 | access.mode | (access.mode & 0o444) >> 2
}
