//! The states that a power cut may leave.

use std::collections::BTreeSet;

use super::layout::{Layout, fingerprint};
use super::tree::Tree;
use super::variant::{CORE, variants};
use super::{SimDisk, World};

/// How the power goes, and how many of the states that it may leave are looked at.
#[derive(Clone, Copy, Debug)]
pub struct PowerCut {
    /// At most so many. All there are, if they are no more; else those in which little differs from
    /// "all lost" and "all kept" first, and then random ones.
    pub limit: usize,
    /// What the random ones come from.
    pub seed: u64,
    /// Whether changes of different names may reach the disk in another order than they were made
    /// in: they may by POSIX, they do not on ext4 and xfs.
    pub unordered: bool,
}

impl Default for PowerCut {
    /// 256 states, unordered.
    fn default() -> Self {
        Self {
            limit: 256,
            seed: 0x5eed,
            unordered: true,
        }
    }
}

/// A state in which a power cut may leave a disk.
#[derive(Debug)]
pub struct CrashState {
    world: World,
    story: String,
    mark: u64,
}

impl CrashState {
    /// Switches the disk on again: nobody has a lock, everything there is is durable.
    #[must_use]
    pub fn boot(&self) -> SimDisk {
        SimDisk::of(self.world.clone())
    }

    /// Says what was lost.
    #[must_use]
    pub fn story(&self) -> &str {
        &self.story
    }

    /// Tells it from other states: same mark, same state.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.mark
    }
}

impl SimDisk {
    /// Returns states in which a power cut at this moment may leave the disk, each once.
    #[must_use]
    pub fn crash_states(&self, cut: PowerCut) -> Vec<CrashState> {
        states(&self.world(), cut)
    }
}

/// `SplitMix64`.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        // The remainder is below a usize.
        #[expect(clippy::cast_possible_truncation, reason = "below a usize")]
        let below = (self.next() % bound as u64) as usize;
        below
    }
}

pub(super) fn states(world: &World, cut: PowerCut) -> Vec<CrashState> {
    let mut random = Random(cut.seed ^ world.operations.wrapping_mul(0x9e37_79b9));
    let (ordered, all) = subsets(&world.tree, cut, &mut random);
    let variants = variants(&world.tree);
    let layouts: Vec<Layout> = all
        .iter()
        .map(|taken| Layout::new(&world.tree, &variants, taken))
        .collect();
    let mut found = Found {
        world,
        layouts: &layouts,
        limit: cut.limit,
        seen: BTreeSet::new(),
        states: Vec::new(),
    };
    let ways = |layout: &Layout| {
        let sizes = layout.open.iter().map(|open| open.variants.len());
        sizes.fold(1_usize, usize::saturating_mul)
    };
    if layouts.iter().map(ways).fold(0, usize::saturating_add) <= cut.limit {
        for (index, layout) in layouts.iter().enumerate() {
            every(layout, |choice| found.add(index, choice));
        }
        return found.states;
    }
    for (index, base) in [(0, 1), (1, 0)] {
        if let Some(layout) = layouts.get(index) {
            found.add(index, &Choice::new(index, base).expand(layout));
        }
    }
    for (index, layout) in layouts.iter().enumerate().take(ordered) {
        found.add(index, &Choice::new(index, 1).expand(layout));
        found.add(index, &Choice::new(index, 0).expand(layout));
    }
    let mut near = Vec::new();
    for (layout, Layout { open, .. }) in layouts.iter().enumerate() {
        let most = if layout < ordered { usize::MAX } else { CORE };
        for base in [0, 1] {
            near.push(Choice::new(layout, base));
            for (file, open) in open.iter().enumerate() {
                let all = 0..open.variants.len().min(most);
                near.extend(all.map(|variant| Choice::new(layout, base).with(file, variant)));
            }
        }
    }
    found.some(near, &mut random);
    let mut pairs = Vec::new();
    for (layout, Layout { open, .. }) in layouts.iter().enumerate().take(ordered) {
        let core = |file: usize| 0..open[file].variants.len().min(CORE);
        for one in 0..open.len() {
            for other in 0..one {
                for first in core(one) {
                    let choice = Choice::new(layout, 1).with(one, first);
                    pairs.extend(core(other).map(|second| choice.with(other, second)));
                }
            }
        }
    }
    // A part of what there is room for is left to chance.
    found.limit = cut.limit - cut.limit / 8;
    found.some(pairs, &mut random);
    found.limit = cut.limit;
    for _ in 0..cut.limit {
        let index = random.below(layouts.len());
        let mut pick = |open: &super::layout::Open| random.below(open.variants.len());
        let choice: Vec<usize> = layouts[index].open.iter().map(&mut pick).collect();
        found.add(index, &choice);
    }
    found.states
}

/// The same variant of every file, but for at most two.
#[derive(Clone, Copy)]
struct Choice {
    layout: usize,
    base: usize,
    but: [Option<(usize, usize)>; 2],
}

impl Choice {
    fn new(layout: usize, base: usize) -> Self {
        Self {
            layout,
            base,
            but: [None; 2],
        }
    }

    /// Takes another variant of one file.
    fn with(mut self, file: usize, variant: usize) -> Self {
        self.but = [self.but[1], Some((file, variant))];
        self
    }

    fn expand(&self, layout: &Layout) -> Vec<usize> {
        let last = |open: &super::layout::Open| self.base.min(open.variants.len() - 1);
        let mut choice: Vec<usize> = layout.open.iter().map(last).collect();
        for (file, variant) in self.but.into_iter().flatten() {
            choice[file] = variant;
        }
        choice
    }
}

/// Calls `each` with every choice of variants.
fn every(layout: &Layout, mut each: impl FnMut(&[usize])) {
    let mut choice = vec![0; layout.open.len()];
    loop {
        each(&choice);
        let mut at = 0;
        while at < choice.len() {
            choice[at] += 1;
            if choice[at] < layout.open[at].variants.len() {
                break;
            }
            choice[at] = 0;
            at += 1;
        }
        if at == choice.len() {
            return;
        }
    }
}

struct Found<'a> {
    world: &'a World,
    layouts: &'a [Layout],
    limit: usize,
    seen: BTreeSet<u64>,
    states: Vec<CrashState>,
}

impl Found<'_> {
    fn add(&mut self, index: usize, choice: &[usize]) {
        if self.states.len() >= self.limit {
            return;
        }
        let layout = &self.layouts[index];
        let world = layout.boot(self.world, choice);
        let mark = fingerprint(&world.tree);
        if self.seen.insert(mark) {
            self.states.push(CrashState {
                world,
                story: layout.tell(choice),
                mark,
            });
        }
    }

    /// Adds all, or as many as there is room for, chosen by chance.
    fn some(&mut self, mut choices: Vec<Choice>, random: &mut Random) {
        let room = self.limit.saturating_sub(self.states.len());
        if choices.len() > room {
            for at in 0..room {
                let other = at + random.below(choices.len() - at);
                choices.swap(at, other);
            }
            choices.truncate(room);
        }
        for choice in choices {
            let expanded = choice.expand(&self.layouts[choice.layout]);
            self.add(choice.layout, &expanded);
        }
    }
}

/// Which changes of names may be durable: first those in order, whose number is told too.
fn subsets(tree: &Tree, cut: PowerCut, random: &mut Random) -> (usize, Vec<Vec<bool>>) {
    let steps = &tree.pending;
    let count = steps.len();
    // All and none first: they teach most where few are looked at.
    let mut all = vec![vec![true; count]];
    if count > 0 {
        all.push(vec![false; count]);
    }
    all.extend(
        (1..count)
            .rev()
            .map(|kept| (0..count).map(|at| at < kept).collect()),
    );
    let ordered = all.len();
    if !cut.unordered {
        return (ordered, all);
    }
    // With a change everything earlier that it depends on.
    let close = |taken: &mut Vec<bool>| {
        for at in (0..count).rev() {
            taken[at] = taken[at]
                || (at + 1..count)
                    .any(|later| taken[later] && steps[later].shares_a_name(&steps[at]));
        }
    };
    let mut seen: BTreeSet<Vec<bool>> = all.iter().cloned().collect();
    let mut add = |mut taken: Vec<bool>| {
        close(&mut taken);
        if seen.insert(taken.clone()) {
            all.push(taken);
        }
    };
    if count <= 8 {
        for mask in 0..1_u32 << count {
            add((0..count).map(|at| mask & (1 << at) != 0).collect());
        }
        return (ordered, all);
    }
    for one in 0..count {
        add((0..count).map(|at| at == one).collect());
        // Everything but this one and what depends on it.
        let mut without = vec![true; count];
        for at in one..count {
            let depends = (one..at).any(|by| !without[by] && steps[by].shares_a_name(&steps[at]));
            without[at] = at != one && !depends;
        }
        add(without);
    }
    for _ in 0..cut.limit.min(64) {
        add((0..count).map(|_| random.below(2) == 0).collect());
    }
    (ordered, all)
}
