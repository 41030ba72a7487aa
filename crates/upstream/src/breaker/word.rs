//! A breaker's state in one word.

/// From the lowest bit: 2 bits which state, 5 how often in a row it has opened, 17 the generation, 40
/// what belongs to the state: failures in a row; until when, in milliseconds (34 years); successes.
///
/// The generation is raised by every change of state, so a verdict can tell that the period of its
/// call is over. It wraps after 131,072 changes; a call that lasts through exactly that many has its
/// verdict counted in a later period, and nothing worse: places do not depend on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

pub(super) enum State {
    Closed { failures: u32 },
    Open { until: u64 },
    HalfOpen { successes: u32 },
}

const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const HALF_OPEN: u64 = 2;
const LEVELS: u64 = 31;
const GENERATIONS: u64 = (1 << 17) - 1;
const PAYLOADS: u64 = (1 << 40) - 1;

impl Word {
    fn new(tag: u64, level: u32, generation: u32, payload: u64) -> Self {
        let level = u64::from(level).min(LEVELS);
        let generation = u64::from(generation) & GENERATIONS;
        Self(tag | level << 2 | generation << 7 | payload.min(PAYLOADS) << 24)
    }

    pub(super) fn closed(generation: u32, failures: u32) -> Self {
        Self::new(CLOSED, 0, generation, failures.into())
    }

    /// The word of the open state after this one.
    pub(super) fn opened(self, level: u32, until: u64) -> Self {
        Self::new(OPEN, level, self.next_generation(), until)
    }

    /// The word of the half-open state after this, open one.
    pub(super) fn opened_half(self) -> Self {
        Self::new(HALF_OPEN, self.level(), self.next_generation(), 0)
    }

    /// The same half-open period, with so many successes.
    pub(super) fn succeeded(self, successes: u32) -> Self {
        Self::new(HALF_OPEN, self.level(), self.generation(), successes.into())
    }

    pub(super) fn state(self) -> State {
        let payload = self.0 >> 24;
        // What is counted was put in as a u32.
        let count = u32::try_from(payload).unwrap_or(u32::MAX);
        match self.0 & 3 {
            CLOSED => State::Closed { failures: count },
            OPEN => State::Open { until: payload },
            _ => State::HalfOpen { successes: count },
        }
    }

    pub(super) fn level(self) -> u32 {
        (self.0 >> 2 & LEVELS) as u32
    }

    pub(super) fn generation(self) -> u32 {
        (self.0 >> 7 & GENERATIONS) as u32
    }

    pub(super) fn next_generation(self) -> u32 {
        self.generation() + 1
    }
}
