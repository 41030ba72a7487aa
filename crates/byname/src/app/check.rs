//! `byname check`.

use std::io::{self, Write as _};

use super::Declaration;
use crate::cli::CheckFileArguments;
use crate::failure::{self, Failure};

/// Tells everything that is wrong.
pub(crate) fn run(arguments: &CheckFileArguments) -> Result<(), Failure> {
    let file = arguments.file.path.as_deref();
    let declaration = Declaration::new(file, &arguments.layers);
    let problems = declaration.app().check();
    let text = if problems.is_empty() {
        "nothing is wrong\n".to_owned()
    } else {
        format!("{problems}\n")
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::output(&error))?;
    if problems.is_fatal() {
        let what = file.map_or_else(
            || "the file inside the program".into(),
            |file| file.display().to_string(),
        );
        let count = failure::count(&problems);
        return Err(Failure::new(format!("{what}: {count}")));
    }
    Ok(())
}
