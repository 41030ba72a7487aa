//! What the blocking and the asynchronous calls of a durable registry share.

use std::borrow::Borrow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use byname_registry::{Changes, Committed, Draft, Entry, Registry};

use super::carry::carry;
use super::error::DurableError;
use super::pump::{Pump, SEALED, read};
use super::turns::{Turn, Turns};
use super::{DurableOptions, Value};
use crate::error::StoreError;
use crate::health::Health;
use crate::json::{Json, JsonError};
use crate::lease::LeaseId;
use crate::pending::Pending;
use crate::record::Record;
use crate::store::Store;
use crate::transaction::{Condition, Transaction, Write};

pub(super) struct Core<V> {
    store: Arc<dyn Store>,
    copy: Registry<V>,
    pump: Pump,
    /// The refresh that is under way, if any, for whoever else needs one.
    refreshing: Mutex<Option<Pending<u64>>>,
    /// The transactions that have met a conflict over a name go on one after another.
    turns: Turns,
    attempts: usize,
    wait: Option<Duration>,
}

/// A value as the store is to keep it.
struct Written {
    json: Json,
    /// The revision of the entry of which fields were kept that the program does not know.
    relies_on: Option<u64>,
}

impl<V: Value> Core<V> {
    pub(super) fn new(store: Arc<dyn Store>, options: &DurableOptions) -> Self {
        let copy = Registry::builder()
            .label(Arc::clone(&options.label))
            .attempts(options.attempts)
            .following()
            .build();
        Self {
            store,
            copy,
            pump: Pump::new(),
            refreshing: Mutex::new(None),
            turns: Turns::default(),
            attempts: options.attempts.max(1),
            wait: options.wait,
        }
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(super) fn copy(&self) -> &Registry<V> {
        &self.copy
    }

    pub(super) fn label(&self) -> String {
        self.copy.label().to_owned()
    }

    pub(super) fn drive(&self) {
        self.pump.drive(&*self.store, &self.copy);
    }

    pub(super) fn health(&self) -> Health {
        let mut health = self.store.health();
        health.problems.extend(self.pump.problems());
        health
    }

    /// Whether the copy shows everything that is known to be acknowledged.
    #[inline]
    pub(super) fn is_fresh(&self) -> bool {
        self.store.committed() <= self.copy.revision()
    }

    /// Brings the copy up to what the store knows to be acknowledged now.
    pub(super) async fn freshen(&self) -> Result<(), StoreError> {
        let known = self.store.committed();
        if known <= self.copy.revision() {
            return Ok(());
        }
        if self.store.mirror().revision() < known {
            // A refresh that began earlier may not reach so far; one that begins now does.
            let shared = self.refresh(false).await;
            if !shared.is_ok_and(|reached| reached >= known) {
                self.refresh(true).await?;
            }
        }
        // The mirror shows it now.
        let known = known.min(self.store.mirror().revision());
        self.shown(known).await
    }

    /// Asks for everything that is acknowledged anywhere.
    async fn refetch(&self) -> Result<(), StoreError> {
        let reached = self.refresh(true).await?;
        self.shown(reached).await
    }

    fn refresh(&self, anew: bool) -> Pending<u64> {
        let mut refreshing = self
            .refreshing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &*refreshing {
            Some(under_way) if !anew && under_way.outcome().is_none() => under_way.clone(),
            _ => {
                let pending = self.store.refresh();
                *refreshing = Some(pending.clone());
                pending
            }
        }
    }

    /// Waits until the copy shows `revision`, which the mirror shows.
    pub(super) async fn shown(&self, revision: u64) -> Result<(), StoreError> {
        if revision <= self.copy.revision() {
            return Ok(());
        }
        let pending = self.pump.when_shown(revision);
        self.drive();
        pending.await.map(|_| ())
    }

    /// Refuses to write to what would not show it.
    fn check(&self) -> Result<(), StoreError> {
        if self.copy.is_sealed() {
            return Err(StoreError::Closed { why: SEALED });
        }
        Ok(())
    }

    /// Submits and waits until the copy shows it.
    async fn submit(&self, transaction: Transaction) -> Result<u64, StoreError> {
        let revision = self.store.submit(transaction).await?;
        // It has been committed, whatever becomes of the copy.
        let _ = self.shown(revision).await;
        Ok(revision)
    }

    fn transaction(&self) -> Transaction {
        let mut transaction = Transaction::new();
        transaction.wait = self.wait;
        transaction
    }

    /// Sets an entry if `expected` holds of it.
    pub(super) async fn put(
        &self,
        name: Arc<str>,
        value: impl Borrow<V>,
        expected: Option<Condition>,
        lease: Option<LeaseId>,
    ) -> Result<u64, StoreError> {
        self.check()?;
        let new = written(&name, value.borrow())?;
        let mut attempts = self.attempts;
        loop {
            let mut transaction = self.transaction();
            if let Some(expected) = expected {
                transaction = transaction.when(Arc::clone(&name), expected);
            }
            let present = self.base(&name, expected).await?;
            let written = self.carry(&name, present.as_ref(), &new);
            let relies_on = written
                .relies_on
                .filter(|revision| expected != Some(Condition::Revision(*revision)));
            if let Some(revision) = relies_on {
                transaction = transaction.when(Arc::clone(&name), Condition::Revision(revision));
            }
            let write = Write::Put {
                value: written.json,
                lease,
            };
            transaction.writes.push((Arc::clone(&name), write));
            match self.submit(transaction).await {
                Err(StoreError::Condition {
                    expected: Condition::Revision(revision),
                    ..
                }) if relies_on == Some(revision) && attempts > 1 => {
                    attempts -= 1;
                    self.refetch().await?;
                }
                result => return result,
            }
        }
    }

    /// The entry that a write replaces, as far as its fields matter.
    async fn base(
        &self,
        name: &Arc<str>,
        expected: Option<Condition>,
    ) -> Result<Option<Entry<Record>>, StoreError> {
        let revision = match expected {
            Some(Condition::Absent | Condition::Revision(0)) => return Ok(None),
            Some(Condition::Revision(revision)) => revision,
            None | Some(Condition::Exists) => return Ok(self.store.mirror().entry(name)),
        };
        let present = || self.store.mirror().entry(name);
        let found = |entry: &Option<Entry<Record>>| entry.as_ref().map_or(0, Entry::revision);
        let mut entry = present();
        if found(&entry) != revision {
            self.refetch().await?;
            entry = present();
        }
        match found(&entry) {
            found if found == revision => Ok(entry),
            found => Err(StoreError::Condition {
                name: Arc::clone(name),
                expected: Condition::Revision(revision),
                found,
            }),
        }
    }

    /// Keeps of the present entry what the program does not know.
    fn carry(&self, name: &str, present: Option<&Entry<Record>>, new: &Json) -> Written {
        let carried = present.and_then(|present| {
            let old = &present.value()?.value;
            let here = self.copy.entry(name);
            let here = here.filter(|entry| entry.revision() == present.revision());
            let known = match here.as_ref().and_then(Entry::value) {
                Some(value) => Json::of(value),
                // One that cannot be read is replaced as a whole.
                None => read::<V>(old).and_then(|value| Json::of(&value)),
            };
            let json = carry::<V>(old, &known.ok()?, new)?;
            Some(Written {
                json,
                relies_on: Some(present.revision()),
            })
        });
        carried.unwrap_or_else(|| Written {
            json: new.clone(),
            relies_on: None,
        })
    }

    /// Removes an entry if `expected` holds of it.
    pub(super) async fn remove(
        &self,
        name: Arc<str>,
        expected: Condition,
    ) -> Result<u64, StoreError> {
        self.check()?;
        let transaction = self.transaction().when(Arc::clone(&name), expected);
        self.submit(transaction.remove(name)).await
    }

    /// Sets several entries as one revision, each if `expected` holds of it.
    pub(super) async fn put_all<W: Borrow<V>>(
        &self,
        entries: Vec<(Arc<str>, W)>,
        expected: Condition,
    ) -> Result<u64, StoreError> {
        self.check()?;
        let mut transaction = self.transaction();
        for (name, value) in entries {
            let json = written(&name, value.borrow())?;
            transaction = transaction
                .when(Arc::clone(&name), expected)
                .put(name, json);
        }
        self.submit(transaction).await
    }

    /// Runs `change` on drafts of the copy until what came of one has been committed.
    pub(super) async fn transact<T, E>(
        &self,
        mut change: impl FnMut(&mut Draft<V>) -> Result<T, E>,
    ) -> Result<Committed<T>, DurableError<E>> {
        let mut moved: Arc<str> = "".into();
        self.check()?;
        // The turn of the name over which it met a conflict last, or would.
        let mut turn: Option<Turn<'_>> = None;
        let mut attempts = 0;
        while attempts < self.attempts {
            self.freshen().await?;
            let (value, changes) = self.copy.prepare(&mut change)?;
            if changes.is_empty() {
                let revision = changes.base();
                return Ok(Committed { value, revision });
            }
            if turn.is_none()
                && let Some(name) = self.turns.contended(&changes)
            {
                drop(changes);
                turn = Some(self.turns.enter(name).await);
                continue;
            }
            attempts += 1;
            let transaction = self.prepared(&changes)?;
            drop(changes);
            match self.submit(transaction).await {
                Ok(revision) => return Ok(Committed { value, revision }),
                Err(StoreError::Condition { name, .. }) => moved = name,
                Err(StoreError::Changed { .. }) => moved = "(the set of all entries)".into(),
                Err(error) => return Err(error.into()),
            }
            self.refetch().await?;
            if let Some(error) = self.pump.why_unreadable(&moved) {
                // What cannot be read here will be in the way again.
                let name = moved;
                return Err(StoreError::Value { name, error }.into());
            }
            if turn.as_ref().is_none_or(|turn| *turn.name() != *moved) {
                drop(turn.take());
                turn = Some(self.turns.enter(Arc::clone(&moved)).await);
            }
        }
        drop(turn);
        Err(DurableError::Conflict {
            attempts: self.attempts,
            name: moved,
        })
    }

    /// What has to hold for `changes`, which were prepared from the copy, and what they write.
    fn prepared(&self, changes: &Changes<V>) -> Result<Transaction, StoreError> {
        let mut transaction = self.transaction();
        let mut read = std::collections::HashSet::new();
        for (name, revision) in changes.reads() {
            read.insert(name);
            transaction = transaction.when(name, Condition::Revision(revision));
        }
        if changes.read_everything() {
            transaction.unchanged_since = Some(changes.base());
        }
        for (name, value) in changes.iter() {
            let own: Arc<str> = name.into();
            let Some(value) = value else {
                transaction = transaction.remove(own);
                continue;
            };
            let new = written(&own, value)?;
            let present = self.store.mirror().entry(name);
            let Written { json, relies_on } = self.carry(name, present.as_ref(), &new);
            // For a name that was read, the condition is there: if the mirror shows another entry
            // than the one that was read, it does not hold.
            if let Some(revision) = relies_on
                && !read.contains(name)
            {
                transaction = transaction.when(Arc::clone(&own), Condition::Revision(revision));
            }
            transaction = transaction.put(own, json);
        }
        Ok(transaction)
    }
}

fn written<V: Value>(name: &Arc<str>, value: &V) -> Result<Json, StoreError> {
    Json::of(value).map_err(|error: JsonError| StoreError::Value {
        name: Arc::clone(name),
        error,
    })
}
