//! What concerns everything at once: snapshots, copies, visits, building.

use std::io;
use std::sync::Arc;

use super::count;
use crate::grid::{Grid, Session};
use crate::measure::{Lane, Work};
use crate::names::Names;
use crate::peers::Structure;
use crate::peers::lineup;
use crate::report::Report;

const SIZES: [usize; 3] = [10, 1_000, 100_000];

/// An operation on a whole structure.
type Whole = fn(&dyn Structure) -> u64;

const OPERATIONS: [(&str, Whole); 4] = [
    ("copy into a `HashMap`", |structure| {
        structure.copy_hash() as u64
    }),
    ("copy into a `BTreeMap`", |structure| {
        structure.copy_btree() as u64
    }),
    ("visit in any order", |structure| structure.visit()),
    ("visit in the order of the names", |structure| {
        structure.visit_ordered()
    }),
];

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## The whole at once")?;
    let structures = lineup::structures();
    let names: Vec<Arc<Names>> = SIZES.iter().map(|n| Arc::new(Names::new(*n))).collect();
    let built: Vec<(&str, Vec<Arc<dyn Structure>>)> = structures
        .iter()
        .map(|(name, build)| (*name, names.iter().map(|names| build(names)).collect()))
        .collect();

    report.say("### A snapshot, taken and dropped")?;
    let mut grid = Grid::new(SIZES.map(|n| format!("{} entries", count(n))));
    for (name, of_sizes) in &built {
        if of_sizes[0].snapshots(1) {
            let jobs = of_sizes
                .iter()
                .zip(SIZES)
                .map(|(structure, n)| {
                    let structure = Arc::clone(structure);
                    let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
                        lane.measure(|length| {
                            structure.snapshots(length);
                        })
                    });
                    Some(session.job(work, 1, n))
                })
                .collect();
            grid.row(*name, jobs);
        }
    }
    let measured = session.run("snapshot", grid);
    report.table(&measured, None)?;

    for (title, operation) in OPERATIONS {
        report.say(&format!("### Everything: {title}"))?;
        let mut grid = Grid::new(SIZES.map(|n| format!("{} entries", count(n))));
        for (name, of_sizes) in &built {
            let jobs = of_sizes
                .iter()
                .zip(SIZES)
                .map(|(structure, n)| {
                    let structure = Arc::clone(structure);
                    let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
                        lane.measure(|length| {
                            for _ in 0..length {
                                std::hint::black_box(operation(&*structure));
                            }
                        })
                    });
                    Some(session.job(work, 1, n))
                })
                .collect();
            grid.row(*name, jobs);
        }
        let measured = session.run(title, grid);
        report.table(&measured, Some(lineup::STD_RWLOCK))?;
    }
    drop(built);

    report.say("### Built from n entries at once: nanoseconds an entry")?;
    let mut grid = Grid::new(SIZES.map(|n| format!("{} entries", count(n))));
    for (name, build) in structures {
        let jobs = names
            .iter()
            .map(|names| {
                let names = Arc::clone(names);
                let n = names.len();
                let work: Work =
                    Arc::new(move |lane: &mut Lane<'_>| lane.batches(n, || (), |()| build(&names)));
                Some(session.job(work, 1, n))
            })
            .collect();
        grid.row(name, jobs);
    }
    let measured = session.run("build", grid);
    report.table(&measured, Some(lineup::STD_RWLOCK))
}
