//! A table of jobs, measured in turns: every repeat visits every cell of every row, and the row
//! that goes first changes with each repeat.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::histogram::Histogram;
use crate::measure::{Pool, Sample, TOLERATED, Work};

/// A window in which the core took this many times its good time for a fixed piece of arithmetic is
/// thrown away.
const SLOW: f64 = 1.25;

/// How often every cell is measured.
pub(crate) const REPEATS: usize = 9;

/// What a cell measures.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) threads: usize,
    pub(crate) window: Duration,
    pub(crate) warm: Duration,
}

/// Rows of jobs under common columns; a cell may be empty.
pub(crate) struct Grid {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<Option<Job>>)>,
}

impl Grid {
    pub(crate) fn new<C: Into<String>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, name: impl Into<String>, jobs: Vec<Option<Job>>) {
        debug_assert_eq!(
            jobs.len(),
            self.columns.len(),
            "a job or None for each column"
        );
        self.rows.push((name.into(), jobs));
    }
}

/// One measured cell.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Nanoseconds for one operation of one core.
    pub(crate) nanos: f64,
    pub(crate) latencies: Option<Histogram>,
}

/// A measured [`Grid`].
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<Option<Figure>>)>,
}

/// How long and how often is measured, and what has been measured so far.
pub(crate) struct Session {
    pub(crate) pool: Pool,
    pub(crate) cores: usize,
    pub(crate) quick: bool,
    /// The program `byname` that is started, where it is not built for that.
    pub(crate) program: Option<PathBuf>,
    sizes: Vec<usize>,
    repeats: usize,
    results: BTreeMap<(String, String, String), f64>,
    windows: usize,
    dirty: usize,
    slow: usize,
    /// All paces, with one thread and with several: two cores may be halves of one.
    paces: [Histogram; 2],
    doubtful: usize,
    cells: usize,
}

impl Session {
    pub(crate) fn new(quick: bool, sizes: Vec<usize>, cores: usize) -> Self {
        Self {
            pool: Pool::start(cores.max(4)),
            cores,
            quick,
            program: None,
            sizes,
            repeats: if quick { 3 } else { REPEATS },
            results: BTreeMap::new(),
            windows: 0,
            dirty: 0,
            slow: 0,
            paces: [Histogram::new(), Histogram::new()],
            doubtful: 0,
            cells: 0,
        }
    }

    /// Makes a job with the usual window: as short as a thread is left alone on a busy machine,
    /// longer where threads must share a core, after a longer warm-up where the structure does not
    /// fit into the caches of a core.
    pub(crate) fn job(&self, work: Work, threads: usize, names: usize) -> Job {
        let (micros, warm) = match (threads > self.cores, names > 10_000) {
            (true, _) => (12_000, 4_000),
            (false, true) => (6_000, 10_000),
            (false, false) => (2_000, 700),
        };
        let scale = if self.quick { 2 } else { 1 };
        Job {
            work,
            threads,
            window: Duration::from_micros(micros / scale),
            warm: Duration::from_micros(warm / scale),
        }
    }

    /// The pace that one window in five reaches: what the core can do when it is left alone, and no
    /// lucky moment.
    fn good_pace(&self, threads: usize) -> u64 {
        self.paces[usize::from(threads > 1)].quantile(0.2)
    }

    /// How much longer a busy core takes for arithmetic when the other one is busy too; 1 where the
    /// cores share nothing.
    pub(crate) fn sharing(&self) -> f64 {
        self.good_pace(2) as f64 / self.good_pace(1) as f64
    }

    /// Whether structures of so many names are to be measured.
    pub(crate) fn wants(&self, names: usize) -> bool {
        self.sizes.is_empty() || self.sizes.contains(&names)
    }

    /// Measures every cell of `grid` and records each under (`section`, row, column).
    pub(crate) fn run(&mut self, section: &str, grid: Grid) -> Measured {
        let Grid { columns, rows } = grid;
        let mut takes: Vec<Vec<Vec<Take>>> = rows
            .iter()
            .map(|_| columns.iter().map(|_| Vec::new()).collect())
            .collect();
        let retake_until = Instant::now() + self.patience(&rows);
        for repeat in 0..self.repeats {
            for (column, _) in columns.iter().enumerate() {
                for turn in 0..rows.len() {
                    let row = (turn + repeat * rows.len().div_ceil(self.repeats)) % rows.len();
                    if let Some(job) = &rows[row].1[column] {
                        let takes = &mut takes[row][column];
                        self.take(job, retake_until, takes);
                    }
                }
            }
        }
        let mut measured = Vec::new();
        for ((name, jobs), takes) in rows.into_iter().zip(takes) {
            let mut figures = Vec::new();
            for (column, (job, takes)) in jobs.iter().zip(takes).enumerate() {
                let figure = job.as_ref().map(|job| self.settle(takes, job.threads));
                if let Some(figure) = &figure {
                    self.record(section, &name, &columns[column], figure.nanos);
                }
                figures.push(figure);
            }
            measured.push((name, figures));
        }
        Measured {
            columns,
            rows: measured,
        }
    }

    /// Records a figure that did not come from a grid.
    pub(crate) fn record(&mut self, section: &str, row: &str, column: &str, value: f64) {
        self.results
            .insert((section.into(), row.into(), column.into()), value);
    }

    /// Gives a recorded figure.
    pub(crate) fn result(&self, section: &str, row: &str, column: &str) -> Option<f64> {
        self.results
            .get(&(section.into(), row.into(), column.into()))
            .copied()
    }

    /// Says how many windows were taken and thrown away.
    pub(crate) fn account(&self) -> String {
        format!(
            "{} windows were taken; {} of them were thrown away because a worker waited for its \
             core more than {:.0} % of the time, and {} because a core was slower than {SLOW}× its \
             best; {} of {} cells had fewer than the wanted clean windows \
             and show the lower quartile of all",
            self.windows,
            self.dirty,
            TOLERATED * 100.0,
            self.slow,
            self.doubtful,
            self.cells,
        )
    }

    /// A table may take half as long again as the time that it needs undisturbed; then windows are kept as they are.
    fn patience(&self, rows: &[(String, Vec<Option<Job>>)]) -> Duration {
        let once: Duration = rows
            .iter()
            .flat_map(|(_, jobs)| jobs.iter().flatten())
            .map(|job| job.window + job.warm)
            .sum();
        once * self.repeats as u32 * 3 / 2
    }

    fn take(&mut self, job: &Job, retake_until: Instant, takes: &mut Vec<Take>) {
        for attempt in 0..=6 {
            let samples = self
                .pool
                .window(&job.work, job.threads, job.window, job.warm);
            let crowded = job.threads > self.cores;
            let pace = samples.iter().map(|sample| sample.pace).max().unwrap_or(0);
            if !crowded {
                self.paces[usize::from(job.threads > 1)].add(pace);
            }
            let best = self.good_pace(job.threads);
            let mut take = Take::of(samples, self.cores, crowded);
            take.pace = if crowded { 0 } else { pace };
            self.windows += 1;
            self.dirty += usize::from(!take.clean);
            if take.clean && take.slow(best) {
                take.clean = false;
                self.slow += 1;
            }
            let clean = take.clean;
            takes.push(take);
            if clean || attempt == 6 || Instant::now() > retake_until {
                break;
            }
        }
    }

    /// The median of the clean windows; with fewer than three (two of a quick run) of them the
    /// lower quartile of all; and
    /// that too where threads share a core, since there a wait for it tells nothing.
    fn settle(&mut self, mut takes: Vec<Take>, threads: usize) -> Figure {
        self.cells += 1;
        // What passed for good when the window was taken may not have been it.
        let best = self.good_pace(threads);
        for take in &mut takes {
            take.clean &= !take.slow(best);
        }
        let mut latencies: Option<Histogram> = None;
        let enough = if self.quick { 2 } else { 3 };
        let clean = takes.iter().filter(|take| take.clean).count();
        let trusted = clean >= enough;
        self.doubtful += usize::from(!trusted);
        let mut nanos = Vec::new();
        for take in takes {
            if trusted && !take.clean {
                continue;
            }
            nanos.push(take.nanos);
            if let Some(more) = take.latencies {
                match &mut latencies {
                    Some(all) => all.merge(&more),
                    None => latencies = Some(more),
                }
            }
        }
        nanos.sort_by(f64::total_cmp);
        let rank = if trusted && threads <= self.cores {
            nanos.len() / 2
        } else {
            nanos.len() / 4
        };
        Figure {
            nanos: nanos[rank],
            latencies,
        }
    }
}

/// One window of all its workers.
struct Take {
    nanos: f64,
    pace: u64,
    clean: bool,
    latencies: Option<Histogram>,
}

impl Take {
    /// Whether the core was slow, given what is good.
    fn slow(&self, best: u64) -> bool {
        self.pace as f64 > best as f64 * SLOW
    }

    /// Nanoseconds of one core for one operation: for up to as many threads as cores, those that a
    /// thread needs; above that, those that an operation needs of a core.
    fn of(samples: Vec<Sample>, cores: usize, crowded: bool) -> Self {
        let mut rate = 0.0;
        let mut busy = 0;
        let mut clean = true;
        let mut latencies: Option<Histogram> = None;
        for sample in samples {
            if sample.nanos == 0 {
                continue;
            }
            busy += 1;
            rate += sample.ops as f64 / sample.nanos as f64;
            clean &= crowded || (sample.waited as f64) <= sample.nanos as f64 * TOLERATED;
            if let Some(more) = sample.latencies {
                match &mut latencies {
                    Some(all) => all.merge(&more),
                    None => latencies = Some(more),
                }
            }
        }
        let used = busy.min(cores) as f64;
        Self {
            nanos: used / rate,
            pace: 0,
            clean,
            latencies,
        }
    }
}
