//! How much may be repeated: a share of the calls, and a floor a second.

use std::time::Instant;

use crate::clock::Origin;
use crate::sync::atomic::{AtomicU64, Ordering};

/// What a [`Budget`] allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BudgetOptions {
    /// How many retries each call allows, 0 to 1; counted in thousandths. Default 0.2.
    pub share: f64,
    /// How many retries a second are allowed whatever the share, 0 to 1,000,000, for who calls
    /// rarely. Default 10.
    pub floor: u32,
    /// How many unused retries of the share are kept for later. Default 100.
    pub kept: u32,
}

impl Default for BudgetOptions {
    fn default() -> Self {
        Self {
            share: 0.2,
            floor: 10,
            kept: 100,
        }
    }
}

impl BudgetOptions {
    /// Says what is out of its bounds; nothing where all is well.
    #[must_use]
    pub fn wrong(&self) -> Option<&'static str> {
        if !(0.0..=1.0).contains(&self.share) {
            return Some("a budget's share is between 0 and 1");
        }
        (self.floor > SECOND_U32).then_some("a budget's floor is at most 1,000,000 a second")
    }
}

const SECOND_U32: u32 = 1_000_000;
const RETRY: u64 = 1000;

/// Allows retries in proportion to calls, so that a peer in trouble gets little more than it would.
///
/// Two token buckets: one that each call fills by the share, and one that time fills by the floor.
/// In any stretch of time from the beginning, of `s` seconds with `n` calls, at most
/// `n × share + floor × (s + 1)` retries are allowed.
///
/// # Consistency
///
/// Each bucket is one atomic number, taken from by compare-and-swap from a value that has enough: it
/// never gives out more than went in, however many ask at once. No lock is taken.
///
/// # Examples
///
/// ```
/// use byname_upstream::{Budget, BudgetOptions};
/// use std::time::Instant;
///
/// let now = Instant::now();
/// let budget = Budget::new(BudgetOptions { share: 0.5, floor: 0, kept: 10 }, now);
/// budget.deposit();
/// assert!(!budget.withdraw(now));
/// budget.deposit();
/// assert!(budget.withdraw(now));
/// assert!(!budget.withdraw(now));
/// ```
#[derive(Debug)]
pub struct Budget {
    origin: Origin,
    share: u64,
    kept: u64,
    /// Thousandths of a retry that calls have allowed. Relaxed throughout: the number is the whole
    /// truth, and nothing is published with it.
    saved: AtomicU64,
    /// Microseconds between two retries of the floor; nothing where there is no floor.
    interval: Option<u64>,
    /// How far ahead of the clock the floor may be: a second's worth.
    ahead: u64,
    /// Up to when the floor is used up, in microseconds (the virtual schedule of GCRA, ITU-T I.371).
    /// Relaxed, as `saved`.
    used: AtomicU64,
}

impl Budget {
    /// Makes a budget with nothing saved, and the floor of one second.
    #[must_use]
    pub fn new(options: BudgetOptions, now: Instant) -> Self {
        let floor = u64::from(options.floor.min(SECOND_U32));
        // Rounded up, so that the floor is never exceeded.
        let interval = (floor > 0).then(|| u64::from(SECOND_U32).div_ceil(floor));
        Self {
            origin: Origin::new(now),
            share: thousandths(options.share),
            kept: u64::from(options.kept) * RETRY,
            saved: AtomicU64::new(0),
            interval,
            ahead: interval.unwrap_or(0) * floor,
            used: AtomicU64::new(0),
        }
    }

    /// Counts a call, once however often it is tried.
    pub fn deposit(&self) {
        // Where the bucket is full, nothing is written.
        let _ = self
            .saved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| {
                let next = saved.saturating_add(self.share).min(self.kept);
                (next != saved).then_some(next)
            });
    }

    /// Takes one retry; true where it is allowed. What was taken is not given back.
    #[must_use]
    pub fn withdraw(&self, now: Instant) -> bool {
        let saved = self
            .saved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| {
                saved.checked_sub(RETRY)
            });
        saved.is_ok() || self.withdraw_from_floor(now)
    }

    fn withdraw_from_floor(&self, now: Instant) -> bool {
        let Some(interval) = self.interval else {
            return false;
        };
        let now = self.origin.micros(now);
        let used = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                let next = used.max(now) + interval;
                (next <= now + self.ahead).then_some(next)
            });
        used.is_ok()
    }
}

fn thousandths(share: f64) -> u64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1000"
    )]
    let share = (share.clamp(0.0, 1.0) * 1000.0).round() as u64;
    share
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    fn budget(share: f64, floor: u32, kept: u32) -> (Budget, Instant) {
        let now = Instant::now();
        (Budget::new(BudgetOptions { share, floor, kept }, now), now)
    }

    fn allowed(budget: &Budget, now: Instant, asked: usize) -> usize {
        (0..asked).filter(|_| budget.withdraw(now)).count()
    }

    #[test]
    fn the_share_of_calls_is_allowed_and_no_more() {
        let (budget, now) = budget(0.2, 0, 1000);
        (0..104).for_each(|_| budget.deposit());
        assert_eq!(allowed(&budget, now, 200), 20);
        budget.deposit();
        assert_eq!(
            allowed(&budget, now, 200),
            1,
            "104 and 1 calls make 21 in all"
        );
    }

    #[test]
    fn what_is_saved_is_bounded() {
        let (budget, now) = budget(1.0, 0, 7);
        (0..100).for_each(|_| budget.deposit());
        assert_eq!(allowed(&budget, now, 100), 7);
    }

    #[test]
    fn the_floor_is_allowed_a_second_without_any_call() {
        for floor in [1, 3, 10, 999] {
            let (budget, now) = budget(0.0, floor, 0);
            let floor = usize::try_from(floor).expect("small");
            assert_eq!(allowed(&budget, now, 2000), floor);
            assert_eq!(allowed(&budget, now, 2000), 0);
            let later = now + Duration::from_secs(1);
            let more = allowed(&budget, later, 2000);
            assert!(more == floor || more + 1 == floor, "{more} of {floor}");
            let idle = later + Duration::from_secs(3600);
            assert_eq!(
                allowed(&budget, idle, 2000),
                floor,
                "an hour saves a second's worth"
            );
        }
    }

    #[test]
    fn without_share_and_floor_nothing_is_repeated() {
        let (budget, now) = budget(0.0, 0, 100);
        (0..100).for_each(|_| budget.deposit());
        assert_eq!(allowed(&budget, now + Duration::from_secs(9), 10), 0);
    }

    #[test]
    fn options_out_of_bounds_are_told() {
        let wrong = |share, floor| {
            BudgetOptions {
                share,
                floor,
                kept: 1,
            }
            .wrong()
            .is_some()
        };
        assert!(wrong(f64::NAN, 1) && wrong(-0.1, 1) && wrong(1.1, 1) && wrong(0.5, 1_000_001));
        assert!(!wrong(0.0, 0) && !wrong(1.0, 1_000_000));
    }
}
