//! What is asked of settings, beyond that each is of its type.

use std::error::Error;
use std::fmt;

use axum::http::{HeaderName, HeaderValue, header};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::Middleware;
use crate::config::Faults;

/// A setting that no middleware can be made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    setting: &'static str,
    message: String,
}

impl SettingsError {
    pub(super) fn new(setting: &'static str, message: impl Into<String>) -> Self {
        Self {
            setting,
            message: message.into(),
        }
    }

    /// Tells it to who reads the settings.
    fn told<E: serde::de::Error>(self) -> E {
        let mut faults = Faults::default();
        faults.tell(self.setting, self.message);
        faults.into_error()
    }

    /// Returns the setting that is wrong.
    #[must_use]
    pub fn setting(&self) -> &str {
        self.setting
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.setting, self.message)
    }
}

impl Error for SettingsError {}

/// What is made from settings alone.
pub(super) trait BuiltIn: Sized + Send + 'static {
    /// What stands under `settings` in a file.
    type Settings: DeserializeOwned + JsonSchema;

    fn build(settings: Self::Settings) -> Result<Self, SettingsError>;

    fn into_middleware(self) -> Middleware;
}

/// A layer that is read as its settings: settings that contradict each other are found when they are
/// read, and so when a file is checked.
pub(super) struct Made<B>(pub(super) B);

impl<'de, B: BuiltIn> Deserialize<'de> for Made<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let settings = B::Settings::deserialize(deserializer)?;
        B::build(settings).map(Made).map_err(SettingsError::told)
    }
}

/// What is made from settings and from what can only be had when it is made.
pub(super) trait Plan: Sized {
    /// What stands under `settings` in a file.
    type Settings: DeserializeOwned + JsonSchema + Send + 'static;

    fn check(settings: &Self::Settings) -> Result<(), SettingsError>;
}

/// Settings that have been checked as far as that goes beforehand.
pub(super) struct Planned<P: Plan>(pub(super) P::Settings);

impl<'de, P: Plan> Deserialize<'de> for Planned<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let settings = P::Settings::deserialize(deserializer)?;
        P::check(&settings).map_err(SettingsError::told)?;
        Ok(Self(settings))
    }
}

/// Settings that are read by another type have its schema.
macro_rules! schema_of_settings {
    ($read:ident, $of:ident) => {
        impl<T: $of> JsonSchema for $read<T> {
            fn inline_schema() -> bool {
                T::Settings::inline_schema()
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                T::Settings::schema_name()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                T::Settings::schema_id()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                T::Settings::json_schema(generator)
            }
        }
    };
}
schema_of_settings!(Made, BuiltIn);
schema_of_settings!(Planned, Plan);

/// Makes a layer's settings the way that it is read, with `new` for code.
macro_rules! built_in {
    ($layer:ty, $settings:ty) => {
        impl crate::http::middleware::settings::BuiltIn for $layer {
            type Settings = $settings;

            fn build(
                settings: $settings,
            ) -> Result<Self, crate::http::middleware::settings::SettingsError> {
                Self::new(settings)
            }

            fn into_middleware(self) -> crate::http::Middleware {
                crate::http::Middleware::new(self)
            }
        }
    };
}
pub(super) use built_in;

/// Reads the name of a header field.
pub(super) fn header_name(setting: &'static str, text: &str) -> Result<HeaderName, SettingsError> {
    HeaderName::from_bytes(text.as_bytes())
        .map_err(|_| SettingsError::new(setting, format!("has `{text}`, which names no header")))
}

/// They are the connection's (RFC 9110, section 7.6.1; RFC 9112, section 6).
const OF_THE_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Whether a header says something of the connection, and is not for whoever makes a message to set.
pub(crate) fn is_of_the_connection(name: &HeaderName) -> bool {
    OF_THE_CONNECTION.contains(name)
}

/// Reads the name of a header that an answer or a request may be given.
pub(super) fn message_header_name(
    setting: &'static str,
    text: &str,
) -> Result<HeaderName, SettingsError> {
    let name = header_name(setting, text)?;
    if is_of_the_connection(&name) {
        let message = format!("has `{text}`, which belongs to the connection");
        return Err(SettingsError::new(setting, message));
    }
    Ok(name)
}

/// Reads the value of a header field.
pub(super) fn header_value(
    setting: &'static str,
    text: &str,
) -> Result<HeaderValue, SettingsError> {
    // A value that only looks empty is one that the peer does not see.
    HeaderValue::from_str(text.trim()).map_err(|_| {
        let text = text.escape_debug();
        SettingsError::new(setting, format!("has `{text}`, which no header can say"))
    })
}
