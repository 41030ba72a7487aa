//! What the threads of one open file store share.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use byname_registry::{Changes, Registry};

use super::document::{Document, Parsed, Sealed};
use super::loader::Loader;
use super::lock::{Bell, Bells};
use super::options::FileOptions;
use super::paths::{Paths, kept_revision};
use super::problems::Problems;
use super::queue::{Job, Queue};
use crate::disk::{Access, Disk, Seal, Stat, Word};
use crate::error::StoreError;
use crate::history::History;
use crate::json::JsonError;
use crate::record::Record;

/// The state that the mirror shows, and where it was found.
#[derive(Debug, Default)]
pub(crate) struct Current {
    /// The registry's identity; `None` until there is one.
    pub(crate) id: Option<Arc<str>>,
    /// The revision that the mirror shows.
    pub(crate) revision: u64,
    /// The document of that revision; `None` while the writer works on it.
    pub(crate) document: Option<Arc<Document>>,
    /// The file it was found in; `None` when it did not come from the document's place.
    pub(crate) stat: Option<Stat>,
    /// The checksum of that file.
    pub(crate) checksum: u64,
    /// The newest kept revision that is known of: it was durable.
    pub(crate) kept: u64,
    /// A text by hand that is more than the store takes, and how that is told.
    pub(crate) too_much: Option<(Stat, JsonError)>,
    /// Since when something acknowledged has not been shown.
    pub(crate) behind: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) paths: Paths,
    pub(crate) options: FileOptions,
    pub(crate) mirror: Registry<Record>,
    pub(crate) history: History,
    pub(crate) queue: Queue,
    pub(crate) loader: Loader,
    pub(crate) problems: Problems,
    /// The shared word. Each that is taken in the place of another stands behind it.
    words: OnceLock<Box<Link>>,
    /// Whether the word that is mapped is known to be in its place no more: those who come later may
    /// have made another, so that only looking at the document tells.
    pub(crate) detached: AtomicBool,
    /// What publication needs. Held for no I/O.
    current: Mutex<Current>,
    /// The revision that is in place although making it durable failed; 0 for none.
    pub(crate) suspect: AtomicU64,
    /// Whether an entry with a lease has been seen.
    pub(crate) leased: AtomicBool,
    /// The reader and the writer, as far as they were needed.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// A shared word that was taken, and the one that was taken after it: as many as there were files in
/// its place while the store was open, which is one unless somebody removes it. What a reader has
/// reached stays where it is.
struct Link {
    word: Box<dyn Word>,
    next: OnceLock<Box<Link>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Word({})", self.word.load())
    }
}

/// Says what was being done to which file when the system refused.
pub(crate) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_path_buf();
    move |error| StoreError::Io {
        doing,
        path,
        source: Arc::new(error),
    }
}

/// What is missing, or is not for this process to see, is `None`.
pub(crate) fn visible<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match found(result) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        result => result,
    }
}

/// What is missing is `None`, not an error.
pub(crate) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Shared {
    pub(crate) fn new(disk: Arc<dyn Disk>, paths: Paths, options: FileOptions) -> Self {
        let label = paths.named.display().to_string();
        // It is published under the file lock: an observer would hold up the writers of all
        // processes.
        let mirror = Registry::<()>::builder()
            .label(label)
            .following()
            .longest_wait(Duration::ZERO)
            .build();
        Self {
            history: History::new(&mirror),
            mirror,
            queue: Queue::new(options.queue),
            loader: Loader::default(),
            threads: Mutex::default(),
            problems: Problems::default(),
            words: OnceLock::new(),
            detached: AtomicBool::new(false),
            current: Mutex::default(),
            suspect: AtomicU64::new(0),
            leased: AtomicBool::new(false),
            disk,
            paths,
            options,
        }
    }

    pub(crate) fn current(&self) -> MutexGuard<'_, Current> {
        // Nothing of a caller runs while this is held.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn document(&self) -> &Path {
        &self.paths.document
    }

    /// Calls `read` with the shared word, if there is one.
    #[inline]
    pub(crate) fn with_word<R>(&self, read: impl FnOnce(&(dyn Word + 'static)) -> R) -> Option<R> {
        let mut link = self.words.get()?;
        while let Some(next) = link.next.get() {
            link = next;
        }
        Some(read(&*link.word))
    }

    /// Takes another word from now on.
    pub(crate) fn set_word(&self, word: Box<dyn Word>) {
        let mut link = Box::new(Link {
            word,
            next: OnceLock::new(),
        });
        let mut place = &self.words;
        // Another thread that takes one at the same time may have the place.
        while let Err(back) = place.set(link) {
            link = back;
            match place.get() {
                Some(taken) => place = &taken.next,
                None => return,
            }
        }
    }

    /// What the shared word says; 0 when there is none, or it was replaced.
    pub(crate) fn acknowledged(&self) -> u64 {
        match self.with_word(<dyn Word>::load) {
            Some(u64::MAX) | None => 0,
            Some(revision) => revision,
        }
    }

    /// Tells other processes that `revision` is durable, if they do not know and it may be told.
    pub(crate) fn raise(&self, revision: u64) {
        if !self.options.read_only && self.acknowledged() < revision {
            self.with_word(|word| word.raise(revision));
        }
    }

    /// The newest revision that is known to have been acknowledged, or to have been durable.
    pub(crate) fn known(&self) -> u64 {
        let current = self.current();
        let shown = current.revision.max(current.kept);
        drop(current);
        shown.max(self.acknowledged())
    }

    pub(crate) fn seal(&self) -> Option<Seal> {
        self.with_word(<dyn Word>::seal).flatten()
    }

    /// Opens the word's path again if what is mapped is not what stands there. Without permission to
    /// look, what is mapped stays.
    pub(crate) fn renew_word(&self) -> Result<(), StoreError> {
        let path = self.paths.word();
        let mapped = self.with_word(|word| (word.load(), word.stat().ok()));
        let there =
            visible(self.disk.stat(&path)).map_err(failed("looking at the shared word", &path))?;
        if let (Some((loaded, Some(mapped))), Some(there)) = (mapped, there)
            && loaded != u64::MAX
            && mapped.is_same_file(&there)
        {
            self.detached.store(false, Ordering::Relaxed);
            return Ok(());
        }
        let Some(id) = self.current().id.clone() else {
            return Ok(());
        };
        let opened = visible(self.disk.open_word(&path, &id));
        let opened = opened.map_err(failed("opening the shared word", &path))?;
        let opened = opened.flatten();
        self.detached.store(opened.is_none(), Ordering::Relaxed);
        if let Some(word) = opened {
            self.set_word(word);
        }
        Ok(())
    }

    /// Knows from now on whose registry this is, and with that which word is its.
    pub(crate) fn recognise(&self, id: &Arc<str>) -> Result<(), StoreError> {
        let news = {
            let mut current = self.current();
            let news = current.id.is_none();
            current.id.get_or_insert_with(|| Arc::clone(id));
            news
        };
        if news { self.renew_word() } else { Ok(()) }
    }

    /// Who may do what with what is created: as with the document, or as the options say.
    pub(crate) fn access(&self, document: Option<&Stat>) -> Access {
        match document {
            Some(stat) => Access {
                mode: stat.mode & 0o777,
                owner: Some((stat.owner, stat.group)),
            },
            None => Access {
                mode: self.options.mode,
                owner: None,
            },
        }
    }

    /// Has the writer do something; it waits at most so long for the lock.
    pub(crate) fn push(self: &Arc<Self>, job: Job, wait: Duration) {
        if self.queue.push(job, wait) {
            self.start("byname-write", super::writer::run);
        }
    }

    /// Has the writer look at the leases when they end.
    fn look_at_leases(self: &Arc<Self>) {
        if !self.options.read_only && self.queue.look_at_leases() {
            self.start("byname-write", super::writer::run);
        }
    }

    pub(crate) fn start(self: &Arc<Self>, name: &str, run: fn(&Arc<Self>)) {
        let shared = Arc::clone(self);
        let builder = std::thread::Builder::new().name(name.into());
        match builder.spawn(move || run(&shared)) {
            Ok(thread) => self.threads().push(thread),
            Err(error) => {
                // Nobody will serve those who wait, nor those who come.
                let error = failed("starting a thread for", &self.paths.named)(error);
                self.queue.close();
                self.queue.refuse_all(&error);
                self.loader.close();
            }
        }
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends both threads, after what they have begun.
    pub(crate) fn close(&self) {
        self.queue.close();
        self.loader.close();
        loop {
            let Some(thread) = self.threads().pop() else {
                return;
            };
            // A panic in it has been told to those who waited for it.
            let _ = thread.join();
        }
    }

    /// Publishes `document`, which differs from what is shown in `names`; as
    /// [`publish`](Self::publish) if something else than `base` is shown.
    pub(crate) fn publish_names(
        self: &Arc<Self>,
        document: Arc<Document>,
        stat: Option<Stat>,
        checksum: u64,
        base: u64,
        names: &[Arc<str>],
    ) {
        self.publish_with(document, stat, checksum, |shown, document| {
            if shown != base {
                return difference(&self.mirror, document);
            }
            let mut changes = Changes::new();
            for name in names {
                match document.get(name) {
                    Some(slot) => put(&mut changes, name, slot),
                    None => changes.remove(name),
                }
            }
            changes
        });
    }

    /// Publishes `document`, which is durable, unless the mirror shows it already or is further.
    pub(crate) fn publish(
        self: &Arc<Self>,
        document: Arc<Document>,
        stat: Option<Stat>,
        checksum: u64,
    ) {
        self.publish_with(document, stat, checksum, |_, document| {
            difference(&self.mirror, document)
        });
    }

    fn publish_with(
        self: &Arc<Self>,
        document: Arc<Document>,
        stat: Option<Stat>,
        checksum: u64,
        changes: impl FnOnce(u64, &Document) -> Changes<Record>,
    ) {
        let mut leased = false;
        let mut current = self.current();
        if document.revision < current.revision {
            return;
        }
        if document.revision > current.revision {
            let changes = changes(current.revision, &document);
            leased = changes
                .iter()
                .any(|(_, record)| record.is_some_and(|record| record.lease.is_some()));
            // Only this function publishes, and the revision is above what is shown; it was checked
            // against the bound when it was read or made.
            if self.mirror.publish(document.revision, changes).is_err() {
                return;
            }
            current.revision = document.revision;
        }
        current.id = Some(Arc::clone(&document.id));
        current.document = Some(document);
        current.stat = stat;
        current.checksum = checksum;
        if current.revision >= self.acknowledged() {
            current.behind = None;
        }
        drop(current);
        self.history.keep();
        if leased {
            self.leased.store(true, Ordering::Relaxed);
            self.look_at_leases();
        }
    }

    /// Reads a kept revision; `None` when there is none that can be relied on.
    pub(crate) fn kept(&self, revision: u64, id: Option<&str>) -> Option<Document> {
        self.kept_sealed(revision, id).map(|(document, _)| document)
    }

    /// The same, with its checksum.
    pub(crate) fn kept_sealed(&self, revision: u64, id: Option<&str>) -> Option<(Document, u64)> {
        let (bytes, _) = self.disk.read(&self.paths.revision(revision)).ok()?;
        reliable(&bytes, revision, id)
    }

    /// The same, for those who act on there being none: a copy that the disk refuses to read may be
    /// a good one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`].
    pub(crate) fn kept_or_refused(
        &self,
        revision: u64,
        id: Option<&str>,
    ) -> Result<Option<Document>, StoreError> {
        let path = self.paths.revision(revision);
        let read = found(self.disk.read(&path)).map_err(failed("reading", &path))?;
        let kept = read.and_then(|(bytes, _)| reliable(&bytes, revision, id));
        Ok(kept.map(|(document, _)| document))
    }

    /// The numbers of the kept revisions, in order, whether or not they can be relied on.
    pub(crate) fn kept_revisions(&self) -> io::Result<Vec<u64>> {
        let names = found(self.disk.list(&self.paths.revisions()))?.unwrap_or_default();
        let mut revisions: Vec<u64> = names
            .iter()
            .filter_map(|name| kept_revision(name))
            .collect();
        revisions.sort_unstable();
        Ok(revisions)
    }

    /// The newest kept revision that can be relied on.
    pub(crate) fn newest_kept(&self) -> Option<Document> {
        let revisions = self.kept_revisions().ok()?;
        revisions
            .into_iter()
            .rev()
            .find_map(|revision| self.kept(revision, None))
    }

    /// The newest state that there is: the one that is shown, if nothing newer is known, or else the
    /// newest kept revision that can be relied on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`]: what cannot be read now may be newer.
    pub(crate) fn newest(&self) -> Result<Option<Document>, StoreError> {
        let known = self.known();
        let shown = self.current().document.clone();
        if let Some(shown) = shown.filter(|shown| known > 0 && shown.revision == known) {
            return Ok(Some(Document::clone(&shown)));
        }
        let folder = self.paths.revisions();
        let revisions = self.kept_revisions().map_err(failed("listing", &folder))?;
        for revision in revisions.into_iter().rev() {
            if let Some(kept) = self.kept_or_refused(revision, None)? {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }

    /// A free path among what was set aside.
    pub(crate) fn aside(&self, revision: u64, why: &str) -> PathBuf {
        let folder = self.paths.aside();
        (1..=u32::MAX)
            .map(|count| folder.join(format!("{revision:020}-{count}-{why}.json")))
            .find(|path| matches!(found(self.disk.stat(path)), Ok(None) | Err(_)))
            .unwrap_or(folder)
    }
}

impl Bells for Shared {
    fn rung(&self, bell: Bell) -> Option<u32> {
        self.with_word(|word| word.rung(bell)).flatten()
    }

    fn wait(&self, bell: Bell, rung: u32, at_most: Duration) {
        self.with_word(|word| word.wait(bell, rung, at_most));
    }

    fn ring(&self, bell: Bell) {
        self.with_word(|word| word.ring(bell));
    }
}

/// What `bytes`, a copy of this revision, hold; `None` when they are not what they should be.
fn reliable(bytes: &[u8], revision: u64, id: Option<&str>) -> Option<(Document, u64)> {
    let Parsed {
        document, sealed, ..
    } = Document::parse(bytes, None).ok()?;
    let Sealed::Right(checksum) = sealed else {
        return None;
    };
    let whole = document.revision == revision && id.is_none_or(|id| id == &*document.id);
    whole.then_some((document, checksum))
}

/// What must change in the mirror for it to show `document`.
fn difference(mirror: &Registry<Record>, document: &Document) -> Changes<Record> {
    let shown = mirror.snapshot();
    let mut changes = Changes::new();
    let mut old = shown.entries().peekable();
    for (name, slot) in document.entries() {
        while let Some((gone, _)) = old.next_if(|(old, _)| *old < &**name) {
            changes.remove(gone);
        }
        match old.next_if(|(old, _)| *old == &**name) {
            Some((_, entry)) if entry.revision() == slot.revision => {}
            _ => put(&mut changes, name, slot),
        }
    }
    for (gone, _) in old {
        changes.remove(gone);
    }
    changes
}

fn put(changes: &mut Changes<Record>, name: &str, slot: &super::document::Slot) {
    // The name was checked when the document was read, or the transaction taken.
    let _ = changes.put(name, slot.revision, slot.record.clone());
}
