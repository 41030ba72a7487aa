//! Latencies in buckets 3 % wide.

use std::fmt::Write as _;

const SUB: u32 = 5;

/// Counts of latencies in nanoseconds, exact below 32 and within 3 % above.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    max: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![0; (64 - SUB as usize + 1) << SUB],
            max: 0,
        }
    }

    pub(crate) fn add(&mut self, nanos: u64) {
        self.counts[bucket(nanos)] += 1;
        self.max = self.max.max(nanos);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.max = self.max.max(other.max);
    }

    /// Gives the latency that `share` of the counted ones do not exceed.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let total: u64 = self.counts.iter().sum();
        let rank = (total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank && *count > 0 {
                return floor(bucket);
            }
        }
        self.max
    }

    /// Writes the counts as a text that another process can read.
    pub(crate) fn to_text(&self) -> String {
        let mut text = self.max.to_string();
        for (bucket, count) in self.counts.iter().enumerate() {
            if *count > 0 {
                let _ = write!(text, ",{bucket}:{count}");
            }
        }
        text
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let mut all = Self::new();
        all.max = parts.next()?.parse().ok()?;
        for part in parts {
            let (bucket, count) = part.split_once(':')?;
            *all.counts.get_mut(bucket.parse::<usize>().ok()?)? = count.parse().ok()?;
        }
        Some(all)
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }
}

fn bucket(nanos: u64) -> usize {
    if nanos < 1 << SUB {
        return nanos as usize;
    }
    let exponent = nanos.ilog2();
    let sub = (nanos >> (exponent - SUB)) & ((1 << SUB) - 1);
    ((exponent - SUB + 1) << SUB) as usize + sub as usize
}

fn floor(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let exponent = bucket >> SUB;
    if exponent == 0 {
        return bucket;
    }
    ((1 << SUB) + (bucket & ((1 << SUB) - 1))) << (exponent - 1)
}
