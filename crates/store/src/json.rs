//! JSON texts as they are kept.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How deeply arrays and objects may be nested in a text: as deep as [`Json::read`] reads.
pub(crate) const MAX_DEPTH: usize = 127;

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
    /// [`JsonError`] with line and column when it is not, or when its arrays and objects are nested
    /// deeper than 127 levels.
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self, JsonError> {
        let text = text.into();
        serde_json::from_str::<serde::de::IgnoredAny>(&text).map_err(|e| JsonError::of(&e))?;
        Self::checked(text)
    }

    fn checked(text: Arc<str>) -> Result<Self, JsonError> {
        let Some(at) = too_deep(&text) else {
            return Ok(Self(text));
        };
        let before = &text.as_bytes()[..at];
        let start = before.iter().rposition(|&byte| byte == b'\n');
        Err(JsonError {
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            column: at - start.map_or(0, |start| start + 1) + 1,
            message: format!("nested deeper than {MAX_DEPTH} levels"),
        })
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
    /// or its own `Serialize` fails; or when it is nested deeper than 127 levels.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, JsonError> {
        let text = serde_json::to_string(value).map_err(|e| JsonError::of(&e))?;
        Self::checked(text.into())
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

/// Where valid JSON is nested deeper than [`MAX_DEPTH`], if it is.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    // Each level takes two bytes at least.
    if text.len() <= 2 * MAX_DEPTH {
        return None;
    }
    let (mut depth, mut inside, mut escaped) = (0, false, false);
    text.bytes().position(|byte| {
        if inside {
            inside = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            return false;
        }
        match byte {
            b'"' => inside = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        depth > MAX_DEPTH
    })
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
