//! `byname catalog`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::FormatArguments;

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
