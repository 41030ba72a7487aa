//! What may be said of the admin pages.

use std::time::Duration as StdDuration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::units::{Bytes, Duration};
use crate::config::{CheckSettings, Faults};

/// How much the admin pages show and keep, and to whom.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct Settings {
    /// Host names by which the pages may be asked for, besides `localhost` and addresses; none by
    /// default. A page of another site can make a browser connect to this one under the site's own
    /// name, and would be answered.
    pub hosts: Vec<String>,
    /// How many entries of a registry one answer has where the request does not say: 100 by default,
    /// from 1 to 1000.
    pub page: usize,
    /// How many of the latest changes are kept for those who ask later: 1024 by default, from 1 to
    /// 1048576.
    pub changes: usize,
    /// How many bytes the names in those may have together: 1 MiB by default, at least 64 KiB.
    pub changes_size: Bytes,
    /// How many may follow the changes at a time: 16 by default, at most 65536; further ones are told to come later.
    pub followers: usize,
    /// After which time without a change a follower is sent a comment, so that the connection is not
    /// taken for dead: 15 s by default, at least 1 ms.
    pub keep_alive: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            page: 100,
            changes: 1024,
            changes_size: Bytes::new(1 << 20),
            followers: 16,
            keep_alive: Duration::new(StdDuration::from_secs(15)),
        }
    }
}

/// A setting of the admin pages has a value that it cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminError {
    /// Which, as it is written in the configuration.
    pub setting: &'static str,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl std::fmt::Display for AdminError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` {}", self.setting, self.message)
    }
}

impl std::error::Error for AdminError {}

impl CheckSettings for Settings {
    fn check(&self, faults: &mut Faults) {
        for (setting, message) in self.faults() {
            faults.tell(setting, message);
        }
    }
}

impl Settings {
    /// Each value that is none.
    pub(super) fn faults(&self) -> impl Iterator<Item = (&'static str, String)> {
        let hosts = host_fault(&self.hosts);
        let Self {
            page,
            changes,
            changes_size,
            followers,
            keep_alive,
            ..
        } = self;
        let page = (!(1..=MOST_ENTRIES).contains(page))
            .then(|| format!("is {page}; expected 1 to {MOST_ENTRIES}"));
        let changes = (!(1..=1 << 20).contains(changes))
            .then(|| format!("is {changes}; expected 1 to 1048576"));
        let size = (changes_size.get() < 64 << 10)
            .then(|| format!("is {changes_size}; expected at least 64KiB"));
        let followers = (*followers > MOST_FOLLOWERS)
            .then(|| format!("is {followers}; expected at most {MOST_FOLLOWERS}"));
        let keep_alive = (keep_alive.get() < StdDuration::from_millis(1))
            .then(|| format!("is {keep_alive}; expected at least 1ms"));
        let all = [
            ("hosts", hosts),
            ("page", page),
            ("changes", changes),
            ("changes-size", size),
            ("followers", followers),
            ("keep-alive", keep_alive),
        ];
        all.into_iter()
            .filter_map(|(setting, message)| Some((setting, message?)))
    }
}

/// What is wrong with names of hosts, if anything is.
pub(super) fn host_fault(hosts: &[String]) -> Option<String> {
    let wrong = |host: &&String| host.is_empty() || host.contains(['/', ':', '@', ' ']);
    let host = hosts.iter().find(wrong)?;
    Some(format!(
        "has `{host}`; expected the name of a host, without a port"
    ))
}

/// How many entries of a registry one answer may have.
pub(super) const MOST_ENTRIES: usize = 1000;

/// How many may follow the changes at a time.
const MOST_FOLLOWERS: usize = 65_536;
