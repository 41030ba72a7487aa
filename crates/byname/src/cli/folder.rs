//! Where registries are kept.

use std::path::PathBuf;

use clap::Args;

/// Where registries are kept.
#[derive(Args, Clone, Debug)]
pub(crate) struct FolderArguments {
    /// The data folder; by default `$XDG_STATE_HOME/byname`, or else `~/.local/state/byname`.
    ///
    /// On macOS the default without `$XDG_STATE_HOME` is `~/Library/Application Support/byname`, on
    /// Windows it is `%LOCALAPPDATA%\byname`. A variable that is no absolute path does not count.
    /// The folder is made by the first command that writes, for this user alone.
    #[arg(
        long,
        global = true,
        env = "BYNAME_DATA",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub(crate) data: Option<PathBuf>,

    /// Use a registry on a network file system, whose locks reach this machine only.
    ///
    /// No other machine may use the registry then.
    #[arg(long, global = true)]
    pub(crate) allow_network: bool,
}
