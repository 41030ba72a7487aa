use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use byname_registry::{ChangeError, Changes, Registry};

use super::state::{Missed, Whole};
use super::unreachable;
use crate::error::StoreError;
use crate::health::{Health, Problem};
use crate::history::History;
use crate::pending::Completer;
use crate::record::Record;
use crate::watch::Watch;

/// One view of the registry: a mirror, and who waits for it to show something.
///
/// A mirror is published by one thread at a time, the *driver*; whoever finds one at work leaves it
/// a note and goes. So nobody waits for a publication but through a pending answer, and what is
/// published is in order.
pub(super) struct Handle {
    mirror: Registry<Record>,
    history: OnceLock<History>,
    /// The newest revision that the handle has been told of.
    known: AtomicU64,
    /// How many changes that were asked of it were not taken because too many waited.
    turned_away: AtomicU64,
    publication: Mutex<Publication>,
}

struct Publication {
    id: Arc<str>,
    /// There is a driver.
    driven: bool,
    /// There is something new to do for the driver.
    again: bool,
    /// Shows what others commit without being asked.
    follows: bool,
    /// Why it is out of contact.
    away: Option<String>,
    /// Since when the mirror has been behind or out of contact.
    stale: Option<Duration>,
    waiting: Vec<Waiting>,
}

struct Waiting {
    /// What the mirror has to show.
    target: u64,
    /// What to answer; `None` for the mirror's revision.
    answer: Option<u64>,
    completer: Completer<u64>,
}

impl Handle {
    pub(super) fn new() -> Self {
        Self {
            mirror: Registry::builder().label("memory").following().build(),
            history: OnceLock::new(),
            known: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            publication: Mutex::new(Publication {
                id: "".into(),
                // Until it begins.
                driven: true,
                again: false,
                follows: true,
                away: None,
                stale: None,
                waiting: Vec::new(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Publication> {
        // Nothing panics while this is held.
        self.publication
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows its first state. It is not driven before.
    pub(super) fn begin(&self, whole: Whole) {
        self.known.fetch_max(whole.revision, Ordering::AcqRel);
        self.lock().id = Arc::clone(&whole.id);
        if whole.revision > 0 {
            // The mirror is new and nobody else publishes, so this cannot be refused.
            let _ = self.mirror.resync(whole.revision, whole.entries);
        }
        self.history.get_or_init(|| History::new(&self.mirror));
        self.lock().driven = false;
    }

    fn history(&self) -> &History {
        self.history.get_or_init(|| History::new(&self.mirror))
    }

    pub(super) fn mirror(&self) -> &Registry<Record> {
        &self.mirror
    }

    pub(super) fn revision(&self) -> u64 {
        self.mirror.revision()
    }

    pub(super) fn known(&self) -> u64 {
        self.known.load(Ordering::Acquire)
    }

    pub(super) fn id(&self) -> Arc<str> {
        Arc::clone(&self.lock().id)
    }

    pub(super) fn watch(&self, after: u64) -> Watch {
        self.history().watch(after)
    }

    pub(super) fn forget(&self) {
        self.history().forget();
    }

    /// Whether it can be asked anything.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.mirror.is_sealed() {
            return Err(StoreError::Closed {
                why: "the store's mirror was sealed: it shows no change any more",
            });
        }
        match &self.lock().away {
            Some(reason) => Err(unreachable(reason)),
            None => Ok(()),
        }
    }

    /// Hears that `revision` has been committed.
    pub(super) fn know(&self, revision: u64, now: Duration) {
        let mut publication = self.lock();
        if publication.away.is_some() {
            return;
        }
        self.known.fetch_max(revision, Ordering::AcqRel);
        if !publication.follows && self.revision() < revision {
            publication.stale.get_or_insert(now);
        }
    }

    pub(super) fn disconnect(&self, reason: &str, now: Duration) {
        let mut publication = self.lock();
        publication.away = Some(reason.to_owned());
        publication.stale.get_or_insert(now);
    }

    pub(super) fn reconnect(&self, revision: u64, now: Duration) {
        self.lock().away = None;
        self.know(revision, now);
    }

    pub(super) fn follow(&self, follows: bool) {
        self.lock().follows = follows;
    }

    /// Has `completer` answered when the mirror shows revision `target`; the handle is to be driven
    /// afterwards.
    pub(super) fn when_shown(&self, target: u64, answer: Option<u64>, completer: Completer<u64>) {
        // What a refresh waits for has not begun yet.
        let _ = completer.begin();
        self.lock().waiting.push(Waiting {
            target,
            answer,
            completer,
        });
    }

    /// Counts a change that was not taken.
    pub(super) fn turn_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn health(&self, now: Duration) -> Health {
        let publication = self.lock();
        let revision = self.revision();
        let problems = publication.away.iter().map(|reason| Problem::Unreachable {
            reason: reason.clone(),
        });
        Health {
            revision,
            committed: self.known().max(revision),
            stale: publication.stale.map(|since| now.saturating_sub(since)),
            problems: problems.collect(),
            turned_away: self.turned_away.load(Ordering::Relaxed),
        }
    }

    /// Publishes what was missed and answers who waited for it, unless somebody is at it already,
    /// who then does it again.
    pub(super) fn drive(&self, missed: impl Fn(&str, u64) -> Missed) {
        {
            let mut publication = self.lock();
            if publication.driven {
                publication.again = true;
                return;
            }
            publication.driven = true;
        }
        loop {
            let asked = {
                let publication = self.lock();
                let asked = publication.follows || !publication.waiting.is_empty();
                (asked && publication.away.is_none()).then(|| Arc::clone(&publication.id))
            };
            let failed = match asked {
                Some(id) => self.publish(missed(&id, self.revision())).is_err(),
                None => false,
            };
            let shown = self.revision();
            let answered: Vec<Waiting> = {
                let mut publication = self.lock();
                if publication.away.is_none() && self.known() <= shown {
                    publication.stale = None;
                }
                let waiting = &mut publication.waiting;
                waiting
                    .extract_if(.., |waiting| failed || waiting.target <= shown)
                    .collect()
            };
            for Waiting {
                target,
                answer,
                completer,
            } in answered
            {
                let result = if target <= shown {
                    Ok(answer.unwrap_or(shown))
                } else {
                    Err(sealed(target))
                };
                completer.complete(result);
            }
            let mut publication = self.lock();
            if !std::mem::take(&mut publication.again) {
                publication.driven = false;
                return;
            }
        }
    }

    fn publish(&self, missed: Missed) -> Result<(), ChangeError> {
        match missed {
            Missed::Nothing => {}
            Missed::Changes(logged) => {
                for logged in logged {
                    let mut changes = Changes::new();
                    for (name, kept) in &logged.entries {
                        match kept {
                            Some((revision, record)) => {
                                changes.put(name, *revision, record.clone())?;
                            }
                            None => changes.remove(name),
                        }
                    }
                    self.mirror.publish(logged.revision, changes)?;
                    self.history().keep();
                }
            }
            Missed::All(whole) => {
                if whole.revision > self.revision() {
                    self.mirror.resync(whole.revision, whole.entries)?;
                }
                let another = {
                    let mut publication = self.lock();
                    std::mem::replace(&mut publication.id, Arc::clone(&whole.id)) != whole.id
                };
                if another {
                    // What led here is not the history of this registry.
                    self.history().forget();
                } else {
                    self.history().keep();
                }
            }
        }
        Ok(())
    }
}

/// What has become of a commit that the mirror cannot show.
fn sealed(revision: u64) -> StoreError {
    StoreError::Unknown {
        revision,
        doing: "publishing to a mirror that was sealed",
        path: PathBuf::new(),
        source: Arc::new(std::io::Error::other("the registry is sealed")),
    }
}
