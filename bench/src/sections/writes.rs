//! What changes cost: a new name, a new value, several names as one change.

use std::io;
use std::sync::Arc;

use super::{SIZES, count};
use crate::grid::{Grid, Job, Session};
use crate::measure::{Lane, Work};
use crate::names::{Dice, Names, Svc};
use crate::peers::lineup;
use crate::peers::{Build, Structure};
use crate::report::Report;

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Changes")?;
    let structures = lineup::structures();
    let names: Vec<Arc<Names>> = SIZES.iter().map(|n| Arc::new(Names::new(*n))).collect();
    let built: Vec<(&str, Vec<Arc<dyn Structure>>)> = structures
        .iter()
        .map(|(name, build)| (*name, names.iter().map(|names| build(names)).collect()))
        .collect();

    report.say("### A change of one entry among n, amortised, values dropped along the way")?;
    report.say(
        "*With a reader*: another core reads the same structure by name all the time, which a \
         reclaimer that must reach the other cores has to pay for.",
    )?;
    let mut grid = Grid::new(SIZES.iter().flat_map(|n| {
        [
            format!("{} entries", count(*n)),
            format!("{}, with a reader", count(*n)),
        ]
    }));
    for (name, of_sizes) in &built {
        let jobs = of_sizes
            .iter()
            .zip(&names)
            .flat_map(|(structure, names)| {
                [
                    Some(change(session, structure, names, 1)),
                    Some(change(session, structure, names, 2)),
                ]
            })
            .collect();
        grid.row(*name, jobs);
    }
    let measured = session.run("change", grid);
    report.table(&measured, Some(lineup::STD_RWLOCK))?;

    report.say("### A new name among n")?;
    report
        .say("The mean of n/16 new names after n others; no table grows in between, as a rule.")?;
    let mut grid = Grid::new(SIZES.map(|n| format!("{} entries", count(n))));
    for &(name, build) in &structures {
        let jobs = names
            .iter()
            .map(|names| Some(add(session, name, build, names)))
            .collect();
        grid.row(name, jobs);
    }
    let measured = session.run("add", grid);
    report.table(&measured, Some(lineup::STD_RWLOCK))?;

    report.say("### A name removed among n")?;
    let mut grid = Grid::new(SIZES.map(|n| format!("{} entries", count(n))));
    for (name, build) in structures {
        let jobs = names
            .iter()
            .map(|names| Some(remove(session, name, build, names)))
            .collect();
        grid.row(name, jobs);
    }
    let measured = session.run("remove", grid);
    report.table(&measured, Some(lineup::STD_RWLOCK))?;

    report.say("### Several names changed as one change, 1,000 entries")?;
    report.say("Only structures in which nobody can see a part of such a change.")?;
    let sizes = [2, 10, 100];
    let mut grid = Grid::new(sizes.map(|several| format!("{several} names")));
    for (name, of_sizes) in &built {
        let structure = &of_sizes[2];
        if structure.transact(&[&names[2].stored[0], &names[2].stored[1]]) {
            let jobs = sizes
                .iter()
                .map(|several| Some(transact(session, structure, &names[2], *several)))
                .collect();
            grid.row(*name, jobs);
        }
    }
    let measured = session.run("transact", grid);
    report.table(&measured, Some(lineup::STD_RWLOCK))
}

/// Replaces values of names in a shuffled order, on one thread; a second one only reads.
fn change(
    session: &Session,
    structure: &Arc<dyn Structure>,
    names: &Arc<Names>,
    threads: usize,
) -> Job {
    let (structure, names) = (Arc::clone(structure), Arc::clone(names));
    let n = names.len();
    let mut dice = Dice::new(0xc4a);
    let order: Vec<u32> = (0..1 << 14).map(|_| dice.below(n) as u32).collect();
    let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
        let mut turn = lane.index * 997;
        let mut next = || {
            turn += 1;
            order[turn % order.len()] as usize
        };
        if lane.index == 1 {
            return lane.load(1, |length| {
                for _ in 0..length {
                    std::hint::black_box(structure.probe(&names.stored[next()]));
                }
            });
        }
        lane.measure(|length| {
            for _ in 0..length {
                let at = next();
                structure.change(&names.stored[at], Svc::new(at));
            }
        })
    });
    session.job(work, threads, n)
}

/// Adds some new names to a structure that has grown to n entries, a fresh one each time: names
/// that were there and went leave traces in some.
fn add(session: &Session, name: &str, build: Build, names: &Arc<Names>) -> Job {
    let names = Arc::clone(names);
    let n = names.len();
    let copies = name == lineup::SWAP_LOAD;
    let some = if copies { 2 } else { (n / 16).max(1) };
    let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
        let nothing = Names {
            stored: Vec::new(),
            absent: Vec::new(),
        };
        lane.batches(
            some,
            || {
                if copies {
                    return build(&names);
                }
                let grown = build(&nothing);
                for (at, name) in names.stored.iter().enumerate() {
                    grown.add(name, Svc::new(at));
                }
                grown
            },
            |structure| {
                for (at, name) in names.absent[..some].iter().enumerate() {
                    structure.add(name, Svc::new(at));
                }
                structure
            },
        )
    });
    session.job(work, 1, n)
}

/// Removes some of the n names of a fresh structure.
fn remove(session: &Session, name: &str, build: Build, names: &Arc<Names>) -> Job {
    let names = Arc::clone(names);
    let n = names.len();
    let some = if name == lineup::SWAP_LOAD {
        2
    } else {
        (n / 16).max(1)
    };
    let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
        lane.batches(
            some,
            || build(&names),
            |structure| {
                for name in &names.stored[..some] {
                    structure.remove(name);
                }
                structure
            },
        )
    });
    session.job(work, 1, n)
}

fn transact(
    session: &Session,
    structure: &Arc<dyn Structure>,
    names: &Arc<Names>,
    several: usize,
) -> Job {
    let (structure, names) = (Arc::clone(structure), Arc::clone(names));
    let n = names.len();
    let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
        let stored: Vec<&str> = names.stored.iter().map(AsRef::as_ref).collect();
        let mut from = 0;
        lane.measure(|length| {
            for _ in 0..length {
                from = (from + several) % (stored.len() - several);
                assert!(
                    structure.transact(&stored[from..from + several]),
                    "it must commit"
                );
            }
        })
    });
    session.job(work, 1, n)
}
