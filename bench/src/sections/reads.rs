//! Reads by name and through handles, with nobody writing.

use std::io;
use std::sync::Arc;

use super::{SIZES, count};
use crate::grid::{Grid, Session};
use crate::names::{Names, Queries, Spread};
use crate::peers::Task;
use crate::peers::lineup::{self, Reader};
use crate::report::Report;

/// A column: what is asked, what is done, on how many threads.
type Column = (&'static str, Spread, Task, usize);

const BORROW: [Column; 9] = [
    ("uniform, 1 thread", Spread::Uniform, Task::Borrow, 1),
    ("2 threads", Spread::Uniform, Task::Borrow, 2),
    ("4 threads", Spread::Uniform, Task::Borrow, 4),
    ("10 % misses, 1", Spread::Misses, Task::Borrow, 1),
    ("10 % misses, 2", Spread::Misses, Task::Borrow, 2),
    ("one hot name, 1", Spread::Hot, Task::Borrow, 1),
    ("hot, 2", Spread::Hot, Task::Borrow, 2),
    ("hot, 4", Spread::Hot, Task::Borrow, 4),
    ("dependent, 1", Spread::Uniform, Task::Dependent, 1),
];

const OWNED: [Column; 5] = [
    ("uniform, 1 thread", Spread::Uniform, Task::Owned, 1),
    ("2 threads", Spread::Uniform, Task::Owned, 2),
    ("one hot name, 1", Spread::Hot, Task::Owned, 1),
    ("hot, 2", Spread::Hot, Task::Owned, 2),
    ("hot, 4", Spread::Hot, Task::Owned, 4),
];

const HANDLE: [Column; 6] = [
    ("uniform, 1 thread", Spread::Uniform, Task::Borrow, 1),
    ("2 threads", Spread::Uniform, Task::Borrow, 2),
    ("4 threads", Spread::Uniform, Task::Borrow, 4),
    ("one hot name, 1", Spread::Hot, Task::Borrow, 1),
    ("hot, 2", Spread::Hot, Task::Borrow, 2),
    ("dependent, 1", Spread::Uniform, Task::Dependent, 1),
];

/// Streams of questions, one a spread.
pub(crate) struct Streams {
    uniform: Arc<Queries>,
    misses: Arc<Queries>,
    hot: Arc<Queries>,
}

impl Streams {
    pub(crate) fn new(names: &Names) -> Self {
        let stream = |spread| Arc::new(Queries::new(names, spread));
        Self {
            uniform: stream(Spread::Uniform),
            misses: stream(Spread::Misses),
            hot: stream(Spread::Hot),
        }
    }

    pub(crate) fn of(&self, spread: Spread) -> &Arc<Queries> {
        match spread {
            Spread::Uniform => &self.uniform,
            Spread::Misses => &self.misses,
            Spread::Hot => &self.hot,
        }
    }
}

/// Makes a grid of `rows` under `columns`.
pub(crate) fn grid(
    session: &Session,
    names: usize,
    rows: &[Reader],
    streams: &Streams,
    columns: &[Column],
) -> Grid {
    let mut grid = Grid::new(columns.iter().map(|(title, ..)| *title));
    for row in rows {
        let jobs = columns
            .iter()
            .map(|(_, spread, task, threads)| {
                let work = row.work(*task, streams.of(*spread))?;
                Some(session.job(work, *threads, names))
            })
            .collect();
        grid.row(row.name, jobs);
    }
    grid
}

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Reads by name")?;
    report.say(
        "Nanoseconds a read and thread (at 4 threads: of a core), in brackets the ratio to the \
         plain map. Nobody writes. *Dependent*: which name is asked next depends on what was read, \
         so that reads cannot overlap in the processor. A guard of arc-swap that is held shows one \
         revision, as a view does.",
    )?;
    for n in SIZES {
        if !session.wants(n) {
            continue;
        }
        let names = Names::new(n);
        let streams = Streams::new(&names);
        let rows = lineup::readers(&names);
        report.say(&format!("### {} names: borrow, read one field", count(n)))?;
        let measured = {
            let grid = grid(session, n, &rows, &streams, &BORROW);
            session.run(&format!("reads/{n}"), grid)
        };
        report.table(&measured, Some(lineup::FLOOR))?;
        report.say(&format!(
            "### {} names: take the value as an owned one, drop it",
            count(n)
        ))?;
        let measured = {
            let grid = grid(session, n, &rows, &streams, &OWNED);
            session.run(&format!("owned/{n}"), grid)
        };
        report.table(&measured, Some(lineup::FLOOR))?;
    }
    Ok(())
}

pub(super) fn handles(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Reads through a handle")?;
    report.say(
        "A name resolved once and read again; in brackets the ratio to one atomic load behind one \
         pointer.",
    )?;
    for n in SIZES {
        if !session.wants(n) {
            continue;
        }
        let names = Names::new(n);
        let streams = Streams::new(&names);
        let rows = lineup::handles(&names);
        report.say(&format!("### {} handles", count(n)))?;
        let measured = {
            let grid = grid(session, n, &rows, &streams, &HANDLE);
            session.run(&format!("handles/{n}"), grid)
        };
        report.table(&measured, Some(lineup::HANDLE_FLOOR))?;
    }
    Ok(())
}
