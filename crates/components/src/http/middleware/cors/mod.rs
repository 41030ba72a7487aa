//! Which other origins' pages may read answers (the CORS protocol of the Fetch standard).

mod origin;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::around::{Look, looking_layer};
use super::settings::{SettingsError, built_in, header_name};
use super::vary::vary;
use crate::config::units::Duration;
use origin::Origins;

/// The settings of [`Cors`].
///
/// In a file `origins` has to be there; the default in code has none, and no layer is made from it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CorsSettings {
    /// The origins: exact ones (`https://app.example.com`), all below a name
    /// (`https://*.example.com`), or `*` for any. At least one.
    #[schemars(length(min = 1))]
    pub origins: Vec<String>,
    /// The methods that their pages may use.
    #[serde(default = "methods")]
    pub methods: Vec<String>,
    /// The headers that their pages may send, beyond those that every page may; `*` for any.
    #[serde(default = "headers")]
    pub headers: Vec<String>,
    /// The headers of answers that their pages may read, beyond those that every page may.
    #[serde(default)]
    pub expose: Vec<String>,
    /// Whether requests may come with cookies and the like. Not with any origin.
    #[serde(default)]
    pub credentials: bool,
    /// How long a browser may remember what it was told before a request.
    #[serde(default = "max_age")]
    pub max_age: Duration,
    /// Whether pages of public networks may reach this server in a private one.
    #[serde(default)]
    pub private_network: bool,
}

impl Default for CorsSettings {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            methods: methods(),
            headers: headers(),
            expose: Vec::new(),
            credentials: false,
            max_age: max_age(),
            private_network: false,
        }
    }
}

fn methods() -> Vec<String> {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
        .map(str::to_owned)
        .into()
}

fn headers() -> Vec<String> {
    ["authorization", "content-type"].map(str::to_owned).into()
}

fn max_age() -> Duration {
    Duration::new(std::time::Duration::from_secs(600))
}

/// Tells browsers which other origins' pages may read answers.
///
/// What a browser asks before a request is answered here with 204 and does not reach what is behind;
/// where the origin, the method, a header or the network is not allowed, the answer has none of the
/// headers that allow. Requests themselves all reach what is behind: this keeps nobody out, it tells
/// browsers what to keep from pages.
#[derive(Clone, Debug)]
pub struct Cors(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    origins: Origins,
    methods: Vec<Method>,
    /// None: any.
    headers: Option<Vec<HeaderName>>,
    allow_methods: HeaderValue,
    allow_headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    credentials: bool,
    max_age: HeaderValue,
    private_network: bool,
}

built_in!(Cors, CorsSettings);
looking_layer!(Cors);

const REQUESTS_NETWORK: &str = "access-control-request-private-network";
const ALLOWS_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

impl Cors {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// No origin, one that cannot be, any origin with credentials, methods or headers that cannot be.
    pub fn new(settings: CorsSettings) -> Result<Self, SettingsError> {
        let origins = Origins::new(&settings.origins, settings.credentials)?;
        let mut methods = Vec::new();
        for text in &settings.methods {
            let method = Method::from_bytes(text.as_bytes()).ok();
            methods.push(method.filter(|_| text != "*").ok_or_else(|| {
                SettingsError::new("methods", format!("has `{text}`, which is no method"))
            })?);
        }
        let any = settings.headers.iter().any(|name| name == "*");
        if any && settings.headers.len() > 1 {
            return Err(SettingsError::new("headers", "has `*` and others"));
        }
        let headers = if any { None } else { Some(&settings.headers) };
        let headers = headers
            .map(|names| names_of("headers", names))
            .transpose()?;
        let expose = names_of("expose", &settings.expose)?;
        Ok(Self(Arc::new(Rules {
            origins,
            allow_methods: list(
                "methods",
                &methods.iter().map(Method::as_str).collect::<Vec<_>>(),
            )?,
            methods,
            allow_headers: match &headers {
                Some(names) if !names.is_empty() => Some(names_list("headers", names)?),
                _ => None,
            },
            headers,
            expose: match &*expose {
                [] => None,
                names => Some(names_list("expose", names)?),
            },
            credentials: settings.credentials,
            max_age: settings.max_age.as_secs().into(),
            private_network: settings.private_network,
        })))
    }
}

fn names_of(setting: &'static str, names: &[String]) -> Result<Vec<HeaderName>, SettingsError> {
    let plain = |name: &String| name != "*";
    if !names.iter().all(plain) {
        return Err(SettingsError::new(
            setting,
            "has `*`, which names no header",
        ));
    }
    names
        .iter()
        .map(|name| header_name(setting, name))
        .collect()
}

fn names_list(setting: &'static str, names: &[HeaderName]) -> Result<HeaderValue, SettingsError> {
    let names: Vec<_> = names.iter().map(HeaderName::as_str).collect();
    list(setting, &names)
}

fn list(setting: &'static str, words: &[&str]) -> Result<HeaderValue, SettingsError> {
    super::settings::header_value(setting, &words.join(", "))
}

impl Rules {
    /// What the answer says about the origin, if it is allowed.
    fn allow(&self, origin: &HeaderValue, headers: &mut HeaderMap) -> bool {
        let Some(allowed) = self.origins.allowed(origin) else {
            return false;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            let name = header::ACCESS_CONTROL_ALLOW_CREDENTIALS;
            headers.insert(name, HeaderValue::from_static("true"));
        }
        true
    }

    /// Answers what a browser asks before a request.
    fn preflight(&self, origin: &HeaderValue, asked: &HeaderMap) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        if !self.origins.is_any() {
            vary(headers, "origin");
        }
        vary(headers, "access-control-request-method");
        vary(headers, "access-control-request-headers");
        if self.private_network {
            vary(headers, REQUESTS_NETWORK);
        }
        let method = asked.get(header::ACCESS_CONTROL_REQUEST_METHOD);
        let method = method.and_then(|method| Method::from_bytes(method.as_bytes()).ok());
        let network = asked
            .get(REQUESTS_NETWORK)
            .is_some_and(|value| value == "true");
        if !method.is_some_and(|method| self.methods.contains(&method))
            || !self.allow_all_of(asked)
            || (network && !self.private_network)
            || !self.allow(origin, headers)
        {
            return response;
        }
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            self.allow_methods.clone(),
        );
        // Any header is allowed by naming those that were asked for: `*` would leave out
        // `authorization`, and with credentials means nothing.
        let named = match &self.headers {
            Some(_) => self.allow_headers.clone(),
            None => asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
        };
        if let Some(named) = named {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, named);
        }
        if network {
            headers.insert(ALLOWS_NETWORK, HeaderValue::from_static("true"));
        }
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        response
    }

    /// Whether every header that the page wants to send is allowed.
    fn allow_all_of(&self, asked: &HeaderMap) -> bool {
        let Some(allowed) = &self.headers else {
            return true;
        };
        let lines = asked.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter();
        let names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        names
            .map(<[u8]>::trim_ascii)
            .filter(|name| !name.is_empty())
            .all(|name| {
                let is =
                    |allowed: &HeaderName| name.eq_ignore_ascii_case(allowed.as_str().as_bytes());
                allowed.iter().any(is)
            })
    }
}

impl Look for Cors {
    type Kept = Option<HeaderValue>;

    fn before(&self, request: &mut Request) -> Result<Self::Kept, Response> {
        let headers = request.headers();
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(None);
        };
        let asks = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if request.method() == Method::OPTIONS && asks {
            return Err(self.0.preflight(origin, headers));
        }
        Ok(Some(origin.clone()))
    }

    fn after(&self, origin: Self::Kept, response: &mut Response) {
        let headers = response.headers_mut();
        // Also where there is no origin: a cache would give that answer to pages of any.
        if !self.0.origins.is_any() {
            vary(headers, "origin");
        }
        let Some(origin) = origin else {
            // With any origin the answer is the same for all.
            if self.0.origins.is_any() {
                self.0.allow(&HeaderValue::from_static("*"), headers);
            }
            return;
        };
        if self.0.allow(&origin, headers)
            && let Some(expose) = &self.0.expose
        {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }
}
