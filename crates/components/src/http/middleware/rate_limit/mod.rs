//! A bound for how often somebody may ask.

mod keys;
mod settings;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::around::{Look, looking_layer};
use super::auth::Identity;
use super::client::{Proxies, masked};
use super::settings::{BuiltIn, SettingsError, header_name};
use crate::http::Middleware;
use crate::http::openapi::Operation;
use crate::service_error::{ErrorKind, ServiceError};
use keys::{Key, Keys};
pub use settings::{LimitBy, RateLimitSettings};

/// Answers 429 to whoever asks more often than allowed, with `Retry-After`.
///
/// Each has a bucket that fills evenly (GCRA). Answers tell what is left in the headers of
/// draft-ietf-httpapi-ratelimit-headers-10: `RateLimit: "default";r=99;t=1` for what is left and in how
/// many seconds all of it is back, `RateLimit-Policy: "default";q=100;w=60` for the whole. A clone, and
/// every place where one name of a file stands, counts in the same buckets.
#[derive(Clone)]
pub struct RateLimit(Arc<Inner>);

struct Inner {
    limiter: RateLimiter<Key, Keys, Since, StateInformationMiddleware>,
    /// Those of the limiter.
    keys: Keys,
    /// When keys were last forgotten, in nanoseconds of the limiter's clock.
    swept: AtomicU64,
    refused: AtomicU64,
    burst: u32,
    each: Duration,
    by: LimitBy,
    header: Option<HeaderName>,
    ipv6_prefix: u32,
    /// The name of the policy and what it says, if answers tell.
    told: Option<(String, HeaderValue)>,
    proxies: Proxies,
}

impl BuiltIn for RateLimit {
    type Settings = RateLimitSettings;

    fn build(settings: RateLimitSettings) -> Result<Self, SettingsError> {
        Self::new(settings)
    }

    fn into_middleware(self) -> Middleware {
        Middleware::of_limit(self)
    }
}

looking_layer!(RateLimit);

/// Says what it is to stand behind one.
pub(super) fn describe(_: &RateLimitSettings, operation: &mut Operation) {
    operation.refuses(ErrorKind::Exhausted);
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A full table is looked through for keys to forget at most this often.
const SWEEP: Duration = Duration::from_secs(1);

impl RateLimit {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// No requests, no time, times that cannot be counted, `header` without `by: header` or the other
    /// way round, a prefix that no address has, no keys, a name that cannot be sent.
    pub fn new(settings: RateLimitSettings) -> Result<Self, SettingsError> {
        let wrong = |setting, message: &str| Err(SettingsError::new(setting, message));
        let (burst, each) = settings.quota()?;
        if !(1..=128).contains(&settings.ipv6_prefix) {
            return wrong("ipv6-prefix", "is not between 1 and 128");
        }
        if settings.max_keys == 0 {
            return wrong("max-keys", "is 0; nobody could be counted");
        }
        match (settings.by, &settings.header) {
            (LimitBy::Header, None) => return wrong("header", "is missing with `by: header`"),
            (LimitBy::Header, Some(_)) | (_, None) => {}
            (_, Some(_)) => return wrong("header", "is not looked at without `by: header`"),
        }
        let header = settings.header.as_deref();
        let header = header.map(|header| header_name("header", header));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
        if settings.name.is_empty() || !settings.name.bytes().all(plain) {
            return wrong("name", "is not of letters, digits and `-_.:/`");
        }
        let told = settings.headers.then(|| {
            let name = settings.name;
            let window = seconds(each * burst.get());
            let policy = format!("\"{name}\";q={burst};w={window}");
            HeaderValue::try_from(policy).map(|policy| (name, policy))
        });
        let told = told
            .transpose()
            .map_err(|_| SettingsError::new("name", "cannot be sent"))?;
        let Some(quota) = Quota::with_period(each) else {
            return wrong("per", "is too short for so many requests");
        };
        let keys = Keys::new(settings.max_keys);
        let clock = Since(Instant::now());
        Ok(Self(Arc::new(Inner {
            limiter: RateLimiter::new(quota.allow_burst(burst), keys.clone(), clock),
            keys,
            swept: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            burst: burst.get(),
            each,
            by: settings.by,
            header: header.transpose()?,
            ipv6_prefix: settings.ipv6_prefix.into(),
            told,
            proxies: Proxies::new(&settings.proxies)?,
        })))
    }

    /// Returns how many requests were refused until now.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Returns how many are counted now, those included that are forgotten soon.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.0.limiter.len()
    }
}

impl Inner {
    fn key(&self, request: &Request) -> Key {
        match self.by {
            LimitBy::All => return Key::All,
            LimitBy::Identity => {
                if let Some(Identity(name)) = request.extensions().get() {
                    return self.keys.text(name.as_bytes());
                }
            }
            LimitBy::Header => {
                let value = self
                    .header
                    .as_ref()
                    .and_then(|name| request.headers().get(name));
                if let Some(value) = value {
                    return self.keys.text(value.as_bytes());
                }
            }
            LimitBy::Client => {}
        }
        let client = self.proxies.client(request.extensions(), request.headers());
        match client {
            Some(address @ IpAddr::V6(_)) => {
                masked(address, self.ipv6_prefix).map_or(Key::All, Key::Address)
            }
            Some(address) => Key::Address(address),
            None => Key::All,
        }
    }

    /// Forgets those that have all of their quota again, if there is no room for one more.
    fn make_room(&self, key: &Key) {
        if !self.keys.has_no_room_for(key) {
            return;
        }
        let now = self.limiter.clock().now().as_u64();
        let swept = self.swept.load(Ordering::Relaxed);
        let due = u128::from(now.saturating_sub(swept)) >= SWEEP.as_nanos() || swept == 0;
        let now = now.max(1);
        // Relaxed: one of those that come at the same time does it, and it does not matter which.
        let (one, other) = (Ordering::Relaxed, Ordering::Relaxed);
        if due && self.swept.compare_exchange(swept, now, one, other).is_ok() {
            self.limiter.retain_recent();
        }
    }

    /// What is told of a bucket.
    fn tell(&self, response: &mut Response, left: u32) {
        let Some((name, policy)) = &self.told else {
            return;
        };
        let back = seconds(self.each * self.burst.saturating_sub(left));
        let limit = format!("\"{name}\";r={left};t={back}");
        let headers = response.headers_mut();
        // Another limit may have told its own.
        headers.append(POLICY, policy.clone());
        if let Ok(limit) = HeaderValue::try_from(limit) {
            headers.append(LIMIT, limit);
        }
    }
}

/// Whole seconds, rounded up.
fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

impl Look for RateLimit {
    /// How much is left.
    type Kept = u32;

    fn before(&self, request: &mut Request) -> Result<u32, Response> {
        let inner = &*self.0;
        let key = inner.key(request);
        inner.make_room(&key);
        match inner.limiter.check_key(&key) {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(until) => {
                inner.refused.fetch_add(1, Ordering::Relaxed);
                let wait = until.wait_time_from(inner.limiter.clock().now());
                // Whole milliseconds are told; whoever keeps to them is not early.
                let wait = wait.saturating_add(Duration::from_nanos(999_999));
                let error = ServiceError::new(ErrorKind::Exhausted, "too many requests");
                let mut response = error.with_retry_after(wait).into_response();
                inner.tell(&mut response, 0);
                Err(response)
            }
        }
    }

    fn after(&self, left: u32, response: &mut Response) {
        self.0.tell(response, left);
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("by", &self.0.by)
            .field("burst", &self.0.burst)
            .field("each", &self.0.each)
            .finish_non_exhaustive()
    }
}

/// The time since a limiter was made, by the clock of the runtime.
#[derive(Clone, Debug)]
struct Since(Instant);

impl Clock for Since {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}
