//! The `byname` program: a server of names, and commands over the same data.
#![forbid(unsafe_code)]

mod app;
mod catalog;
mod cli;
mod data;
mod failure;
mod folder;
mod logging;
mod machine;
#[cfg(all(test, unix))]
mod network;
mod output;
mod serve;
mod store;

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::cli::{CatalogCommand, Cli, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let cli = match Cli::from_command_line() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    logging::start(cli.log_filter());
    let outcome = match cli.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Check(arguments) => app::check(&arguments),
        Command::Graph(arguments) => app::graph(&arguments),
        Command::Config(arguments) => app::config(&arguments),
        Command::Plan(arguments) => app::plan(&arguments),
        Command::Catalog(CatalogCommand::List(arguments)) => catalog::list(&arguments),
        Command::Catalog(CatalogCommand::Show(arguments)) => catalog::show(&arguments),
        Command::Machine(arguments) => machine::run(&arguments),
        Command::Store(arguments) => store::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

/// Writes the failure to stderr; a closed stderr leaves only the exit code to tell.
fn report(failure: &Failure) -> ExitCode {
    let severity = if failure.is_whole() { "" } else { "error: " };
    let _ = writeln!(io::stderr().lock(), "{severity}{failure}");
    Failure::exit_code()
}
