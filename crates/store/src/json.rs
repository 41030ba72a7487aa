//! JSON texts as they are kept.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A JSON text, kept as it was written: numbers keep their digits, fields their order.
///
/// Two are equal when they differ in white space between tokens only.
#[derive(Clone)]
pub struct Json(Arc<str>);

impl Json {
    /// Takes a text after checking that it is JSON.
    ///
    /// # Errors
    ///
    /// [`JsonError`] with line and column when it is not.
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self, JsonError> {
        let text = text.into();
        serde_json::from_str::<serde::de::IgnoredAny>(&text).map_err(|e| JsonError::of(&e))?;
        Ok(Self(text))
    }

    /// Takes a text that is known to be JSON: it was cut out of a document that was checked.
    pub(crate) fn trusted(text: Arc<str>) -> Self {
        Self(text)
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    ///
    /// [`JsonError`] when the value cannot be written as JSON: a map with keys that are no strings,
    /// or its own `Serialize` fails.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, JsonError> {
        let text = serde_json::to_string(value).map_err(|e| JsonError::of(&e))?;
        Ok(Self(text.into()))
    }

    /// Reads the text as a `T`.
    ///
    /// # Errors
    ///
    /// [`JsonError`], with line and column within this text, when it is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        serde_json::from_str(&self.0).map_err(|e| JsonError::of(&e))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.0
    }

    /// The bytes outside white space between tokens.
    fn tokens(&self) -> impl Iterator<Item = u8> + '_ {
        let (mut inside, mut escaped) = (false, false);
        self.0.bytes().filter(move |&byte| {
            if inside {
                if escaped {
                    escaped = false;
                } else if byte == b'\\' {
                    escaped = true;
                } else if byte == b'"' {
                    inside = false;
                }
                return true;
            }
            inside = byte == b'"';
            !byte.is_ascii_whitespace()
        })
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0 || self.tokens().eq(other.tokens())
    }
}

impl Eq for Json {}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not the JSON that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The line, from 1; 0 when the fault is not at a place of a text.
    pub line: usize,
    /// The column in bytes, from 1; 0 as for `line`.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl JsonError {
    pub(crate) fn of(error: &serde_json::Error) -> Self {
        let full = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        Self {
            line: error.line(),
            column: error.column(),
            message: full.strip_suffix(&place).unwrap_or(&full).to_owned(),
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            f.write_str(&self.message)
        } else {
            write!(
                f,
                "{} at line {} column {}",
                self.message, self.line, self.column
            )
        }
    }
}

impl Error for JsonError {}
