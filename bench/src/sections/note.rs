//! The four workloads of the note that began it all, by their names, and a single registration.

use std::io;
use std::sync::Arc;

use crate::grid::{Grid, Job, Session};
use crate::measure::{Lane, Work};
use crate::names::{Names, Queries, Spread, Svc};
use crate::peers::lineup::{self, Reader};
use crate::peers::{Build, Task};
use crate::report::Report;

const COLUMNS: [&str; 5] = [
    "ConcurrentReads (2 threads)",
    "SequentialReads",
    "WriteOnceReadMany",
    "GetAll of 10",
    "a single registration",
];

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Note 001's workloads")?;
    report.say(
        "Ten names `router-0` to `router-9`, everybody asks for `router-5`; *WriteOnceReadMany*: \
         one name; *GetAll*: a copy of everything into a map of one's own; *a single \
         registration*: one of ten, into an empty structure. Nanoseconds an operation and thread \
         (the note divides concurrent reads by the number of threads besides), in brackets the \
         ratio to `RwLock<HashMap>`, which is where the note began.",
    )?;
    let ten = Names::routers(10);
    let one = Names::routers(1);
    let ask_ten = Arc::new(Queries::new(&ten, Spread::Hot));
    let ask_one = Arc::new(Queries::new(&one, Spread::Hot));
    let mut grid = Grid::new(COLUMNS);
    let structures = lineup::structures();
    let of_one = lineup::readers(&one);
    for (row, single) in lineup::readers(&ten).iter().zip(&of_one) {
        let read = |row: &Reader, queries, threads| {
            Some(session.job(row.work(Task::Borrow, queries)?, threads, 10))
        };
        let whole = structures.iter().find(|(name, _)| belongs(row.name, name));
        grid.row(
            row.name,
            vec![
                read(row, &ask_ten, 2),
                read(row, &ask_ten, 1),
                read(single, &ask_one, 1),
                whole.map(|(_, build)| copy(session, *build)),
                whole.map(|(_, build)| register(session, *build)),
            ],
        );
    }
    let measured = session.run("note", grid);
    report.table(&measured, Some(lineup::STD_RWLOCK))
}

/// Whether the operations on the whole structure `name` stand in the row `row`.
fn belongs(row: &str, name: &str) -> bool {
    row == name
        || (row == lineup::REGISTRY_GET && name == lineup::REGISTRY)
        || (row == lineup::REGISTRY_GET_ARC && name == lineup::REGISTRY_ARC)
}

fn copy(session: &Session, build: Build) -> Job {
    let structure = build(&Names::routers(10));
    let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
        lane.measure(|length| {
            for _ in 0..length {
                std::hint::black_box(structure.copy_hash());
            }
        })
    });
    session.job(work, 1, 10)
}

fn register(session: &Session, build: Build) -> Job {
    let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
        let names = Names::routers(10);
        let nothing = Names {
            stored: Vec::new(),
            absent: Vec::new(),
        };
        lane.batches(
            names.len(),
            || build(&nothing),
            |structure| {
                for (at, name) in names.stored.iter().enumerate() {
                    structure.add(name, Svc::new(at));
                }
                structure
            },
        )
    });
    session.job(work, 1, 10)
}
