//! The command line: what can be asked, and how it is explained.

#[cfg(test)]
mod reference;
mod values;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use tracing_subscriber::filter::{LevelFilter, Targets};

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
  byname catalog list -q sonnet
  byname catalog show openai/gpt-4o --json

Exit codes: 0 done, 1 failed, 2 called the wrong way."
)]
pub(crate) struct Cli {
    /// What to log to stderr: a level, or levels by part of the program.
    ///
    /// Levels are error, warn, info, debug, trace and off. A list such as
    /// `warn,byname_catalog=debug` gives parts of the program a level of their own. Without it,
    /// `serve` logs at info and everything else at warn.
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
    Serve(ServeArguments),
    /// Read the catalog of AI models: what each provider offers, at which limits and prices.
    #[command(
        subcommand,
        after_help = "Examples:
  byname catalog list --provider openai
  byname catalog show openai/gpt-4o"
    )]
    Catalog(CatalogCommand),
}

/// Serve the catalog over HTTP until Ctrl-C or SIGTERM.
///
/// The address is printed on stdout as a URL once the server answers. A first Ctrl-C or SIGTERM
/// finishes requests in flight and exits with 0; a second one ends at once with 1.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  byname serve
  byname serve --listen 127.0.0.1:0
  byname serve --catalog api.json --catalog own.json
  curl 'http://127.0.0.1:8080/api/v1/models?provider=openai&limit=5'
  curl http://127.0.0.1:8080/api/v1/models/openai/gpt-4o
  curl http://127.0.0.1:8080/readyz")]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) data: DataArguments,

    /// The address and port to listen on; port 0 takes any free one.
    #[arg(
        long,
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = values::address
    )]
    pub(crate) listen: SocketAddr,

    /// How long requests in flight may take to finish after the first signal; 0 does not wait.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "10",
        value_parser = values::seconds
    )]
    pub(crate) drain: Duration,

    /// How often to read the catalog files even if the system reports no change; 0 never does.
    ///
    /// Changes are normally heard at once. This is for those that the system cannot report: a
    /// network file system, a file with several hard links.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "10",
        value_parser = values::seconds
    )]
    pub(crate) poll: Duration,

    /// How many connections to serve at a time; further ones wait until one ends.
    #[arg(long, value_name = "N", default_value = "1024")]
    pub(crate) max_connections: NonZeroUsize,
}

/// Where a catalog comes from.
#[derive(Args, Debug)]
pub(crate) struct DataArguments {
    /// A file to read instead of the built-in data; may be given several times.
    #[arg(
        long,
        value_name = "FILE",
        long_help = "A file to read instead of the built-in data; may be given several times.\n\n\
            The published shapes of models.dev (api.json), LiteLLM and OpenRouter are recognised \
            by their content. Where two files name the same provider and id, the later one wins."
    )]
    pub(crate) catalog: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CatalogCommand {
    List(ListArguments),
    Show(ShowArguments),
}

/// List offerings, ordered by provider and id.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  byname catalog list
  byname catalog list --provider anthropic
  byname catalog list -q gpt-4o --limit 20
  byname catalog list --catalog api.json --json | jq '.[].id'")]
pub(crate) struct ListArguments {
    #[command(flatten)]
    pub(crate) data: DataArguments,

    /// Only what this provider offers.
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) provider: Option<String>,

    /// Only what has this text in its id or name, in upper or lower case.
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) query: Option<String>,

    /// At most this many.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,

    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

/// Show everything known about one offering.
///
/// PROVIDER/ID is looked for first, whatever the id holds; then ID alone, which must be offered
/// by one provider only.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  byname catalog show anthropic/claude-sonnet-4-5
  byname catalog show openrouter/anthropic/claude-sonnet-4
  byname catalog show --provider openrouter anthropic/claude-sonnet-4 --yaml")]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    pub(crate) data: DataArguments,

    /// The offering, as PROVIDER/ID or as ID.
    #[arg(value_name = "PROVIDER/ID")]
    pub(crate) offering: String,

    /// The provider; what is named is then the id alone.
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) provider: Option<String>,

    #[command(flatten)]
    pub(crate) format: FormatArguments,
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
