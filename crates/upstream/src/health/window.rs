//! How many calls, and how many of them failed, in the last while.

use crate::sync::atomic::{AtomicU64, Ordering};

const PARTS: usize = 10;

/// Ten parts, each with the time that it stands for, used in a circle.
///
/// From the lowest bit of a part: 20 bits of failures, 20 of calls, 24 of which part of time it is.
/// Relaxed throughout: a part says everything about itself.
#[derive(Debug)]
pub(super) struct Window {
    part: u64,
    parts: [AtomicU64; PARTS],
}

const COUNTS: u64 = (1 << 20) - 1;
const TIMES: u64 = (1 << 24) - 1;

fn part(time: u64, calls: u64, failures: u64) -> u64 {
    (time & TIMES) << 40 | calls << 20 | failures
}

impl Window {
    pub(super) fn new(millis: u64) -> Self {
        Self {
            part: (millis / PARTS as u64).max(1),
            parts: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    fn place(&self, time: u64) -> &AtomicU64 {
        &self.parts[usize::try_from(time % PARTS as u64).unwrap_or(0)]
    }

    /// Counts a call that ended at `now`.
    pub(super) fn count(&self, now: u64, ok: bool) {
        let time = now / self.part;
        let failed = u64::from(!ok);
        let counted = |word: u64| {
            if word >> 40 != time & TIMES {
                return Some(part(time, 1, failed));
            }
            let (mut calls, mut failures) = (word >> 20 & COUNTS, word & COUNTS);
            // What is full is halved: that keeps the share.
            if calls == COUNTS {
                (calls, failures) = (calls / 2, failures / 2);
            }
            Some(part(time, calls + 1, failures + failed))
        };
        let _ = self
            .place(time)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted);
    }

    /// Calls and failures in the window that ends with `now`, of parts that began after `since`; all
    /// of them where that is zero.
    pub(super) fn sum(&self, now: u64, since: u64) -> (u64, u64) {
        let last = now / self.part;
        let mut first = last.saturating_sub(PARTS as u64 - 1);
        if since > 0 {
            first = first.max(since / self.part + 1);
        }
        (first..=last).fold((0, 0), |(calls, failures), time| {
            let word = self.place(time).load(Ordering::Relaxed);
            if word >> 40 == time & TIMES {
                (calls + (word >> 20 & COUNTS), failures + (word & COUNTS))
            } else {
                (calls, failures)
            }
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn calls_count_for_a_window_and_no_longer() {
        let window = Window::new(100);
        for now in 0..20 {
            window.count(now, now % 2 == 0);
        }
        assert_eq!(window.sum(19, 0), (20, 10));
        assert_eq!(window.sum(99, 0), (20, 10));
        assert_eq!(window.sum(100, 0), (10, 5), "the first tenth has passed");
        assert_eq!(window.sum(110, 0), (0, 0));
        assert_eq!(window.sum(19, 5), (10, 5), "of parts that began later");
        window.count(105, false);
        assert_eq!(
            window.sum(105, 0),
            (11, 6),
            "the place of the first tenth is used again"
        );
    }

    #[test]
    fn a_full_part_keeps_the_share() {
        let window = Window::new(10_000);
        for _ in 0..COUNTS {
            window.count(0, false);
        }
        assert_eq!(window.sum(0, 0), (COUNTS, COUNTS));
        window.count(0, true);
        assert_eq!(window.sum(0, 0), (COUNTS / 2 + 1, COUNTS / 2));
    }
}
