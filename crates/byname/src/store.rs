//! `byname store`.

mod locks;
mod repair;
mod status;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use byname_store::{FileOptions, FileStore, Inspection, Problem};
use serde::Serialize;

use crate::cli::{FolderArguments, RegistryArgument, StoreArguments, StoreCommand};
use crate::failure::Failure;
use crate::folder::DataFolder;

/// Does what is asked of the file of a registry.
pub(crate) fn run(arguments: &StoreArguments) -> Result<(), Failure> {
    let folder = &arguments.folder;
    match &arguments.command {
        StoreCommand::Status(look) => status::run(folder, look),
        StoreCommand::Verify(look) => verify::run(folder, look),
        StoreCommand::Locks(look) => locks::run(folder, look),
        StoreCommand::Restore(restore) => repair::restore(folder, restore),
        StoreCommand::Adopt(write) => repair::adopt(folder, write),
        StoreCommand::Clean(write) => repair::clean(folder, write),
    }
}

/// The document of the registry that is meant.
fn document(folder: &FolderArguments, registry: &RegistryArgument) -> Result<PathBuf, Failure> {
    match registry {
        RegistryArgument::File(path) => Ok(path.clone()),
        RegistryArgument::Name(name) => Ok(DataFolder::required(folder)?.document(name)),
    }
}

/// Looks at a registry, whatever state it is in, and writes nothing.
fn inspect(folder: &FolderArguments, document: &Path) -> Result<Inspection, Failure> {
    let options = options(folder).read_only(true);
    Ok(FileStore::open(document, options)?.inspect()?)
}

/// Opens a registry to repair it, whatever state it is in.
fn open(folder: &FolderArguments, document: &Path, wait: Duration) -> Result<FileStore, Failure> {
    Ok(FileStore::open(document, options(folder).wait(wait))?)
}

pub(crate) fn options(folder: &FolderArguments) -> FileOptions {
    FileOptions::new()
        .for_repair()
        .watch(false)
        .poll(None)
        .allow_network(folder.allow_network)
}

/// What is wrong with the document, for programs.
#[derive(Serialize)]
struct Trouble {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

impl Trouble {
    fn of(problem: &Problem) -> Self {
        let (line, column) = match problem {
            Problem::BrokenEdit { line, column, .. } => (Some(*line), Some(*column)),
            _ => (None, None),
        };
        Self {
            message: problem.to_string(),
            line,
            column,
        }
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
