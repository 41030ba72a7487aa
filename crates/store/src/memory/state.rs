use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use byname_registry::MAX_REVISION;

use super::leases::Leases;
use crate::error::StoreError;
use crate::history::History;
use crate::lease::LeaseId;
use crate::record::Record;
use crate::store::Limits;
use crate::transaction::{Transaction, Write};

/// An entry's revision and what is kept.
type Kept = (u64, Record);

/// One revision: what each name that it changed has after it.
pub(super) struct Logged {
    pub(super) revision: u64,
    pub(super) entries: Vec<(Arc<str>, Option<Kept>)>,
}

/// Everything at one revision.
pub(super) struct Whole {
    pub(super) id: Arc<str>,
    pub(super) revision: u64,
    pub(super) entries: Vec<(Arc<str>, u64, Record)>,
}

/// What a handle has missed.
pub(super) enum Missed {
    Nothing,
    Changes(Vec<Arc<Logged>>),
    /// The changes are not known any more, or it is not the same registry.
    All(Whole),
}

/// The registry that all handles share.
pub(super) struct State {
    id: Arc<str>,
    revision: u64,
    steps: Box<[u64]>,
    step: usize,
    limits: Limits,
    entries: BTreeMap<Arc<str>, Kept>,
    /// Bytes of all names and values.
    bytes: u64,
    /// The revisions after `base`, each whole.
    log: VecDeque<Arc<Logged>>,
    base: u64,
    pub(super) leases: Leases,
}

impl State {
    pub(super) fn new(id: Option<Arc<str>>, steps: Vec<u64>, limits: Limits) -> Self {
        Self {
            id: id.unwrap_or_else(new_id),
            revision: 0,
            steps: if steps.is_empty() {
                [1].into()
            } else {
                steps.into()
            },
            step: 0,
            limits,
            entries: BTreeMap::new(),
            bytes: 0,
            log: VecDeque::new(),
            base: 0,
            leases: Leases::default(),
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Makes a transaction, or changes nothing.
    pub(super) fn commit(&mut self, transaction: &Transaction) -> Result<u64, StoreError> {
        let present = |name: &str| self.entries.get(name).map_or(0, |(revision, _)| *revision);
        transaction.check(present, self.revision)?;
        let mut bytes = self.bytes;
        let mut writes = Vec::new();
        for (name, write) in transaction.last_writes() {
            let before = self.entries.get(name);
            let record = match write {
                Write::Put { value, lease } => {
                    if let Some(id) = lease {
                        self.leases.check(*id)?;
                    }
                    Some(Record {
                        value: value.clone(),
                        lease: *lease,
                    })
                }
                Write::Remove if before.is_none() => continue,
                Write::Remove => None,
            };
            bytes -= before.map_or(0, |(_, before)| size(name, before));
            bytes += record.as_ref().map_or(0, |record| size(name, record));
            writes.push((Arc::clone(name), record));
        }
        if bytes > self.limits.total {
            return Err(StoreError::Limit {
                what: "bytes in all",
                limit: self.limits.total,
                found: bytes,
            });
        }
        self.write(writes)
    }

    /// Ends a lease. Returns the revision after it.
    pub(super) fn revoke(&mut self, id: LeaseId) -> Result<u64, StoreError> {
        self.leases.check(id)?;
        let next = self.next()?;
        let names = self.leases.end(id).unwrap_or_default();
        Ok(self.remove_all(names, next))
    }

    /// Ends the leases that have lapsed, each as a revision of its own.
    pub(super) fn lapse(&mut self, now: Duration) {
        for id in self.leases.lapsed(now) {
            // At the last possible revision leases do not end any more.
            if let Ok(next) = self.next() {
                let names = self.leases.end(id).unwrap_or_default();
                self.remove_all(names, next);
            }
        }
    }

    fn remove_all(&mut self, names: BTreeSet<Arc<str>>, next: u64) -> u64 {
        let writes: Vec<_> = names.into_iter().map(|name| (name, None)).collect();
        self.write_at(next, writes)
    }

    fn next(&self) -> Result<u64, StoreError> {
        let step = self.steps[self.step % self.steps.len()];
        let next = self.revision.saturating_add(step);
        if next > MAX_REVISION {
            return Err(StoreError::Limit {
                what: "as a revision",
                limit: MAX_REVISION,
                found: next,
            });
        }
        Ok(next)
    }

    fn write(&mut self, writes: Vec<(Arc<str>, Option<Record>)>) -> Result<u64, StoreError> {
        let next = self.next()?;
        Ok(self.write_at(next, writes))
    }

    /// Makes these writes revision `next`; without any, the present revision stays.
    fn write_at(&mut self, next: u64, writes: Vec<(Arc<str>, Option<Record>)>) -> u64 {
        if writes.is_empty() {
            return self.revision;
        }
        self.revision = next;
        self.step += 1;
        let entries: Vec<_> = writes
            .into_iter()
            .map(|(name, record)| (name, record.map(|record| (next, record))))
            .collect();
        for (name, kept) in &entries {
            self.set(name, kept.clone());
        }
        self.log.push_back(Arc::new(Logged {
            revision: next,
            entries,
        }));
        self.forget_log(0);
        next
    }

    fn set(&mut self, name: &Arc<str>, kept: Option<Kept>) {
        if let Some((_, before)) = self.entries.remove(name) {
            self.bytes -= size(name, &before);
            if let Some(id) = before.lease {
                self.leases.detach(id, name);
            }
        }
        if let Some((revision, record)) = kept {
            self.bytes += size(name, &record);
            if let Some(id) = record.lease {
                self.leases.attach(id, name);
            }
            self.entries.insert(Arc::clone(name), (revision, record));
        }
    }

    /// Forgets the log up to `revision`, which every handle has reached, and what is too much.
    pub(super) fn forget_log(&mut self, revision: u64) {
        while let Some(oldest) = self.log.front()
            && (oldest.revision <= revision || self.log.len() > History::CHANGES)
        {
            self.base = oldest.revision;
            self.log.pop_front();
        }
    }

    /// Forgets the whole log.
    pub(super) fn compact(&mut self) {
        self.log.clear();
        self.base = self.revision;
    }

    /// What a handle has missed that is at revision `after` of the registry `id`.
    pub(super) fn missed(&self, id: &str, after: u64) -> Missed {
        if *self.id != *id || after < self.base {
            return Missed::All(self.whole());
        }
        let first = self.log.partition_point(|logged| logged.revision <= after);
        if first == self.log.len() {
            return Missed::Nothing;
        }
        Missed::Changes(self.log.range(first..).map(Arc::clone).collect())
    }

    pub(super) fn whole(&self) -> Whole {
        let entries = self.entries.iter();
        Whole {
            id: Arc::clone(&self.id),
            revision: self.revision,
            entries: entries
                .map(|(name, (revision, record))| (Arc::clone(name), *revision, record.clone()))
                .collect(),
        }
    }

    pub(super) fn backup(&self) -> Backup {
        Backup(self.whole())
    }

    /// Puts an earlier state back, as a new revision of another registry.
    pub(super) fn restore(&mut self, backup: &Backup) {
        let next = self.next().unwrap_or(MAX_REVISION);
        self.id = new_id();
        self.leases.end_all();
        let mut entries = BTreeMap::new();
        let mut bytes = 0;
        for (name, revision, record) in &backup.0.entries {
            let present = self.entries.get(name);
            let record = Record::new(record.value.clone());
            let same = present.is_some_and(|present| *present == (*revision, record.clone()));
            let revision = if same { *revision } else { next };
            bytes += size(name, &record);
            entries.insert(Arc::clone(name), (revision, record));
        }
        self.entries = entries;
        self.bytes = bytes;
        self.revision = next;
        self.step += 1;
        self.compact();
    }
}

/// A state of a [`MemoryStore`](super::MemoryStore) that was copied, to be put back.
pub struct Backup(Whole);

impl Backup {
    /// The revision that was copied.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.0.revision
    }
}

impl fmt::Debug for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backup")
            .field("id", &self.0.id)
            .field("revision", &self.0.revision)
            .field("entries", &self.0.entries.len())
            .finish()
    }
}

fn size(name: &str, record: &Record) -> u64 {
    (name.len() + record.value.as_str().len()) as u64
}

/// 32 hexadecimal digits that no other registry has.
fn new_id() -> Arc<str> {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half()).into()
}
