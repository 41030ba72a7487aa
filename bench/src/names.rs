//! The names, the values and the streams of questions that every section shares.

use std::sync::Arc;

/// The value that every structure holds: 48 bytes, of which a read looks at one field.
#[derive(Clone, Debug)]
pub(crate) struct Svc {
    pub(crate) id: u64,
    #[expect(dead_code, reason = "fills the value up to 48 bytes")]
    rest: [u64; 5],
}

impl Svc {
    /// Makes the value of the name with number `at`.
    pub(crate) fn new(at: usize) -> Self {
        let id = at as u64 + 1;
        Self { id, rest: [id; 5] }
    }
}

/// A small generator of numbers; the same seed gives the same sequence in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Gives a number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

const WORDS: [&str; 16] = [
    "order", "user", "auth", "mail", "payment", "router", "backend", "cache", "model", "store",
    "queue", "report", "search", "session", "invoice", "metrics",
];

/// The names of one size: those that are stored, some that are not, and as many again to add.
#[derive(Debug)]
pub(crate) struct Names {
    /// Stored names. Structures copy them; questions are asked with [`Query`], never with these.
    pub(crate) stored: Vec<Arc<str>>,
    /// Names that are in no structure: a miss, or a name to add.
    pub(crate) absent: Vec<Arc<str>>,
}

impl Names {
    /// Makes `n` stored and `n` (at least 64) absent names of 8 to 40 bytes, all different.
    pub(crate) fn new(n: usize) -> Self {
        let mut dice = Dice::new(0x5eed);
        let mut all: Vec<Arc<str>> = (0..n + n.max(64))
            .map(|at| name(at, &mut dice).into())
            .collect();
        let absent = all.split_off(n);
        Self {
            stored: all,
            absent,
        }
    }

    /// Makes the ten names of the note's benchmark, `router-0` to `router-9`.
    pub(crate) fn routers(n: usize) -> Self {
        let mut all: Vec<Arc<str>> = (0..n + 64)
            .map(|at| format!("router-{at}").into())
            .collect();
        let absent = all.split_off(n);
        Self {
            stored: all,
            absent,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.stored.len()
    }

    /// Gives the mean length of a stored name in bytes.
    pub(crate) fn mean_len(&self) -> f64 {
        self.stored.iter().map(|name| name.len()).sum::<usize>() as f64 / self.len() as f64
    }
}

fn name(at: usize, dice: &mut Dice) -> String {
    let tail = format!("{at:05x}");
    let length = 8 + dice.below(33);
    let mut name = String::with_capacity(length);
    while name.len() + tail.len() < length {
        name.push_str(WORDS[dice.below(WORDS.len())]);
        name.push('-');
    }
    name.truncate(length - tail.len());
    name + &tail
}

/// One question: a name in memory of its own, and the number of the stored name it equals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub(crate) name: &'static str,
    /// Position among the stored names; `u32::MAX` when the name is in no structure.
    pub(crate) at: u32,
}

/// Which names are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Every stored name equally often.
    Uniform,
    /// The same, and one question in ten for a name that is not there.
    Misses,
    /// One name always, on every thread.
    Hot,
}

/// A stream of questions, asked round and round.
#[derive(Debug)]
pub(crate) struct Queries {
    pub(crate) list: Vec<Query>,
}

impl Queries {
    /// Makes the stream. Its names are copied once and live until the process ends.
    pub(crate) fn new(names: &Names, spread: Spread) -> Self {
        let length = if names.len() > 10_000 {
            1 << 17
        } else {
            1 << 14
        };
        let mut dice = Dice::new(0xa5c);
        let stored = leak(&names.stored);
        let absent = leak(&names.absent);
        let hot = names.len() / 2;
        let list = (0..length)
            .map(|_| match spread {
                Spread::Hot => Query {
                    name: stored[hot],
                    at: hot as u32,
                },
                Spread::Misses if dice.below(10) == 0 => Query {
                    name: absent[dice.below(absent.len())],
                    at: u32::MAX,
                },
                Spread::Uniform | Spread::Misses => {
                    let at = dice.below(stored.len());
                    Query {
                        name: stored[at],
                        at: at as u32,
                    }
                }
            })
            .collect();
        Self { list }
    }
}

fn leak(names: &[Arc<str>]) -> Vec<&'static str> {
    let arena: String = names.iter().map(AsRef::as_ref).collect();
    let mut rest: &'static str = String::leak(arena);
    names
        .iter()
        .map(|name| {
            let (first, later) = rest.split_at(name.len());
            rest = later;
            first
        })
        .collect()
}
