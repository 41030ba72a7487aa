//! Passive health: a peer that failed so often is left out for a time.

mod window;

use std::time::{Duration, Instant};

use crate::clock::{Origin, grown, millis};
use crate::sync::atomic::{AtomicU64, Ordering};
use window::Window;

/// When [`PassiveHealth`] leaves a peer out, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HealthOptions {
    /// How many calls in a row must fail; at least 1. Default 5.
    pub failures: u32,
    /// How large a share of the calls of a window must fail, above 0, up to 1. Default 0.5.
    pub share: f64,
    /// How many calls a window must have for its share to count; at least 1. Default 20.
    pub least: u32,
    /// The window; at least 10 ms. Default 10 s.
    pub window: Duration,
    /// How long it is left out the first time; at least 1 ms. Default 5 s.
    ///
    /// Twice as long each time it fails again soon: before it has been back for as long as it was
    /// out, and for a window.
    pub out: Duration,
    /// The longest it is left out; at least `out`. Default 1 min.
    pub out_max: Duration,
}

impl Default for HealthOptions {
    fn default() -> Self {
        Self {
            failures: 5,
            share: 0.5,
            least: 20,
            window: Duration::from_secs(10),
            out: Duration::from_secs(5),
            out_max: Duration::from_secs(60),
        }
    }
}

impl HealthOptions {
    /// Says what is out of its bounds; nothing where all is well.
    #[must_use]
    pub fn wrong(&self) -> Option<&'static str> {
        if self.failures == 0 || self.least == 0 {
            return Some("passive health needs at least 1 failure in a row and 1 call in a window");
        }
        if self.share <= 0.0 || self.share > 1.0 || self.share.is_nan() {
            return Some(
                "the share of failures that leaves a backend out is above 0 and at most 1",
            );
        }
        if self.window < Duration::from_millis(10) {
            return Some("the window of passive health is at least 10 ms");
        }
        let out = self.out.is_zero() || self.out_max < self.out;
        out.then_some("a backend is left out for at least 1 ms, and `out_max` is not below `out`")
    }
}

/// What a peer's calls say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthState {
    /// It is asked.
    Well {
        /// How many calls in a row have failed.
        failures: u32,
    },
    /// It is not asked while another can be.
    LeftOut {
        /// For how long.
        left: Duration,
    },
}

/// Watches what becomes of a peer's calls, and makes none of its own.
///
/// It only says that a peer should be left out: that not all are left out at once is for whoever
/// chooses among them (see [`step`](Self::step)).
///
/// # Consistency
///
/// That a peer is left out, since how many times and until when, is one atomic word: of any number of
/// failures at once exactly one leaves it out. The calls of a window are counted exactly in each of
/// its tenths; a sum over them is no snapshot while others count. No lock is taken.
///
/// # Examples
///
/// ```
/// use byname_upstream::{HealthOptions, HealthState, PassiveHealth};
/// use std::time::{Duration, Instant};
///
/// let now = Instant::now();
/// let health = PassiveHealth::new(HealthOptions { failures: 2, ..HealthOptions::default() }, now);
/// assert_eq!(health.failure(now), None);
/// assert_eq!(health.failure(now), Some(Duration::from_secs(5)));
/// assert!(!health.is_well(now));
/// assert!(health.is_well(now + Duration::from_secs(5)));
/// ```
#[derive(Debug)]
pub struct PassiveHealth {
    options: HealthOptions,
    origin: Origin,
    /// See [`Word`]. Relaxed throughout: it says everything about itself and publishes nothing else.
    word: AtomicU64,
    window: Window,
}

/// From the lowest bit: 42 bits since when it is or was left out, in milliseconds (139 years; 0 is
/// never), 16 failures in a row, 5 how often it has been left out in a row, less one, 1 whether it was
/// taken back before its time.
#[derive(Clone, Copy)]
struct Word(u64);

const SINCES: u64 = (1 << 42) - 1;
const FAILURES: u64 = (1 << 16) - 1;
const STEPS: u64 = (1 << 5) - 1;
const BACK: u64 = 1 << 63;

impl Word {
    fn out(since: u64, step: u32) -> Self {
        Self(since.min(SINCES) | u64::from(step).min(STEPS) << 58)
    }

    fn with_failures(self, failures: u64) -> Self {
        Self(self.0 & !(FAILURES << 42) | failures.min(FAILURES) << 42)
    }

    fn taken_back(self) -> Self {
        Self(self.0 | BACK)
    }

    fn is_back(self) -> bool {
        self.0 & BACK != 0
    }

    fn since(self) -> u64 {
        self.0 & SINCES
    }

    fn failures(self) -> u64 {
        self.0 >> 42 & FAILURES
    }

    fn step(self) -> u32 {
        (self.0 >> 58 & STEPS) as u32
    }
}

impl PassiveHealth {
    /// Begins with a peer that is well.
    #[must_use]
    pub fn new(options: HealthOptions, now: Instant) -> Self {
        Self {
            options,
            origin: Origin::new(now),
            word: AtomicU64::new(0),
            window: Window::new(millis(options.window)),
        }
    }

    /// A call has succeeded.
    pub fn success(&self, now: Instant) {
        self.record(true, now);
    }

    /// A call has failed. Where that leaves the peer out, returns for how long.
    ///
    /// What fails while it is left out does not prolong that: it was begun before, or because there
    /// was nobody else.
    #[allow(
        clippy::must_use_candidate,
        reason = "the span is for a log; the failure is the point"
    )]
    pub fn failure(&self, now: Instant) -> Option<Duration> {
        self.record(false, now)
    }

    /// Takes the peer back at once: one that was asked although it was left out has answered well.
    pub fn readmit(&self, now: Instant) {
        let now = self.millis(now);
        let _ = self.change(|word| self.left(word, now).map(|_| word.taken_back()));
    }

    /// What is known of the peer.
    #[must_use]
    pub fn state(&self, now: Instant) -> HealthState {
        let word = self.word();
        if let Some(left) = self.left(word, self.millis(now)) {
            let left = Duration::from_millis(left);
            return HealthState::LeftOut { left };
        }
        // Held in 16 bits.
        let failures = u32::try_from(word.failures()).unwrap_or(u32::MAX);
        HealthState::Well { failures }
    }

    /// Whether it is not left out.
    #[must_use]
    pub fn is_well(&self, now: Instant) -> bool {
        self.step(now).is_none()
    }

    /// How bad a peer that is left out is: how often it was in a row before, 0 for the first time.
    /// Nothing where it is not left out.
    #[must_use]
    pub fn step(&self, now: Instant) -> Option<u32> {
        let word = self.word();
        let left = self.left(word, self.millis(now));
        left.map(|_| word.step())
    }

    fn record(&self, ok: bool, now: Instant) -> Option<Duration> {
        let now = self.millis(now);
        let seen = self.word();
        if self.left(seen, now).is_some() {
            return None;
        }
        self.window.count(now, ok);
        // Only what was counted since it was last left out is held against it.
        let too_many = !ok && self.too_large_a_share(now, seen.since());
        let mut out = None;
        let _ = self.change(|word| {
            out = None;
            if self.left(word, now).is_some() {
                return None;
            }
            if ok {
                return (word.failures() > 0).then(|| word.with_failures(0));
            }
            let failures = word.failures() + 1;
            if !too_many && failures < u64::from(self.options.failures).min(FAILURES) {
                return Some(word.with_failures(failures));
            }
            let step = self.next_step(word, now);
            out = Some(Duration::from_millis(self.span(step)));
            Some(Word::out(now, step))
        });
        out
    }

    /// Counted from one, since zero is never.
    fn millis(&self, now: Instant) -> u64 {
        self.origin.millis(now).saturating_add(1)
    }

    /// For how many milliseconds it is left out still.
    fn left(&self, word: Word, now: u64) -> Option<u64> {
        if word.since() == 0 || word.is_back() {
            return None;
        }
        let until = word.since() + self.span(word.step());
        (now < until).then(|| until - now)
    }

    /// The step of being left out now: the next where it has not been back for long, else the first.
    fn next_step(&self, word: Word, now: u64) -> u32 {
        let span = self.span(word.step());
        let settled = word.since() + span;
        let settled = settled.saturating_add(span.max(millis(self.options.window)));
        if word.since() > 0 && now < settled {
            word.step() + 1
        } else {
            0
        }
    }

    fn span(&self, step: u32) -> u64 {
        grown(self.options.out, step, self.options.out_max).min(SINCES)
    }

    #[allow(clippy::cast_precision_loss, reason = "counts below 2^24")]
    fn too_large_a_share(&self, now: u64, since: u64) -> bool {
        let (calls, failures) = self.window.sum(now, since);
        calls >= u64::from(self.options.least)
            && failures as f64 >= self.options.share * calls as f64
    }

    fn word(&self) -> Word {
        Word(self.word.load(Ordering::Relaxed))
    }

    fn change(&self, mut next: impl FnMut(Word) -> Option<Word>) -> Result<u64, u64> {
        let word = &self.word;
        word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            next(Word(word)).map(|word| word.0)
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
