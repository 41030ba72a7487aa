//! How long an answer may be kept, and by whom.

use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::around::{Look, looking_layer};
use super::settings::{SettingsError, built_in, header_value};
use crate::config::units::Duration;

/// The settings of [`CacheControl`]. At least one says something.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[allow(clippy::struct_excessive_bools, reason = "each is a word of its own")]
pub struct CacheControlSettings {
    /// Who may keep answers: by default only caches of one user where that is not known.
    pub scope: Option<CacheScope>,
    /// How long an answer is fresh, in whole seconds.
    pub max_age: Option<Duration>,
    /// The same in caches of many users.
    pub shared_max_age: Option<Duration>,
    /// How long after that it may be given while a fresh one is fetched (RFC 5861).
    pub stale_while_revalidate: Option<Duration>,
    /// Whether an answer never changes (RFC 8246).
    pub immutable: bool,
    /// Whether it has to be asked for each time whether an answer is still the same.
    pub no_cache: bool,
    /// Whether nobody may keep answers. Then nothing else may be said.
    pub no_store: bool,
    /// Whether what the handler said is replaced.
    pub overwrite: bool,
}

/// Who may keep answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CacheScope {
    /// Caches of many users, also of answers for one who has shown to be somebody.
    Public,
    /// Caches of one user.
    Private,
}

/// Says in `Cache-Control` how long answers may be kept (RFC 9111): of answers to GET and HEAD that
/// succeeded or have not changed.
#[derive(Clone, Debug)]
pub struct CacheControl {
    value: HeaderValue,
    overwrite: bool,
}

built_in!(CacheControl, CacheControlSettings);
looking_layer!(CacheControl);

impl CacheControl {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Nothing said, or `no-store` with anything else.
    pub fn new(settings: CacheControlSettings) -> Result<Self, SettingsError> {
        let mut words = Vec::new();
        match settings.scope {
            Some(CacheScope::Public) => words.push("public".to_owned()),
            Some(CacheScope::Private) => words.push("private".to_owned()),
            None => {}
        }
        let mut said = |word: &str, span: Option<Duration>| {
            if let Some(span) = span {
                words.push(format!("{word}={}", span.as_secs()));
            }
        };
        said("max-age", settings.max_age);
        said("s-maxage", settings.shared_max_age);
        said("stale-while-revalidate", settings.stale_while_revalidate);
        for (word, is_said) in [
            ("immutable", settings.immutable),
            ("no-cache", settings.no_cache),
        ] {
            if is_said {
                words.push(word.to_owned());
            }
        }
        if settings.no_store {
            if !words.is_empty() {
                return Err(SettingsError::new(
                    "no-store",
                    "leaves nothing else to be said",
                ));
            }
            words.push("no-store".to_owned());
        }
        if words.is_empty() {
            return Err(SettingsError::new("max-age", "and all others say nothing"));
        }
        Ok(Self {
            value: header_value("max-age", &words.join(", "))?,
            overwrite: settings.overwrite,
        })
    }
}

impl Look for CacheControl {
    /// Whether the answer is one that is kept at all.
    type Kept = bool;

    fn before(&self, request: &mut Request) -> Result<bool, Response> {
        Ok([Method::GET, Method::HEAD].contains(request.method()))
    }

    fn after(&self, asks: bool, response: &mut Response) {
        let status = response.status();
        let fits = asks && (status.is_success() || status == StatusCode::NOT_MODIFIED);
        let headers = response.headers_mut();
        if fits && (self.overwrite || !headers.contains_key(CACHE_CONTROL)) {
            headers.insert(CACHE_CONTROL, self.value.clone());
        }
    }
}
