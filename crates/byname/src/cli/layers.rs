//! What lies over the file of a server.

use clap::Args;

/// What lies over the file of a server, and which server of it is meant.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LayerArguments {
    /// Set a value of the configuration, such as
    /// servers.main.listeners.public.timeouts.drain=30s; may be given several times.
    ///
    /// The value is text as it stands; `[…]` and `{…}` are read as YAML. Variables of the environment
    /// that begin with `BYNAME__` set values as well, below these:
    /// `BYNAME__SERVERS__MAIN__LISTENERS__PUBLIC__TIMEOUTS__DRAIN=30s`.
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,

    /// Lay what a file's overlay for this environment says over the file: app.prod.yaml over app.yaml.
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,

    /// Which server of the file is meant, where it has several: DEPLOYMENT.SERVER, or SERVER.
    #[arg(long, value_name = "DEPLOYMENT.SERVER")]
    pub(crate) server: Option<String>,
}
