use std::path::PathBuf;
use std::time::Duration;

/// Which host keys are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostKeys {
    /// The key that a machine shows at first is remembered, and no other is taken from then on. Who
    /// can stand in for a machine at that moment is trusted; list its key beforehand to exclude that.
    #[default]
    AcceptNew,
    /// Only keys that are known already.
    Known,
}

/// How connections through `ssh` are made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SshOptions {
    /// The program; `ssh`, looked for in `PATH`, by default.
    pub program: PathBuf,
    /// How long to wait for the machine to answer at all; 10 s by default, taken in whole seconds,
    /// at least one.
    pub connect_time: Duration,
    /// Which host keys are taken; by default a new machine's is remembered.
    pub host_keys: HostKeys,
    /// The file of known hosts; by default those of the user.
    pub known_hosts: Option<PathBuf>,
    /// The only configuration file that `ssh` reads; by default those of the user and the system.
    pub config: Option<PathBuf>,
    /// How long a connection is kept when nothing uses it; 60 s by default, in whole seconds. `None`
    /// makes a new one each time. Kept on Unix only.
    pub persist: Option<Duration>,
    /// The folder for what lives as long as a connection; it is made if it is missing, and must be
    /// closed to others. By default `byname` in `$XDG_RUNTIME_DIR` or, without that,
    /// `byname-<user id>` in `/tmp`.
    pub runtime: Option<PathBuf>,
}

impl Default for SshOptions {
    fn default() -> Self {
        Self {
            program: PathBuf::from("ssh"),
            connect_time: Duration::from_secs(10),
            host_keys: HostKeys::default(),
            known_hosts: None,
            config: None,
            persist: Some(Duration::from_secs(60)),
            runtime: None,
        }
    }
}
