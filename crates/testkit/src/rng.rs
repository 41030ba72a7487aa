//! Random numbers that can be had again.

/// A small random number generator that gives the same numbers for the same seed, everywhere.
///
/// It is `SplitMix64`: fast, well mixed, and no secret. The numbers for a seed never change in a
/// later version, so a seed in a bug report keeps its meaning.
///
/// # Examples
///
/// ```
/// use byname_testkit::Rng;
///
/// let mut one = Rng::seeded(7);
/// let mut two = Rng::seeded(7);
/// assert_eq!(one.next_u64(), two.next_u64());
/// assert!(one.below(10) < 10);
/// ```
#[derive(Clone, Debug)]
pub struct Rng {
    seed: u64,
    state: u64,
}

impl Rng {
    /// Starts the numbers of `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// Returns the seed this generator started from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns the next number, any of all of them.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below `bound`.
    ///
    /// # Panics
    ///
    /// If `bound` is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(
            bound > 0,
            "no number is below 0; give a bound of at least 1"
        );
        let wide = u128::from(self.next_u64()) * (bound as u128);
        // The high half of a 64-by-64 product is below the second factor, which was a usize.
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// Returns true `percent` times of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Picks one of `items`.
    ///
    /// # Panics
    ///
    /// If `items` is empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Puts `items` into a random order, every order being as likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Splits off a generator of its own, for a thread of the test.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::seeded(self.next_u64())
    }
}

/// Runs `test` once for each of `count` seeds, and names the seed of a run that panics.
///
/// With `BYNAME_SEED` in the environment only that seed is run, to see a failure again.
///
/// # Panics
///
/// When `test` does; or if `BYNAME_SEED` is not a number.
///
/// # Examples
///
/// ```
/// byname_testkit::for_seeds(100, |rng| {
///     let mut items = [1, 2, 3, 4];
///     rng.shuffle(&mut items);
///     items.sort_unstable();
///     assert_eq!(items, [1, 2, 3, 4]);
/// });
/// ```
pub fn for_seeds(count: u64, mut test: impl FnMut(&mut Rng)) {
    struct Named(u64);
    impl Drop for Named {
        #[expect(clippy::print_stderr, reason = "a failing test must name its seed")]
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!(
                    "failed with seed {0}; BYNAME_SEED={0} runs it alone",
                    self.0
                );
            }
        }
    }
    let seeds = match std::env::var("BYNAME_SEED") {
        Ok(given) => {
            let seed = given.parse().unwrap_or_else(|error| {
                panic!(
                    "BYNAME_SEED is {given:?}; expected a number from 0 to {}: {error}",
                    u64::MAX
                )
            });
            seed..=seed
        }
        Err(_) if count == 0 => return,
        Err(_) => 0..=count - 1,
    };
    for seed in seeds {
        let _named = Named(seed);
        test(&mut Rng::seeded(seed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_are_those_of_splitmix64() {
        let mut rng = Rng::seeded(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn below_reaches_every_number_and_no_other() {
        let mut rng = Rng::seeded(1);
        let mut seen = [0_u32; 7];
        for _ in 0..7_000 {
            seen[rng.below(7)] += 1;
        }
        assert!(
            seen.iter().all(|&times| (800..1_200).contains(&times)),
            "{seen:?}"
        );
    }

    #[test]
    fn shuffle_keeps_every_item_and_reaches_every_order() {
        let mut rng = Rng::seeded(2);
        let mut orders = std::collections::HashSet::new();
        for _ in 0..500 {
            let mut items = [1, 2, 3, 4];
            rng.shuffle(&mut items);
            orders.insert(items);
            items.sort_unstable();
            assert_eq!(items, [1, 2, 3, 4]);
        }
        assert_eq!(orders.len(), 24);
    }

    #[test]
    fn every_seed_is_run_once() {
        let mut seeds = Vec::new();
        for_seeds(5, |rng| seeds.push(rng.seed()));
        if std::env::var_os("BYNAME_SEED").is_none() {
            assert_eq!(seeds, [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    #[should_panic(expected = "no number is below 0")]
    fn below_zero_is_refused() {
        Rng::seeded(0).below(0);
    }
}
