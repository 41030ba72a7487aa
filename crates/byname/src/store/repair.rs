//! `byname store restore`, `adopt` and `clean`.

use std::path::{Path, PathBuf};

use byname_store::{Cleaned, FileState, FileStore, Problem, Store as _};
use serde::Serialize;

use super::text;
use crate::cli::{FolderArguments, FormatArguments, RestoreArguments, WriteArguments};
use crate::failure::Failure;
use crate::output::{self, printable};

/// What has become of a registry.
#[derive(Serialize)]
struct Installed {
    document: String,
    /// The revision that it has now.
    revision: u64,
    /// Where texts are now that were in the way.
    set_aside: Vec<String>,
}

/// What was cleared away.
#[derive(Serialize)]
struct Cleared {
    document: String,
    removed: Vec<String>,
    set_aside: Vec<String>,
}

/// Brings a kept revision back.
pub(crate) fn restore(
    folder: &FolderArguments,
    arguments: &RestoreArguments,
) -> Result<(), Failure> {
    let write = &arguments.write;
    let document = super::document(folder, &write.look.registry)?;
    if is_nothing(folder, &document)? {
        return Err(Failure::new(format!(
            "{}: there is nothing there, and no kept revision",
            document.display()
        )));
    }
    let store = super::open(folder, &document, write.wait)?;
    let from = arguments.revision.map_or(0, u64::from);
    let revision = store.restore(from).wait()?;
    let what = match from {
        0 => "restored".to_owned(),
        from => format!("revision {from} restored"),
    };
    tell(write.look.format, &store, &document, revision, &what)
}

/// Takes what is in the document's place.
pub(crate) fn adopt(folder: &FolderArguments, write: &WriteArguments) -> Result<(), Failure> {
    let document = super::document(folder, &write.look.registry)?;
    if is_nothing(folder, &document)? {
        return Err(Failure::new(format!(
            "{}: there is nothing there to adopt",
            document.display()
        )));
    }
    let store = super::open(folder, &document, write.wait)?;
    let revision = store.adopt().wait()?;
    tell(write.look.format, &store, &document, revision, "adopted")
}

/// Removes what is provably of no use.
pub(crate) fn clean(folder: &FolderArguments, write: &WriteArguments) -> Result<(), Failure> {
    let document = super::document(folder, &write.look.registry)?;
    let cleaned = if is_nothing(folder, &document)? {
        Cleaned::default()
    } else {
        super::open(folder, &document, write.wait)?.clean().wait()?
    };
    let told = Cleared {
        document: text(&document),
        removed: texts(&cleaned.removed),
        set_aside: texts(&cleaned.aside),
    };
    output::write(write.look.format, &told, |to| {
        for path in &told.removed {
            writeln!(to, "removed {}", printable(path))?;
        }
        for path in &told.set_aside {
            writeln!(to, "set aside as {}", printable(path))?;
        }
        if told.removed.is_empty() && told.set_aside.is_empty() {
            writeln!(to, "nothing to remove")?;
        }
        Ok(())
    })
}

/// Whether there is no registry, nor anything that is left of one: then nothing is made either.
fn is_nothing(folder: &FolderArguments, document: &Path) -> Result<bool, Failure> {
    let inspection = super::inspect(folder, document)?;
    Ok(inspection.state == FileState::Fresh
        && inspection.kept.is_empty()
        && inspection.locks.leftovers.is_empty())
}

fn tell(
    format: FormatArguments,
    store: &FileStore,
    document: &Path,
    revision: u64,
    what: &str,
) -> Result<(), Failure> {
    let problems = store.health().problems;
    let set_aside: Vec<_> = problems
        .into_iter()
        .filter_map(|problem| match problem {
            Problem::SetAside { path, .. } => Some(path),
            _ => None,
        })
        .collect();
    let installed = Installed {
        document: text(document),
        revision,
        set_aside: texts(&set_aside),
    };
    output::write(format, &installed, |to| {
        writeln!(
            to,
            "{}: {what} as revision {revision}",
            printable(&installed.document)
        )?;
        for path in &installed.set_aside {
            writeln!(to, "what was there is in {}", printable(path))?;
        }
        Ok(())
    })
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| text(path)).collect()
}
