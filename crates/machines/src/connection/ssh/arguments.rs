//! The command line of `ssh`, up to the line that the other machine's shell gets.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::ConnectionError;
use super::options::{HostKeys, SshOptions};
use crate::model::Host;

/// Where to, and how.
pub(super) struct Destination<'a> {
    pub(super) host: &'a Host,
    pub(super) key: Option<&'a str>,
    pub(super) options: &'a SshOptions,
    pub(super) connect_time: Duration,
    /// The socket of a connection to use again.
    pub(super) control: Option<PathBuf>,
    pub(super) log: &'a Path,
}

/// What holds for every connection. `ssh` takes the first value it is given of each, so no
/// configuration file changes them. There is nobody to answer, and nothing is forwarded.
const ALWAYS: [&str; 15] = [
    "BatchMode=yes",
    "ClearAllForwardings=yes",
    "ConnectionAttempts=1",
    "EscapeChar=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    "KbdInteractiveAuthentication=no",
    "LogLevel=ERROR",
    "PasswordAuthentication=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "ServerAliveCountMax=3",
    "ServerAliveInterval=5",
    "Tunnel=no",
];

pub(super) fn arguments(to: &Destination<'_>) -> Result<Vec<OsString>, ConnectionError> {
    let mut arguments: Vec<OsString> = vec!["-T".into()];
    let options = to.options;
    if let Some(config) = &options.config {
        arguments.extend(["-F".into(), config.into()]);
    }
    // Apart from what the other machine writes.
    arguments.extend(["-E".into(), to.log.into()]);
    let mut option = |text: String| arguments.extend(["-o".into(), text.into()]);
    for always in ALWAYS {
        option(always.to_owned());
    }
    option(format!(
        "ConnectTimeout={}",
        to.connect_time.as_secs().max(1)
    ));
    option(match options.host_keys {
        HostKeys::AcceptNew => "StrictHostKeyChecking=accept-new".to_owned(),
        HostKeys::Known => "StrictHostKeyChecking=yes".to_owned(),
    });
    if let Some(known) = &options.known_hosts {
        option(format!("UserKnownHostsFile={}", quoted(known)?));
    }
    if let (Some(control), Some(persist)) = (&to.control, options.persist) {
        option("ControlMaster=auto".to_owned());
        option(format!("ControlPath={}", quoted(control)?));
        option(format!("ControlPersist={}", persist.as_secs().max(1)));
    } else {
        option("ControlMaster=no".to_owned());
        option("ControlPath=none".to_owned());
    }
    if let Some(key) = to.key {
        option("IdentitiesOnly=yes".to_owned());
        option(format!("IdentityFile={}", quoted(Path::new(key))?));
    }
    if let Some(user) = to.host.user() {
        arguments.extend(["-l".into(), user.into()]);
    }
    if let Some(port) = to.host.port() {
        arguments.extend(["-p".into(), port.to_string().into()]);
    }
    // What follows is never taken for an option.
    arguments.extend(["--".into(), to.host.name().into()]);
    Ok(arguments)
}

/// A path as the value of an option: between quotes, and without a meaning for what `ssh` expands.
fn quoted(path: &Path) -> Result<String, ConnectionError> {
    let text = path.to_str().filter(|text| {
        let taken = |c: char| c.is_control() || c == '"' || c == '\\';
        !text.contains(taken) && !text.contains("${")
    });
    match text {
        Some(text) => Ok(format!("\"{}\"", text.replace('%', "%%"))),
        None => Err(ConnectionError::Invalid {
            what: "a path for ssh in UTF-8, without `\"`, `\\`, `${` and control characters",
            value: path.display().to_string(),
        }),
    }
}
