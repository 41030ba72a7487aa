//! `byname serve`.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use super::{DataArguments, FolderArguments, values};

/// Serve the catalog and the machines over HTTP until Ctrl-C or SIGTERM.
///
/// Machines are those of the data folder. What other processes and hands change there is followed.
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
  curl 'http://127.0.0.1:8080/api/v1/machines?label=gpu=a100'
  curl http://127.0.0.1:8080/readyz")]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) data: DataArguments,

    #[command(flatten)]
    pub(crate) folder: FolderArguments,

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

    /// How often to look at the files even if the system reports no change; 0 never does.
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
