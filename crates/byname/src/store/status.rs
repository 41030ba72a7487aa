//! `byname store status`.

use std::io::{self, Write};

use byname_store::{FileState, Inspection};
use serde::Serialize;

use super::locks::Lock;
use super::{Trouble, text};
use crate::cli::{FolderArguments, LookArguments};
use crate::failure::Failure;
use crate::output::{self, Align, Table, printable};

/// Everything there is of a registry.
#[derive(Serialize)]
struct Status {
    document: String,
    id: Option<String>,
    state: &'static str,
    problem: Option<Trouble>,
    revision: Option<u64>,
    committed: u64,
    entries: Option<u64>,
    kept: Vec<Kept>,
    set_aside: Vec<String>,
    lock: Lock,
}

/// A revision that is kept.
#[derive(Serialize)]
struct Kept {
    revision: u64,
    bytes: u64,
    /// Nothing when it cannot be relied on.
    entries: Option<u64>,
}

/// Tells what there is.
pub(crate) fn run(folder: &FolderArguments, look: &LookArguments) -> Result<(), Failure> {
    let document = super::document(folder, &look.registry)?;
    let inspection = super::inspect(folder, &document)?;
    let status = Status::of(&inspection);
    output::write(look.format, &status, |to| people(to, &inspection, &status))
}

/// The state in one word, for programs.
pub(super) fn word(state: FileState) -> &'static str {
    match state {
        FileState::Fresh => "fresh",
        FileState::Whole => "whole",
        FileState::Edited => "edited",
        FileState::Broken => "broken",
        FileState::Damaged => "damaged",
        FileState::LaterFormat => "later-format",
        _ => "unknown",
    }
}

impl Status {
    fn of(inspection: &Inspection) -> Self {
        let kept = inspection.kept.iter().map(|kept| Kept {
            revision: kept.revision,
            bytes: kept.bytes,
            entries: kept.entries,
        });
        Self {
            document: text(&inspection.document),
            id: inspection.id.clone(),
            state: word(inspection.state),
            problem: inspection.problem.as_ref().map(Trouble::of),
            revision: inspection.revision,
            committed: inspection.committed,
            entries: inspection.entries,
            kept: kept.collect(),
            set_aside: inspection.aside.iter().map(|path| text(path)).collect(),
            lock: Lock::of(&inspection.locks),
        }
    }
}

fn people(to: &mut dyn Write, inspection: &Inspection, status: &Status) -> io::Result<()> {
    let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let mut rows = vec![
        ("document", status.document.clone()),
        ("state", inspection.state.to_string()),
    ];
    if let Some(problem) = &status.problem {
        rows.push(("problem", problem.message.clone()));
    }
    if inspection.state != FileState::Fresh {
        rows.push(("revision", number(status.revision)));
        rows.push(("committed", status.committed.to_string()));
        rows.push(("entries", number(status.entries)));
    }
    rows.extend(status.id.clone().map(|id| ("id", id)));
    rows.push(("lock", status.lock.in_words()));
    if !status.lock.leftovers.is_empty() {
        rows.push(("left behind", files(status.lock.leftovers.len())));
    }
    for (label, text) in &rows {
        writeln!(to, "{label:12}{}", printable(text))?;
    }
    if !status.kept.is_empty() {
        let mut table = Table::new(vec![
            ("KEPT REVISION", Align::Right),
            ("ENTRIES", Align::Right),
            ("BYTES", Align::Right),
        ]);
        for kept in &status.kept {
            let entries = kept
                .entries
                .map_or_else(|| "damaged".to_owned(), |entries| entries.to_string());
            table.row(&[kept.revision.to_string(), entries, kept.bytes.to_string()]);
        }
        writeln!(to)?;
        table.write(to)?;
    }
    if !status.set_aside.is_empty() {
        let mut table = Table::new(vec![("SET ASIDE", Align::Left)]);
        for path in &status.set_aside {
            table.row(std::slice::from_ref(path));
        }
        writeln!(to)?;
        table.write(to)?;
    }
    Ok(())
}

fn files(count: usize) -> String {
    match count {
        1 => "1 file; see byname store locks".to_owned(),
        more => format!("{more} files; see byname store locks"),
    }
}
