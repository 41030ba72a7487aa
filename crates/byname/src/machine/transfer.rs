//! `byname machine import` and `export`.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use byname_machines::{Imported, MachineName, OnExisting};
use serde::Serialize;

use crate::cli::{Existing, ExportArguments, FolderArguments, ImportArguments};
use crate::failure::Failure;
use crate::output;

/// The most that an import reads, in bytes.
const LARGEST: u64 = 64 << 20;

/// What an import did.
#[derive(Serialize)]
struct Report<'a> {
    revision: u64,
    added: &'a [MachineName],
    replaced: &'a [MachineName],
    skipped: &'a [MachineName],
}

/// Adds the machines of a file.
pub(crate) fn import(folder: &FolderArguments, arguments: &ImportArguments) -> Result<(), Failure> {
    let text = text(&arguments.file)?;
    let existing = match arguments.existing {
        Existing::Refuse => OnExisting::Refuse,
        Existing::Skip => OnExisting::Skip,
        Existing::Replace => OnExisting::Replace,
    };
    let machines = super::write(folder, arguments.wait.wait)?;
    let imported = machines.import(&text, existing)?;
    super::tell_problems(&machines);
    let Imported {
        added,
        replaced,
        skipped,
        revision,
        ..
    } = &imported;
    let report = Report {
        revision: *revision,
        added,
        replaced,
        skipped,
    };
    output::write(arguments.format, &report, |to| {
        writeln!(
            to,
            "{} added, {} replaced, {} left as they were, at revision {revision}",
            added.len(),
            replaced.len(),
            skipped.len()
        )
    })
}

/// Writes machines as import reads them.
pub(crate) fn export(folder: &FolderArguments, arguments: &ExportArguments) -> Result<(), Failure> {
    let fleet = super::read(folder)?;
    let mut machines = super::selected(&fleet, arguments.label.as_ref());
    machines.retain(|machine| !machine.name.is_local());
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut stdout, &machines)
        .map_err(io::Error::from)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))
}

fn text(file: &Path) -> Result<String, Failure> {
    let (name, mut text) = (file.display(), String::new());
    let read = if file == Path::new("-") {
        io::stdin()
            .lock()
            .take(LARGEST + 1)
            .read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text))
    };
    match read {
        Ok(bytes) if bytes as u64 > LARGEST => Err(Failure::new(format!(
            "{name}: has more than {LARGEST} bytes"
        ))),
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::new(format!("{name}: cannot be read: {error}"))),
    }
}
