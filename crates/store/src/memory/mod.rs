//! A store in memory.

mod backend;
mod handle;
mod leases;
mod options;
mod state;
mod timer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use byname_registry::Registry;

pub use self::options::MemoryOptions;
pub use self::state::Backup;

use self::backend::{Backend, Job, Work};
use self::handle::Handle;
use crate::error::StoreError;
use crate::health::Health;
use crate::lease::{Lease, LeaseId};
use crate::pending::Pending;
use crate::record::Record;
use crate::store::{Limits, Store};
use crate::transaction::Transaction;
use crate::watch::Watch;

/// A store in memory: the whole contract of [`Store`], for tests and for what need not outlive the
/// process.
///
/// Each `MemoryStore` is a handle with a mirror of its own; [`reopen`](Self::reopen) makes another
/// on the same registry, as another process would have. The registry goes with its last handle.
///
/// To show how a program behaves on engines that are less kind, its revisions may
/// [jump](MemoryOptions::steps), its history can be [compacted away](Self::compact), and a handle
/// can be [out of contact](Self::disconnect), [late](Self::pause), [kept waiting](Self::hold) or
/// [put back](Self::restore) to an earlier state.
///
/// # Consistency
///
/// As the contract says. A submitted transaction has been made, or refused, when
/// [`submit`](Store::submit) returns, unless the store is held; it is acknowledged when the mirror
/// of its handle shows it. Other handles hear of it before that, unless they are out of contact or
/// late.
///
/// # Examples
///
/// ```
/// use byname_store::{Condition, Json, MemoryStore, Store, Transaction};
///
/// let store = MemoryStore::new();
/// let add = Transaction::new().when("db", Condition::Absent).put("db", Json::of(&5432)?);
/// let revision = store.submit(add.clone()).wait()?;
/// let entry = store.mirror().entry("db").expect("acknowledged, so it is there");
/// assert_eq!(entry.revision(), revision);
/// assert!(store.submit(add).wait().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryStore {
    handle: Arc<Handle>,
    backend: Arc<Backend>,
}

impl MemoryStore {
    /// Makes an empty registry, and a handle on it.
    #[must_use]
    pub fn new() -> Self {
        Self::options().open()
    }

    /// Sets up a store that is not like [`new`](Self::new)'s.
    pub fn options() -> MemoryOptions {
        MemoryOptions::default()
    }

    fn with(options: MemoryOptions) -> Self {
        Self::on(Backend::new(options))
    }

    fn on(backend: Arc<Backend>) -> Self {
        let handle = backend.attach();
        Self { handle, backend }
    }

    /// Makes another handle on the same registry, as another process would have.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self::on(Arc::clone(&self.backend))
    }

    /// Forgets the history of every handle: a watch can begin at the present revision or later
    /// only, and a handle that is late or out of contact will take the whole state.
    pub fn compact(&self) {
        self.backend.compact();
    }

    /// Puts this handle out of contact: it refuses everything as
    /// [unreachable](StoreError::Unreachable), and its mirror stays as it is.
    pub fn disconnect(&self, reason: &str) {
        let now = self.backend.now();
        self.handle.disconnect(reason, now);
    }

    /// Ends what [`disconnect`](Self::disconnect) began; the mirror catches up.
    pub fn reconnect(&self) {
        let now = self.backend.now();
        self.handle.reconnect(self.backend.revision(), now);
        self.backend.drive(&self.handle);
    }

    /// Makes this handle late: its mirror shows what other handles commit only after something is
    /// asked of it, though [`committed`](Store::committed) tells at once.
    pub fn pause(&self) {
        self.handle.follow(false);
    }

    /// Ends what [`pause`](Self::pause) began.
    pub fn resume(&self) {
        self.handle.follow(true);
        self.backend.drive(&self.handle);
    }

    /// Takes the right to write: until what is returned is dropped, nothing that is submitted to any
    /// handle begins.
    #[must_use = "the right to write is given back when this is dropped"]
    pub fn hold(&self) -> Hold {
        Hold::new(Arc::clone(&self.backend))
    }

    /// Does what time has made due: entries of leases that have lapsed are removed, and who has
    /// waited too long for the right to write is told so.
    ///
    /// It is done before anything that is asked of the store and, unless the store was given a
    /// [clock](MemoryOptions::clock), by a thread that lives while something can become due.
    pub fn expire_due(&self) {
        self.backend.run();
    }

    /// Copies the present state, to be put back.
    #[must_use]
    pub fn backup(&self) -> Backup {
        self.backend.backup()
    }

    /// Puts an earlier state back, as an operator does who replaces what an engine keeps by a
    /// backup: the registry has another [id](Store::id), and its history is gone.
    ///
    /// Revisions go on growing: the state is there as a new revision, and so is every entry that is
    /// not the one that was there. Leases have ended.
    pub fn restore(&self, backup: &Backup) {
        self.backend.restore(backup);
    }

    fn enqueue(&self, work: Work, wait: Option<Duration>) -> Pending<u64> {
        if let Err(error) = self.handle.check() {
            return Pending::done(Err(error));
        }
        let (completer, pending) = Pending::new();
        self.backend.enqueue(
            Job {
                handle: Arc::clone(&self.handle),
                work,
                completer,
            },
            wait,
        );
        pending
    }
}

impl Store for MemoryStore {
    fn id(&self) -> Option<String> {
        Some(self.handle.id().as_ref().to_owned())
    }

    fn mirror(&self) -> &Registry<Record> {
        self.handle.mirror()
    }

    fn committed(&self) -> u64 {
        self.handle.known()
    }

    fn refresh(&self) -> Pending<u64> {
        if let Err(error) = self.handle.check() {
            return Pending::done(Err(error));
        }
        self.backend.run();
        let (completer, pending) = Pending::new();
        self.handle
            .when_shown(self.backend.revision(), None, completer);
        self.backend.drive(&self.handle);
        pending
    }

    fn submit(&self, transaction: Transaction) -> Pending<u64> {
        if let Err(error) = self.backend.limits().check(&transaction) {
            return Pending::done(Err(error));
        }
        let wait = transaction.wait;
        self.enqueue(Work::Commit(transaction), wait)
    }

    fn watch(&self, after: u64) -> Watch {
        self.handle.watch(after)
    }

    fn grant(&self, time: Duration) -> Pending<Lease> {
        let reachable = self.handle.check();
        Pending::done(reachable.and_then(|()| self.backend.grant(time)))
    }

    fn keep_alive(&self, id: LeaseId) -> Pending<Lease> {
        let reachable = self.handle.check();
        Pending::done(reachable.and_then(|()| self.backend.keep_alive(id)))
    }

    fn revoke(&self, id: LeaseId) -> Pending<u64> {
        self.enqueue(Work::Revoke(id), None)
    }

    fn health(&self) -> Health {
        self.handle.health(self.backend.now())
    }

    fn limits(&self) -> Limits {
        self.backend.limits()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.backend.detach(&self.handle);
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("id", &self.handle.id())
            .field("mirror", self.handle.mirror())
            .field("committed", &self.handle.known())
            .finish_non_exhaustive()
    }
}

/// The right to write to a [`MemoryStore`], taken by [`MemoryStore::hold`].
pub struct Hold {
    backend: Arc<Backend>,
}

impl Hold {
    fn new(backend: Arc<Backend>) -> Self {
        backend.hold();
        Self { backend }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.backend.release();
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").finish_non_exhaustive()
    }
}

/// Why a handle that is out of contact refuses.
fn unreachable(reason: &str) -> StoreError {
    StoreError::Unreachable {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
