//! Numbers that need not be secret, drawn by any thread without waiting.

use crate::sync::atomic::{AtomicU64, Ordering};

/// `SplitMix64`: a counter of odd step, mixed. Two draws never read the same counter.
#[derive(Debug)]
pub(crate) struct Random(AtomicU64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next number.
    pub(crate) fn next(&self) -> u64 {
        // Relaxed: the draw is of this counter alone, and nothing is published with it.
        let drawn = self.0.fetch_add(STEP, Ordering::Relaxed);
        let mut mixed = drawn.wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not zero; each as likely as any other, to within
    /// `bound` / 2^64.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        // The upper half of a product of two u64 is a u64.
        u64::try_from(wide >> 64).unwrap_or(0)
    }
}

/// A seed that differs from one call to the next.
pub(crate) fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8)
}
