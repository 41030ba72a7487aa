//! What `ssh` means by what it says.

use std::time::Duration;

use super::super::error::ConnectionError;

const HOST_KEY: [&str; 3] = [
    "REMOTE HOST IDENTIFICATION HAS CHANGED",
    "Host key verification failed",
    "host key is known for",
];
const DENIED: [&str; 4] = [
    "Permission denied (",
    "Too many authentication failures",
    "no such identity",
    "No supported authentication methods",
];
const SILENT: [&str; 2] = [
    "timed out during banner exchange",
    "timed out while waiting to read",
];
const UNREACHABLE: [&str; 9] = [
    "Connection refused",
    "Connection timed out",
    "Operation timed out",
    "No route to host",
    "Network is unreachable",
    "Could not resolve hostname",
    "Name or service not known",
    "Host is down",
    "Bad configuration option",
];

/// Tells why `ssh` gave up from its own messages.
pub(super) fn classify(log: &str, connect_time: Duration) -> ConnectionError {
    let says = |texts: &[&str]| texts.iter().any(|text| log.contains(text));
    let reason = reason(log);
    if says(&HOST_KEY) {
        ConnectionError::HostKey { reason }
    } else if says(&DENIED) {
        ConnectionError::Denied { reason }
    } else if says(&SILENT) {
        ConnectionError::Timeout {
            doing: "connecting",
            waited: connect_time,
        }
    } else if says(&UNREACHABLE) {
        ConnectionError::Unreachable { reason }
    } else {
        ConnectionError::Lost { reason }
    }
}

/// The last thing that was said, of several the one that says most.
fn reason(log: &str) -> String {
    let lines = || {
        let plain = |line: &&str| !line.is_empty() && !line.contains("@@@@");
        log.lines().map(str::trim).filter(plain)
    };
    let telling = lines().rev().find(|line| {
        let all = HOST_KEY
            .iter()
            .chain(&DENIED)
            .chain(&SILENT)
            .chain(&UNREACHABLE);
        all.into_iter().any(|text| line.contains(text))
    });
    let line = telling.or_else(|| lines().next_back());
    let line = line.unwrap_or("ssh ended and did not say why");
    line.chars().filter(|c| !c.is_control()).take(500).collect()
}
