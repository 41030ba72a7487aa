//! `byname check`, `byname graph`, `byname config` and `byname plan`: looking at the file of a server.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{FormatArguments, LayerArguments};

/// Tell everything that is wrong with a server's file, and start nothing.
///
/// Each problem is told with file, line and column, and with the names that may have been meant.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  byname check app.yaml
  byname check app.yaml --environment prod --server shop.main
  byname check app.yaml && byname serve --config app.yaml

Exit codes: 0 nothing keeps it from being started, 1 something does, 2 called the wrong way.")]
pub(crate) struct CheckFileArguments {
    #[command(flatten)]
    pub(crate) file: FileArgument,

    #[command(flatten)]
    pub(crate) layers: LayerArguments,
}

/// The file of a server.
#[derive(Args, Debug)]
pub(crate) struct FileArgument {
    /// The file; by default the one inside the program.
    #[arg(value_name = "FILE")]
    pub(crate) path: Option<PathBuf>,
}

/// Draw which service needs which, each after what it needs.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  byname graph app.yaml
  byname graph app.yaml --format dot | dot -Tsvg > app.svg
  byname graph app.yaml --url http://127.0.0.1:8080")]
pub(crate) struct GraphArguments {
    #[command(flatten)]
    pub(crate) file: FileArgument,

    /// How it is written: text, dot (Graphviz), mermaid or json.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = GraphFormat::Text)]
    pub(crate) format: GraphFormat,

    /// Show where each service of the server that runs at this address is in its life.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(flatten)]
    pub(crate) layers: LayerArguments,
}

/// How a graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// One line a service, what it needs below it.
    Text,
    /// The language of Graphviz.
    Dot,
    /// The language of Mermaid flowcharts.
    Mermaid,
    /// For programs.
    Json,
}

/// Show the configuration that counts, and where each of its values comes from.
///
/// It is written as YAML, with the origin of each value as a comment, and of what it was laid over.
/// Secrets are written as `***`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  byname config app.yaml
  byname config app.yaml --environment prod --set servers.main.listeners.public.timeouts.drain=1m
  byname config --schema > app.schema.json

With the schema beside app.yaml and the line `# yaml-language-server: $schema=app.schema.json` at its
beginning, editors complete keys and mark what is wrong.")]
pub(crate) struct ConfigArguments {
    #[command(flatten)]
    pub(crate) file: FileArgument,

    /// Write the JSON Schema of such files instead, for editors.
    #[arg(long, conflicts_with_all = ["path", "plain"])]
    pub(crate) schema: bool,

    /// Leave out where values come from.
    #[arg(long)]
    pub(crate) plain: bool,

    #[command(flatten)]
    pub(crate) layers: LayerArguments,
}

/// Tell what a change of a server's file would do to its services.
///
/// A service is rebuilt when its definition changes, or what it is built of does. It is reloaded when
/// it takes all that changes while it runs, which a running server does by itself as soon as the file
/// changes; everything else needs a restart of the server.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  byname plan app.yaml new.yaml
  byname plan app.yaml new.yaml --environment prod --json")]
pub(crate) struct PlanArguments {
    /// The file as it is.
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,

    /// The file as it is to be.
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,

    #[command(flatten)]
    pub(crate) format: FormatArguments,

    #[command(flatten)]
    pub(crate) layers: LayerArguments,
}
