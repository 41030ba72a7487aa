//! Allocations and bytes: of an operation, and of an entry.

use std::io;

use super::{SIZES, count};
use crate::allocations;
use crate::grid::Session;
use crate::names::{Names, Svc};
use crate::peers::Structure;
use crate::peers::lineup;
use crate::report::Report;

/// How many operations are counted and averaged.
const TIMES: usize = 1_000;

/// An operation on the entry or the new name with this number.
type Operation = fn(&dyn Structure, &Names, usize);

const OPERATIONS: [(&str, Operation); 6] = [
    ("read", |structure, names, at| {
        std::hint::black_box(structure.probe(&names.stored[at]));
    }),
    ("owned", |structure, names, at| {
        structure.probe_owned(&names.stored[at]);
    }),
    ("change", |structure, names, at| {
        structure.change(&names.stored[at], Svc::new(at));
    }),
    ("new name", |structure, names, at| {
        structure.add(&names.absent[at], Svc::new(at));
    }),
    ("snapshot", |structure, _, _| {
        structure.snapshots(1);
    }),
    ("copy of 1,000", |structure, _, _| {
        structure.copy_hash();
    }),
];

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Memory")?;
    report.say(&format!(
        "### Allocations (bytes asked for) of an operation, mean of {TIMES} on {} entries",
        count(TIMES),
    ))?;
    let names = Names::new(TIMES);
    let mut lines = Vec::new();
    for (name, build) in lineup::structures() {
        let structure = build(&names);
        let mut line = vec![name.into()];
        for (title, operation) in OPERATIONS {
            if title == "snapshot" && !structure.snapshots(1) {
                line.push(String::new());
                continue;
            }
            // Whatever a thread sets up once is set up before the count.
            structure.probe(&names.stored[0]);
            structure.change(&names.stored[0], Svc::new(0));
            let times = if title.starts_with("copy") { 1 } else { TIMES };
            let ((), tally) =
                allocations::count(|| (0..times).for_each(|at| operation(&*structure, &names, at)));
            let calls = tally.calls as f64 / times as f64;
            let bytes = tally.bytes as f64 / times as f64;
            session.record("allocations", name, title, calls);
            line.push(if calls == 0.0 {
                "0".into()
            } else {
                format!("{calls:.2} ({bytes:.0})")
            });
        }
        lines.push(line);
    }
    let titles = OPERATIONS.map(|(title, _)| title);
    report.texts("", &titles, &lines)?;

    report.say("### Bytes of an entry, everything counted")?;
    report.say(
        "Requested bytes, divided by the number of entries: table, the name, the 48-byte value \
         and what surrounds them. In brackets without the bytes of the name and of the value.",
    )?;
    let mut lines = Vec::new();
    for (name, build) in lineup::structures() {
        let mut line = vec![name.into()];
        for n in SIZES {
            let names = Names::new(n);
            let (structure, tally) = allocations::count(|| build(&names));
            drop(structure);
            let each = tally.net as f64 / n as f64;
            let payload = names.mean_len() + size_of::<Svc>() as f64;
            session.record("bytes", name, &n.to_string(), each);
            line.push(format!("{each:.0} ({:.0})", each - payload));
        }
        lines.push(line);
    }
    let titles = SIZES.map(|n| format!("{} entries", count(n)));
    report.texts("", &titles.each_ref().map(String::as_str), &lines)
}
