//! Who asks, shown by a key.

mod keys;
mod source;

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::around::{Look, looking_layer};
use super::settings::{Plan, SettingsError, header_name};
use super::vary::vary;
use crate::http::openapi::{Operation, Security};
use crate::service_error::{ErrorKind, NOT_LET_IN, ServiceError};
use source::Known;
pub use source::{KeyError, KeySettings};

/// Who has asked: in the extensions of a request that has shown it, and of its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity(pub Arc<str>);

/// The settings of [`BearerAuth`].
///
/// In a file `keys` has to be there; the default in code has none, and no layer is made from it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BearerAuthSettings {
    /// Where the tokens come from.
    pub keys: KeySettings,
    /// The names that may ask; everybody with a token, if there are none.
    #[serde(default)]
    pub allow: Vec<String>,
    /// What is protected, for those who ask without a token.
    #[serde(default = "realm")]
    pub realm: String,
}

impl Default for BearerAuthSettings {
    fn default() -> Self {
        Self {
            keys: KeySettings::default(),
            allow: Vec::new(),
            realm: realm(),
        }
    }
}

/// The settings of [`ApiKeyAuth`].
///
/// In a file `keys` has to be there; the default in code has none, and no layer is made from it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ApiKeyAuthSettings {
    /// The header that has the key.
    #[serde(default = "header")]
    pub header: String,
    /// Where the keys come from.
    pub keys: KeySettings,
    /// The names that may ask; everybody with a key, if there are none.
    #[serde(default)]
    pub allow: Vec<String>,
    /// What is protected, for those who ask without a key.
    #[serde(default = "realm")]
    pub realm: String,
}

impl Default for ApiKeyAuthSettings {
    fn default() -> Self {
        Self {
            header: header(),
            keys: KeySettings::default(),
            allow: Vec::new(),
            realm: realm(),
        }
    }
}

fn realm() -> String {
    "api".into()
}

fn header() -> String {
    "x-api-key".into()
}

/// Lets through who shows a token: `Authorization: Bearer TOKEN` (RFC 6750).
///
/// Everybody else is answered 401 with `WWW-Authenticate`, and 403 who is known and may not. Who has
/// asked is the [`Identity`] in the extensions of the request and of the answer. Tokens are compared
/// by their SHA-256, all of them, in constant time. A token in the query is not looked at.
#[derive(Clone)]
pub struct BearerAuth(Arc<Guard>);

/// Lets through who shows a key in a header.
///
/// As [`BearerAuth`] in everything else; answers say that they depend on the header (`Vary`), since
/// caches do not know that of themselves.
#[derive(Clone)]
pub struct ApiKeyAuth(Arc<Guard>);

looking_layer!(BearerAuth);
looking_layer!(ApiKeyAuth);

struct Guard {
    rules: Rules,
    known: Arc<Known>,
}

/// What was read from settings, before the keys are.
struct Rules {
    /// None: the header of the bearer.
    header: Option<HeaderName>,
    allow: Vec<String>,
    /// For who shows nothing, and for who shows something that nobody has.
    challenges: [HeaderValue; 2],
}

impl BearerAuth {
    /// Reads the tokens, and makes the layer. To be called in a tokio runtime; the file is followed as
    /// long as the layer or a clone of it is kept.
    ///
    /// # Errors
    ///
    /// Settings that cannot be, tokens that cannot be read, or none.
    pub async fn load(settings: BearerAuthSettings) -> Result<Self, KeyError> {
        let (rules, keys) = Self::plan(settings)?;
        let known = Known::read(keys, &rules.allow).await?;
        Ok(Self(Arc::new(Guard { rules, known })))
    }

    fn plan(settings: BearerAuthSettings) -> Result<(Rules, KeySettings), SettingsError> {
        settings.keys.check(&settings.allow)?;
        let realm = quoted(&settings.realm)?;
        let rules = Rules {
            header: None,
            allow: settings.allow,
            challenges: [
                challenge(&format!("Bearer realm={realm}"))?,
                challenge(&format!("Bearer realm={realm}, error=\"invalid_token\""))?,
            ],
        };
        Ok((rules, settings.keys))
    }
}

impl ApiKeyAuth {
    /// Reads the keys, and makes the layer. To be called in a tokio runtime; the file is followed as
    /// long as the layer or a clone of it is kept.
    ///
    /// # Errors
    ///
    /// Settings that cannot be, keys that cannot be read, or none.
    pub async fn load(settings: ApiKeyAuthSettings) -> Result<Self, KeyError> {
        let (rules, keys) = Self::plan(settings)?;
        let known = Known::read(keys, &rules.allow).await?;
        Ok(Self(Arc::new(Guard { rules, known })))
    }

    fn plan(settings: ApiKeyAuthSettings) -> Result<(Rules, KeySettings), SettingsError> {
        settings.keys.check(&settings.allow)?;
        let header = header_name("header", &settings.header)?;
        if header == AUTHORIZATION {
            let message = "is `authorization`; that is what `bearer-auth` reads";
            return Err(SettingsError::new("header", message));
        }
        let text = format!(
            "ApiKey realm={}, header=\"{header}\"",
            quoted(&settings.realm)?
        );
        let rules = Rules {
            header: Some(header),
            allow: settings.allow,
            challenges: [challenge(&text)?, challenge(&text)?],
        };
        Ok((rules, settings.keys))
    }
}

impl Plan for BearerAuth {
    type Settings = BearerAuthSettings;

    fn check(settings: &Self::Settings) -> Result<(), SettingsError> {
        Self::plan(settings.clone()).map(drop)
    }
}

impl Plan for ApiKeyAuth {
    type Settings = ApiKeyAuthSettings;

    fn check(settings: &Self::Settings) -> Result<(), SettingsError> {
        Self::plan(settings.clone()).map(drop)
    }
}

/// Says what it is to stand behind one that asks for tokens.
pub(super) fn describe_bearer(settings: &BearerAuthSettings, operation: &mut Operation) {
    describe(Security::Bearer, &settings.allow, operation);
}

/// Says what it is to stand behind one that asks for keys.
pub(super) fn describe_key(settings: &ApiKeyAuthSettings, operation: &mut Operation) {
    describe(
        Security::Key(settings.header.clone()),
        &settings.allow,
        operation,
    );
}

fn describe(security: Security, allow: &[String], operation: &mut Operation) {
    operation.guarded_by(security);
    if !allow.is_empty() {
        operation.refuses(ErrorKind::Denied);
    }
}

/// A text as a quoted string (RFC 9110, section 5.6.4).
fn quoted(text: &str) -> Result<String, SettingsError> {
    if !text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return Err(SettingsError::new(
            "realm",
            "has letters that no header can say",
        ));
    }
    Ok(format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"")
    ))
}

fn challenge(text: &str) -> Result<HeaderValue, SettingsError> {
    super::settings::header_value("realm", text)
}

/// The token of a bearer.
fn token(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked(6)?;
    let after = token.trim_ascii_start();
    (scheme.eq_ignore_ascii_case(b"bearer") && after.len() < token.len())
        .then_some(after.trim_ascii_end())
}

#[allow(
    clippy::result_large_err,
    reason = "an answer is moved once, where it is made"
)]
impl Guard {
    fn identify(&self, request: &mut Request) -> Result<Identity, Response> {
        let name = self.rules.header.as_ref().unwrap_or(&AUTHORIZATION);
        // What is a secret is not shown where headers are written to a log.
        if let Some(shown) = request.headers_mut().get_mut(name) {
            shown.set_sensitive(true);
        }
        let mut all = request.headers().get_all(name).iter();
        let whose = match (all.next(), all.next()) {
            (None, _) => None,
            // Two may be understood as one here and as the other one elsewhere.
            (Some(_), Some(_)) => Some(None),
            (Some(value), None) => {
                let key = match self.rules.header {
                    Some(_) => Some(value.as_bytes()),
                    None => token(value),
                };
                Some(key.and_then(|key| self.known.whose(key)))
            }
        };
        let Some(name) = whose.clone().flatten() else {
            let shows_something = usize::from(whose.is_some());
            let message = "this is answered for those who show a key that is known";
            let error = ServiceError::new(ErrorKind::Unauthenticated, message);
            // What calls a service tells by this that it has not come to it.
            let mut response = error.with_code(NOT_LET_IN).into_response();
            let challenge = self.rules.challenges[shows_something].clone();
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            return Err(response);
        };
        let identity = Identity(name);
        let allowed = &self.rules.allow;
        if !allowed.is_empty() && !allowed.iter().any(|name| **name == *identity.0) {
            let message = "whoever has this key may not ask for this";
            let error = ServiceError::new(ErrorKind::Denied, message).with_code(NOT_LET_IN);
            let mut response = error.into_response();
            response.extensions_mut().insert(identity);
            return Err(response);
        }
        Ok(identity)
    }

    fn before(&self, request: &mut Request) -> Result<Identity, Response> {
        match self.identify(request) {
            Ok(identity) => {
                request.extensions_mut().insert(identity.clone());
                Ok(identity)
            }
            Err(mut response) => {
                self.depend(&mut response);
                Err(response)
            }
        }
    }

    fn after(&self, identity: Identity, response: &mut Response) {
        response.extensions_mut().insert(identity);
        self.depend(response);
    }

    /// Says what the answer depends on, where caches do not know it of themselves.
    fn depend(&self, response: &mut Response) {
        if let Some(header) = &self.rules.header {
            vary(response.headers_mut(), header);
        }
    }
}

impl Look for BearerAuth {
    type Kept = Identity;

    fn before(&self, request: &mut Request) -> Result<Identity, Response> {
        self.0.before(request)
    }

    fn after(&self, identity: Identity, response: &mut Response) {
        self.0.after(identity, response);
    }
}

impl Look for ApiKeyAuth {
    type Kept = Identity;

    fn before(&self, request: &mut Request) -> Result<Identity, Response> {
        self.0.before(request)
    }

    fn after(&self, identity: Identity, response: &mut Response) {
        self.0.after(identity, response);
    }
}

impl fmt::Debug for BearerAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerAuth").finish_non_exhaustive()
    }
}

impl fmt::Debug for ApiKeyAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyAuth").finish_non_exhaustive()
    }
}
