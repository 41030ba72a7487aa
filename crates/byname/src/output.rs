//! Writing answers to stdout: as aligned columns for people, as JSON or YAML for programs.

mod table;

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::FormatArguments;
use crate::failure::Failure;

pub(crate) use self::table::{Align, Table, printable};

/// Writes `value` as it was asked for; `people` writes it where neither JSON nor YAML was.
pub(crate) fn write<T: Serialize>(
    format: FormatArguments,
    value: &T,
    people: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    let written = if format.json {
        serde_json::to_writer_pretty(&mut stdout, value)
            .map_err(io::Error::from)
            .and_then(|()| stdout.write_all(b"\n"))
    } else if format.yaml {
        yaml(&mut stdout, value)
    } else {
        people(&mut stdout)
    };
    written
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))
}

fn yaml<T: Serialize>(to: &mut impl Write, value: &T) -> io::Result<()> {
    let text = serde_saphyr::to_string(value).map_err(io::Error::other)?;
    to.write_all(text.as_bytes())
}
