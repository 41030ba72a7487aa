//! What browsers are told to keep pages from.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::around::{Look, looking_layer};
use super::client::{Proxies, ProxySettings};
use super::settings::{SettingsError, built_in, header_value};

/// The settings of [`SecurityHeaders`].
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct SecurityHeadersSettings {
    /// `Strict-Transport-Security`, over TLS alone. Default text: `max-age=31536000`.
    pub hsts: HeaderChoice,
    /// `X-Content-Type-Options`. Default text: `nosniff`.
    pub content_type_options: HeaderChoice,
    /// `X-Frame-Options`. Default text: `DENY`.
    pub frame_options: HeaderChoice,
    /// `Content-Security-Policy`. Default text:
    /// `base-uri 'self'; frame-ancestors 'none'; object-src 'none'`.
    pub content_security_policy: HeaderChoice,
    /// `Referrer-Policy`. Default text: `strict-origin-when-cross-origin`.
    pub referrer_policy: HeaderChoice,
    /// `Permissions-Policy`. Default text: `camera=(), geolocation=(), microphone=()`.
    pub permissions_policy: HeaderChoice,
    /// `Cross-Origin-Opener-Policy`. Default text: `same-origin`.
    pub cross_origin_opener_policy: HeaderChoice,
    /// `Cross-Origin-Resource-Policy`. Default text: `same-origin`.
    pub cross_origin_resource_policy: HeaderChoice,
    /// Whether what the handler set is replaced.
    pub overwrite: bool,
    /// The proxies that are believed when they say that the client came over TLS.
    pub proxies: ProxySettings,
}

impl Default for SecurityHeadersSettings {
    fn default() -> Self {
        Self {
            hsts: HeaderChoice::Default,
            content_type_options: HeaderChoice::Default,
            frame_options: HeaderChoice::Default,
            content_security_policy: HeaderChoice::Default,
            referrer_policy: HeaderChoice::Default,
            permissions_policy: HeaderChoice::Default,
            cross_origin_opener_policy: HeaderChoice::Default,
            cross_origin_resource_policy: HeaderChoice::Default,
            overwrite: false,
            proxies: ProxySettings::default(),
        }
    }
}

/// Whether a header is sent, and with which text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub enum HeaderChoice {
    /// `off`: not at all.
    Off,
    /// `default`: with the text that is good for most.
    Default,
    /// Any other text: with that one.
    Text(String),
}

impl From<String> for HeaderChoice {
    fn from(text: String) -> Self {
        match &*text {
            "off" => Self::Off,
            "default" => Self::Default,
            _ => Self::Text(text),
        }
    }
}

impl From<HeaderChoice> for String {
    fn from(choice: HeaderChoice) -> Self {
        match choice {
            HeaderChoice::Off => "off".into(),
            HeaderChoice::Default => "default".into(),
            HeaderChoice::Text(text) => text,
        }
    }
}

/// Tells browsers what to keep from pages: not to guess content types, not to put pages into frames of
/// others, to come over TLS alone, and so on. What the handler set stays, unless told otherwise.
#[derive(Clone, Debug)]
pub struct SecurityHeaders(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    hsts: Option<HeaderValue>,
    others: Vec<(HeaderName, HeaderValue)>,
    overwrite: bool,
    proxies: Proxies,
}

built_in!(SecurityHeaders, SecurityHeadersSettings);
looking_layer!(SecurityHeaders);

const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

impl SecurityHeaders {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// A text that no header can say or that is empty, every header off, or proxies that cannot be
    /// read.
    pub fn new(settings: SecurityHeadersSettings) -> Result<Self, SettingsError> {
        let hsts = value("hsts", &settings.hsts, "max-age=31536000")?;
        let mut others = Vec::new();
        for (setting, name, choice, default) in [
            (
                "content-type-options",
                header::X_CONTENT_TYPE_OPTIONS,
                settings.content_type_options,
                "nosniff",
            ),
            (
                "frame-options",
                header::X_FRAME_OPTIONS,
                settings.frame_options,
                "DENY",
            ),
            (
                "content-security-policy",
                header::CONTENT_SECURITY_POLICY,
                settings.content_security_policy,
                "base-uri 'self'; frame-ancestors 'none'; object-src 'none'",
            ),
            (
                "referrer-policy",
                header::REFERRER_POLICY,
                settings.referrer_policy,
                "strict-origin-when-cross-origin",
            ),
            (
                "permissions-policy",
                PERMISSIONS,
                settings.permissions_policy,
                "camera=(), geolocation=(), microphone=()",
            ),
            (
                "cross-origin-opener-policy",
                OPENER,
                settings.cross_origin_opener_policy,
                "same-origin",
            ),
            (
                "cross-origin-resource-policy",
                RESOURCE,
                settings.cross_origin_resource_policy,
                "same-origin",
            ),
        ] {
            if let Some(value) = value(setting, &choice, default)? {
                others.push((name, value));
            }
        }
        if hsts.is_none() && others.is_empty() {
            return Err(SettingsError::new("hsts", "and all others are off"));
        }
        Ok(Self(Arc::new(Rules {
            hsts,
            others,
            overwrite: settings.overwrite,
            proxies: Proxies::new(&settings.proxies)?,
        })))
    }
}

fn value(
    setting: &'static str,
    choice: &HeaderChoice,
    default: &'static str,
) -> Result<Option<HeaderValue>, SettingsError> {
    match choice {
        HeaderChoice::Off => Ok(None),
        HeaderChoice::Default => Ok(Some(HeaderValue::from_static(default))),
        HeaderChoice::Text(text) if text.trim().is_empty() => Err(SettingsError::new(
            setting,
            "is empty; `off` sends no such header",
        )),
        HeaderChoice::Text(text) => header_value(setting, text).map(Some),
    }
}

impl Look for SecurityHeaders {
    /// Whether the client came over TLS.
    type Kept = bool;

    fn before(&self, request: &mut Request) -> Result<bool, Response> {
        Ok(self
            .0
            .proxies
            .is_secure(request.extensions(), request.headers()))
    }

    fn after(&self, secure: bool, response: &mut Response) {
        let headers = response.headers_mut();
        headers.reserve(self.0.others.len() + 1);
        let mut send = |name: &HeaderName, value: &HeaderValue| {
            if self.0.overwrite {
                headers.insert(name, value.clone());
            } else {
                headers.entry(name).or_insert_with(|| value.clone());
            }
        };
        for (name, value) in &self.0.others {
            send(name, value);
        }
        // Over anything else browsers do not look at it (RFC 6797, section 7.2).
        if let (true, Some(value)) = (secure, &self.0.hsts) {
            send(&header::STRICT_TRANSPORT_SECURITY, value);
        }
    }
}
