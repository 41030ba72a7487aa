//! The settings of a rate limit.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::units::Duration as Span;
use crate::http::middleware::ProxySettings;
use crate::http::middleware::settings::SettingsError;

/// The settings of [`RateLimit`](super::RateLimit).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct RateLimitSettings {
    /// How many requests each may send in `per`, evenly spread.
    pub requests: u32,
    /// In which time.
    pub per: Span,
    /// How many may come at once after a pause. By default as many as `requests`.
    pub burst: Option<u32>,
    /// Who is counted.
    pub by: LimitBy,
    /// The header whose value is counted, with `by: header`. A request without it is counted by the
    /// address of its client.
    pub header: Option<String>,
    /// How many bits of an IPv6 address count, 1 to 128: whoever has one has all of its network.
    pub ipv6_prefix: u8,
    /// How many are counted at the same time, at most. Those that have all of their quota again are
    /// forgotten; whoever finds no room shares one quota with all others that find none.
    pub max_keys: usize,
    /// Whether answers tell what is left, in `RateLimit` and `RateLimit-Policy`.
    pub headers: bool,
    /// What the policy is called in these headers.
    pub name: String,
    /// The proxies that are believed when they say who the client is.
    pub proxies: ProxySettings,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self {
            requests: 600,
            per: Span::new(Duration::from_secs(60)),
            burst: None,
            by: LimitBy::Client,
            header: None,
            ipv6_prefix: 64,
            max_keys: 100_000,
            headers: true,
            name: "default".into(),
            proxies: ProxySettings::default(),
        }
    }
}

/// Who is counted by a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitBy {
    /// The address of the client.
    Client,
    /// Who has shown to be somebody, if what asks for that stands before; else the client's address.
    Identity,
    /// The value of a header.
    Header,
    /// Everybody together.
    All,
}

/// What a bucket may have to last, so that its times can be counted in nanoseconds.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

impl RateLimitSettings {
    /// How many may come at once, and after which time one more.
    pub(super) fn quota(&self) -> Result<(NonZeroU32, Duration), SettingsError> {
        let wrong = |setting, message: &str| Err(SettingsError::new(setting, message));
        let Some(requests) = NonZeroU32::new(self.requests) else {
            return wrong("requests", "is 0; nothing would pass");
        };
        let Some(burst) = NonZeroU32::new(self.burst.unwrap_or(self.requests)) else {
            return wrong("burst", "is 0; nothing would pass");
        };
        let each = self.per.get() / requests.get();
        if each.is_zero() {
            return wrong("per", "is too short for so many requests");
        }
        if each
            .checked_mul(burst.get())
            .is_none_or(|whole| whole > LONGEST)
        {
            return wrong("per", "is too long: `burst` has to come back within a year");
        }
        Ok((burst, each))
    }
}
