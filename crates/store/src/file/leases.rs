//! Leases: files beside the document that say until when.
//!
//! A lease is kept by its file, which names the boot of the machine and a time since then. It is not
//! made durable: after a restart of the machine its holder is gone, and so is the lease.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::commit::write_all;
use super::repair::Cleaned;
use super::shared::{Shared, failed, found};
use super::writer::{Batch, Writer};
use crate::error::StoreError;
use crate::lease::{Lease, LeaseId};

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    boot: String,
    /// How long it lasts, in milliseconds.
    time: u64,
    /// Until when, in milliseconds since the boot.
    until: u64,
}

/// When what has ended is looked at again after it could not be let go.
const RETRY: Duration = Duration::from_millis(500);

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Shared {
    fn lease_path(&self, id: LeaseId) -> PathBuf {
        self.paths.leases().join(format!("{id}.json"))
    }

    /// What is left of a lease; `None` when it has ended or never was.
    fn lease(&self, id: LeaseId) -> Result<Option<(Note, Duration)>, StoreError> {
        let path = self.lease_path(id);
        let read = found(self.disk.read(&path)).map_err(failed("reading the lease", &path))?;
        let note = read.and_then(|(bytes, _)| serde_json::from_slice::<Note>(&bytes).ok());
        let Some(note) = note else { return Ok(None) };
        if note.boot != self.options.clock.boot() {
            return Ok(None);
        }
        let left = note.until.saturating_sub(millis(self.options.clock.now()));
        Ok((left > 0).then_some((note, Duration::from_millis(left))))
    }

    fn leases(&self) -> io::Result<Vec<LeaseId>> {
        let names = found(self.disk.list(&self.paths.leases()))?.unwrap_or_default();
        Ok(names
            .iter()
            .filter_map(|name| name.to_str()?.strip_suffix(".json"))
            .filter_map(|id| u64::from_str_radix(id, 16).ok().map(LeaseId))
            .collect())
    }
}

impl Writer {
    pub(super) fn grant(&mut self, time: Duration) -> Result<Lease, StoreError> {
        let id = LeaseId(super::random().max(1));
        self.write_lease(id, time)
    }

    pub(super) fn keep_alive(&mut self, id: LeaseId) -> Result<Lease, StoreError> {
        let Some((note, _)) = self.shared.lease(id)? else {
            return Err(StoreError::Lease { id });
        };
        self.write_lease(id, Duration::from_millis(note.time))
    }

    /// Ends a lease and removes what was written with it.
    pub(super) fn revoke(&mut self, id: LeaseId, batch: &mut Batch) -> Result<u64, StoreError> {
        if !self.lives(id)? {
            return Err(StoreError::Lease { id });
        }
        let path = self.shared.lease_path(id);
        found(self.shared.disk.remove(&path)).map_err(failed("ending the lease", &path))?;
        let_go(&[id], batch);
        Ok(batch.document.revision)
    }

    pub(super) fn lives(&self, id: LeaseId) -> Result<bool, StoreError> {
        Ok(self.shared.lease(id)?.is_some())
    }

    fn write_lease(&mut self, id: LeaseId, time: Duration) -> Result<Lease, StoreError> {
        let shared = &*self.shared;
        let clock = &shared.options.clock;
        // Whole milliseconds, and never less than was asked for.
        let time = Duration::from_millis(millis(time + Duration::from_micros(999)).max(1));
        let note = Note {
            boot: clock.boot(),
            time: millis(time),
            until: millis(clock.now())
                .saturating_add(millis(time))
                .saturating_add(1),
        };
        let text = serde_json::to_vec(&note).unwrap_or_default();
        let (path, scratch) = (shared.lease_path(id), shared.paths.side_scratch());
        let write = || -> io::Result<()> {
            let document = found(shared.disk.stat(shared.document()))?;
            let mut file = shared
                .disk
                .create(&scratch, shared.access(document.as_ref()))?;
            write_all(&mut *file, &text)?;
            shared.disk.rename(&scratch, &path)
        };
        write().map_err(|error| {
            let _ = shared.disk.remove(&scratch);
            failed("writing the lease", &path)(error)
        })?;
        shared.leased.store(true, Ordering::Relaxed);
        Ok(Lease { id, time })
    }

    /// Removes the entries of leases that have ended, as one revision.
    pub(super) fn expire(&mut self, batch: &mut Batch) {
        let slots = batch.document.entries().values();
        let leases: BTreeSet<_> = slots.filter_map(|slot| slot.record.lease).collect();
        // What cannot be read now is looked at again later.
        let ended = leases
            .into_iter()
            .filter(|id| matches!(self.lives(*id), Ok(false)));
        let ended: Vec<_> = ended.collect();
        let_go(&ended, batch);
        for id in ended {
            let _ = self.shared.disk.remove(&self.shared.lease_path(id));
        }
        let _ = self.sweep_leases(&mut Cleaned::default());
    }

    /// When the next lease ends.
    pub(super) fn next_look_at_leases(&self) -> Option<Duration> {
        if !self.shared.leased.load(Ordering::Relaxed) || self.shared.options.read_only {
            return None;
        }
        let leases = self.shared.leases().unwrap_or_default();
        let left = leases.into_iter().map(|id| match self.shared.lease(id) {
            Ok(Some((_, left))) => left + Duration::from_millis(1),
            // It has ended, and could not be let go yet.
            Ok(None) | Err(_) => RETRY,
        });
        left.min()
    }

    /// Removes the files of leases that have ended and that no entry names.
    pub(super) fn sweep_leases(&mut self, cleaned: &mut Cleaned) -> Result<(), StoreError> {
        let shared = &*self.shared;
        let folder = shared.paths.leases();
        let snapshot = shared.mirror.snapshot();
        for id in shared
            .leases()
            .map_err(failed("listing the leases", &folder))?
        {
            let used = snapshot.iter().any(|(_, record)| record.lease == Some(id));
            if !used && !self.lives(id)? {
                let path = shared.lease_path(id);
                found(shared.disk.remove(&path)).map_err(failed("removing the lease", &path))?;
                cleaned.removed.push(path);
            }
        }
        Ok(())
    }
}

/// Removes what was written with leases that have ended, as one revision.
fn let_go(ended: &[LeaseId], batch: &mut Batch) {
    let names: Vec<Arc<str>> = batch
        .document
        .entries()
        .iter()
        .filter(|(_, slot)| slot.record.lease.is_some_and(|id| ended.contains(&id)))
        .map(|(name, _)| Arc::clone(name))
        .collect();
    if names.is_empty() {
        return;
    }
    batch.next();
    for name in names {
        batch.remove(&name);
    }
}
