//! How long to pause between two tries.

use std::time::Duration;

/// Pauses with jitter: those who wait together must not try together.
#[derive(Debug)]
pub(super) struct Pace {
    /// Never zero: the generator would stay there.
    state: u64,
}

/// The longest pause in microseconds at a time of waiting in microseconds; in between it changes
/// evenly. The shortest is a quarter of it.
type Steps = [(u64, u64); 4];

/// The one at the turnstile is the only one that tries, and its pauses are what a free lock costs.
const AT_LOCK: Steps = [
    (0, 200),
    (50_000, 2_000),
    (1_000_000, 10_000),
    (5_000_000, 10_000),
];
/// All others wait here. Whoever has waited for long tries more often than whoever has just come, or
/// the latter would be served first and the former never. After some seconds nobody is served, and
/// trying costs something.
const AT_TURN: Steps = [
    (0, 1_200),
    (50_000, 400),
    (2_000_000, 400),
    (5_000_000, 2_000),
];

impl Pace {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed | 1 }
    }

    /// The next pause of the one at the turnstile.
    pub(super) fn at_lock(&mut self, waited: Duration) -> Duration {
        self.below(longest(AT_LOCK, waited))
    }

    /// The next pause of one who waits for the turnstile.
    pub(super) fn at_turn(&mut self, waited: Duration) -> Duration {
        self.below(longest(AT_TURN, waited))
    }

    fn below(&mut self, longest: u64) -> Duration {
        let shortest = longest / 4;
        Duration::from_micros(shortest + self.next() % (longest - shortest + 1))
    }

    /// xorshift, 64 bits, the shifts 13, 7 and 17: all numbers but zero, in turn.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

fn longest(steps: Steps, waited: Duration) -> u64 {
    let waited = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
    for pair in steps.windows(2) {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        if waited < to {
            let part = |whole: u64| whole * (waited - from) / (to - from);
            return if high < low {
                low - part(low - high)
            } else {
                low + part(high - low)
            };
        }
    }
    steps[steps.len() - 1].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_change_from_step_to_step_and_no_further() {
        let at = |steps, micros| longest(steps, Duration::from_micros(micros));
        assert_eq!(at(AT_LOCK, 0), 200);
        assert_eq!(at(AT_LOCK, 25_000), 1_100);
        assert_eq!(at(AT_LOCK, 50_000), 2_000);
        assert_eq!(at(AT_LOCK, 999_999), 9_999);
        assert_eq!(at(AT_LOCK, u64::MAX), 10_000);
        assert_eq!(at(AT_TURN, 0), 1_200);
        assert_eq!(at(AT_TURN, 25_000), 800);
        assert_eq!(at(AT_TURN, 50_000), 400);
        assert_eq!(at(AT_TURN, 1_000_000), 400);
        assert_eq!(at(AT_TURN, 3_500_000), 1_200);
        assert_eq!(at(AT_TURN, u64::MAX), 2_000);
    }

    #[test]
    fn pauses_stay_between_their_bounds_and_differ_by_seed() {
        let pauses = |seed| {
            let mut pace = Pace::new(seed);
            (0..1_000)
                .map(|_| pace.at_lock(Duration::ZERO))
                .collect::<Vec<_>>()
        };
        let bounds = Duration::from_micros(50)..=Duration::from_micros(200);
        assert!(pauses(0).iter().all(|pause| bounds.contains(pause)));
        assert!(pauses(0) != pauses(2), "two seeds, one jitter");
        assert!(pauses(2) == pauses(2));
    }
}
