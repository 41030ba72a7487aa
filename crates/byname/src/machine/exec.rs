//! `byname machine exec`.

use std::io::{self, IsTerminal, Write};

use byname_machines::{
    Bounds, Command, Machine, MachineName, Options, Output, Progress, RunResult, Status, run_many,
};
use serde::Serialize;

use crate::cli::{ExecArguments, FolderArguments};
use crate::failure::Failure;
use crate::output;

/// How it went on one machine.
#[derive(Serialize)]
struct Report {
    name: MachineName,
    /// The code that the command ended with; nothing when it did not end by itself.
    code: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    stdout: String,
    stderr: String,
    /// Whether it wrote more than is here.
    truncated: bool,
    /// Why it could not be run, or was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Runs a command on machines.
pub(crate) fn run(folder: &FolderArguments, arguments: &ExecArguments) -> Result<(), Failure> {
    let fleet = super::read(folder)?;
    let machines = if arguments.names.is_empty() {
        super::selected(&fleet, arguments.label.as_ref())
    } else {
        super::named(&fleet, &arguments.names)?
    };
    if machines.is_empty() {
        return Err(Failure::new("no machine has these labels"));
    }
    let Some((program, rest)) = arguments.command.split_first() else {
        return Err(Failure::new("there is no command"));
    };
    let command = Command::new(program)
        .args(rest)
        .bounds(Bounds::new().within(arguments.timeout));
    let as_lines = !arguments.format.json && !arguments.format.yaml;
    let width = machines.iter().map(|m| m.name.as_str().len()).max();
    let width = width.unwrap_or_default();
    let mut written = Ok(());
    let results = run_many(
        &machines,
        arguments.jobs.get(),
        &Options::new(),
        &command,
        |progress| {
            if let Progress::Ended {
                machine, outcome, ..
            } = progress
                && as_lines
                && written.is_ok()
            {
                written = lines(machine, outcome, width);
            }
        },
    );
    written.map_err(|error| Failure::output(&error))?;
    let failed = results
        .iter()
        .filter(|(_, result)| {
            !result
                .as_ref()
                .is_ok_and(|output| output.status.is_success())
        })
        .count();
    if !as_lines {
        let reports: Vec<_> = results
            .into_iter()
            .map(|(name, result)| Report::of(name, result))
            .collect();
        output::write(arguments.format, &reports, |_| Ok(()))?;
    }
    super::some_failed(failed, machines.len())
}

impl Report {
    fn of(name: MachineName, result: RunResult) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match result {
            Ok(output) => {
                let (code, signal) = match output.status {
                    Status::Code(code) => (Some(code), None),
                    Status::Signal(signal) => (None, Some(signal)),
                    _ => (None, None),
                };
                Self {
                    name,
                    code,
                    signal,
                    stdout: text(&output.stdout),
                    stderr: text(&output.stderr),
                    truncated: output.stdout_truncated || output.stderr_truncated,
                    error: None,
                }
            }
            Err(error) => Self {
                name,
                code: None,
                signal: None,
                stdout: String::new(),
                stderr: String::new(),
                truncated: false,
                error: Some(error.to_string()),
            },
        }
    }
}

/// Writes what a command wrote, each line with the machine's name before it.
fn lines(machine: &Machine, result: &RunResult, width: usize) -> io::Result<()> {
    let name = machine.name.as_str();
    // Both are written in one go: whoever reads them sees the machines one after the other.
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
    match result {
        Ok(Output {
            status,
            stdout: out,
            stdout_truncated,
            stderr: err,
            stderr_truncated,
            ..
        }) => {
            prefixed(&mut stdout, name, width, out, *stdout_truncated)?;
            stdout.flush()?;
            prefixed(&mut stderr, name, width, err, *stderr_truncated)?;
            if !status.is_success() {
                writeln!(stderr, "{name:width$} | ended with {status}")?;
            }
        }
        Err(error) => {
            let error = output::printable(&error.to_string()).into_owned();
            writeln!(stderr, "{name:width$} | {error}")?;
        }
    }
    Ok(())
}

fn prefixed(
    to: &mut (impl Write + IsTerminal),
    name: &str,
    width: usize,
    text: &[u8],
    truncated: bool,
) -> io::Result<()> {
    let guarded = to.is_terminal();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    // What a machine writes must not steer this terminal; a file gets it byte by byte.
    let steers = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    if !text.is_empty() {
        for line in text.split(|byte| *byte == b'\n') {
            write!(to, "{name:width$} | ")?;
            if guarded && line.iter().any(steers) {
                let plain: Vec<u8> = line.iter().copied().filter(|byte| !steers(byte)).collect();
                to.write_all(&plain)?;
            } else {
                to.write_all(line)?;
            }
            to.write_all(b"\n")?;
        }
    }
    if truncated {
        writeln!(to, "{name:width$} | … and more, which is not kept")?;
    }
    Ok(())
}
