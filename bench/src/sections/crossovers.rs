//! The decision table: which of five ways is ahead, by share of reads, size and threads.

use std::io;
use std::sync::Arc;

use super::count;
use crate::grid::{Grid, Session};
use crate::names::{Names, Queries, Spread};
use crate::peers::Task;
use crate::peers::lineup;
use crate::report::{Report, nanos, ratio};

const SHARES: [(&str, usize); 4] = [("50", 2), ("90", 10), ("99", 100), ("99.9", 1_000)];
const THREADS: [usize; 3] = [1, 2, 4];

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Crossovers")?;
    report.say(
        "The measurement behind the decision table: a mutex, an `RwLock`, a published snapshot \
         (arc-swap over a map that each change copies), the registry, a channel to a thread that \
         owns the map. Uniformly chosen names; what is not a read replaces a value.",
    )?;
    let mut verdicts = Vec::new();
    for n in [10, 1_000, 100_000] {
        if !session.wants(n) {
            continue;
        }
        let names = Names::new(n);
        let queries = Arc::new(Queries::new(&names, Spread::Uniform));
        let rows = lineup::deciders(&names);
        let columns: Vec<(String, usize, usize)> = SHARES
            .iter()
            .flat_map(|(share, every)| {
                THREADS.map(|threads| {
                    (
                        format!("{share} % reads, {threads} threads"),
                        *every,
                        threads,
                    )
                })
            })
            .collect();
        let mut grid = Grid::new(columns.iter().map(|(title, ..)| title.clone()));
        for row in &rows {
            let jobs = columns
                .iter()
                .map(|(_, every, threads)| {
                    let work = row.work(Task::Mixed(*every), &queries)?;
                    Some(session.job(work, *threads, n))
                })
                .collect();
            grid.row(row.name, jobs);
        }
        report.say(&format!("### {} names", count(n)))?;
        let measured = session.run(&format!("crossovers/{n}"), grid);
        report.table(&measured, Some(lineup::STD_MUTEX))?;
        for (column, (title, ..)) in columns.iter().enumerate() {
            let mut order: Vec<(&str, f64)> = measured
                .rows
                .iter()
                .filter_map(|(name, figures)| {
                    Some((name.as_str(), figures[column].as_ref()?.nanos))
                })
                .collect();
            order.sort_by(|left, right| left.1.total_cmp(&right.1));
            let (first, second) = (order[0], order[1]);
            verdicts.push(vec![
                count(n),
                title.clone(),
                first.0.to_owned(),
                nanos(first.1),
                second.0.to_owned(),
                ratio(second.1 / first.1),
            ]);
        }
    }
    report.say("### Who is ahead")?;
    report.texts(
        "names",
        &["load", "ahead", "ns", "next", "which takes"],
        &verdicts,
    )
}
