//! Headers that are set, added and taken away.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::around::{Look, looking_layer};
use super::settings::{SettingsError, built_in, header_value, message_header_name};

/// The settings of [`Headers`].
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct HeadersSettings {
    /// What is done to requests.
    pub request: HeaderEdits,
    /// What is done to answers.
    pub response: HeaderEdits,
}

/// What is done to headers, in this order.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct HeaderEdits {
    /// Headers that are taken away.
    pub remove: Vec<String>,
    /// Headers that have this value, whatever they had.
    pub set: BTreeMap<String, String>,
    /// Headers that have this value too.
    pub append: BTreeMap<String, String>,
}

/// Sets, adds and takes away headers of requests and answers; not those that say where a message ends
/// or belong to the connection.
#[derive(Clone, Debug)]
pub struct Headers(Arc<[Edits; 2]>);

#[derive(Debug)]
struct Edits {
    remove: Vec<HeaderName>,
    set: Vec<(HeaderName, HeaderValue)>,
    append: Vec<(HeaderName, HeaderValue)>,
}

built_in!(Headers, HeadersSettings);
looking_layer!(Headers);

impl Headers {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Nothing to do, headers that cannot be, or that belong to the connection.
    pub fn new(settings: HeadersSettings) -> Result<Self, SettingsError> {
        let edits = [
            Edits::new("request", &settings.request)?,
            Edits::new("response", &settings.response)?,
        ];
        if edits.iter().all(Edits::is_empty) {
            let message = "and `response` say nothing to do";
            return Err(SettingsError::new("request", message));
        }
        Ok(Self(Arc::new(edits)))
    }
}

impl Edits {
    fn new(of: &'static str, edits: &HeaderEdits) -> Result<Self, SettingsError> {
        let name = |text: &str| message_header_name(of, text);
        let all = |of_all: &BTreeMap<String, String>| -> Result<Vec<_>, SettingsError> {
            let pairs = of_all.iter();
            pairs
                .map(|(text, value)| Ok((name(text)?, header_value(of, value)?)))
                .collect()
        };
        let remove = edits.remove.iter().map(|text| name(text));
        Ok(Self {
            remove: remove.collect::<Result<_, _>>()?,
            set: all(&edits.set)?,
            append: all(&edits.append)?,
        })
    }

    fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.append.is_empty()
    }

    fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.append {
            headers.append(name, value.clone());
        }
    }
}

impl Look for Headers {
    type Kept = ();

    fn before(&self, request: &mut Request) -> Result<(), Response> {
        self.0[0].apply(request.headers_mut());
        Ok(())
    }

    fn after(&self, (): (), response: &mut Response) {
        self.0[1].apply(response.headers_mut());
    }
}
