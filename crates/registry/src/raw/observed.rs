//! A registry as its observers see it.

use super::core::Core;
use super::owned::Entry;
use super::snapshot::Snapshot;
use crate::Subscription;
use crate::observe::{Observed, Observers, Options};
use crate::sync::Arc;

/// Keeps the registry's entries alive for a subscription that has to be told the last state.
struct Link<V>(Arc<Core<V>>);

impl<V: Send + Sync + 'static> Observed<Entry<V>, Snapshot<V>> for Link<V> {
    fn observers(&self) -> &Observers<Entry<V>> {
        &self.0.observers
    }

    fn frozen(&self, then: &mut dyn FnMut(u64)) -> Snapshot<V> {
        freeze(&self.0, |snapshot| then(snapshot.revision())).0
    }
}

/// Takes a snapshot and subscribes to what comes after it.
pub(crate) fn subscribe<V: Send + Sync + 'static>(
    core: &Arc<Core<V>>,
    options: Options,
) -> (Snapshot<V>, Subscription<V>) {
    let link = Box::new(Link(Arc::clone(core)));
    freeze(core, |snapshot| {
        core.observers.subscribe(options, snapshot.revision(), link)
    })
}

/// Takes a snapshot, and calls `then` with it before the next commit.
fn freeze<V, R>(core: &Arc<Core<V>>, then: impl FnOnce(&Snapshot<V>) -> R) -> (Snapshot<V>, R) {
    let writer = core.lock();
    let (snapshot, awaited) = Snapshot::under_lock(core);
    let result = then(&snapshot);
    drop(writer);
    if awaited {
        core.request_collection();
    }
    (snapshot, result)
}
