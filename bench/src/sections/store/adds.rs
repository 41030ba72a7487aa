//! Durable adds: how many, how long, and how evenly.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use super::crew::{self, Shift};
use super::ground::Ground;
use super::keeper::Peer;
use crate::grid::Session;
use crate::histogram::Histogram;
use crate::report::{Report, ratio, time};
use crate::sections::count;

/// The row that the others are compared with.
pub(super) const BASE: Row = Row::Store(Peer::Byname);

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Store(Peer),
    /// A file of as many bytes as the document has, replaced.
    Floor,
}

/// Bytes of an entry in a document.
const ENTRY: usize = 260;

impl Row {
    pub(super) fn name(self) -> String {
        match self {
            Self::Store(peer) => peer.row(),
            Self::Floor => "floor: a file of n × 260 bytes replaced, both `fsync`s".into(),
        }
    }

    fn peer(self, entries: usize) -> Peer {
        match self {
            Self::Store(peer) => peer,
            Self::Floor => Peer::Replace(entries * ENTRY),
        }
    }

    /// Whether the case is measured.
    fn takes(self, case: Case) -> bool {
        let alone = case.processes == 1 && case.threads == 1;
        match self {
            Self::Floor | Self::Store(Peer::Overwrite | Peer::Replace(_)) => alone,
            // What is batched in a process is no other thing when each process has one thread.
            Self::Store(Peer::SqliteBatched) => case.processes == 1,
            Self::Store(Peer::LmdbBatched) => case.processes == 1 && !case.crossover,
            Self::Store(Peer::Lmdb | Peer::Rewrite) => !case.crossover,
            Self::Store(Peer::Byname | Peer::Sqlite) => true,
        }
    }
}

pub(super) const ROWS: [Row; 8] = [
    Row::Store(Peer::Byname),
    Row::Store(Peer::Sqlite),
    Row::Store(Peer::SqliteBatched),
    Row::Store(Peer::Lmdb),
    Row::Store(Peer::LmdbBatched),
    Row::Store(Peer::Rewrite),
    Row::Floor,
    Row::Store(Peer::Overwrite),
];

/// How many add to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Case {
    pub(super) entries: usize,
    pub(super) processes: usize,
    pub(super) threads: usize,
    /// Measured for the question up to how many entries a document is right, and nothing else.
    crossover: bool,
}

impl Case {
    pub(super) fn threads(entries: usize, threads: usize) -> Self {
        Self {
            entries,
            processes: 1,
            threads,
            crossover: false,
        }
    }

    pub(super) fn processes(entries: usize, processes: usize) -> Self {
        Self {
            entries,
            processes,
            threads: 1,
            crossover: false,
        }
    }

    fn workers(self) -> usize {
        self.processes * self.threads
    }

    fn window(self, quick: bool) -> Duration {
        let millis = match self.entries {
            0..10_000 => 250_u64,
            10_000..100_000 => 500,
            _ => 1_500,
        };
        // Each of many processes must get enough turns to tell who is served least.
        let millis = millis * (self.processes as u64).div_ceil(2);
        Duration::from_millis(if quick { millis / 2 } else { millis })
    }
}

/// The sizes that a quick run measures, those of every run, and those of one more table.
const QUICK: [usize; 2] = [10, 1_000];
const SIZES: [usize; 3] = [10, 1_000, 10_000];
const CROSSOVERS: [usize; 4] = [100, 1_000, 10_000, 100_000];
const PROCESSES: [usize; 3] = [1, 4, 16];
const THREADS: [usize; 3] = [1, 16, 64];

/// How often each case is measured; half as often where a window is long.
const REPEATS: usize = 5;

/// What tables are made of.
struct Kind {
    title: &'static str,
    units: [&'static str; 2],
    case: fn(usize, usize) -> Case,
    counts: [usize; 3],
}

/// How often a window is taken again while the machine is busy with other work, how long one waits
/// for it each time, and how long in all.
const AGAIN: usize = 3;
const REST: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Adds {
    cells: BTreeMap<(usize, Case), Cell>,
    windows: usize,
    busy: usize,
}

/// The windows of one row and case.
#[derive(Default)]
struct Cell {
    shifts: Vec<Shift>,
    /// The slower of the paces of the disk before and after each.
    paces: Vec<u64>,
    /// Whether there were fewer than two windows on a quiet disk, so that all count.
    doubtful: bool,
}

impl Adds {
    /// Takes all windows: every repeat visits every case, and in it every row, beginning with
    /// another one each time.
    pub(super) fn measure(session: &Session, ground: &mut Ground) -> io::Result<Self> {
        let cases = cases(session);
        let repeats = if session.quick { 2 } else { REPEATS };
        let mut adds = Self {
            cells: BTreeMap::new(),
            windows: 0,
            busy: 0,
        };
        let patience = if session.quick {
            PATIENCE / 6
        } else {
            PATIENCE
        };
        let mut spent = Duration::ZERO;
        for repeat in 0..repeats {
            for &case in &cases {
                if case.entries >= 100_000 && repeat % 2 == 1 {
                    continue;
                }
                for turn in 0..ROWS.len() {
                    let at = (turn + repeat * 3) % ROWS.len();
                    if !ROWS[at].takes(case) {
                        continue;
                    }
                    let peer = ROWS[at].peer(case.entries);
                    let folder = ground.store(peer, case.entries)?;
                    let workers = (case.processes, case.threads);
                    let cell = adds.cells.entry((at, case)).or_default();
                    for attempt in 0..=AGAIN {
                        let began = Instant::now();
                        let before = ground.pace()?;
                        let window = case.window(session.quick);
                        let shift = crew::adds(peer, &folder, workers, window)?;
                        let pace = before.max(ground.pace()?);
                        cell.shifts.push(shift);
                        cell.paces.push(pace);
                        adds.windows += 1;
                        if !ground.is_busy(pace) || attempt == AGAIN || spent > patience {
                            break;
                        }
                        std::thread::sleep(REST);
                        spent += began.elapsed();
                    }
                }
            }
        }
        adds.settle(ground);
        Ok(adds)
    }

    /// Throws the windows away in which the disk was busy, where enough are left.
    fn settle(&mut self, ground: &Ground) {
        for cell in self.cells.values_mut() {
            let quiet: Vec<bool> = cell
                .paces
                .iter()
                .map(|pace| !ground.is_busy(*pace))
                .collect();
            let count = quiet.iter().filter(|quiet| **quiet).count();
            self.busy += quiet.len() - count;
            cell.doubtful = count < 2;
            if !cell.doubtful {
                let mut quiet = quiet.into_iter();
                cell.shifts.retain(|_| quiet.next().unwrap_or(true));
            }
        }
    }

    /// Says how many windows were taken and thrown away.
    pub(super) fn account(&self, ground: &Ground) -> String {
        let doubtful = self.cells.values().filter(|cell| cell.doubtful).count();
        let (good, half) = ground.paces();
        format!(
            "Before and after each window a block is overwritten and made durable: in the best tenth \
             of the cases that took {}, in half of them {} or less. {} windows were taken; in {} of \
             them it took more than twice the best, because the disk or the cores were busy with \
             something else, and they were thrown away, but for {doubtful} of {} cells that had \
             fewer than two others: those are marked ~ and show all.",
            time(good),
            time(half),
            self.windows,
            self.busy,
            self.cells.len(),
        )
    }

    /// Gives the median of adds a second.
    pub(super) fn rate(&self, row: Row, case: Case) -> Option<f64> {
        self.of(row, case)
            .map(|shifts| median(shifts.iter().map(Shift::rate)))
    }

    /// Gives the share of the least-served worker: the median, and that of the worst window.
    pub(super) fn least(&self, row: Row, case: Case) -> Option<(f64, f64)> {
        let shifts = self.of(row, case)?;
        let worst = shifts.iter().map(Shift::least).fold(f64::MAX, f64::min);
        Some((median(shifts.iter().map(Shift::least)), worst))
    }

    fn of(&self, row: Row, case: Case) -> Option<&Vec<Shift>> {
        let at = ROWS.iter().position(|other| *other == row)?;
        self.cells.get(&(at, case)).map(|cell| &cell.shifts)
    }

    /// Marks what was measured while others wrote.
    fn mark(&self, row: Row, case: Case) -> &'static str {
        let at = ROWS.iter().position(|other| *other == row);
        let cell = at.and_then(|at| self.cells.get(&(at, case)));
        cell.map_or("", |cell| if cell.doubtful { "~" } else { "" })
    }

    fn latencies(&self, row: Row, case: Case) -> Option<Histogram> {
        let shifts = self.of(row, case)?;
        let mut all = Histogram::new();
        for shift in shifts {
            all.merge(&shift.latencies);
        }
        Some(all)
    }

    pub(super) fn tables(&self, session: &Session, report: &mut Report) -> io::Result<()> {
        let kinds = [
            Kind {
                title: "threads of one process",
                units: ["thread", "threads"],
                case: Case::threads,
                counts: THREADS,
            },
            Kind {
                title: "processes",
                units: ["process", "processes"],
                case: Case::processes,
                counts: PROCESSES,
            },
        ];
        for Kind {
            title,
            units,
            case,
            counts,
        } in kinds
        {
            let cases: Vec<Case> = sizes(session)
                .into_iter()
                .flat_map(|entries| counts.map(|count| case(entries, count)))
                .collect();
            report.say(&format!("### Durable adds a second, by {title}"))?;
            Self::table(report, &cases, units, |row, case| self.rate_text(row, case))?;
            report.say(&format!("### How long an add takes, by {title}: p50 / p99"))?;
            Self::table(report, &cases, units, |row, case| {
                let latencies = self.latencies(row, case)?;
                let at = |share| time(latencies.quantile(share));
                Some(format!("{} / {}", at(0.5), at(0.99)))
            })?;
            report.say(&format!(
                "### The share of the least served, by {title} (1 is the fair one; in brackets \
                 the worst window)"
            ))?;
            let several: Vec<Case> = cases
                .into_iter()
                .filter(|case| case.workers() > 1)
                .collect();
            Self::table(report, &several, units, |row, case| {
                let (least, worst) = self.least(row, case)?;
                // Of fewer than eight adds each, one more or less is a large part.
                let few = self.of(row, case)?.iter().any(|shift| shift.fair() < 8.0);
                let few = if few { ", few adds" } else { "" };
                Some(format!("{least:.2} ({worst:.2}{few})"))
            })?;
        }
        self.crossover(session, report)
    }

    fn crossover(&self, session: &Session, report: &mut Report) -> io::Result<()> {
        let known: Vec<Case> = cases(session);
        let cases: Vec<Case> = CROSSOVERS
            .into_iter()
            .flat_map(|entries| [(entries, 1), (entries, 64)])
            .filter_map(|(entries, threads)| {
                known.iter().copied().find(|case| {
                    (case.entries, case.processes, case.threads) == (entries, 1, threads)
                })
            })
            .collect();
        report.say("### Up to how many entries a document that is rewritten is the right store")?;
        Self::table(
            report,
            &cases,
            ["thread", "threads"],
            |row, case| match row {
                Row::Store(Peer::Lmdb | Peer::LmdbBatched | Peer::Rewrite | Peer::Overwrite) => {
                    None
                }
                _ => self.rate_text(row, case),
            },
        )
    }

    fn rate_text(&self, row: Row, case: Case) -> Option<String> {
        let rate = self.rate(row, case)?;
        let mut text = self.mark(row, case).to_owned() + &count(rate.round() as usize);
        if let Some(base) = self.rate(BASE, case).filter(|_| row != BASE) {
            let _ = write!(text, " ({})", ratio(rate / base));
        }
        Some(text)
    }

    /// Prints the rows that have any cell.
    fn table(
        report: &mut Report,
        cases: &[Case],
        [one, several]: [&str; 2],
        cell: impl Fn(Row, Case) -> Option<String>,
    ) -> io::Result<()> {
        let columns: Vec<String> = cases
            .iter()
            .map(|case| {
                let workers = case.workers();
                let unit = if workers == 1 { one } else { several };
                format!("{} entries, {workers} {unit}", count(case.entries))
            })
            .collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut rows = Vec::new();
        for row in ROWS {
            let cells: Vec<Option<String>> = cases.iter().map(|case| cell(row, *case)).collect();
            if cells.iter().any(Option::is_some) {
                let cells = cells.into_iter().map(Option::unwrap_or_default);
                rows.push(std::iter::once(row.name()).chain(cells).collect());
            }
        }
        report.texts("", &columns, &rows)
    }
}

fn sizes(session: &Session) -> Vec<usize> {
    let sizes: &[usize] = if session.quick { &QUICK } else { &SIZES };
    let wanted = sizes.iter().copied();
    wanted.filter(|entries| session.wants(*entries)).collect()
}

fn cases(session: &Session) -> Vec<Case> {
    let mut cases = Vec::new();
    for entries in sizes(session) {
        cases.extend(THREADS.map(|threads| Case::threads(entries, threads)));
        // One process of one thread is there already.
        cases.extend(
            PROCESSES[1..]
                .iter()
                .map(|count| Case::processes(entries, *count)),
        );
    }
    if !session.quick {
        for entries in CROSSOVERS {
            if !SIZES.contains(&entries) && session.wants(entries) {
                cases.extend([1, 64].map(|threads| Case {
                    crossover: true,
                    ..Case::threads(entries, threads)
                }));
            }
        }
    }
    cases
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
