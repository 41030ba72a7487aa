//! The aims, each with what was measured and whether it is met.

use std::io;

use crate::grid::Session;
use crate::peers::lineup;
use crate::report::{Report, nanos, ratio};

/// A peer counts as level when it is at most this much quicker: two medians of one run differ by
/// as much without a cause.
const LEVEL: f64 = 1.05;

pub(crate) struct Aims<'s> {
    session: &'s Session,
    lines: Vec<Vec<String>>,
}

/// Prints the table of aims.
pub(crate) fn run(session: &Session, report: &mut Report) -> io::Result<()> {
    let mut aims = Aims {
        session,
        lines: Vec::new(),
    };
    aims.view();
    aims.bare();
    aims.hot();
    aims.handles();
    aims.snapshot();
    aims.change();
    aims.mixed();
    report.say("## Aims")?;
    report.say(&format!(
        "On the median of this run. A peer that is at most {:.0} % quicker is called level.",
        (LEVEL - 1.0) * 100.0,
    ))?;
    report.texts("aim", &["case", "measured", "met"], &aims.lines)
}

const SIZES: [usize; 2] = [100, 1_000];
const UNIFORM: [(&str, &str); 2] = [
    ("1 thread", "uniform, 1 thread"),
    ("2 threads", "2 threads"),
];

/// Peers whose reads of different names may come from different moments, or which show one moment
/// and copy everything for each change; nothing here makes a writer wait for a reader.
const CONCURRENT: [&str; 12] = [
    lineup::STD_MUTEX,
    lineup::STD_RWLOCK,
    lineup::PARKING_MUTEX,
    lineup::PARKING_RWLOCK,
    lineup::DASHMAP,
    lineup::PAPAYA_PINNED,
    lineup::PAPAYA_HELD,
    lineup::SCC_MAP,
    lineup::SCC_INDEX,
    lineup::SCC_INDEX_HELD,
    lineup::SWAP_LOAD,
    lineup::LEFT_RIGHT,
];

/// What one bare call must be ahead of.
const BARE: [&str; 9] = [
    lineup::STD_MUTEX,
    lineup::STD_RWLOCK,
    lineup::PARKING_MUTEX,
    lineup::PARKING_RWLOCK,
    lineup::DASHMAP,
    lineup::PAPAYA_PINNED,
    lineup::SCC_MAP,
    lineup::SCC_INDEX,
    lineup::SWAP_LOAD,
];

impl Aims<'_> {
    fn line(&mut self, aim: &str, case: &str, measured: Option<(String, bool)>) {
        let (measured, met) = match measured {
            Some((text, true)) => (text, "yes"),
            Some((text, false)) => (text, "**no**"),
            None => ("not measured".into(), ""),
        };
        self.lines
            .push(vec![aim.into(), case.into(), measured, met.into()]);
    }

    /// `row` against `floor` in one column: at most `most` times as long.
    fn within(&self, section: &str, column: &str, row: &str, floor: &str, most: f64) -> Verdict {
        let value = self.session.result(section, row, column)?;
        let floor = self.session.result(section, floor, column)?;
        let measured = value / floor;
        Some((
            format!(
                "{} ({} / {} ns)",
                ratio(measured),
                nanos(value),
                nanos(floor)
            ),
            measured <= most,
        ))
    }

    /// `row` against the quickest of `peers`.
    fn ahead(&self, section: &str, column: &str, row: &str, peers: &[&str], slack: f64) -> Verdict {
        let value = self.session.result(section, row, column)?;
        let (peer, best) = peers
            .iter()
            .filter_map(|peer| Some((*peer, self.session.result(section, peer, column)?)))
            .min_by(|left, right| left.1.total_cmp(&right.1))?;
        Some((
            format!(
                "{} of {peer} ({} / {} ns)",
                ratio(value / best),
                nanos(value),
                nanos(best)
            ),
            value <= best * slack,
        ))
    }

    fn view(&mut self) {
        for n in SIZES {
            for (threads, column) in UNIFORM {
                let section = format!("reads/{n}");
                let case = format!("{n} names, {threads}");
                let row = lineup::REGISTRY_VIEW;
                let within = self.within(&section, column, row, lineup::FLOOR, 1.25);
                self.line("view: within 1.25× of the plain map", &case, within);
                let ahead = self.ahead(&section, column, row, &CONCURRENT, LEVEL);
                self.line(
                    "view: level with or ahead of every concurrent peer",
                    &case,
                    ahead,
                );
                let caches = [lineup::SWAP_CACHE, lineup::SWAP_HELD];
                let ahead = self.ahead(&section, column, row, &caches, LEVEL);
                let aim = "view: level with or ahead of an `Arc` kept by the thread (arc-swap)";
                self.line(aim, &case, ahead);
            }
        }
    }

    fn bare(&mut self) {
        for n in SIZES {
            for (threads, column) in UNIFORM {
                let section = format!("reads/{n}");
                let case = format!("{n} names, {threads}");
                for (row, called) in [
                    (lineup::REGISTRY_GET, "`get`"),
                    (lineup::REGISTRY_READ, "`read`"),
                ] {
                    let within = self.within(&section, column, row, lineup::FLOOR, 1.4);
                    let aim = format!("bare {called}: within 1.4× of the plain map");
                    self.line(&aim, &case, within);
                    let ahead = self.ahead(&section, column, row, &BARE, 1.0);
                    let aim = format!(
                        "bare {called}: ahead of papaya pinned, `ArcSwap::load`, scc, every lock"
                    );
                    self.line(&aim, &case, ahead);
                }
            }
            let section = format!("reads/{n}");
            let same = self
                .session
                .result(&section, lineup::REGISTRY_GET, UNIFORM[0].1);
            let same = same.and_then(|one| {
                let floor = |column| self.session.result(&section, lineup::FLOOR, column);
                let two = self
                    .session
                    .result(&section, lineup::REGISTRY_GET, UNIFORM[1].1)?;
                let beside = floor(UNIFORM[1].1)? / floor(UNIFORM[0].1)?;
                let text = format!(
                    "{} ({} / {} ns; the plain map: {})",
                    ratio(two / one),
                    nanos(two),
                    nanos(one),
                    ratio(beside),
                );
                // Two threads may share what a core has; the plain map shows by how much.
                Some((text, two / one <= LEVEL * beside.max(1.0)))
            });
            self.line(
                "bare `get`: the same at 1 and 2 threads",
                &format!("{n} names"),
                same,
            );
        }
    }

    /// One row in two columns.
    fn two(&self, section: &str, row: &str, column: &str, base: &str, most: f64) -> Verdict {
        let value = self.session.result(section, row, column)?;
        let base = self.session.result(section, row, base)?;
        Some((
            format!(
                "{} ({} / {} ns)",
                ratio(value / base),
                nanos(value),
                nanos(base)
            ),
            value <= base * most,
        ))
    }

    fn hot(&mut self) {
        for n in SIZES {
            for row in [lineup::REGISTRY_VIEW, lineup::REGISTRY_GET] {
                let verdict = self.two(&format!("reads/{n}"), row, "hot, 2", "2 threads", 1.0);
                let case = format!("{n} names, {row}, 2 threads");
                self.line("one hot name no slower than uniform names", &case, verdict);
            }
        }
    }

    fn handles(&mut self) {
        for n in SIZES {
            for (threads, column) in UNIFORM {
                let section = format!("handles/{n}");
                let case = format!("{n} handles, {threads}");
                let verdict = self.within(
                    &section,
                    column,
                    lineup::HANDLE_VIEW,
                    lineup::HANDLE_FLOOR,
                    2.0,
                );
                self.line(
                    "handle in a view: within 2× of one atomic load",
                    &case,
                    verdict,
                );
                let value = self.session.result(&section, lineup::HANDLE_BARE, column);
                let verdict = value.map(|value| (format!("{} ns", nanos(value)), value < 3.0));
                self.line("handle, bare: under 3 ns", &case, verdict);
            }
        }
    }

    fn snapshot(&mut self) {
        let value = |column| self.session.result("snapshot", lineup::REGISTRY, column);
        let verdict = value("100,000 entries").map(|large| {
            let small = value("10 entries").unwrap_or(large);
            let text = format!("{} ns (10 entries: {} ns)", nanos(large), nanos(small));
            (text, large < 100.0 && large < small * 3.0)
        });
        self.line(
            "snapshot: constant time, under 100 ns",
            "100,000 entries",
            verdict,
        );
    }

    fn change(&mut self) {
        for column in ["100,000 entries", "100,000, with a reader"] {
            let verdict = self.within("change", column, lineup::REGISTRY, lineup::STD_RWLOCK, 4.0);
            self.line(
                "change: within 4× of a `RwLock<HashMap>` insert",
                column,
                verdict,
            );
        }
    }

    fn mixed(&mut self) {
        // These change several names as one change and take a lock to read or to write.
        let whole = [
            lineup::STD_MUTEX,
            lineup::STD_RWLOCK,
            lineup::PARKING_MUTEX,
            lineup::PARKING_RWLOCK,
        ];
        for n in [10, 1_000, 100_000] {
            for row in [lineup::REGISTRY_GET, lineup::REGISTRY_VIEW] {
                let verdict =
                    self.ahead(&format!("mixed/{n}"), "10 %, 2 threads", row, &whole, 1.0);
                let case = format!("{n} names, {row}");
                self.line(
                    "10 % writes, 2 threads: ahead of every lock around a map",
                    &case,
                    verdict,
                );
                let sharded = [lineup::DASHMAP, lineup::SCC_MAP];
                let beside = self.ahead(
                    &format!("mixed/{n}"),
                    "10 %, 2 threads",
                    row,
                    &sharded,
                    f64::MAX,
                );
                self.line(
                    "beside it: sharded maps",
                    &case,
                    beside.map(|(text, _)| (text, true)),
                );
            }
        }
        let p999 = |row| self.session.result("latency", row, "p99.9");
        let verdict = p999(lineup::REGISTRY_GET)
            .zip(p999(lineup::STD_RWLOCK))
            .map(|(registry, lock)| {
                let text = format!(
                    "99.9 % of reads within {} ns (std `RwLock`: {} ns)",
                    nanos(registry),
                    nanos(lock),
                );
                (text, registry < lock)
            });
        self.line(
            "10 % writes, 2 threads: no reader waits",
            "1,000 names",
            verdict,
        );
    }
}

type Verdict = Option<(String, bool)>;
