use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use byname_registry::Changes;

use crate::pending::{Completer, Pending};

/// Lets one at a time through for each name, in the order in which they came, on threads and in
/// tasks.
///
/// Transactions that have met a conflict over a name go on one after another, and others that read
/// it queue behind them: so those of one process do not go on standing in each other's way. Nobody
/// waits for a turn while having another.
#[derive(Default)]
pub(super) struct Turns {
    /// Who waits for each name whose turn is taken.
    taken: Mutex<HashMap<Arc<str>, VecDeque<Completer<()>>>>,
    /// How many are taken. It only saves a look: what it misses costs an attempt.
    count: AtomicUsize,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, VecDeque<Completer<()>>>> {
        // Nothing panics while this is held.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name that `changes` depend on and whose turn is taken.
    pub(super) fn contended<V: Send + Sync + 'static>(
        &self,
        changes: &Changes<V>,
    ) -> Option<Arc<str>> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let taken = self.lock();
        let mut names = changes.reads();
        names.find_map(|(name, _)| taken.get_key_value(name).map(|(own, _)| Arc::clone(own)))
    }

    /// Waits for the turn of `name`, which ends when what is returned is dropped.
    pub(super) async fn enter(&self, name: Arc<str>) -> Turn<'_> {
        let pending = {
            let mut taken = self.lock();
            if let Some(waiting) = taken.get_mut(&name) {
                let (completer, pending) = Pending::new();
                waiting.push_back(completer);
                Some(pending)
            } else {
                taken.insert(Arc::clone(&name), VecDeque::new());
                self.count.store(taken.len(), Ordering::Relaxed);
                None
            }
        };
        let mut turn = Turn {
            turns: self,
            name,
            pending,
        };
        if let Some(pending) = &turn.pending {
            // The queue goes with `self`: nobody drops a completer without an answer.
            let _ = pending.clone().await;
            turn.pending = None;
        }
        turn
    }

    /// Gives the turn of `name` to the next who still wants it.
    fn pass_on(&self, name: &str) {
        loop {
            let mut taken = self.lock();
            let next = taken.get_mut(name).and_then(VecDeque::pop_front);
            let Some(next) = next else {
                taken.remove(name);
                self.count.store(taken.len(), Ordering::Relaxed);
                return;
            };
            drop(taken);
            // From here on it is for the next to pass on, even if it is dropped before it hears.
            if next.begin() {
                next.complete(Ok(()));
                return;
            }
        }
    }
}

pub(super) struct Turn<'t> {
    turns: &'t Turns,
    name: Arc<str>,
    /// What it waits for before it begins.
    pending: Option<Pending<()>>,
}

impl Turn<'_> {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // One that was dropped while it waited has nothing to pass on, unless it has been given it.
        let waits = self.pending.as_ref().is_some_and(Pending::withdraw);
        if !waits {
            self.turns.pass_on(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::durable::block::block_on;

    #[test]
    fn concurrent_turns_exclude_each_other() {
        let turns = Turns::default();
        let inside = AtomicU64::new(0);
        byname_testkit::together(8, |_| {
            for _ in 0..200 {
                let turn = block_on(turns.enter("a".into()));
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                std::thread::yield_now();
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(turn);
            }
        });
        assert!(turns.lock().is_empty());
    }

    #[test]
    fn who_gives_up_waiting_holds_up_nobody() {
        let turns = Turns::default();
        let mut context = Context::from_waker(Waker::noop());
        let first = block_on(turns.enter("a".into()));
        let mut before = Box::pin(turns.enter("a".into()));
        let mut given = Box::pin(turns.enter("a".into()));
        let mut last = Box::pin(turns.enter("a".into()));
        for waiting in [&mut before, &mut given, &mut last] {
            assert!(waiting.as_mut().poll(&mut context).is_pending());
        }
        // One leaves before its turn, one after it was given it and before it heard.
        drop(before);
        drop(first);
        assert!(last.as_mut().poll(&mut context).is_pending());
        drop(given);
        let Poll::Ready(turn) = last.as_mut().poll(&mut context) else {
            panic!("it is the turn of the last");
        };
        drop(turn);
        assert!(turns.lock().is_empty());
    }
}
