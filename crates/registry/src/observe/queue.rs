//! One subscription's bounded queue: the state that its receiver and the writers share.
//!
//! A queue is *open* until it is stopped (by its subscription or a stop handle; it then holds
//! nothing and takes nothing) or closed (by the end of the registry; what is pending is still
//! handed out). An open queue may have a *gap*: a change was or would be lost. From then on it
//! takes nothing, never makes a writer wait, and hands out nothing but the resynchronisation that
//! ends the gap.

use core::{
    mem,
    task::{Context, Poll, Waker},
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    change::{Change, Folded},
    observers::{Patience, Wakes},
    options::{Counters, Options, Policy},
};
use crate::sync::{Arc, Condvar, Mutex, lock, thread, wait, wait_timeout};

/// What waits to be received: a commit's own change, or several folded into one.
pub(super) enum Pending<P> {
    Whole(Arc<Change<P>>),
    Folded(Folded<P>),
}

impl<P> Pending<P> {
    fn revision(&self) -> u64 {
        match self {
            Self::Whole(change) => change.revision(),
            Self::Folded(folded) => folded.revision(),
        }
    }

    pub(super) fn into_change(self) -> Arc<Change<P>> {
        match self {
            Self::Whole(change) => change,
            Self::Folded(folded) => Arc::new(folded.into_change()),
        }
    }
}

/// What a receiver finds.
pub(super) enum Taken<P> {
    Pending(Pending<P>),
    Gap,
    Empty,
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    Closed,
    Stopped,
}

/// How long a receiver waits.
#[derive(Clone, Copy)]
pub(super) enum End {
    Now,
    At(Instant),
    Never,
}

struct State<P> {
    pending: VecDeque<Pending<P>>,
    /// A change was or would be lost; `pending` is of no more use.
    gap: bool,
    life: Life,
    /// The revision of the state that the receiver has reached by what it was handed.
    reached: u64,
    /// The thread that received last: a writer on it must not wait for this queue.
    receiver: Option<thread::ThreadId>,
    /// The receiver sleeps on `arrived` and no wake-up is under way.
    parked: bool,
    waker: Option<Waker>,
    /// How many writers sleep on `room`.
    writers: usize,
    counters: Counters,
}

impl<P> State<P> {
    /// Whether a writer has to wait.
    fn full(&self, capacity: usize) -> bool {
        self.pending.len() >= capacity && !self.gap && self.life == Life::Open
    }

    /// Empties the queue; what it held is dropped with `wakes`, outside every lock.
    fn discard(&mut self, wakes: &mut Wakes<P>) {
        self.counters.dropped += self.pending.len() as u64;
        wakes.discarded.extend(mem::take(&mut self.pending));
    }
}

pub(super) struct Queue<P> {
    policy: Policy,
    capacity: usize,
    state: Mutex<State<P>>,
    arrived: Condvar,
    room: Condvar,
}

/// The writers' side.
impl<P> Queue<P> {
    /// Makes the empty queue of a receiver that knows the state of `revision`.
    pub(super) fn new(options: Options, revision: u64) -> Self {
        Self {
            policy: options.policy,
            capacity: options.capacity,
            state: Mutex::new(State {
                pending: VecDeque::new(),
                gap: false,
                life: Life::Open,
                reached: revision,
                receiver: None,
                parked: false,
                waker: None,
                writers: 0,
                counters: Counters::default(),
            }),
            arrived: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Whether writers wait for this queue at all.
    pub(super) fn makes_writers_wait(&self) -> bool {
        matches!(self.policy, Policy::Wait { .. })
    }

    /// Waits, outside every lock, until there is room or the gap that stands for it.
    pub(super) fn wait_for_room(this: &Arc<Self>, patience: &mut Patience<P>) {
        let Policy::Wait { deadline } = this.policy else {
            return;
        };
        let mut state = lock(&this.state);
        if !state.full(this.capacity) {
            return;
        }
        let own = state.receiver == Some(thread::current().id());
        let spent = patience.spent(this);
        let mut waited = false;
        while state.full(this.capacity) {
            let left = deadline.saturating_sub(*spent);
            if own || left.is_zero() {
                this.give_up(&mut state);
                break;
            }
            if !mem::replace(&mut waited, true) {
                state.counters.waited += 1;
            }
            let begun = Instant::now();
            state.writers += 1;
            state = wait_timeout(&this.room, state, left);
            state.writers -= 1;
            *spent += begun.elapsed();
        }
    }

    /// Whether a change can be pushed now; for a writer that may wait no longer, it always can.
    ///
    /// Called under the writers' mutex: nobody else pushes, so room that is seen stays.
    pub(super) fn admits(this: &Arc<Self>, patience: &mut Patience<P>) -> bool {
        let Policy::Wait { deadline } = this.policy else {
            return true;
        };
        let mut state = lock(&this.state);
        if !state.full(this.capacity) {
            return true;
        }
        let late = *patience.spent(this) >= deadline;
        if late {
            this.give_up(&mut state);
        }
        late
    }

    /// Begins a gap, so that no writer waits any more. A full queue holds something, so its
    /// receiver has been woken for that and will find the gap.
    fn give_up(&self, state: &mut State<P>) {
        state.gap = true;
        if state.writers > 0 {
            self.room.notify_all();
        }
    }

    /// Takes `change`, under the writers' mutex, in order of revision. Whom to wake and what to
    /// drop when no lock is held any more goes to `wakes`.
    pub(super) fn push(this: &Arc<Self>, change: &Arc<Change<P>>, wakes: &mut Wakes<P>)
    where
        P: Clone,
    {
        let mut state = lock(&this.state);
        if state.life != Life::Open {
            return;
        }
        state.counters.received += 1;
        this.enqueue(&mut state, change, wakes);
        if state.gap {
            state.discard(wakes);
        }
        Self::wake(this, &mut state, wakes);
    }

    /// Adds `change` to what is pending or, when it cannot, begins a gap.
    fn enqueue(&self, state: &mut State<P>, change: &Arc<Change<P>>, wakes: &mut Wakes<P>)
    where
        P: Clone,
    {
        debug_assert!(state.reached < *change.covers().start(), "in order");
        if state.gap {
            state.counters.dropped += 1;
            return;
        }
        if self.policy == Policy::Coalesce
            && let Some(earlier) = state.pending.pop_front()
        {
            let mut folded = match earlier {
                Pending::Folded(folded) => folded,
                Pending::Whole(first) => {
                    let folded = Folded::of(&first);
                    wakes.discarded.push(Pending::Whole(first));
                    folded
                }
            };
            folded.fold(change, &mut wakes.superseded);
            state.counters.coalesced += 1;
            state.gap = folded.len() > self.capacity;
            state.pending.push_back(Pending::Folded(folded));
        } else if state.pending.len() < self.capacity {
            state.pending.push_back(Pending::Whole(Arc::clone(change)));
        } else {
            state.counters.dropped += 1;
            state.gap = true;
        }
    }

    /// Notes for later whoever waits for an event.
    fn wake(this: &Arc<Self>, state: &mut State<P>, wakes: &mut Wakes<P>) {
        if mem::take(&mut state.parked) {
            wakes.threads.push(Arc::clone(this));
        }
        wakes.tasks.extend(state.waker.take());
    }

    /// Ends the queue after what is pending: there will be no more changes.
    pub(super) fn close(this: &Arc<Self>, wakes: &mut Wakes<P>) {
        let mut state = lock(&this.state);
        if state.life == Life::Open {
            state.life = Life::Closed;
        }
        this.room.notify_all();
        Self::wake(this, &mut state, wakes);
    }

    /// Ends the queue at once. It holds nothing afterwards, so that whoever drops it last drops
    /// no value and no waker.
    pub(super) fn stop(this: &Arc<Self>) -> Wakes<P> {
        let mut wakes = Wakes::default();
        let mut state = lock(&this.state);
        state.life = Life::Stopped;
        state.discard(&mut wakes);
        this.room.notify_all();
        Self::wake(this, &mut state, &mut wakes);
        wakes
    }

    /// Wakes the thread that sleeps in [`take_until`](Self::take_until).
    pub(super) fn unpark(&self) {
        self.arrived.notify_one();
    }
}

/// The receiver's side; a subscription lends itself exclusively, so there is one at a time.
impl<P> Queue<P> {
    fn take(&self, state: &mut State<P>) -> Taken<P> {
        if state.life == Life::Stopped {
            return Taken::Ended;
        }
        if state.gap {
            return Taken::Gap;
        }
        let Some(pending) = state.pending.pop_front() else {
            return match state.life {
                Life::Open => Taken::Empty,
                Life::Closed | Life::Stopped => Taken::Ended,
            };
        };
        state.reached = pending.revision();
        state.counters.delivered += 1;
        // All of them: one that is woken may go on to wait for another queue and leave the room
        // to the others.
        if state.writers > 0 {
            self.room.notify_all();
        }
        Taken::Pending(pending)
    }

    /// Takes what is there or comes before `end`.
    pub(super) fn take_until(&self, end: End) -> Taken<P> {
        let own = thread::current().id();
        let mut state = lock(&self.state);
        state.receiver = Some(own);
        loop {
            let taken = self.take(&mut state);
            let Taken::Empty = taken else { return taken };
            let left = match end {
                End::Now => Duration::ZERO,
                End::Never => Duration::MAX,
                End::At(end) => end.saturating_duration_since(Instant::now()),
            };
            if left.is_zero() {
                return taken;
            }
            state.parked = true;
            state = match end {
                End::At(_) => wait_timeout(&self.arrived, state, left),
                _ => wait(&self.arrived, state),
            };
            state.parked = false;
        }
    }

    /// Takes what is there or leaves the task's waker.
    pub(super) fn poll_take(&self, context: &Context<'_>) -> Poll<Taken<P>> {
        let own = thread::current().id();
        let known = |state: &State<P>| {
            let waker = state.waker.as_ref();
            waker.is_some_and(|waker| waker.will_wake(context.waker()))
        };
        let mut state = lock(&self.state);
        state.receiver = Some(own);
        let mut taken = self.take(&mut state);
        if matches!(taken, Taken::Empty) && !known(&state) {
            // A waker's clone and drop are a caller's code: neither runs under the lock, and
            // what was pushed meanwhile is looked for again before the waker is relied on.
            drop(state);
            let mut waker = Some(context.waker().clone());
            state = lock(&self.state);
            taken = self.take(&mut state);
            if matches!(taken, Taken::Empty) {
                mem::swap(&mut state.waker, &mut waker);
            }
            drop(state);
            drop(waker);
        }
        match taken {
            Taken::Empty => Poll::Pending,
            taken => Poll::Ready(taken),
        }
    }

    /// Ends the gap with the state of `revision` and returns the revision reached before it.
    ///
    /// Called under the writers' mutex, with the newest revision: every change up to it has been
    /// pushed and none after it.
    pub(super) fn resynchronise(&self, revision: u64, discarded: &mut Wakes<P>) -> u64 {
        let mut state = lock(&self.state);
        state.discard(discarded);
        state.gap = false;
        state.counters.resynchronised += 1;
        mem::replace(&mut state.reached, revision)
    }

    /// Returns the revision of the state that the receiver has reached.
    pub(super) fn reached(&self) -> u64 {
        lock(&self.state).reached
    }

    pub(super) fn counters(&self) -> Counters {
        let state = lock(&self.state);
        Counters {
            pending: state.pending.len() as u64,
            ..state.counters
        }
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn is_unlocked(&self) -> bool {
        self.state.try_lock().is_ok()
    }
}
