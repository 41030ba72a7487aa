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
        self.0.freeze(|| {
            let snapshot = Snapshot::new(&self.0);
            then(snapshot.revision());
            snapshot
        })
    }
}

/// Takes a snapshot and subscribes to what comes after it.
pub(crate) fn subscribe<V: Send + Sync + 'static>(
    core: &Arc<Core<V>>,
    options: Options,
) -> (Snapshot<V>, Subscription<V>) {
    let link = Box::new(Link(Arc::clone(core)));
    core.freeze(|| {
        let snapshot = Snapshot::new(core);
        let subscription = core.observers.subscribe(options, snapshot.revision(), link);
        (snapshot, subscription)
    })
}

impl<V> Core<V> {
    /// Runs `look` while no commit runs.
    fn freeze<R>(&self, look: impl FnOnce() -> R) -> R {
        let writer = self.lock();
        let result = look();
        drop(writer);
        self.serve_requests();
        result
    }
}
