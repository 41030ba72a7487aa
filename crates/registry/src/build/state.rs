//! What the lock of a build guards: its phase and its waiters.
//!
//! Every method is one transition. None runs a caller's code: what a transition takes out (wakers, a
//! future, an error) it returns, to be woken or dropped after the lock is released.

use std::{collections::BTreeMap, mem, sync::Arc, task::Waker, time::Duration};

use super::{
    cell::{BuildFuture, Start},
    error::BuildError,
    graph::Attempt,
};

/// Says how far the build of an entry is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BuildStatus {
    /// Nobody has asked, or everybody who asked has left.
    Unbuilt,
    /// A build is under way.
    Building {
        /// How many threads and tasks wait for it.
        waiters: usize,
    },
    /// The last build failed; whether the next ask tries again is up to the entry's
    /// [`Retry`](super::Retry).
    Failed(BuildError),
    /// The value is there.
    Built,
}

/// Names a waiter, in one build.
pub(super) type Seat = u64;

pub(super) struct State {
    /// Makes the future; gone once the build has succeeded.
    start: Option<Arc<Start>>,
    phase: Phase,
    /// Who waits for the attempt. A waker is missing between its wake and its waiter's next poll.
    ///
    /// Empty while nobody has asked, or all have left or have a result. Not empty while an attempt is
    /// under way, until its last waiter has left and drops it.
    waiting: BTreeMap<Seat, Option<Waker>>,
    /// What those who waited for a failed attempt have yet to pick up.
    failed: BTreeMap<Seat, BuildError>,
    next_seat: Seat,
}

enum Phase {
    Unbuilt,
    Building {
        attempt: Arc<Attempt>,
        work: Work,
        woken: bool,
    },
    /// Tried again by an ask at `again` or later; never, if there is none.
    Failed {
        error: BuildError,
        again: Option<Duration>,
    },
    Built,
}

/// An attempt's future, by who has it.
enum Work {
    /// Not made yet.
    New,
    /// Made, and polled by nobody right now.
    Idle(BuildFuture),
    /// In the hands of the waiter that polls it, who keeps its seat until it has put it back; or of
    /// the last waiter, who left its seat and drops it.
    Taken,
}

/// The future of an attempt, taken out to be polled.
pub(super) struct Job {
    pub(super) attempt: Arc<Attempt>,
    pub(super) work: JobWork,
}

pub(super) enum JobWork {
    Make(Arc<Start>),
    Poll(BuildFuture),
}

/// The future of an attempt that nobody waits for, to be dropped.
pub(super) struct GivenUp {
    pub(super) attempt: Arc<Attempt>,
    pub(super) future: BuildFuture,
}

/// What a waiter is to do next.
pub(super) enum Step {
    Done(Result<(), BuildError>),
    Drive(Job),
    /// It would have to drive, but may not nest another build.
    TooDeep,
    Pending,
}

/// Taken out of the state; nothing but to be dropped, outside the lock.
#[must_use]
#[derive(Default)]
#[expect(dead_code, reason = "fields are only dropped")]
pub(super) struct Leftover {
    phase: Option<Phase>,
    waker: Option<Waker>,
    error: Option<BuildError>,
    start: Option<Arc<Start>>,
}

impl State {
    pub(super) fn new(start: Arc<Start>) -> Self {
        Self {
            start: Some(start),
            phase: Phase::Unbuilt,
            waiting: BTreeMap::new(),
            failed: BTreeMap::new(),
            next_seat: 0,
        }
    }

    pub(super) fn status(&self) -> BuildStatus {
        match &self.phase {
            Phase::Unbuilt => BuildStatus::Unbuilt,
            Phase::Building { .. } => BuildStatus::Building {
                waiters: self.waiting.len(),
            },
            Phase::Failed { error, .. } => BuildStatus::Failed(error.clone()),
            Phase::Built => BuildStatus::Built,
        }
    }

    pub(super) fn attempt(&self) -> Option<Arc<Attempt>> {
        match &self.phase {
            Phase::Building { attempt, .. } => Some(Arc::clone(attempt)),
            _ => None,
        }
    }

    /// Returns the result for the waiter in `seat`, or for somebody who asks now.
    ///
    /// A waiter gets the result of the attempt it waited for, whatever has happened since.
    pub(super) fn result(
        &mut self,
        seat: Option<Seat>,
        now: Duration,
    ) -> Option<Result<(), BuildError>> {
        if let Some(error) = seat.and_then(|seat| self.failed.remove(&seat)) {
            return Some(Err(error));
        }
        match &self.phase {
            Phase::Built => Some(Ok(())),
            Phase::Failed { error, again } if again.is_none_or(|again| now < again) => {
                Some(Err(error.clone()))
            }
            _ => None,
        }
    }

    /// Returns the result if there is one; else takes a seat if there is none yet, and then the future,
    /// if it is this waiter's turn.
    ///
    /// Begins what `attempt` makes if no attempt is under way. The future is polled only after a wake:
    /// a waiter that comes without one has nothing to do but to leave its waker.
    pub(super) fn step(
        &mut self,
        seat: &mut Option<Seat>,
        now: Duration,
        waker: Waker,
        attempt: impl FnOnce() -> Arc<Attempt>,
        may_nest: bool,
    ) -> (Step, Leftover) {
        let mut leftover = Leftover::default();
        if let Some(result) = self.result(*seat, now) {
            leftover.waker = Some(waker);
            return (Step::Done(result), leftover);
        }
        if !matches!(self.phase, Phase::Building { .. }) {
            let first = Phase::Building {
                attempt: attempt(),
                work: Work::New,
                woken: true,
            };
            leftover.phase = Some(mem::replace(&mut self.phase, first));
        }
        let seat = *seat.get_or_insert_with(|| {
            self.next_seat += 1;
            self.next_seat
        });
        leftover.waker = self.waiting.insert(seat, Some(waker)).flatten();

        let Phase::Building {
            attempt,
            work,
            woken,
        } = &mut self.phase
        else {
            return (Step::Pending, leftover);
        };
        if !*woken || matches!(work, Work::Taken) {
            return (Step::Pending, leftover);
        }
        if !may_nest {
            return (Step::TooDeep, leftover);
        }
        let work = match (mem::replace(work, Work::Taken), &self.start) {
            (Work::Idle(future), _) => JobWork::Poll(future),
            (_, Some(start)) => JobWork::Make(Arc::clone(start)),
            // Only success takes `start`, and nothing is begun after it.
            (_, None) => return (Step::Pending, leftover),
        };
        *woken = false;
        (
            Step::Drive(Job {
                attempt: Arc::clone(attempt),
                work,
            }),
            leftover,
        )
    }

    /// Puts back a future that is not ready; returns whom to wake if it woke while it was polled.
    ///
    /// The waiters that were polled meanwhile found nothing to poll and used up their wake, so all of
    /// them are woken again, now that there is.
    pub(super) fn put_back(&mut self, future: BuildFuture) -> Vec<Waker> {
        let Phase::Building { work, woken, .. } = &mut self.phase else {
            unreachable!("a waiter that polls a build keeps its seat");
        };
        *work = Work::Idle(future);
        if *woken {
            self.take_wakers()
        } else {
            Vec::new()
        }
    }

    /// Notes that the future of `attempt` woke; returns whom to wake.
    pub(super) fn wake(&mut self, of: &Arc<Attempt>) -> Vec<Waker> {
        match &mut self.phase {
            Phase::Building {
                attempt,
                work,
                woken,
            } if Arc::ptr_eq(attempt, of) => {
                let polled_now = matches!(work, Work::Taken);
                // All were woken by the former wake, or drive the future when they come.
                let already = mem::replace(woken, true);
                if polled_now || already {
                    Vec::new()
                } else {
                    self.take_wakers()
                }
            }
            _ => Vec::new(),
        }
    }

    /// Ends the attempt; returns whom to wake.
    pub(super) fn settle(
        &mut self,
        result: Result<(), (BuildError, Option<Duration>)>,
    ) -> (Vec<Waker>, Leftover) {
        let wakers = self.take_wakers();
        let seats = mem::take(&mut self.waiting).into_keys();
        let mut leftover = Leftover::default();
        let ended = match result {
            Ok(()) => {
                leftover.start = self.start.take();
                Phase::Built
            }
            Err((error, again)) => {
                self.failed.extend(seats.map(|seat| (seat, error.clone())));
                Phase::Failed { error, again }
            }
        };
        leftover.phase = Some(mem::replace(&mut self.phase, ended));
        (wakers, leftover)
    }

    /// Frees `seat`; the last waiter of an attempt takes its future with it, to drop it.
    ///
    /// The attempt goes on until [`given_up`](Self::given_up), so that none begins while what it holds
    /// is not released; whoever asks meanwhile waits.
    pub(super) fn leave(&mut self, seat: Seat) -> (Option<GivenUp>, Leftover) {
        let mut leftover = Leftover {
            waker: self.waiting.remove(&seat).flatten(),
            error: self.failed.remove(&seat),
            ..Leftover::default()
        };
        let Phase::Building { attempt, work, .. } = &mut self.phase else {
            return (None, leftover);
        };
        if !self.waiting.is_empty() {
            return (None, leftover);
        }
        match mem::replace(work, Work::Taken) {
            Work::Idle(future) => {
                let attempt = Arc::clone(attempt);
                return (Some(GivenUp { attempt, future }), leftover);
            }
            Work::New => leftover.phase = Some(mem::replace(&mut self.phase, Phase::Unbuilt)),
            // Somebody is dropping the future already.
            Work::Taken => {}
        }
        (None, leftover)
    }

    /// Ends an attempt whose future has been dropped; returns whom to wake.
    ///
    /// Those who asked meanwhile keep their seats, and the first that is polled begins the next.
    pub(super) fn given_up(&mut self) -> (Vec<Waker>, Leftover) {
        let leftover = Leftover {
            phase: Some(mem::replace(&mut self.phase, Phase::Unbuilt)),
            ..Leftover::default()
        };
        (self.take_wakers(), leftover)
    }

    fn take_wakers(&mut self) -> Vec<Waker> {
        self.waiting.values_mut().filter_map(Option::take).collect()
    }
}
