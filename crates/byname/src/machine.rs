//! `byname machine`.

mod check;
mod edit;
mod exec;
mod look;
mod transfer;

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::time::Duration;

use byname_machines::{Fleet, Machine, Machines, Selector};
use byname_store::{FileOptions, Problem, Transaction};

use crate::cli::{FolderArguments, MachineArguments, MachineCommand};
use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::output::printable;

/// Does what is asked of the machines.
pub(crate) fn run(arguments: &MachineArguments) -> Result<(), Failure> {
    let folder = &arguments.folder;
    match &arguments.command {
        MachineCommand::Add(add) => edit::add(folder, add),
        MachineCommand::Update(update) => edit::update(folder, update),
        MachineCommand::Remove(remove) => edit::remove(folder, remove),
        MachineCommand::List(list) => look::list(folder, list),
        MachineCommand::Show(show) => look::show(folder, show),
        MachineCommand::Exec(exec) => exec::run(folder, exec),
        MachineCommand::Check(check) => check::run(folder, check),
        MachineCommand::Import(import) => transfer::import(folder, import),
        MachineCommand::Export(export) => transfer::export(folder, export),
    }
}

/// The machines of the data folder, for a command that reads them once.
fn read(folder: &FolderArguments) -> Result<Fleet, Failure> {
    let machines = open(folder, options(folder))?;
    let waits = |problem: &Problem| matches!(problem, Problem::EditWaits { .. });
    if machines.health().problems.iter().any(waits) {
        // A transaction that does nothing takes up what was written by hand. Whoever may not write
        // sees what was there before, and has been told so.
        let taken_up = machines.durable().store().submit(Transaction::new()).wait();
        if let Err(error) = taken_up {
            warn(&error.to_string());
        }
    }
    let fleet = machines.latest()?;
    tell_problems(&machines);
    Ok(fleet)
}

/// Tells whoever has called what should be looked at.
fn tell_problems(machines: &Machines) {
    for problem in machines.health().problems {
        warn(&problem.to_string());
    }
}

/// Says something on stderr; if that is closed, nobody wants to know.
fn warn(message: &str) {
    let message = printable(message);
    let _ = writeln!(io::stderr().lock(), "warning: {message}");
}

/// The machines of the data folder, for a command that changes them and waits at most so long for
/// the right to do so.
fn write(folder: &FolderArguments, wait: Duration) -> Result<Machines, Failure> {
    open(folder, options(folder).wait(wait))
}

pub(crate) fn options(folder: &FolderArguments) -> FileOptions {
    FileOptions::new()
        .watch(false)
        .poll(None)
        .allow_network(folder.allow_network)
}

fn open(folder: &FolderArguments, options: FileOptions) -> Result<Machines, Failure> {
    let folder = DataFolder::required(folder)?;
    Ok(Machines::open_file_with(folder.path(), options)?)
}

/// The machines of these names, each once, ordered by name.
fn named(fleet: &Fleet, names: &[String]) -> Result<Vec<Machine>, Failure> {
    let names: BTreeSet<&String> = names.iter().collect();
    let machines = names.into_iter().map(|name| fleet.get(name));
    Ok(machines.collect::<Result<_, _>>()?)
}

/// What is said when work on several machines has failed on some.
fn some_failed(failed: usize, all: usize) -> Result<(), Failure> {
    match (failed, all) {
        (0, _) => Ok(()),
        (_, 1) => Err(Failure::new("it failed on the one machine")),
        _ => Err(Failure::new(format!(
            "it failed on {failed} of {all} machines"
        ))),
    }
}

/// The machines that a selector matches; all of them without one.
fn selected(fleet: &Fleet, selector: Option<&Selector>) -> Vec<Machine> {
    match selector {
        Some(selector) => fleet.select(selector),
        None => fleet.list(),
    }
}
