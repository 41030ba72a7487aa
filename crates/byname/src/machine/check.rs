//! `byname machine check`.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use byname_machines::{
    Bounds, Command, ConnectionError, Kind, Machine, MachineName, Options, Progress, connect, each,
};
use serde::Serialize;

use crate::cli::{CheckArguments, FolderArguments};
use crate::failure::Failure;
use crate::output::{self, Align, Table};

/// How many machines are asked at the same time, at most.
const AT_ONCE: usize = 256;

/// How a machine is.
#[derive(Serialize)]
struct Report {
    name: MachineName,
    kind: Kind,
    ok: bool,
    milliseconds: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Finds out whether machines can be reached and used.
pub(crate) fn run(folder: &FolderArguments, arguments: &CheckArguments) -> Result<(), Failure> {
    let fleet = super::read(folder)?;
    let machines = if arguments.names.is_empty() {
        super::selected(&fleet, arguments.label.as_ref())
    } else {
        super::named(&fleet, &arguments.names)?
    };
    let shown = io::stderr().is_terminal();
    let mut reports = Vec::with_capacity(machines.len());
    each(
        &machines,
        AT_ONCE,
        |machine| probe(machine, arguments.timeout),
        |progress| {
            if let Progress::Ended {
                machine,
                outcome,
                took,
                done,
                total,
                ..
            } = progress
            {
                reports.push(Report {
                    name: machine.name.clone(),
                    kind: machine.definition.kind.clone(),
                    ok: outcome.is_ok(),
                    milliseconds: took.as_millis(),
                    problem: outcome.as_ref().err().cloned(),
                });
                if shown {
                    let _ = write!(io::stderr().lock(), "\r{done} of {total} machines checked");
                }
            }
        },
    );
    if shown && !reports.is_empty() {
        // Back to the beginning of the line, and nothing is left of it.
        let _ = write!(io::stderr().lock(), "\r\x1b[K");
    }
    reports.sort_by(|one, other| one.name.cmp(&other.name));
    output::write(arguments.format, &reports, |to| table(&reports).write(to))?;
    let failed = reports.iter().filter(|report| !report.ok).count();
    super::some_failed(failed, reports.len())
}

/// Runs something that does nothing, where commands run on the machine.
fn probe(machine: &Machine, time: Duration) -> Result<(), String> {
    let mut options = Options::new();
    options.ssh.connect_time = time.min(options.ssh.connect_time);
    let command = Command::new("true").bounds(Bounds::new().within(time));
    let run = || -> Result<_, ConnectionError> { connect(machine, &options)?.run(&command) };
    match run() {
        Ok(output) if output.status.is_success() => Ok(()),
        Ok(output) => Err(format!("`true` ended with {}", output.status)),
        Err(error) => Err(error.to_string()),
    }
}

fn table(reports: &[Report]) -> Table {
    let mut table = Table::new(vec![
        ("NAME", Align::Left),
        ("KIND", Align::Left),
        ("STATE", Align::Left),
        ("MS", Align::Right),
        ("PROBLEM", Align::Left),
    ]);
    for report in reports {
        table.row(&[
            report.name.to_string(),
            report.kind.to_string(),
            if report.ok { "ok" } else { "failed" }.to_owned(),
            report.milliseconds.to_string(),
            report.problem.clone().unwrap_or_default(),
        ]);
    }
    table
}
