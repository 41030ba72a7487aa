//! Hearing that something happened where the files are.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tracing::{debug, warn};

use super::trail::Trail;

/// Changes that wait to be looked at; when there are more, "look at everything" replaces them.
const WAITING: usize = 1024;
/// A burst of changes is over when nothing happened for this long.
const QUIET: Duration = Duration::from_millis(50);
/// A burst that does not end is looked at after this long anyway.
const LONGEST_BURST: Duration = Duration::from_secs(1);

/// What reaches the thread that follows the files.
#[derive(Debug)]
pub(super) enum Signal {
    /// Something happened at these paths; with none, anything may have.
    Happened(Vec<PathBuf>),
    /// Nobody follows the files any longer.
    Stop,
}

/// Why the thread that follows the files wakes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wake {
    /// Something happened on the trail of a file.
    Change,
    /// The time of a poll has come.
    Poll,
    /// It is over.
    Stop,
}

/// The ears of the thread that follows the files.
///
/// What kind of event the system reports differs by kernel and file system, so kinds are ignored:
/// an event says where to look, never what happened.
#[derive(Debug)]
pub(super) struct Ears {
    signals: Receiver<Signal>,
    /// Set when a change could not be queued: then whatever waits is a reason to look.
    missed: Arc<AtomicBool>,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    trail: Trail,
}

impl Ears {
    /// Begins to listen; the sender ends it.
    ///
    /// A system that cannot watch (no watches left, say) leaves the poll, and the log says so.
    pub(super) fn open(watch: bool) -> (Self, SyncSender<Signal>) {
        let (sender, signals) = sync_channel(WAITING);
        let missed = Arc::new(AtomicBool::new(false));
        let mouth = Mouth {
            signals: sender.clone(),
            missed: Arc::clone(&missed),
        };
        let watcher = if watch { watcher(mouth) } else { None };
        let ears = Self {
            signals,
            missed,
            watcher,
            watched: BTreeSet::new(),
            trail: Trail::default(),
        };
        (ears, sender)
    }

    /// Listens along `trail` from now on.
    ///
    /// Every folder is watched anew: a watch belongs to the folder that had the name when it
    /// began, and by now another may have it.
    pub(super) fn listen(&mut self, trail: Trail) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for folder in std::mem::take(&mut self.watched) {
            // A folder that has gone took its watch with it.
            let _ = watcher.unwatch(&folder);
        }
        for folder in &trail.folders {
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder.clone());
                }
                Err(error) => warn!(
                    folder = %folder.display(),
                    %error,
                    "cannot watch a folder of a catalog file; only the poll finds its changes"
                ),
            }
        }
        self.trail = trail;
    }

    /// Waits until there is reason to look at the files: at the latest after `poll`.
    pub(super) fn wait(&self, poll: Option<Duration>) -> Wake {
        let deadline = poll.map(|poll| Instant::now() + poll);
        loop {
            match receive(&self.signals, deadline) {
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return Wake::Stop,
                Err(RecvTimeoutError::Timeout) => return Wake::Poll,
                Ok(Signal::Happened(paths)) if self.concerned(&paths) => return self.settle(),
                Ok(Signal::Happened(_)) => {}
            }
        }
    }

    /// Waits for the end of the burst that has begun.
    fn settle(&self) -> Wake {
        let mut quiet = Instant::now() + QUIET;
        let longest = Instant::now() + LONGEST_BURST;
        loop {
            match receive(&self.signals, Some(quiet.min(longest))) {
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return Wake::Stop,
                Err(RecvTimeoutError::Timeout) => return Wake::Change,
                Ok(Signal::Happened(paths)) if self.concerned(&paths) => {
                    quiet = Instant::now() + QUIET;
                }
                Ok(Signal::Happened(_)) => {}
            }
        }
    }

    fn concerned(&self, paths: &[PathBuf]) -> bool {
        self.missed.swap(false, Ordering::AcqRel)
            || paths.is_empty()
            || paths.iter().any(|path| self.trail.concerns(path))
    }
}

/// Tells the ears.
struct Mouth {
    signals: SyncSender<Signal>,
    missed: Arc<AtomicBool>,
}

impl Mouth {
    /// Says that something happened at `paths`; never waits.
    fn tell(&self, paths: Vec<PathBuf>) {
        if !matches!(
            self.signals.try_send(Signal::Happened(paths)),
            Err(TrySendError::Full(_))
        ) {
            return;
        }
        // What waits may concern other files only. So whatever is received next is taken as a reason
        // to look; and if all has been received meanwhile, this is.
        self.missed.store(true, Ordering::Release);
        let _ = self.signals.try_send(Signal::Happened(Vec::new()));
    }
}

fn receive(
    signals: &Receiver<Signal>,
    deadline: Option<Instant>,
) -> Result<Signal, RecvTimeoutError> {
    match deadline {
        None => signals.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(at) => signals.recv_timeout(at.saturating_duration_since(Instant::now())),
    }
}

/// Says that something was only read: our own reading must not wake us for ever.
///
/// Closing a file that was open for writing is reported as an access too, and is none.
fn is_a_read(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Access(
            AccessKind::Read
                | AccessKind::Open(_)
                | AccessKind::Close(AccessMode::Read | AccessMode::Execute)
        )
    )
}

fn watcher(mouth: Mouth) -> Option<RecommendedWatcher> {
    let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let paths = match event {
            Ok(event) if is_a_read(event.kind) => return,
            Ok(event) if event.need_rescan() => Vec::new(),
            Ok(event) => event.paths,
            Err(error) => {
                debug!(%error, "the watch of the catalog files reports an error");
                Vec::new()
            }
        };
        mouth.tell(paths);
    });
    match made {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            warn!(%error, "cannot watch files on this system; only the poll finds changes");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by review: a change that found the queue full of changes to other files was lost.
    #[test]
    fn a_change_behind_a_full_queue_is_heard() {
        let (mut ears, signals) = Ears::open(false);
        let file = PathBuf::from("/folder/file.json");
        ears.trail.names.insert(file.clone());
        let mouth = Mouth {
            signals,
            missed: Arc::clone(&ears.missed),
        };
        for n in 0..WAITING {
            mouth.tell(vec![PathBuf::from(format!("/folder/other-{n}"))]);
        }
        mouth.tell(vec![file.clone()]);
        assert_eq!(ears.wait(Some(Duration::ZERO)), Wake::Change);

        // The same where the queue has room, and nothing where only others changed.
        mouth.tell(vec![file]);
        assert_eq!(ears.wait(Some(Duration::ZERO)), Wake::Change);
        mouth.tell(vec![PathBuf::from("/folder/other")]);
        assert_eq!(ears.wait(Some(Duration::ZERO)), Wake::Poll);
    }
}
