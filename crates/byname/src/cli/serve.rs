//! `byname serve`.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use super::app::FileArgument;
use super::{DataArguments, FolderArguments, LayerArguments, values};

/// Serve the catalog and the machines over HTTP until Ctrl-C or SIGTERM.
///
/// What is served is said by a file in YAML, or by the one inside the program; the other options lie
/// over it. Machines are those of the data folder. What other processes and hands change there is
/// followed.
///
/// The addresses are printed on stdout as URLs once the server answers, the public one first. A first Ctrl-C or SIGTERM
/// finishes requests in flight and exits with 0; a second one ends at once with 1. SIGHUP has the file read at once, also
/// where `life.reload` is false.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  byname serve
  byname serve --listen 127.0.0.1:0
  byname serve --catalog api.json --catalog own.json
  byname serve --print-config > app.yaml
  byname serve app.yaml --set servers.main.listeners.public.timeouts.drain=1m
  curl 'http://127.0.0.1:8080/api/v1/models?provider=openai&limit=5'
  curl http://127.0.0.1:8080/api/v1/models/openai/gpt-4o
  curl 'http://127.0.0.1:8080/api/v1/machines?label=gpu=a100'
  curl http://127.0.0.1:8080/api/v1/components
  curl http://127.0.0.1:8080/readyz")]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) file: FileArgument,

    /// The same file, as an option.
    #[arg(short, long, value_name = "FILE", conflicts_with = "path")]
    pub(crate) config: Option<std::path::PathBuf>,

    /// Write the file inside the program to stdout, to begin one of your own with, and serve nothing.
    #[arg(long, conflicts_with_all = ["config", "path"])]
    pub(crate) print_config: bool,

    #[command(flatten)]
    pub(crate) layers: LayerArguments,

    #[command(flatten)]
    pub(crate) data: DataArguments,

    #[command(flatten)]
    pub(crate) folder: FolderArguments,

    /// The address and port to listen on; port 0 takes any free one; by default as the file says,
    /// which is 127.0.0.1:8080 in the one inside the program.
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::address)]
    pub(crate) listen: Option<SocketAddr>,

    /// The address and port of the admin pages; by default as the file says, which is any free port of
    /// 127.0.0.1 in the one inside the program.
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::address)]
    pub(crate) admin: Option<SocketAddr>,

    /// How long requests in flight may take to finish after the first signal; 0 does not wait; by
    /// default as the file says, or 10.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds)]
    pub(crate) drain: Option<Duration>,

    /// How often to look at the files even if the system reports no change; 0 never does; by default
    /// as the file says, or 10.
    ///
    /// Changes are normally heard at once. This is for those that the system cannot report: a
    /// network file system, a file with several hard links.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds)]
    pub(crate) poll: Option<Duration>,

    /// How many connections to serve at a time, further ones wait until one ends; by default as the
    /// file says, or 1024.
    #[arg(long, value_name = "N")]
    pub(crate) max_connections: Option<NonZeroUsize>,
}

impl ServeArguments {
    /// The file that says what runs, if it is not the one inside the program.
    pub(crate) fn file(&self) -> Option<&std::path::Path> {
        self.file.path.as_deref().or(self.config.as_deref())
    }
}
