//! The command line: what can be asked, and how it is explained.

mod app;
mod catalog;
mod fields;
mod folder;
mod layers;
mod machine;
#[cfg(test)]
mod reference;
mod serve;
mod store;
mod values;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use tracing_subscriber::filter::{LevelFilter, Targets};

pub(crate) use self::app::{
    CheckFileArguments, ConfigArguments, GraphArguments, GraphFormat, PlanArguments,
};
pub(crate) use self::catalog::{CatalogCommand, DataArguments, ListArguments, ShowArguments};
pub(crate) use self::fields::Unset;
pub(crate) use self::folder::FolderArguments;
pub(crate) use self::layers::LayerArguments;
pub(crate) use self::machine::{
    AddArguments, CheckArguments, ExecArguments, Existing, ExportArguments, FieldArguments,
    ImportArguments, MachineArguments, MachineCommand, RemoveArguments, SelectArguments,
    ShowMachineArguments, UpdateArguments,
};
pub(crate) use self::serve::ServeArguments;
pub(crate) use self::store::{
    LookArguments, RegistryArgument, RestoreArguments, StoreArguments, StoreCommand, WriteArguments,
};
use crate::failure::USAGE;

/// Everything a server looks up by name.
#[derive(Debug, Parser)]
#[command(
    name = "byname",
    version,
    propagate_version = true,
    disable_help_subcommand = true,
    after_help = "Examples:
  byname serve
  byname check app.yaml
  byname catalog list -q sonnet
  byname catalog show openai/gpt-4o --json
  byname machine add gpu-1 --host ops@10.0.0.7
  byname store status

Exit codes: 0 done, 1 failed, 2 called the wrong way."
)]
pub(crate) struct Cli {
    /// What to log to stderr: a level, or levels by part of the program.
    ///
    /// Levels are error, warn, info, debug, trace and off. A list such as
    /// `warn,byname_catalog=debug` gives parts of the program a level of their own. Without it,
    /// `serve` logs at info, `catalog` at warn and everything else at error.
    #[arg(
        long,
        global = true,
        env = "BYNAME_LOG",
        hide_env_values = true,
        value_name = "LEVEL",
        value_parser = values::log_filter
    )]
    log: Option<Targets>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(Box<ServeArguments>),
    Check(CheckFileArguments),
    Graph(GraphArguments),
    Config(ConfigArguments),
    Plan(PlanArguments),
    /// Read the catalog of AI models: what each provider offers, at which limits and prices.
    #[command(
        subcommand,
        after_help = "Examples:
  byname catalog list --provider openai
  byname catalog show openai/gpt-4o"
    )]
    Catalog(CatalogCommand),
    Machine(Box<MachineArguments>),
    Store(StoreArguments),
}

/// How an answer is written: as a table for people unless asked otherwise.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct FormatArguments {
    /// Write JSON.
    #[arg(long, conflicts_with = "yaml")]
    pub(crate) json: bool,

    /// Write YAML.
    #[arg(long)]
    pub(crate) yaml: bool,
}

impl Cli {
    /// What to log.
    pub(crate) fn log_filter(&self) -> Targets {
        let level = match self.command {
            Command::Serve(_) => LevelFilter::INFO,
            Command::Catalog(_) => LevelFilter::WARN,
            // What would be warned of is what these commands tell themselves.
            Command::Machine(_)
            | Command::Store(_)
            | Command::Check(_)
            | Command::Graph(_)
            | Command::Config(_)
            | Command::Plan(_) => LevelFilter::ERROR,
        };
        self.log
            .clone()
            .unwrap_or_else(|| Targets::new().with_default(level))
    }

    /// Reads the command line of this process.
    ///
    /// # Errors
    ///
    /// Where there is nothing to do but to exit: help or version were asked for and are written,
    /// or the command line is wrong and one line on stderr says how.
    pub(crate) fn from_command_line() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| {
            if !error.use_stderr()
                || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            {
                let _ = error.print();
            } else {
                let _ = writeln!(io::stderr().lock(), "{}", values::one_line(&error));
            }
            if error.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            }
        })
    }
}
