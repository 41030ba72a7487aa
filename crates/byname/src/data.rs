//! Where commands get their catalog from.

use std::path::PathBuf;

use byname_catalog::Catalog;
use byname_catalog::follow::Files;

use crate::cli::DataArguments;
use crate::failure::Failure;

/// A catalog, and the files that it comes from if it does.
#[derive(Debug)]
pub(crate) enum Data {
    Embedded(Catalog),
    Files(Files),
}

/// Opens what was asked for: the files, or without any the data inside the program.
pub(crate) fn open(files: &[PathBuf]) -> Result<Data, Failure> {
    if files.is_empty() {
        return Catalog::embedded().map(Data::Embedded).map_err(|error| {
            Failure::new(format!("the data inside this program is broken: {error}"))
        });
    }
    Files::open(files)
        .map(Data::Files)
        .map_err(|error| Failure::new(error.to_string()))
}

/// Reads a catalog once, for a command that answers and ends.
pub(crate) fn read(arguments: &DataArguments) -> Result<Catalog, Failure> {
    Ok(match open(&arguments.catalog)? {
        Data::Embedded(catalog) => catalog,
        Data::Files(files) => files.catalog().clone(),
    })
}
