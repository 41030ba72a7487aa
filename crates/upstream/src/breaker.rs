//! A circuit breaker: after so many failures in a row nobody is let through for a time, then a few
//! trials at once, and everybody again when those succeed.

mod word;

use std::borrow::Borrow;
use std::time::{Duration, Instant};

use crate::clock::{Origin, grown};
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use word::{State, Word};

/// When a [`Breaker`] opens, for how long, and what closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerOptions {
    /// How many calls in a row must fail to open it; at least 1. Default 10.
    pub failures: u32,
    /// How long it stays open the first time; at least 1 ms. Default 1 s.
    ///
    /// Each time a trial fails it stays open twice as long.
    pub open: Duration,
    /// The longest it stays open; at least `open`. Default 30 s.
    pub open_max: Duration,
    /// How many trials a half-open breaker lets through at the same time; at least 1. Default 2.
    pub trials: u32,
    /// How many trials must succeed to close it; at least 1. Default 2.
    pub successes: u32,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self {
            failures: 10,
            open: Duration::from_secs(1),
            open_max: Duration::from_secs(30),
            trials: 2,
            successes: 2,
        }
    }
}

impl BreakerOptions {
    /// Says what is out of its bounds; nothing where all is well.
    #[must_use]
    pub fn wrong(&self) -> Option<&'static str> {
        if self.failures == 0 || self.trials == 0 || self.successes == 0 {
            return Some("a breaker needs at least 1 failure, 1 trial and 1 success");
        }
        if self.open.is_zero() || self.open_max < self.open {
            return Some(
                "a breaker stays open for at least 1 ms, and `open_max` is not below `open`",
            );
        }
        None
    }
}

/// Decides who may call a peer that fails.
///
/// # Consistency
///
/// At any moment at most [`trials`](BreakerOptions::trials) permits of half-open periods are out,
/// also when a trial of an earlier period has not ended: a place is taken from admission until its
/// permit is gone, whatever becomes of the breaker. A verdict counts in the period that admitted its
/// call, and nowhere else: what was begun before the breaker opened says nothing about the trials.
/// Nobody waits here, and no lock is taken.
///
/// # Examples
///
/// ```
/// use byname_upstream::{Breaker, BreakerOptions};
/// use std::time::{Duration, Instant};
///
/// let now = Instant::now();
/// let options = BreakerOptions { failures: 1, trials: 1, successes: 1, ..BreakerOptions::default() };
/// let breaker = Breaker::new(options, now);
/// breaker.admit_from(now)?.failure(now);
/// assert!(breaker.admit_from(now).is_err());
/// let later = now + Duration::from_secs(1);
/// let trial = breaker.admit_from(later)?;
/// assert!(breaker.admit_from(later).is_err(), "one trial, however many ask");
/// trial.success(later);
/// assert!(breaker.admit_from(later).is_ok());
/// # Ok::<(), byname_upstream::BreakerRefused>(())
/// ```
#[derive(Debug)]
pub struct Breaker {
    options: BreakerOptions,
    origin: Origin,
    /// The state with everything that belongs to it, so that each change of it is one
    /// compare-and-swap. Relaxed throughout: a word says everything about itself and publishes
    /// nothing else; its order with `trials` is stated there.
    word: AtomicU64,
    /// How many trials are out. Its bound holds since it is only raised by a compare-and-swap from a
    /// value below the bound.
    trials: AtomicU32,
}

/// What a [`Breaker`] is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Everybody is let through.
    Closed {
        /// How many calls in a row have failed.
        failures: u32,
    },
    /// Nobody is let through.
    Open {
        /// For how long.
        left: Duration,
    },
    /// A few are let through.
    HalfOpen {
        /// How many trials are out.
        trials: u32,
        /// How many have succeeded.
        successes: u32,
    },
}

/// The breaker lets nobody through just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerRefused {
    /// When it will let trials through; nothing where all trials are out.
    pub after: Option<Duration>,
}

impl std::fmt::Display for BreakerRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.after {
            Some(after) => write!(f, "the breaker is open for another {after:?}"),
            None => f.write_str("the breaker is half open, and all its trials are out"),
        }
    }
}

impl std::error::Error for BreakerRefused {}

impl Breaker {
    /// Makes a closed breaker. Of what options count, zero is taken as one.
    #[must_use]
    pub fn new(options: BreakerOptions, now: Instant) -> Self {
        Self {
            options,
            origin: Origin::new(now),
            word: AtomicU64::new(Word::closed(0, 0).0),
            trials: AtomicU32::new(0),
        }
    }

    /// Lets one call through, or not; the permit keeps `breaker`, an [`Arc`](std::sync::Arc) for
    /// instance.
    ///
    /// # Errors
    ///
    /// The breaker is open, or half open with all its trials out.
    pub fn admit<B: Borrow<Self>>(breaker: B, now: Instant) -> Result<Permit<B>, BreakerRefused> {
        let (generation, trial) = breaker.borrow().enter(now)?;
        Ok(Permit {
            breaker,
            generation,
            trial,
        })
    }

    /// Lets one call through, or not; the permit borrows the breaker.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    pub fn admit_from(&self, now: Instant) -> Result<Permit<&Self>, BreakerRefused> {
        Self::admit(self, now)
    }

    /// Tells what it is doing, and changes nothing: only a call that asks to be let through makes an
    /// open breaker half open.
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        let word = Word(self.word.load(Ordering::Relaxed));
        let now = self.origin.millis(now);
        match word.state() {
            State::Closed { failures } => BreakerState::Closed { failures },
            State::Open { until } if now < until => BreakerState::Open {
                left: Duration::from_millis(until - now),
            },
            State::Open { .. } => self.half_open(0),
            State::HalfOpen { successes } => self.half_open(successes),
        }
    }

    fn half_open(&self, successes: u32) -> BreakerState {
        BreakerState::HalfOpen {
            trials: self.trials.load(Ordering::Relaxed),
            successes,
        }
    }

    /// Whether a call would be let through.
    #[must_use]
    pub fn would_admit(&self, now: Instant) -> bool {
        match self.state(now) {
            BreakerState::Closed { .. } => true,
            BreakerState::Open { .. } => false,
            BreakerState::HalfOpen { trials, .. } => trials < self.options.trials.max(1),
        }
    }

    fn enter(&self, now: Instant) -> Result<(u32, bool), BreakerRefused> {
        let now = self.origin.millis(now);
        loop {
            let word = Word(self.word.load(Ordering::Relaxed));
            match word.state() {
                State::Closed { .. } => return Ok((word.generation(), false)),
                State::Open { until } if now < until => {
                    let after = Some(Duration::from_millis(until - now));
                    return Err(BreakerRefused { after });
                }
                // Whoever wins makes it half open; all look again, and compete for a place.
                State::Open { .. } => {
                    self.turn(word, word.opened_half());
                }
                State::HalfOpen { .. } => {
                    if !self.take_place() {
                        return Err(BreakerRefused { after: None });
                    }
                    // The period may have ended between the look and the place; nobody is let into
                    // a period that is known to be over.
                    let again = Word(self.word.load(Ordering::Relaxed));
                    if again.generation() == word.generation() {
                        return Ok((word.generation(), true));
                    }
                    self.give_back();
                }
            }
        }
    }

    /// Takes the place of one trial, if one is free.
    fn take_place(&self) -> bool {
        let most = self.options.trials.max(1);
        // Acquire: pairs with the Release in `give_back`. A trial records its verdict before it gives
        // its place back, so whoever takes that place sees the word that the verdict made, and a
        // place freed by a failure lets nobody into the period that the failure ended. The takings
        // between are read-modify-writes and continue the release sequence.
        let taken = self
            .trials
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |out| {
                (out < most).then_some(out + 1)
            });
        taken.is_ok()
    }

    fn give_back(&self) {
        // Release: pairs with the Acquire in `take_place`.
        self.trials.fetch_sub(1, Ordering::Release);
    }

    /// Counts a verdict of a call that was admitted in `generation`.
    fn record(&self, generation: u32, ok: bool, now: Instant) -> Option<BreakerState> {
        loop {
            let word = Word(self.word.load(Ordering::Relaxed));
            if word.generation() != generation {
                return None;
            }
            let next = match (word.state(), ok) {
                (State::Closed { failures: 0 }, true) | (State::Open { .. }, _) => return None,
                (State::Closed { .. }, true) => Word::closed(generation, 0),
                (State::Closed { failures }, false) if failures + 1 < self.options.failures => {
                    Word::closed(generation, failures + 1)
                }
                (State::Closed { .. }, false) => self.opened(word, 0, now),
                (State::HalfOpen { successes }, true) if successes + 1 < self.options.successes => {
                    word.succeeded(successes + 1)
                }
                (State::HalfOpen { .. }, true) => Word::closed(word.next_generation(), 0),
                (State::HalfOpen { .. }, false) => self.opened(word, word.level() + 1, now),
            };
            if self.turn(word, next) {
                let changed = next.generation() != generation;
                return changed.then(|| self.state(now));
            }
        }
    }

    fn opened(&self, word: Word, level: u32, now: Instant) -> Word {
        let span = grown(self.options.open, level, self.options.open_max);
        word.opened(level, self.origin.millis(now).saturating_add(span))
    }

    fn turn(&self, from: Word, to: Word) -> bool {
        let word = &self.word;
        let turned = word.compare_exchange(from.0, to.0, Ordering::Relaxed, Ordering::Relaxed);
        turned.is_ok()
    }
}

/// One call that a [`Breaker`] has let through.
///
/// Dropped without a verdict (the call was cancelled, or it panicked) it says nothing about the peer;
/// a trial's place is given back in any case.
#[derive(Debug)]
#[must_use = "dropped at once, it says that the call has ended"]
pub struct Permit<B: Borrow<Breaker>> {
    breaker: B,
    generation: u32,
    trial: bool,
}

impl<B: Borrow<Breaker>> Permit<B> {
    /// Whether the call is a trial.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.trial
    }

    /// The call has succeeded. Returns the breaker's new state where that has closed it.
    #[allow(
        clippy::must_use_candidate,
        reason = "the state is for a log; the verdict is the point"
    )]
    pub fn success(self, now: Instant) -> Option<BreakerState> {
        self.breaker.borrow().record(self.generation, true, now)
    }

    /// The call has failed. Returns the breaker's new state where that has opened it.
    #[allow(
        clippy::must_use_candidate,
        reason = "the state is for a log; the verdict is the point"
    )]
    pub fn failure(self, now: Instant) -> Option<BreakerState> {
        self.breaker.borrow().record(self.generation, false, now)
    }
}

impl<B: Borrow<Breaker>> Drop for Permit<B> {
    fn drop(&mut self) {
        if self.trial {
            self.breaker.borrow().give_back();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
