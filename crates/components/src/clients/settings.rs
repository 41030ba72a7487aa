//! How a client calls, and what it shows.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Secret;
use crate::config::units::{Bytes, Duration};

/// How a client calls the server that it is of, and what it shows there. What is not said has a default.
///
/// A deadline of the call that is at hand counts where it is earlier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientSettings {
    /// How long things may take.
    pub timeouts: ClientTimeouts,
    /// What is tried again, and when.
    pub retry: ClientRetry,
    /// When the server is not called at all.
    pub breaker: ClientBreaker,
    /// Which connections are kept.
    pub pool: ClientPool,
    /// How much at once.
    pub limits: ClientLimits,
    /// What is shown as `Authorization: Bearer TOKEN` (RFC 6750): to a server with `bearer-auth`, say.
    pub token: Option<Secret<String>>,
    /// What is shown in a header: to a server with `api-key`, say.
    pub key: Option<ClientKey>,
}

/// How long a call of a client may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ClientTimeouts {
    /// To connect, with the agreement on TLS where there is one. Default: 1s.
    pub connect: Option<Duration>,
    /// One try, from its connection to the head of the answer. Default: 10s.
    pub per_try: Option<Duration>,
    /// The whole call, to the head of the answer: all tries and the pauses between them. Default: 30s.
    pub total: Option<Duration>,
    /// How long the content of an answer may give nothing. Default: 1m.
    pub idle_body: Option<Duration>,
}

/// Which calls of a client are tried again, how often, and when: what has certainly not arrived, and of
/// what may be repeated also what was cut off, took too long, or was answered with 502, 503 or 504.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ClientRetry {
    /// How often a call is tried in all; 1 is never again. Default: 3.
    pub tries: Option<u32>,
    /// The longest pause before the second try; twice as long before each further one. Default: 25ms.
    pub pause: Option<Duration>,
    /// The longest pause before any try; at least `pause`. Default: 1s.
    pub pause_max: Option<Duration>,
    /// The longest `Retry-After` that is waited for. Default: 2s.
    pub retry_after_max: Option<Duration>,
    /// How much is tried again in proportion to all calls.
    pub budget: ClientBudget,
}

/// How much a client tries again in proportion to what it calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ClientBudget {
    /// How many further tries each call allows, from 0 to 1. Default: 0.2.
    pub share: Option<f64>,
    /// How many further tries a second are allowed whatever the share, at most 1000000. Default: 10.
    pub floor: Option<u32>,
    /// How many unused further tries of the share are kept for later. Default: 100.
    pub kept: Option<u32>,
}

/// When a server that fails is not called, for how long, and when it is again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ClientBreaker {
    /// How many tries in a row must fail; at least 1. Default: 10.
    pub failures: Option<u32>,
    /// For how long it is not called the first time; twice as long each time that a trial fails.
    /// Default: 1s.
    pub open: Option<Duration>,
    /// For how long at most; at least `open`. Default: 30s.
    pub open_max: Option<Duration>,
    /// How many trials are let through at the same time then; at least 1. Default: 2.
    pub trials: Option<u32>,
    /// How many trials must succeed before everything is let through; at least 1. Default: 2.
    pub successes: Option<u32>,
}

/// Which connections a client keeps while nobody uses them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ClientPool {
    /// How many; 0 keeps none. Default: 64.
    pub idle: Option<usize>,
    /// For how long; at most a day. Default: 1m30s.
    pub idle_time: Option<Duration>,
}

/// How much a client has at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ClientLimits {
    /// How many calls at once, to the end of their answers; at least 1. Default: 1024.
    pub in_flight: Option<usize>,
    /// How many calls wait when there are as many; the next is refused. Default: 1024.
    pub waiting: Option<usize>,
    /// How long a call waits. Default: 1s.
    pub wait: Option<Duration>,
    /// The largest head of an answer; at least 8KiB. Default: 64KiB.
    pub head: Option<Bytes>,
}

/// A key that a client shows in a header.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ClientKey {
    /// The header.
    #[serde(default = "x_api_key")]
    pub header: String,
    /// The key.
    pub value: Secret<String>,
}

fn x_api_key() -> String {
    "x-api-key".into()
}

impl ClientSettings {
    /// Whether it shows a secret.
    pub(crate) fn is_secret(&self) -> bool {
        self.token.is_some() || self.key.is_some()
    }
}
