//! How the typed copy follows the store's mirror.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use byname_registry::{ChangeError, Changes, Entry, Registry};
use serde::de::DeserializeOwned;

use crate::health::Problem;
use crate::json::{Json, JsonError};
use crate::pending::{Completer, Pending};
use crate::record::Record;
use crate::store::Store;
use crate::watch::{Event, Watch};
use crate::{Change, State, StoreError};

/// Takes what the store's mirror shows into the typed copy, in order.
///
/// One thread at a time does so, the *driver*; whoever finds one at work leaves it a note, and is
/// answered by it. The driver reads values, which runs a caller's code, and publishes them under no
/// lock: that there is one driver keeps the order. If it unwinds, the next one begins anew from the
/// revision that the copy shows.
pub(super) struct Pump {
    inner: Mutex<Inner>,
    /// The entries that could not be read, and why.
    unreadable: Mutex<BTreeMap<Arc<str>, JsonError>>,
}

struct Inner {
    driven: bool,
    /// There may be something new for the driver.
    again: bool,
    /// What comes next. `None` while there is a driver, and when none has begun or one has unwound.
    watch: Option<Watch>,
    waiting: Vec<(u64, Completer<u64>)>,
}

impl Pump {
    pub(super) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                driven: false,
                again: false,
                watch: None,
                waiting: Vec::new(),
            }),
            unreadable: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while this is held.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreadable(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, JsonError>> {
        // As above.
        self.unreadable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the entry `name` could not be read, if it could not.
    pub(super) fn why_unreadable(&self, name: &str) -> Option<JsonError> {
        self.unreadable().get(name).cloned()
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let unreadable = self.unreadable();
        let problems = unreadable.iter().map(|(name, error)| Problem::Unreadable {
            name: name.as_ref().to_owned(),
            reason: error.to_string(),
        });
        problems.collect()
    }

    /// Has the answer come when `copy` shows `revision`; somebody drives afterwards.
    pub(super) fn when_shown(&self, revision: u64) -> Pending<u64> {
        let (completer, pending) = Pending::new();
        let _ = completer.begin();
        self.lock().waiting.push((revision, completer));
        pending
    }

    /// Takes everything that has happened into `copy` and answers who waited for it; unless somebody
    /// is at it already, who then looks again.
    pub(super) fn drive<V: DeserializeOwned + Send + Sync + 'static>(
        &self,
        store: &dyn Store,
        copy: &Registry<V>,
    ) {
        let Some(mut turn) = self.begin() else {
            return;
        };
        loop {
            let before = copy.revision();
            let fed = catch_unwind(AssertUnwindSafe(|| self.feed(&mut turn, store, copy)));
            let shown = copy.revision();
            let fed = match fed {
                Ok(fed) => fed,
                // Dropping a superseded value panicked, after the revision was published. Nobody
                // who waits is to blame; what was taken from the watch is heard anew.
                Err(_) if shown > before => {
                    turn.watch = None;
                    continue;
                }
                Err(panic) => resume_unwind(panic),
            };
            let answered: Vec<_> = {
                let waiting = &mut self.lock().waiting;
                let answered = |(revision, _): &mut (u64, _)| fed.is_err() || *revision <= shown;
                waiting.extract_if(.., answered).collect()
            };
            for (revision, completer) in answered {
                let answer = match fed {
                    _ if revision <= shown => Ok(revision),
                    Ok(()) => continue,
                    Err(_) => Err(StoreError::Closed { why: SEALED }),
                };
                // Who waits may be a task of an executor that panics when it is woken: that must
                // not cost the others their answer.
                let _ = catch_unwind(AssertUnwindSafe(|| completer.complete(answer)));
            }
            // What the mirror shows may be on its way to the watch, but only behind the mirror's own
            // lock. A watch that is begun anew comes after it.
            if fed.is_ok() && self.awaits(store.mirror().revision()) {
                turn.watch = None;
                continue;
            }
            if turn.end() {
                return;
            }
        }
    }

    /// Whether somebody waits for a revision that is not above `revision`.
    fn awaits(&self, revision: u64) -> bool {
        let waiting = &self.lock().waiting;
        waiting.iter().any(|(awaited, _)| *awaited <= revision)
    }

    /// Becomes the driver, or leaves a note for who is.
    fn begin(&self) -> Option<Turn<'_>> {
        let mut inner = self.lock();
        if inner.driven {
            inner.again = true;
            return None;
        }
        inner.driven = true;
        inner.again = false;
        let watch = inner.watch.take();
        drop(inner);
        Some(Turn {
            pump: self,
            watch,
            ended: false,
        })
    }

    /// Publishes everything that can be heard now.
    fn feed<V: DeserializeOwned + Send + Sync + 'static>(
        &self,
        turn: &mut Turn<'_>,
        store: &dyn Store,
        copy: &Registry<V>,
    ) -> Result<(), ChangeError> {
        let watch = turn.watch.get_or_insert_with(|| {
            // A copy that shows nothing takes everything at once, not change by change: no store
            // has reached the last revision there is.
            let shown = copy.revision();
            store.watch(if shown == 0 { u64::MAX } else { shown })
        });
        while let Ok(event) = watch.try_recv() {
            let revision = event.revision();
            if revision <= copy.revision() {
                continue;
            }
            let changes = match event {
                Event::Change(change) => self.decode_change(&change),
                Event::Gone(state) => self.decode_difference(&state, copy),
            };
            copy.publish(revision, changes)?;
        }
        Ok(())
    }

    fn decode_change<V: DeserializeOwned + Send + Sync + 'static>(
        &self,
        change: &Change,
    ) -> Changes<V> {
        let mut changes = Changes::new();
        for changed in change.entries() {
            match changed.after() {
                Some(entry) => self.decode(changed.name(), entry, &mut changes),
                None => self.remove(changed.name(), &mut changes),
            }
        }
        changes
    }

    /// What leads from `copy` to `state`; what is there already is not read again.
    fn decode_difference<V: DeserializeOwned + Send + Sync + 'static>(
        &self,
        state: &State,
        copy: &Registry<V>,
    ) -> Changes<V> {
        let mut changes = Changes::new();
        let present = copy.snapshot();
        for (name, entry) in state.entries() {
            let known = present.entry(name).map(|entry| entry.revision());
            if known != Some(entry.revision()) {
                self.decode(name, &entry, &mut changes);
            }
        }
        let gone = |name: &str| !state.contains(name);
        for name in present.names().filter(|name| gone(name)) {
            changes.remove(name);
        }
        self.unreadable().retain(|name, _| !gone(name));
        changes
    }

    /// Reads an entry. One that cannot be read is noted, and its last good value stays.
    fn decode<V: DeserializeOwned + Send + Sync + 'static>(
        &self,
        name: &str,
        entry: &Entry<Record>,
        changes: &mut Changes<V>,
    ) {
        let Some(record) = entry.value() else {
            return;
        };
        // The names of a store are names of a registry.
        let read = read(&record.value).map(|value| changes.put(name, entry.revision(), value));
        match read {
            Ok(_) => {
                self.unreadable().remove(name);
            }
            Err(error) => {
                self.unreadable().insert(name.into(), error);
            }
        }
    }

    fn remove<V: Send + Sync + 'static>(&self, name: &str, changes: &mut Changes<V>) {
        changes.remove(name);
        self.unreadable().remove(name);
    }
}

/// What a registry that was sealed refuses with.
pub(super) const SEALED: &str = "the registry was sealed: it shows no change any more";

/// Reads a value; a panic of whoever reads it becomes an error.
pub(super) fn read<V: DeserializeOwned>(json: &Json) -> Result<V, JsonError> {
    let read = catch_unwind(AssertUnwindSafe(|| json.read()));
    read.unwrap_or_else(|panic| {
        Err(JsonError {
            line: 0,
            column: 0,
            message: format!("reading it panicked: {}", message(&*panic)),
        })
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

/// The driver's role.
struct Turn<'p> {
    pump: &'p Pump,
    watch: Option<Watch>,
    ended: bool,
}

impl Turn<'_> {
    /// Gives the role back, unless there is a note. Returns whether it was given back.
    fn end(&mut self) -> bool {
        let mut inner = self.pump.lock();
        if std::mem::take(&mut inner.again) {
            return false;
        }
        inner.watch = self.watch.take();
        inner.driven = false;
        self.ended = true;
        true
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // A driver that unwinds may have taken what it has not published: its watch goes with it.
        if !self.ended {
            self.pump.lock().driven = false;
        }
    }
}
