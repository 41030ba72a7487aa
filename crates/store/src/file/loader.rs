//! The one thread of an open store that reads: what other processes commit, and what hands write.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::examine::Found;
use super::hearing::Hearing;
use super::shared::{Shared, failed, found};
use crate::disk::Stat;
use crate::error::StoreError;
use crate::health::Problem;
use crate::pending::{Completer, Pending};

/// How long a commit that is in place gets to say itself that it is durable.
const IN_FLIGHT: Duration = Duration::from_millis(20);
/// How long until what could not be done is tried again: hearing of a folder that is not there,
/// having an edit taken up.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is somebody else's message, and they come in any order"
)]
struct Inner {
    requests: Vec<Completer<u64>>,
    /// Something may have happened.
    nudged: bool,
    /// The writer of this process is at work: it sees what is in the document's place itself, and what
    /// it puts there needs no look.
    writing: bool,
    /// The writer of this process waits for the lock: it looks itself once it has it.
    wanting: bool,
    closing: bool,
    served: bool,
}

/// Those who wait for the mirror to be brought up to date.
#[derive(Debug, Default)]
pub(crate) struct Loader {
    inner: Mutex<Inner>,
    more: Condvar,
}

impl Loader {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a look. Returns true to whoever must start a loader.
    pub(crate) fn request(&self, completer: Completer<u64>) -> bool {
        let mut inner = self.lock();
        if inner.closing {
            drop(inner);
            completer.complete(Err(super::queue::closed()));
            return false;
        }
        inner.requests.push(completer);
        let start = !std::mem::replace(&mut inner.served, true);
        drop(inner);
        self.more.notify_one();
        start
    }

    /// Marks a loader as started; false when one was.
    pub(crate) fn start(&self) -> bool {
        !std::mem::replace(&mut self.lock().served, true)
    }

    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.more.notify_one();
    }

    /// Tells that the writer of this process begins, or that it has ended.
    pub(crate) fn writing(&self, writing: bool) {
        let mut inner = self.lock();
        inner.writing = writing;
        let wake = !writing && inner.nudged;
        drop(inner);
        if wake {
            self.more.notify_one();
        }
    }

    /// Tells that the writer of this process begins to wait for the lock, or that it does no more.
    pub(crate) fn wanting(&self, wanting: bool) {
        self.lock().wanting = wanting;
    }

    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closing = true;
        let requests = std::mem::take(&mut inner.requests);
        drop(inner);
        self.more.notify_all();
        // Who is dropped answers, and whom that wakes may ask again.
        drop(requests);
    }

    /// Waits until there is something to do, at most `time`; unless somebody asks for it, not before
    /// the look that ended at `looked` has been rested from. `None` when there will not be.
    fn next(
        &self,
        time: Option<Duration>,
        looked: Instant,
        rest: Duration,
    ) -> Option<Vec<Completer<u64>>> {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        let mut inner = self.lock();
        loop {
            if inner.closing {
                return None;
            }
            let earliest = if inner.wanting {
                looked + rest.max(BESIDE_OWN)
            } else {
                looked + rest
            };
            let early = inner.nudged && !inner.writing && Instant::now() < earliest;
            if !inner.requests.is_empty() || (inner.nudged && !inner.writing && !early) {
                inner.nudged = false;
                return Some(std::mem::take(&mut inner.requests));
            }
            let until = if early { Some(earliest) } else { deadline };
            inner = match until {
                None => self
                    .more
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() && !early {
                        return Some(Vec::new());
                    }
                    let waited = self.more.wait_timeout(inner, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

#[cfg(test)]
mod tests;

/// After a look that nobody asked for, the next rests for this many times what it took.
const REST: u32 = 3;
/// The shortest rest while the writer of this process waits for the lock: those before it commit, and
/// it looks itself when it is its turn.
const BESIDE_OWN: Duration = Duration::from_millis(20);
/// A look that took longer than this counts as this long.
const LONGEST_REST: Duration = Duration::from_millis(20);

/// What stood in the document's place when it could not be read.
#[derive(PartialEq, Eq)]
enum Doubt {
    Nothing,
    File(Stat),
}

/// What the loader remembers between looks.
#[derive(Default)]
struct Memory {
    /// A text that could not be read when it was seen last; told when it is seen again.
    doubtful: Option<Doubt>,
    /// What a writer was last asked to take up.
    offered: Option<Offer>,
}

/// An edit that a writer was asked to take up.
struct Offer {
    stat: Stat,
    since: Instant,
    pending: Pending<u64>,
}

/// Serves those who wait, and looks when something happens, until the store is closed.
pub(super) fn run(shared: &Arc<Shared>) {
    let options = &shared.options;
    let mut hearing = None;
    let mut memory = Memory::default();
    let (mut looked, mut rest) = (Instant::now(), Duration::ZERO);
    loop {
        if options.watch {
            let folder = shared.disk.stat(&shared.paths.folder).ok();
            hearing = hearing.filter(|hearing: &Hearing| {
                folder.as_ref().is_some_and(|folder| hearing.is_of(folder))
            });
            if hearing.is_none() {
                hearing = watch(shared, folder);
                if hearing.is_some() {
                    // What happened before is not heard of.
                    shared.loader.nudge();
                }
            }
        }
        let unheard = options.watch && hearing.is_none();
        let period = if memory.doubtful.is_some() {
            Some(options.settle)
        } else if unheard || memory.offered.is_some() {
            Some(options.poll.map_or(AGAIN, |poll| poll.min(AGAIN)))
        } else {
            options.poll
        };
        let Some(requests) = shared.loader.next(period, looked, rest) else {
            return;
        };
        if let Some(hearing) = &hearing {
            hearing.listen();
        }
        let requests: Vec<_> = requests.into_iter().filter(Completer::begin).collect();
        let began = Instant::now();
        let outcome = shared.catch_up(&mut memory);
        // Where others commit without a pause, following them leaves the machine room for it.
        (looked, rest) = (Instant::now(), began.elapsed().min(LONGEST_REST) * REST);
        if let Err(error) = &outcome {
            shared.problems.unreachable(Some(Problem::Unreachable {
                reason: error.to_string(),
            }));
            shared.current().behind.get_or_insert_with(Instant::now);
        } else {
            shared.problems.unreachable(None);
            let acknowledged = shared.acknowledged();
            let mut current = shared.current();
            if current.revision >= acknowledged {
                current.behind = None;
            }
        }
        for request in requests {
            request.complete(outcome.clone());
        }
    }
}

fn watch(shared: &Arc<Shared>, folder: Option<Stat>) -> Option<Hearing> {
    match Hearing::begin(shared, folder) {
        Ok(hearing) => {
            shared.problems.not_watched(None);
            Some(hearing)
        }
        Err(error) => {
            // A folder that is not there yet is no problem: it is looked for again.
            if error.kind() != io::ErrorKind::NotFound {
                shared.problems.not_watched(Some(Problem::NotWatched {
                    reason: error.to_string(),
                }));
            }
            None
        }
    }
}

impl Shared {
    /// Without a word: whether the document's place is as it was, by looking.
    pub(super) fn committed_without_word(&self) -> u64 {
        let stat = self.disk.stat(self.document()).ok();
        let current = self.current();
        if current.stat == stat {
            current.revision
        } else {
            current.revision + 1
        }
    }

    /// Makes what is in place durable, where that can be asked for.
    pub(super) fn make_durable_if_possible(&self) -> Result<(), StoreError> {
        match self.make_durable() {
            // Nothing on it can be lost that was read from it.
            Err(StoreError::Io { source, .. })
                if source.kind() == io::ErrorKind::ReadOnlyFilesystem =>
            {
                Ok(())
            }
            durable => durable,
        }
    }

    /// Brings the mirror up to date with what is in the document's place. Returns its revision.
    fn catch_up(self: &Arc<Self>, memory: &mut Memory) -> Result<u64, StoreError> {
        self.renew_word()?;
        let acknowledged = self.acknowledged();
        let path = self.document();
        let stat = found(self.disk.stat(path)).map_err(failed("looking at", path))?;
        {
            let current = self.current();
            let shown = current.stat == stat && current.revision >= acknowledged;
            if shown && (stat.is_some() || current.revision == 0) {
                drop(current);
                *memory = Memory::default();
                self.problems.place(None);
                return Ok(self.mirror.revision());
            }
        }
        let (look, what) = self.see()?;
        let stat = look.stat();
        let doubtful = match &what {
            Found::Broken(_) | Found::Damage(_) => Some(stat.map_or(Doubt::Nothing, Doubt::File)),
            _ => None,
        };
        if doubtful.is_none() || memory.doubtful == doubtful {
            self.note(&what);
        }
        let seen_again = memory.doubtful == doubtful;
        memory.doubtful = if seen_again { None } else { doubtful };
        if !matches!(what, Found::Edit(_) | Found::Newer(..)) {
            memory.offered = None;
        }
        match what {
            Found::Fresh => {}
            Found::Same => self.current().stat = stat,
            Found::Newer(document, checksum) => {
                let revision = document.revision;
                if self.suspect.load(std::sync::atomic::Ordering::Relaxed) == revision {
                    self.offer(memory, stat);
                } else {
                    self.recognise(&document.id)?;
                    if revision > self.acknowledged() {
                        self.wait_for(revision);
                    }
                    if revision > self.acknowledged() {
                        self.make_durable_if_possible()?;
                    }
                    self.publish(document, stat, checksum);
                    self.raise(revision);
                }
            }
            Found::Edit(_) => self.offer(memory, stat),
            Found::Broken(_) | Found::Damage(_) | Found::Format(_) => {
                self.fall_back()?;
            }
        }
        let revision = self.mirror.revision();
        if revision < acknowledged {
            self.fall_back()?;
        }
        Ok(self.mirror.revision())
    }

    /// Asks a writer to take up an edit, unless one has been asked and is at it.
    fn offer(self: &Arc<Self>, memory: &mut Memory, stat: Option<Stat>) {
        let Some(stat) = stat else { return };
        if let Some(offer) = memory.offered.as_ref().filter(|offer| offer.stat == stat) {
            let outcome = offer.pending.outcome();
            if outcome.is_none() || offer.since.elapsed() < AGAIN {
                return;
            }
            if let Some(Err(error)) = outcome {
                let path = self.paths.named.display();
                tracing::warn!("{path}: an edit could not be taken up: {error}");
            }
        } else if let Some(offer) = &memory.offered {
            // Of another text: if it has not begun, whoever takes up this one does the same. So at
            // most one waits.
            let _ = offer.pending.withdraw();
        }
        memory.offered = self.absorb_soon().map(|pending| Offer {
            stat,
            since: Instant::now(),
            pending,
        });
    }

    /// Waits a moment for a commit that is in place to be acknowledged by its writer.
    fn wait_for(&self, revision: u64) {
        if self.with_word(|_| ()).is_none() {
            return;
        }
        let began = Instant::now();
        let mut pause = Duration::from_micros(100);
        while self.acknowledged() < revision && began.elapsed() < IN_FLIGHT {
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(2));
        }
    }

    /// When the document's place does not hold what was acknowledged last, its kept copy does.
    pub(super) fn fall_back(self: &Arc<Self>) -> Result<(), StoreError> {
        loop {
            let known = self.known();
            let (shown, id) = {
                let current = self.current();
                (current.revision, current.id.clone())
            };
            if shown >= known {
                return Ok(());
            }
            if let Some((document, checksum)) = self.kept_sealed(known, id.as_deref()) {
                self.publish(Arc::new(document), None, checksum);
                return Ok(());
            }
            // Others may have committed so often meanwhile that it is not kept any more.
            if self.known() == known {
                return Err(StoreError::Damage {
                    path: self.paths.named.clone(),
                    what: format!(
                        "does not hold revision {known}, which was committed last, and it is not kept \
                         either; `byname store status` tells what there is"
                    ),
                });
            }
        }
    }
}
