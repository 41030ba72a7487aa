//! `byname config`.

use std::io::{self, Write as _};

use byname_components::App;
use byname_components::config::PrintOptions;

use super::Declaration;
use crate::cli::ConfigArguments;
use crate::failure::Failure;
use crate::serve;

/// Writes the configuration that counts, or the schema of files.
pub(crate) fn run(arguments: &ConfigArguments) -> Result<(), Failure> {
    let text = if arguments.schema {
        schema()
    } else {
        let declaration = Declaration::new(arguments.file.path.as_deref(), &arguments.layers);
        let config = declaration
            .app()
            .config()
            .map_err(|problems| Failure::told(&problems))?;
        config.print(&PrintOptions {
            origins: !arguments.plain,
        })
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::output(&error))
}

/// The JSON Schema of the file of a server of this program.
fn schema() -> String {
    let schema = serve::modules(App::new()).schema();
    // `#` writes it indented; a value can always be written.
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_schema_that_is_kept_is_that_of_the_program() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/app.json");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, schema()).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            schema(),
            kept,
            "schema/app.json differs; UPDATE_EXPECT=1 writes it anew"
        );
    }
}
