//! `byname store locks`.

use std::io::{self, Write};

use byname_store::{Holder, Locks};
use serde::Serialize;

use super::text;
use crate::cli::{FolderArguments, LookArguments};
use crate::failure::Failure;
use crate::output::{self, Align, Table, printable};

/// Who may write, and what writers have left.
#[derive(Serialize)]
pub(super) struct Lock {
    file: String,
    /// Nothing when the system does not tell.
    held: Option<bool>,
    /// Who holds it or, when nobody does, who held it last and was killed.
    holder: Option<Noted>,
    pub(super) leftovers: Vec<Leftover>,
}

#[derive(Serialize)]
struct Noted {
    pid: u32,
    host: String,
    program: String,
    since: String,
}

#[derive(Serialize)]
pub(super) struct Leftover {
    file: String,
    bytes: u64,
}

/// Tells who holds the lock, and what writers have left.
pub(crate) fn run(folder: &FolderArguments, look: &LookArguments) -> Result<(), Failure> {
    let document = super::document(folder, &look.registry)?;
    let found = Lock::of(&super::inspect(folder, &document)?.locks);
    output::write(look.format, &found, |to| people(to, &found))
}

impl Lock {
    pub(super) fn of(locks: &Locks) -> Self {
        let leftovers = locks.leftovers.iter().map(|leftover| Leftover {
            file: text(&leftover.path),
            bytes: leftover.bytes,
        });
        Self {
            file: text(&locks.path),
            held: locks.held,
            holder: locks.holder.as_ref().map(Noted::of),
            leftovers: leftovers.collect(),
        }
    }

    /// Who holds it.
    pub(super) fn in_words(&self) -> String {
        match (self.held, &self.holder) {
            (Some(false), None) => "free".to_owned(),
            (Some(false), Some(holder)) => {
                format!("free; {} was killed while it had it", holder.in_words())
            }
            (Some(true), Some(holder)) => format!("held by {}", holder.in_words()),
            (Some(true), None) => "held; who has it cannot be told".to_owned(),
            (None, Some(holder)) => format!(
                "taken by {}; whether it is held still, this system does not tell",
                holder.in_words()
            ),
            (None, None) => "whether it is held, this system does not tell".to_owned(),
        }
    }
}

impl Noted {
    fn of(holder: &Holder) -> Self {
        Self {
            pid: holder.pid,
            host: holder.host.clone(),
            program: holder.program.clone(),
            since: holder.since.clone(),
        }
    }

    fn in_words(&self) -> String {
        let Self {
            pid,
            host,
            program,
            since,
        } = self;
        format!("{program} (pid {pid} on {host}) since {since}")
    }
}

fn people(to: &mut dyn Write, lock: &Lock) -> io::Result<()> {
    writeln!(to, "{}", printable(&lock.file))?;
    writeln!(to, "{}", printable(&lock.in_words()))?;
    if lock.leftovers.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(vec![("LEFT BEHIND", Align::Left), ("BYTES", Align::Right)]);
    for leftover in &lock.leftovers {
        table.row(&[leftover.file.clone(), leftover.bytes.to_string()]);
    }
    writeln!(to)?;
    table.write(to)
}
