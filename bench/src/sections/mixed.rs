//! Reads while some operations replace a value.

use std::io;
use std::sync::Arc;

use super::count;
use crate::grid::{Grid, Session};
use crate::names::{Names, Queries, Spread};
use crate::peers::lineup;
use crate::peers::{HELD_FOR, Task};
use crate::report::{Report, nanos};

const SHARES: [(&str, usize); 2] = [("0.1 %", 1_000), ("10 %", 10)];
const THREADS: [usize; 3] = [1, 2, 4];

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Reads and writes")?;
    report.say(&format!(
        "Nanoseconds an operation and thread (at 4 threads: of a core). Every thread reads \
         uniformly chosen names and replaces the value of one now and then. What is held (guard, \
         view, snapshot) is taken anew every {HELD_FOR} operations.",
    ))?;
    for n in [10, 1_000, 100_000] {
        if !session.wants(n) {
            continue;
        }
        let names = Names::new(n);
        let queries = Arc::new(Queries::new(&names, Spread::Uniform));
        let rows = lineup::readers(&names);
        let mut grid = Grid::new(SHARES.iter().flat_map(|(share, _)| {
            THREADS
                .iter()
                .map(move |threads| format!("{share}, {threads} threads"))
        }));
        for row in &rows {
            let jobs: Vec<_> = SHARES
                .iter()
                .flat_map(|(_, every)| THREADS.iter().map(move |threads| (*every, *threads)))
                .map(|(every, threads)| {
                    let work = row.work(Task::Mixed(every), &queries)?;
                    Some(session.job(work, threads, n))
                })
                .collect();
            if jobs.iter().any(Option::is_some) {
                grid.row(row.name, jobs);
            }
        }
        report.say(&format!("### {} names", count(n)))?;
        let measured = session.run(&format!("mixed/{n}"), grid);
        report.table(&measured, Some(lineup::STD_RWLOCK))?;
    }
    latencies(session, report)
}

/// How long single reads take while one operation in ten is a write.
fn latencies(session: &mut Session, report: &mut Report) -> io::Result<()> {
    const N: usize = 1_000;
    let names = Names::new(N);
    let queries = Arc::new(Queries::new(&names, Spread::Uniform));
    let mut rows = lineup::handles(&names);
    rows.retain(|row| row.name == lineup::HANDLE_FLOOR);
    rows.extend(lineup::readers(&names));
    let mut grid = Grid::new(["10 % writes, 2 threads"]);
    for row in &rows {
        if let Some(work) = row.work(Task::Latency(10), &queries) {
            grid.row(row.name, vec![Some(session.job(work, 2, N))]);
        }
    }
    let measured = session.run("latency", grid);
    let mut lines = Vec::new();
    for (name, figures) in &measured.rows {
        let Some(latencies) = figures[0]
            .as_ref()
            .and_then(|figure| figure.latencies.as_ref())
        else {
            continue;
        };
        let mut line = vec![name.clone()];
        for (title, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            let value = latencies.quantile(share) as f64;
            session.record("latency", name, title, value);
            line.push(nanos(value));
        }
        line.push(nanos(latencies.max() as f64));
        lines.push(line);
    }
    report.say("### How long a single read takes, 1,000 names, 2 threads, 10 % writes")?;
    report.say(
        "Nanoseconds, the clock included (see the row of the single load); one read in four is \
         timed. The longest ones hold what the kernel did to the thread.",
    )?;
    report.texts("", &["p50", "p99", "p99.9", "longest"], &lines)
}
