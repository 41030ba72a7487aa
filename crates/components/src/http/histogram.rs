//! How many were how large.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts lengths of time by how long they are.
#[derive(Debug)]
pub struct Histogram {
    /// In seconds, each greater than the one before, without the last, which has no bound.
    bounds: Box<[f64]>,
    /// How many were at most as long as the bound, and longer than the one before; the last: longer than
    /// all.
    counts: Box<[AtomicU64]>,
    nanos: AtomicU64,
}

/// What was counted up to a moment.
#[derive(Clone, Debug)]
pub(in crate::http) struct Counted {
    /// How many were at most so long; the last bound is infinite.
    pub(in crate::http) buckets: Vec<(f64, u64)>,
    pub(in crate::http) count: u64,
    /// In seconds.
    pub(in crate::http) sum: f64,
}

impl Histogram {
    /// Makes one with these bounds, in seconds. They are sorted; what is no number or infinite is left
    /// out.
    #[must_use]
    pub fn new(bounds: &[f64]) -> Self {
        let mut bounds: Vec<f64> = bounds.iter().copied().filter(|b| b.is_finite()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        Self {
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            bounds: bounds.into(),
            nanos: AtomicU64::new(0),
        }
    }

    /// Counts one. The sum is right for 584 years of all of them together.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let at = self.bounds.partition_point(|bound| *bound < seconds);
        // Each counter is read for itself: nothing is read by the order of two.
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What was counted. The count is that of the last bucket, whatever is counted meanwhile.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a sum of seconds has no more digits"
    )]
    pub(in crate::http) fn counted(&self) -> Counted {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let mut count = 0;
        let buckets = bounds.zip(&self.counts).map(|(bound, here)| {
            count += here.load(Ordering::Relaxed);
            (bound, count)
        });
        let buckets = buckets.collect();
        let sum = self.nanos.load(Ordering::Relaxed) as f64 / 1e9;
        Counted {
            buckets,
            count,
            sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let histogram = Histogram::new(&[1.0, f64::NAN, 0.5, 1.0, f64::INFINITY]);
        for millis in [0, 500, 501, 1000, 1001] {
            histogram.observe(Duration::from_millis(millis));
        }
        let counted = histogram.counted();
        let expected = vec![(0.5, 2), (1.0, 4), (f64::INFINITY, 5)];
        assert_eq!((counted.buckets, counted.count), (expected, 5));
        assert!((counted.sum - 3.002).abs() < 1e-9);
    }
}
