//! A call of another process: by an upstream, and by the client of a trait, beside bare clients.

use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::grid::Session;
use crate::report::{self, Report};
use crate::tiny::Server;
use crate::turns::{self, Laps, Loop};

mod bare;
mod typed;
mod untyped;

/// How long a loop is measured in each turn.
const WINDOW: Duration = Duration::from_millis(200);

/// At most this many times as long as the bare client is the aim.
const AIM: f64 = 1.15;

/// The rows that the aim is for.
const OURS: [&str; 2] = ["**upstream**", "**trait**"];

/// What everything is set beside.
const BASE: &str = "bare hyper-util";

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## A remote call")?;
    report.say(
        "The callers are tasks of one runtime of one thread on the first core; the server is the same \
         for all, hyper and nothing else in a process of its own on the last core. Each caller calls, \
         reads the whole answer, and calls again; the connections are kept and made before. *A call* is \
         the time between two answers, whoever got them; *of its core* is what the callers' thread \
         itself used for a call, which other programs do not change; p50 and p99 are of single calls. \
         Medians of turns with the quartiles; ratios are those of the same turn.",
    )?;
    let server = Server::start()?;
    let quick = session.quick;
    let url = server.url();
    report.say("### An upstream, and bare clients")?;
    report.say(
        "`GET` of 95 bytes of JSON that nobody parses. *With a time limit* is the bare client under \
         `tokio::time::timeout`, which everybody needs in some form.",
    )?;
    let tables = measured(|runtime| untyped::measure(runtime, quick, &url))?;
    let mut aims = write(session, report, "remote", tables)?;
    report.say("### The client of a trait, and JSON by hand")?;
    report.say(
        "The same URL, headers and JSON for all; arguments and answers are Rust structs, written and \
         read with `serde_json`.",
    )?;
    let tables = measured(|runtime| typed::measure(runtime, quick, &url))?;
    aims.extend(write(session, report, "remote typed", tables)?);
    report.texts(
        &format!("aim: at most {AIM}× of bare hyper-util"),
        &["a call", "met", "of its core"],
        &aims,
    )
}

/// Measures on a runtime of one thread on the first core.
fn measured(
    measure: impl FnOnce(&Runtime) -> io::Result<Vec<Table>> + Send,
) -> io::Result<Vec<Table>> {
    turns::pinned(0, || {
        measure(&Builder::new_current_thread().enable_all().build()?)
    })
}

/// A table's heading and what was measured for it.
type Table = (String, Vec<Laps>);

/// Loops of the same callers by name.
fn rows<'a>(rows: Vec<(&str, Loop<'a>)>) -> Vec<(String, Loop<'a>)> {
    let named = rows.into_iter();
    named.map(|(name, run)| (name.to_owned(), run)).collect()
}

fn callers(count: usize) -> String {
    match count {
        1 => "one caller, one connection".to_owned(),
        count => format!("{count} callers at once"),
    }
}

/// Writes the tables, and gives what is to be said of the aim.
fn write(
    session: &mut Session,
    report: &mut Report,
    section: &str,
    tables: Vec<Table>,
) -> io::Result<Vec<Vec<String>>> {
    let mut aims = Vec::new();
    for (heading, rows) in tables {
        let Some(base) = rows.iter().find(|row| row.name == BASE) else {
            continue;
        };
        let lines: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let call = row.spread(|lap| lap.nanos);
                let cpu = row.spread(|lap| lap.cpu);
                let slower = row.against(base, |lap| lap.nanos);
                let dearer = row.against(base, |lap| lap.cpu);
                session.record(section, &row.name, &heading, slower.median);
                session.record(
                    section,
                    &row.name,
                    &format!("{heading}: cpu"),
                    dearer.median,
                );
                if OURS.contains(&&*row.name) {
                    let met = if slower.median <= AIM {
                        "yes"
                    } else {
                        "**no**"
                    };
                    aims.push(vec![
                        format!("{}, {heading}", row.name),
                        report::ratio(slower.median),
                        met.to_owned(),
                        report::ratio(dearer.median),
                    ]);
                }
                let latencies = row.latencies();
                let time = |nanos: f64| report::time(nanos as u64);
                vec![
                    row.name.clone(),
                    report::spread_time(call),
                    report::spread_ratio(slower),
                    time(cpu.median),
                    report::spread_ratio(dearer),
                    time(latencies.quantile(0.5) as f64),
                    time(latencies.quantile(0.99) as f64),
                    format!("{} of {}", row.clean(), row.laps.len()),
                ]
            })
            .collect();
        report.turns(&heading, "a call", &lines)?;
    }
    Ok(aims)
}
