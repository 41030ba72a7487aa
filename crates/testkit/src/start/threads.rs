//! The barrier for threads.

use crate::{
    PATIENCE,
    sync::{lock, wait_until},
};
use std::{
    sync::{
        Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Releases a number of threads at the same moment, as often as they come together.
///
/// A thread that the kernel has woken late would begin late. So there are two gatherings: the
/// first one parks, the second one, entered awake, spins until all are awake; what a caller does
/// after [`wait`](Self::wait) really overlaps with what the others do.
///
/// # Consistency
///
/// What a thread did before `wait` is visible to every thread after its `wait`.
///
/// # Examples
///
/// ```
/// use byname_testkit::StartBarrier;
///
/// let barrier = StartBarrier::new(2);
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| {
///             barrier.wait();
///             // both are here at once
///         });
///     }
/// });
/// ```
#[derive(Debug)]
pub struct StartBarrier {
    parties: usize,
    limit: Duration,
    gathered: Mutex<Gathered>,
    changed: Condvar,
    /// Counts the threads that are awake behind the first gathering, over all rounds.
    awake: AtomicUsize,
}

#[derive(Debug, Default)]
struct Gathered {
    round: usize,
    arrived: usize,
}

impl StartBarrier {
    /// Makes a barrier for `parties` threads, which waits [`PATIENCE`] at most.
    #[must_use]
    pub fn new(parties: usize) -> Self {
        Self::with_limit(parties, PATIENCE)
    }

    /// Makes a barrier for `parties` threads, at which a thread waits `limit` at most.
    #[must_use]
    pub fn with_limit(parties: usize, limit: Duration) -> Self {
        Self {
            parties,
            limit,
            gathered: Mutex::new(Gathered::default()),
            changed: Condvar::new(),
            awake: AtomicUsize::new(0),
        }
    }

    /// Waits until as many threads as the barrier has parties are here.
    ///
    /// # Panics
    ///
    /// If they are not here within the limit: a missing thread is a failed test and not a hung one.
    #[track_caller]
    pub fn wait(&self) {
        let deadline = Instant::now() + self.limit;
        let mut gathered = lock(&self.gathered);
        let round = gathered.round;
        gathered.arrived += 1;
        if gathered.arrived == self.parties {
            gathered.arrived = 0;
            gathered.round += 1;
            self.changed.notify_all();
        }
        let gathered = wait_until(&self.changed, gathered, deadline, |now| now.round != round);
        let (released, arrived) = (gathered.round != round, gathered.arrived);
        drop(gathered);
        assert!(
            released,
            "{arrived} of {} threads came to the barrier within {:?}; the others ended or hang before it",
            self.parties, self.limit,
        );
        // A thread enters round r + 1 only after it left round r, so the count of round r is
        // complete at (r + 1) * parties and no thread can pass it by.
        self.awake.fetch_add(1, Ordering::AcqRel);
        while self.awake.load(Ordering::Acquire) < (round + 1) * self.parties {
            assert!(
                Instant::now() < deadline,
                "a thread was lost between the barrier's gatherings"
            );
            thread::yield_now();
        }
    }
}

/// Runs `work` on `count` threads that start together, and returns what each returned, in order.
///
/// Each is given its index, from 0.
///
/// # Panics
///
/// With the panic of the first thread that panicked, once all have ended.
///
/// # Examples
///
/// ```
/// let squares = byname_testkit::together(4, |index| index * index);
/// assert_eq!(squares, [0, 1, 4, 9]);
/// ```
pub fn together<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = StartBarrier::new(count);
    let ended: Vec<thread::Result<T>> = thread::scope(|scope| {
        let start = |index| {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(index)
            })
        };
        let threads: Vec<_> = (0..count).map(start).collect();
        threads
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect()
    });
    let value = |ended| match ended {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    ended.into_iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrent_threads_pass_when_the_last_has_come_in_every_round() {
        let (parties, rounds) = (8, 50);
        let barrier = StartBarrier::new(parties);
        let arrived = AtomicUsize::new(0);
        together(parties, |_| {
            for round in 1..=rounds {
                arrived.fetch_add(1, Ordering::Relaxed);
                barrier.wait();
                assert_eq!(arrived.load(Ordering::Relaxed), round * parties);
                barrier.wait();
            }
        });
    }

    #[test]
    fn results_come_in_the_order_of_the_threads() {
        assert_eq!(together(5, |index| index), [0, 1, 2, 3, 4]);
        assert_eq!(together(0, |index| index), [0; 0]);
    }

    #[test]
    #[should_panic(expected = "third")]
    fn a_panic_is_passed_on() {
        together(3, |index| assert!(index != 2, "third"));
    }

    #[test]
    #[should_panic(expected = "1 of 2 threads came to the barrier within 1ms")]
    fn a_missing_thread_is_a_failure_and_not_a_hang() {
        StartBarrier::with_limit(2, Duration::from_millis(1)).wait();
    }
}
