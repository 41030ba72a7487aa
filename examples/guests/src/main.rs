//! A guest book, of five modules that each bring one kind of part.
#![forbid(unsafe_code)]
#![allow(clippy::print_stderr, reason = "it has no log")]

mod convention;
mod guests;
mod kind;
mod layer;
mod router;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use byname::App;

/// Registers all that the file names.
fn registered(app: App) -> App {
    app.register(router::module)
        .register(kind::module)
        .register(layer::module)
        .register(guests::module)
        .register(convention::module)
}

#[tokio::main]
async fn main() -> ExitCode {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/app.yaml");
    match App::from_file(file) {
        Ok(app) => registered(app).run().await,
        Err(problems) => {
            eprintln!("{problems}");
            ExitCode::FAILURE
        }
    }
}
