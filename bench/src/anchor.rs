//! How fast the core is at the moment, so that figures of two machines can be set side by side.

use std::hint::black_box;
use std::sync::Arc;

use crate::grid::{Grid, Session};
use crate::measure::{Lane, Work};
use crate::report::nanos;

/// Cycles of a multiplication and an addition, each waiting for the one before, on current cores.
const CYCLES: f64 = 4.0;

/// Measures the clock that the workers get and says it as a Markdown line.
pub(crate) fn measure(session: &mut Session) -> String {
    let work: Work = Arc::new(|lane: &mut Lane<'_>| {
        let mut chain = black_box(3_u64);
        lane.measure(|length| {
            for at in 0..length as u64 {
                chain = chain.wrapping_mul(chain).wrapping_add(at);
            }
            chain = black_box(chain);
        })
    });
    let mut grid = Grid::new(["1 thread", "2 threads"]);
    let jobs = vec![
        Some(session.job(Arc::clone(&work), 1, 1)),
        Some(session.job(work, 2, 1)),
    ];
    grid.row("multiply and add", jobs);
    let measured = session.run("anchor", grid);
    let each: Vec<String> = measured.rows[0]
        .1
        .iter()
        .flatten()
        .map(|figure| {
            let clock = CYCLES / figure.nanos;
            format!("{} ns ({clock:.1} GHz)", nanos(figure.nanos))
        })
        .collect();
    format!(
        "- anchor: a multiplication and an addition in a chain (4 cycles) take {} on one core and \
         {} on each of two at once",
        each[0], each[1],
    )
}
