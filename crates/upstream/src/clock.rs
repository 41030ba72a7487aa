//! Instants as numbers that fit into an atomic word.

use std::time::{Duration, Instant};

/// The instant that a piece counts from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin(Instant);

impl Origin {
    pub(crate) fn new(now: Instant) -> Self {
        Self(now)
    }

    /// Whole milliseconds since the origin; zero for anything earlier.
    pub(crate) fn millis(self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.0))
    }

    /// Whole microseconds since the origin; zero for anything earlier.
    pub(crate) fn micros(self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.0);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

/// Whole milliseconds of a span.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A span that doubles with each step, up to a bound; in milliseconds, at least one.
pub(crate) fn grown(first: Duration, step: u32, most: Duration) -> u64 {
    let first = millis(first).max(1);
    let grown = if step >= first.leading_zeros() {
        u64::MAX
    } else {
        first << step
    };
    grown.min(millis(most).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_doubles_to_its_bound_and_no_step_overflows() {
        let grown = |step| grown(Duration::from_millis(100), step, Duration::from_secs(1));
        assert_eq!([0, 1, 2, 3, 4].map(grown), [100, 200, 400, 800, 1000]);
        assert_eq!([31, 63, 64, u32::MAX].map(grown), [1000; 4]);
    }
}
