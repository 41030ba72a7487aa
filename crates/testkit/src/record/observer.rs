//! An observer kept for a test, well-behaved or not.

use super::{NotSeen, Recording};
use crate::{
    PATIENCE,
    sync::{lock, wait_until},
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

/// What a [`RecordingObserver`] does wrong at an event, after it has recorded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It panics.
    Panic,
    /// It does not return until [`RecordingObserver::release`].
    Hang,
}

/// An observer that records what it hears, and panics or hangs where it is told to.
///
/// A clone is the same observer.
///
/// # Examples
///
/// ```
/// use byname_testkit::{Fault, RecordingObserver};
///
/// let observer = RecordingObserver::new();
/// observer.fail_at(1, Fault::Panic);
/// let hear = observer.callback();
/// hear("first");
/// let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hear("second")));
/// assert!(panicked.is_err());
/// assert_eq!(observer.events(), ["first", "second"]);
/// ```
pub struct RecordingObserver<E> {
    events: Recording<E>,
    plan: Arc<Plan>,
}

#[derive(Default)]
struct Plan {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    heard: usize,
    faults: BTreeMap<usize, Fault>,
    hanging: usize,
    released: bool,
}

impl<E> RecordingObserver<E> {
    /// Starts as an observer that has heard nothing and does nothing wrong.
    #[must_use]
    pub fn new() -> Self {
        Self {
            events: Recording::new(),
            plan: Arc::default(),
        }
    }

    /// Makes the observer do `fault` at its event number `event`, counted from 0.
    pub fn fail_at(&self, event: usize, fault: Fault) {
        lock(&self.plan.state).faults.insert(event, fault);
    }

    /// Lets every hanging call return, now and later.
    pub fn release(&self) {
        lock(&self.plan.state).released = true;
        self.plan.changed.notify_all();
    }

    /// Waits until `count` calls hang.
    ///
    /// # Panics
    ///
    /// If that does not come about within `limit`.
    #[track_caller]
    pub fn wait_hanging(&self, count: usize, limit: Duration) {
        let state = lock(&self.plan.state);
        let deadline = Instant::now() + limit;
        let state = wait_until(&self.plan.changed, state, deadline, |now| {
            now.hanging == count
        });
        let hanging = state.hanging;
        drop(state);
        assert!(
            hanging == count,
            "{hanging} calls hang, expected {count} within {limit:?}"
        );
    }

    /// Hears `event`.
    ///
    /// # Panics
    ///
    /// Where it was told to; and when it hangs for longer than [`PATIENCE`], so that a test that
    /// forgets [`release`](Self::release) ends.
    pub fn hear(&self, event: E) {
        let mut state = lock(&self.plan.state);
        let number = state.heard;
        state.heard += 1;
        let fault = state.faults.remove(&number);
        // Recorded under the lock, so the order of the numbers is the order of the recording.
        self.events.push(event);
        match fault {
            None => {}
            Some(Fault::Panic) => {
                drop(state);
                panic!("the observer panics at event {number}, as it was told to");
            }
            Some(Fault::Hang) => {
                state.hanging += 1;
                self.plan.changed.notify_all();
                let deadline = Instant::now() + PATIENCE;
                state = wait_until(&self.plan.changed, state, deadline, |now| now.released);
                state.hanging -= 1;
                let released = state.released;
                drop(state);
                self.plan.changed.notify_all();
                assert!(
                    released,
                    "the observer hung at event {number} and was never released"
                );
            }
        }
    }

    /// Returns this observer as a plain function.
    pub fn callback(&self) -> impl Fn(E) + Send + Sync + 'static
    where
        E: Send + 'static,
    {
        let observer = self.clone();
        move |event| observer.hear(event)
    }

    /// Returns the events as a [`Recording`].
    #[must_use]
    pub fn recording(&self) -> &Recording<E> {
        &self.events
    }
}

impl<E: Clone> RecordingObserver<E> {
    /// Returns all events heard, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<E> {
        self.events.items()
    }

    /// Waits until `seen` holds of the events heard, and returns them.
    ///
    /// # Errors
    ///
    /// [`NotSeen`], with the events that came instead, if it does not within `limit`.
    pub fn wait_for(
        &self,
        limit: Duration,
        seen: impl FnMut(&[E]) -> bool,
    ) -> Result<Vec<E>, NotSeen>
    where
        E: fmt::Debug,
    {
        self.events.wait_for(limit, seen)
    }
}

impl<E> Clone for RecordingObserver<E> {
    fn clone(&self) -> Self {
        Self {
            events: self.events.clone(),
            plan: self.plan.clone(),
        }
    }
}

impl<E> Default for RecordingObserver<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for RecordingObserver<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingObserver")
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn panics_at_the_event_it_was_told_to_and_at_no_other() {
        let observer = RecordingObserver::new();
        observer.fail_at(1, Fault::Panic);
        let panicked: Vec<bool> = (0..3)
            .map(|event| catch_unwind(AssertUnwindSafe(|| observer.hear(event))).is_err())
            .collect();
        assert_eq!(panicked, [false, true, false]);
        assert_eq!(observer.events(), [0, 1, 2]);
    }

    #[test]
    fn hangs_until_it_is_released_and_others_go_on() {
        let observer = RecordingObserver::new();
        observer.fail_at(0, Fault::Hang);
        std::thread::scope(|scope| {
            let hanging = scope.spawn(|| observer.hear("hangs"));
            observer.wait_hanging(1, PATIENCE);
            observer.hear("goes on");
            assert!(!hanging.is_finished());
            observer.release();
            hanging.join().unwrap();
        });
        observer.wait_hanging(0, PATIENCE);
        let heard = observer
            .wait_for(PATIENCE, |events| events.len() == 2)
            .unwrap();
        assert_eq!(heard, ["hangs", "goes on"]);
    }

    #[test]
    #[should_panic(expected = "0 calls hang, expected 1 within 1ms")]
    fn a_hang_that_does_not_come_is_a_failure() {
        RecordingObserver::<()>::new().wait_hanging(1, Duration::from_millis(1));
    }
}
