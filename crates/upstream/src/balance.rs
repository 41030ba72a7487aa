//! Who is next.

use crate::random::{Random, seed};
use crate::sync::atomic::{AtomicU64, Ordering};

/// How a [`Balancer`] chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// Each in turn.
    RoundRobin,
    /// Of two at random the one with less to do (Mitzenmacher, "The power of two choices").
    #[default]
    LeastLoadedOfTwo,
}

/// Chooses one of several.
///
/// # Consistency
///
/// As long as the number of candidates stays, round robin gives each exactly its turn, however many
/// threads choose: of `k × n` choices among `n`, each gets `k`. The loads of two are read one after
/// the other, and may change meanwhile.
///
/// # Examples
///
/// ```
/// use byname_upstream::{Balance, Balancer};
///
/// let turns = Balancer::new(Balance::RoundRobin);
/// let chosen: Vec<_> = (0..4).filter_map(|_| turns.choose(3, |_| 0)).collect();
/// assert_eq!(chosen, [0, 1, 2, 0]);
/// ```
#[derive(Debug)]
pub struct Balancer {
    balance: Balance,
    /// Relaxed: a turn is a number of its own, and nothing is published with it.
    turn: AtomicU64,
    random: Random,
}

impl Balancer {
    /// Makes a balancer whose first turn is the first candidate's.
    #[must_use]
    pub fn new(balance: Balance) -> Self {
        Self::seeded(balance, seed())
    }

    /// Makes a balancer that chooses the same at random whenever it has the same seed.
    #[must_use]
    pub fn seeded(balance: Balance, seed: u64) -> Self {
        Self {
            balance,
            turn: AtomicU64::new(0),
            random: Random::seeded(seed),
        }
    }

    /// Chooses one of `candidates`, by its position; nothing where there is none.
    ///
    /// `load` tells how much a candidate has to do. Of two that have the same, either is chosen.
    pub fn choose(&self, candidates: usize, load: impl Fn(usize) -> usize) -> Option<usize> {
        if candidates < 2 {
            return candidates.checked_sub(1);
        }
        match self.balance {
            Balance::RoundRobin => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                position(turn % count(candidates))
            }
            Balance::LeastLoadedOfTwo => {
                let one = self.random.below(count(candidates));
                // Of the others, each as likely: the last stands in for the one already drawn.
                let other = self.random.below(count(candidates) - 1);
                let other = if other == one {
                    count(candidates) - 1
                } else {
                    other
                };
                let (one, other) = (position(one)?, position(other)?);
                Some(if load(other) < load(one) { other } else { one })
            }
        }
    }
}

fn count(candidates: usize) -> u64 {
    candidates as u64
}

/// What was drawn below a `usize` is one.
fn position(drawn: u64) -> Option<usize> {
    usize::try_from(drawn).ok()
}
