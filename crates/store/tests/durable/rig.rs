//! What the tests of durable registries share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use byname_registry::Registry;
use byname_store::{
    Completer, Durable, Health, Json, Lease, LeaseId, Limits, MemoryStore, Pending, Record, Store,
    Transaction, Value, Watch,
};

/// A store that counts what it is asked.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) store: MemoryStore,
    refreshes: AtomicU64,
    submitted: AtomicU64,
}

impl Counting {
    pub(crate) fn new(store: MemoryStore) -> Arc<Self> {
        Arc::new(Self {
            store,
            refreshes: AtomicU64::new(0),
            submitted: AtomicU64::new(0),
        })
    }

    pub(crate) fn refreshes(&self) -> u64 {
        self.refreshes.load(Ordering::SeqCst)
    }

    pub(crate) fn submitted(&self) -> u64 {
        self.submitted.load(Ordering::SeqCst)
    }
}

impl Store for Counting {
    fn id(&self) -> Option<String> {
        self.store.id()
    }
    fn mirror(&self) -> &Registry<Record> {
        self.store.mirror()
    }
    fn committed(&self) -> u64 {
        self.store.committed()
    }
    fn refresh(&self) -> Pending<u64> {
        self.refreshes.fetch_add(1, Ordering::SeqCst);
        self.store.refresh()
    }
    fn submit(&self, transaction: Transaction) -> Pending<u64> {
        self.submitted.fetch_add(1, Ordering::SeqCst);
        self.store.submit(transaction)
    }
    fn watch(&self, after: u64) -> Watch {
        self.store.watch(after)
    }
    fn grant(&self, time: Duration) -> Pending<Lease> {
        self.store.grant(time)
    }
    fn keep_alive(&self, id: LeaseId) -> Pending<Lease> {
        self.store.keep_alive(id)
    }
    fn revoke(&self, id: LeaseId) -> Pending<u64> {
        self.store.revoke(id)
    }
    fn health(&self) -> Health {
        self.store.health()
    }
    fn limits(&self) -> Limits {
        self.store.limits()
    }
}

/// A durable registry that does nothing by itself, so that a test says what happens when.
pub(crate) fn still<V: Value>(store: Arc<dyn Store>) -> Durable<V> {
    Durable::options().follow(false).open(store).unwrap()
}

pub(crate) fn open<V: Value>(store: MemoryStore) -> Durable<V> {
    Durable::open(Arc::new(store)).unwrap()
}

pub(crate) fn state<V: Value + Clone>(durable: &Durable<V>) -> Vec<(String, u64, V)> {
    let snapshot = durable.registry().snapshot();
    let entries = snapshot.entries().map(|(name, entry)| {
        let value = entry.value().unwrap().clone();
        (name.to_owned(), entry.revision(), value)
    });
    entries.collect()
}

pub(crate) fn entry<V>(name: &str, revision: u64, value: V) -> (String, u64, V) {
    (name.to_owned(), revision, value)
}

/// Writes JSON as somebody else's program does.
pub(crate) fn write(store: &dyn Store, name: &str, text: &str) -> u64 {
    let json = Json::new(text).unwrap();
    store
        .submit(Transaction::new().put(name, json))
        .wait()
        .unwrap()
}

/// What the store keeps of an entry.
pub(crate) fn kept(store: &dyn Store, name: &str) -> String {
    let entry = store.mirror().entry(name).unwrap();
    entry.value().unwrap().value.as_str().to_owned()
}

/// A store whose refreshes are answered when the test says so, with what the mirror showed when they
/// began.
#[derive(Debug)]
pub(crate) struct Gated {
    pub(crate) store: MemoryStore,
    refreshes: Mutex<Vec<(Completer<u64>, u64)>>,
}

impl Gated {
    pub(crate) fn new(store: MemoryStore) -> Arc<Self> {
        Arc::new(Self {
            store,
            refreshes: Mutex::default(),
        })
    }

    /// How many refreshes have not been answered.
    pub(crate) fn waiting(&self) -> usize {
        self.refreshes.lock().unwrap().len()
    }

    /// Answers the oldest refresh.
    pub(crate) fn answer(&self) {
        let (completer, reached) = self.refreshes.lock().unwrap().remove(0);
        completer.complete(Ok(reached));
    }
}

impl Store for Gated {
    fn id(&self) -> Option<String> {
        self.store.id()
    }
    fn mirror(&self) -> &Registry<Record> {
        self.store.mirror()
    }
    fn committed(&self) -> u64 {
        self.store.committed()
    }
    fn refresh(&self) -> Pending<u64> {
        let reached = self.store.refresh().wait().unwrap();
        let (completer, pending) = Pending::new();
        let mut refreshes = self.refreshes.lock().unwrap();
        refreshes.push((completer, reached));
        pending
    }
    fn submit(&self, transaction: Transaction) -> Pending<u64> {
        self.store.submit(transaction)
    }
    fn watch(&self, after: u64) -> Watch {
        self.store.watch(after)
    }
    fn grant(&self, time: Duration) -> Pending<Lease> {
        self.store.grant(time)
    }
    fn keep_alive(&self, id: LeaseId) -> Pending<Lease> {
        self.store.keep_alive(id)
    }
    fn revoke(&self, id: LeaseId) -> Pending<u64> {
        self.store.revoke(id)
    }
    fn health(&self) -> Health {
        self.store.health()
    }
    fn limits(&self) -> Limits {
        self.store.limits()
    }
}
