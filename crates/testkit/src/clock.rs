//! Time that a test turns by hand, behind the same trait as the real one.

use crate::sync::{lock, wait_until};
use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Arc, Condvar, Mutex},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

/// A monotonic clock that code can be given instead of asking the system.
///
/// # Promises
///
/// [`now`](Self::now) never goes back. A sleep ends when `now` has reached its deadline, never
/// before. Sleeps that end together are woken in the order of their deadlines, and those of one
/// deadline in the order in which they began.
///
/// # Examples
///
/// ```
/// use byname_testkit::{Clock, ManualClock};
/// use std::time::{Duration, Instant};
///
/// struct Lease<'a> {
///     clock: &'a dyn Clock,
///     ends: Instant,
/// }
///
/// impl Lease<'_> {
///     fn is_over(&self) -> bool {
///         self.clock.now() >= self.ends
///     }
/// }
///
/// let clock = ManualClock::new();
/// let lease = Lease { clock: &clock, ends: clock.now() + Duration::from_secs(3600) };
/// clock.advance(Duration::from_secs(3599));
/// assert!(!lease.is_over());
/// clock.advance(Duration::from_secs(1));
/// assert!(lease.is_over());
/// ```
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the time.
    fn now(&self) -> Instant;

    /// Returns a future that ends when the clock has reached `deadline`.
    ///
    /// The sleep begins when the future is first polled, on any runtime.
    fn sleep_until(&self, deadline: Instant) -> Sleep;

    /// Returns a future that ends `duration` after now.
    fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// Blocks this thread until the clock has reached `deadline`.
    fn block_until(&self, deadline: Instant) {
        crate::block_on(self.sleep_until(deadline));
    }
}

/// A clock that stands still until a test advances it.
///
/// A clone is the same clock.
///
/// # Consistency
///
/// What a thread did before [`advance`](Self::advance) is visible to whom it wakes. A sleeper that
/// is woken sees a time of at least its deadline; a sleeper that was woken earlier may still run.
///
/// # Examples
///
/// ```
/// use byname_testkit::{Clock, Executor, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let mut executor = Executor::new();
/// let task = executor.spawn(clock.sleep(Duration::from_secs(60)));
/// executor.run_until_stalled();
/// assert_eq!(clock.sleeping(), 1);
/// clock.advance(Duration::from_secs(60));
/// executor.run_until_stalled();
/// assert!(task.is_finished());
/// ```
#[derive(Clone)]
pub struct ManualClock {
    sleepers: Arc<Sleepers>,
}

/// The system's monotonic clock.
///
/// Its sleeps are driven by one thread, which lives while somebody sleeps.
///
/// # Examples
///
/// ```
/// use byname_testkit::{Clock, SystemClock, block_on};
/// use std::time::Duration;
///
/// let clock = SystemClock::new();
/// let began = clock.now();
/// block_on(clock.sleep(Duration::from_millis(1)));
/// assert!(clock.now() - began >= Duration::from_millis(1));
/// ```
#[derive(Clone)]
pub struct SystemClock {
    sleepers: Arc<Sleepers>,
}

/// Who sleeps on a clock.
struct Sleepers {
    state: Mutex<State>,
    /// Told of every sleeper that comes or goes.
    changed: Condvar,
    real: bool,
}

struct State {
    /// The time of a manual clock.
    now: Instant,
    next: u64,
    waiting: BTreeMap<(Instant, u64), Waker>,
    /// Whether a thread drives the sleepers of a system clock.
    driven: bool,
}

impl Sleepers {
    fn new(real: bool) -> Arc<Self> {
        let state = State {
            now: Instant::now(),
            next: 0,
            waiting: BTreeMap::new(),
            driven: false,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            real,
        })
    }

    fn now(&self, state: &State) -> Instant {
        if self.real { Instant::now() } else { state.now }
    }

    /// Wakes the sleepers of a system clock at their times, until nobody sleeps.
    fn drive(&self) {
        let mut state = lock(&self.state);
        while let Some((&(deadline, number), _)) = state.waiting.first_key_value() {
            let earlier = |now: &State| {
                now.waiting
                    .first_key_value()
                    .is_none_or(|(&first, _)| first != (deadline, number))
            };
            state = wait_until(&self.changed, state, deadline, earlier);
            while let Some(first) = state
                .waiting
                .first_entry()
                .filter(|first| first.key().0 <= Instant::now())
            {
                let waker = first.remove();
                drop(state);
                waker.wake();
                state = lock(&self.state);
            }
        }
        // Under the same lock under which the next sleeper looks whether it must start a thread.
        state.driven = false;
    }
}

impl ManualClock {
    /// Makes a clock that stands at the present time of the system.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sleepers: Sleepers::new(false),
        }
    }

    /// Moves the time forward by `duration`, waking each sleeper whose deadline is reached, one
    /// after another, the time standing at its deadline when it is woken.
    pub fn advance(&self, duration: Duration) {
        let mut state = lock(&self.sleepers.state);
        let target = state.now + duration;
        while let Some(first) = state
            .waiting
            .first_entry()
            .filter(|first| first.key().0 <= target)
        {
            let ((deadline, _), waker) = first.remove_entry();
            state.now = state.now.max(deadline);
            // A waker is the caller's code: it is called outside the lock.
            drop(state);
            self.sleepers.changed.notify_all();
            waker.wake();
            state = lock(&self.sleepers.state);
        }
        state.now = state.now.max(target);
    }

    /// Moves the time to the next deadline of a sleeper and wakes the sleepers of that deadline;
    /// returns by how much it moved, or `None` if nobody sleeps.
    #[must_use]
    pub fn advance_to_next(&self) -> Option<Duration> {
        let state = lock(&self.sleepers.state);
        let (&(deadline, _), _) = state.waiting.first_key_value()?;
        let duration = deadline.saturating_duration_since(state.now);
        drop(state);
        self.advance(duration);
        Some(duration)
    }

    /// Returns how many sleep on this clock.
    #[must_use]
    pub fn sleeping(&self) -> usize {
        lock(&self.sleepers.state).waiting.len()
    }

    /// Waits until exactly `count` sleep on this clock, so that an advance meets all of them.
    ///
    /// # Panics
    ///
    /// If that does not come about within `limit`.
    #[track_caller]
    pub fn wait_sleeping(&self, count: usize, limit: Duration) {
        let state = lock(&self.sleepers.state);
        let deadline = Instant::now() + limit;
        let ready = |now: &State| now.waiting.len() == count;
        let sleeping = wait_until(&self.sleepers.changed, state, deadline, ready)
            .waiting
            .len();
        assert!(
            sleeping == count,
            "{sleeping} sleep on the clock, expected {count} within {limit:?}"
        );
    }
}

impl SystemClock {
    /// Makes a clock that tells the system's time.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sleepers: Sleepers::new(true),
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        lock(&self.sleepers.state).now
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep {
            sleepers: self.sleepers.clone(),
            deadline,
            key: None,
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep {
            sleepers: self.sleepers.clone(),
            deadline,
            key: None,
        }
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock")
            .field("sleeping", &self.sleeping())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemClock").finish_non_exhaustive()
    }
}

/// The future of [`Clock::sleep_until`].
#[must_use = "a future sleeps only while it is polled"]
pub struct Sleep {
    sleepers: Arc<Sleepers>,
    deadline: Instant,
    /// Its number among the sleepers, from the first poll on.
    key: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let sleepers = self.sleepers.clone();
        let mut state = lock(&sleepers.state);
        if sleepers.now(&state) >= self.deadline {
            if let Some(number) = self.key.take() {
                state.waiting.remove(&(self.deadline, number));
            }
            return Poll::Ready(());
        }
        let number = self.key.unwrap_or(state.next);
        if self.key.is_none() {
            self.key = Some(number);
            state.next += 1;
        }
        state
            .waiting
            .insert((self.deadline, number), cx.waker().clone());
        if sleepers.real && !state.driven {
            state.driven = true;
            let sleepers = sleepers.clone();
            thread::spawn(move || sleepers.drive());
        }
        drop(state);
        sleepers.changed.notify_all();
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.key {
            let gone = lock(&self.sleepers.state)
                .waiting
                .remove(&(self.deadline, number));
            self.sleepers.changed.notify_all();
            drop(gone);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Executor, PATIENCE, Recording, block_on, block_on_within};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn stands_still_until_it_is_advanced() {
        let clock = ManualClock::new();
        let began = clock.now();
        assert_eq!(clock.now(), began);
        clock.clone().advance(3 * SECOND);
        assert_eq!(clock.now() - began, 3 * SECOND);
        assert_eq!(clock.advance_to_next(), None);
    }

    #[test]
    fn sleepers_wake_in_the_order_of_their_deadlines_at_their_times() {
        let clock = ManualClock::new();
        let began = clock.now();
        let woken = Recording::new();
        let mut executor = Executor::new();
        for (name, seconds) in [("late", 3), ("early", 1), ("early too", 1), ("later", 4)] {
            let (clock, woken) = (clock.clone(), woken.clone());
            executor.spawn(async move {
                clock.sleep(seconds * SECOND).await;
                woken.push((name, (clock.now() - began).as_secs()));
            });
        }
        executor.run_until_stalled();
        clock.wait_sleeping(4, PATIENCE);
        assert_eq!(clock.advance_to_next(), Some(SECOND));
        executor.run_until_stalled();
        assert_eq!(woken.take(), [("early", 1), ("early too", 1)]);
        clock.advance(3 * SECOND);
        executor.run_until_stalled();
        assert_eq!(woken.take(), [("late", 4), ("later", 4)]);
        assert_eq!(clock.sleeping(), 0);
    }

    /// The time stands at a sleeper's deadline while its waker runs, not at the end of the advance.
    #[test]
    fn an_advance_stops_at_every_deadline() {
        struct Note(ManualClock, Recording<Instant>);
        impl std::task::Wake for Note {
            fn wake(self: Arc<Self>) {
                self.1.push(self.0.now());
            }
        }
        let (clock, times) = (ManualClock::new(), Recording::new());
        let began = clock.now();
        let waker = Waker::from(Arc::new(Note(clock.clone(), times.clone())));
        let mut sleeps = [2, 1].map(|seconds| Box::pin(clock.sleep(seconds * SECOND)));
        for sleep in &mut sleeps {
            assert!(
                sleep
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        clock.advance(9 * SECOND);
        assert_eq!(times.items(), [began + SECOND, began + 2 * SECOND]);
        assert_eq!(clock.now(), began + 9 * SECOND);
    }

    #[test]
    fn a_sleep_that_is_dropped_or_over_leaves_no_sleeper() {
        let clock = ManualClock::new();
        block_on(clock.sleep(Duration::ZERO));
        block_on_within(Duration::ZERO, clock.sleep(SECOND)).unwrap_err();
        let mut executor = Executor::new();
        let task = executor.spawn(clock.sleep(SECOND));
        executor.run_until_stalled();
        assert_eq!(clock.sleeping(), 1);
        executor.cancel(&task);
        assert_eq!(clock.sleeping(), 0);
    }

    #[test]
    fn blocked_threads_are_released() {
        let clock = ManualClock::new();
        let deadline = clock.now() + SECOND;
        thread::scope(|scope| {
            let blocked: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| clock.block_until(deadline)))
                .collect();
            clock.wait_sleeping(4, PATIENCE);
            clock.advance(Duration::from_nanos(999_999_999));
            assert!(blocked.iter().all(|thread| !thread.is_finished()));
            clock.advance(Duration::from_nanos(1));
        });
        assert_eq!(clock.sleeping(), 0);
    }

    #[test]
    #[should_panic(expected = "0 sleep on the clock, expected 1 within 1ms")]
    fn a_sleeper_that_does_not_come_is_a_failure() {
        ManualClock::new().wait_sleeping(1, Duration::from_millis(1));
    }

    #[test]
    fn the_system_clock_wakes_every_sleeper_and_none_early() {
        let clock = SystemClock::new();
        thread::scope(|scope| {
            for milliseconds in [3, 1, 2, 0] {
                let clock = &clock;
                scope.spawn(move || {
                    let deadline = clock.now() + Duration::from_millis(milliseconds);
                    block_on_within(PATIENCE, clock.sleep_until(deadline)).unwrap();
                    assert!(clock.now() >= deadline);
                });
            }
        });
        // The thread that drove the first sleeps may be gone; a later one is driven all the same.
        block_on_within(PATIENCE, clock.sleep(Duration::from_millis(1))).unwrap();
        assert_eq!(lock(&clock.sleepers.state).waiting.len(), 0);
    }
}
