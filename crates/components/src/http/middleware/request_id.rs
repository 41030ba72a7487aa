//! An identity for every request.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::around::{Look, looking_layer};
use super::client::{Proxies, ProxySettings, Trust, check_trust};
use super::random::wide;
use super::settings::{SettingsError, built_in, message_header_name};
use crate::http::{RequestId, RequestIdHeader};
use crate::service::REQUEST_ID;

/// The settings of [`RequestIds`].
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct RequestIdSettings {
    /// The header that has it, in the request and in the answer.
    pub header: String,
    /// Whose identity is kept; everybody else gets a new one.
    pub trust: Trust,
    /// The longest one that is kept, in bytes: at most 256.
    pub max_length: u16,
    /// The proxies that `trust` may mean.
    pub proxies: ProxySettings,
}

impl Default for RequestIdSettings {
    fn default() -> Self {
        Self {
            header: "x-request-id".into(),
            trust: Trust::Never,
            max_length: 128,
            proxies: ProxySettings::default(),
        }
    }
}

/// Gives every request an identity: 128 random bits in hexadecimal, or the one that it brings, where
/// that is trusted and of letters, digits and `-_.:+/=@`.
///
/// It is a [`RequestId`] in the extensions of the request and of the answer, and a header of both. A
/// request that has one already keeps it. Clients of other services send it on, in `x-request-id` and in
/// this header ([`CallContext`](crate::service::CallContext)).
#[derive(Clone, Debug)]
pub struct RequestIds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    header: HeaderName,
    trust: Trust,
    max_length: usize,
    proxies: Proxies,
}

built_in!(RequestIds, RequestIdSettings);
looking_layer!(RequestIds);

impl RequestIds {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// A header that cannot be or belongs to the connection, a length of 0 or above 256, proxies that
    /// cannot be read, or none where they are trusted.
    pub fn new(settings: RequestIdSettings) -> Result<Self, SettingsError> {
        if !(1..=256).contains(&settings.max_length) {
            let message = format!("is {}; it may be 1 to 256", settings.max_length);
            return Err(SettingsError::new("max-length", message));
        }
        check_trust(settings.trust, &settings.proxies)?;
        Ok(Self(Arc::new(Inner {
            header: message_header_name("header", &settings.header)?,
            trust: settings.trust,
            max_length: settings.max_length.into(),
            proxies: Proxies::new(&settings.proxies)?,
        })))
    }

    /// The identity that a request brings, if it is kept. Two of them are none.
    fn brought(&self, request: &Request) -> Option<HeaderValue> {
        let mut all = request.headers().get_all(&self.0.header).iter();
        let (Some(one), None) = (all.next(), all.next()) else {
            return None;
        };
        let length = one.as_bytes().len();
        let fits = (1..=self.0.max_length).contains(&length);
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:+/=@".contains(byte);
        (fits && one.as_bytes().iter().all(plain)).then(|| one.clone())
    }
}

/// Makes an identity that no other request has.
fn new_id() -> HeaderValue {
    let mut text = String::with_capacity(32);
    // Nothing can go wrong when a number is written to a string.
    let _ = write!(text, "{:032x}", wide());
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

impl Look for RequestIds {
    type Kept = RequestId;

    fn before(&self, request: &mut Request) -> Result<RequestId, Response> {
        let id = if let Some(id) = request.extensions().get::<RequestId>() {
            id.clone()
        } else {
            let kept = self.0.proxies.believe(self.0.trust, request.extensions());
            let brought = kept.then(|| self.brought(request)).flatten();
            RequestId(brought.unwrap_or_else(new_id))
        };
        request.headers_mut().insert(&self.0.header, id.0.clone());
        request.extensions_mut().insert(id.clone());
        if self.0.header != REQUEST_ID {
            let header = RequestIdHeader(self.0.header.clone());
            request.extensions_mut().insert(header);
        }
        Ok(id)
    }

    fn after(&self, id: RequestId, response: &mut Response) {
        response.headers_mut().insert(&self.0.header, id.0.clone());
        response.extensions_mut().insert(id);
    }
}
