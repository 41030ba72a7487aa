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
        let message = format!("nested deeper than {MAX_DEPTH} levels");
        Err(JsonError::at(text.as_bytes(), at, message))
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
    /// Says what is wrong at a byte of a text.
    pub(crate) fn at(text: &[u8], at: usize, message: String) -> Self {
        let before = &text[..at];
        let start = before.iter().rposition(|&byte| byte == b'\n');
        Self {
            line: count_lines(before) + 1,
            column: at - start.map_or(0, |start| start + 1) + 1,
            message,
        }
    }

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

/// How many lines end in a text.
pub(crate) fn count_lines(text: &[u8]) -> usize {
    text.split(|&byte| byte == b'\n').count() - 1
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;

    use super::*;

    fn json(text: &str) -> Json {
        Json::new(text).unwrap()
    }

    #[test]
    fn white_space_between_tokens_does_not_count() {
        let plain = json(r#"{"a":[1,{"b":"x y"}],"c":{}}"#);
        for same in [
            " {\"a\" : [ 1 , { \"b\" :\t\"x y\" } ] ,\r\n\"c\":{ } }\n",
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x y\"\n    }\n  ],\n  \"c\": {}\n}",
        ] {
            assert_eq!(plain, json(same));
            assert_eq!(json(same), plain);
        }
    }

    #[test]
    fn all_else_counts() {
        for (one, other) in [
            (r#""x y""#, r#""xy""#),
            (r#""x y""#, r#""x  y""#),
            (r#""\" x""#, r#""\"x""#),
            (r#""\\" "#, r#""\\ ""#),
            (r#"["\\", "a b"]"#, r#"["\\", "ab"]"#),
            ("[1,2]", "[12]"),
            ("1", "1.0"),
            ("10", "1e1"),
            ("0", "-0"),
            (r#""é""#, r#""\u00e9""#),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
            ("[]", "[ []]"),
            ("[1]", "[1,1]"),
        ] {
            assert_ne!(json(one), json(other));
            assert_ne!(json(other), json(one));
            assert_eq!(json(one), json(one));
        }
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        for (text, line, column, message) in [
            ("", 1, 0, "EOF while parsing a value"),
            ("{\n\"a\":}", 2, 5, "expected value"),
            ("1 2", 1, 3, "trailing characters"),
            ("01", 1, 2, "invalid number"),
            ("nul", 1, 3, "EOF while parsing a value"),
        ] {
            let error = Json::new(text).unwrap_err();
            let message = message.to_owned();
            assert_eq!(
                error,
                JsonError {
                    line,
                    column,
                    message
                }
            );
        }
        assert_eq!(
            Json::new("1 2").unwrap_err().to_string(),
            "trailing characters at line 1 column 3"
        );
    }

    /// What is taken can be read: the depth is bounded where a text is taken.
    #[test]
    fn nesting_has_a_bound() {
        let nested = |depth: usize| format!("\n {}{}", "[".repeat(depth), "]".repeat(depth));
        let deepest = json(&nested(MAX_DEPTH));
        let value: serde_json::Value = deepest.read().unwrap();
        assert_eq!(Json::of(&value).unwrap(), deepest);
        for depth in [MAX_DEPTH + 1, 1_000_000] {
            let error = Json::new(nested(depth)).unwrap_err();
            assert_eq!((error.line, error.column), (2, 2 + MAX_DEPTH));
            assert_eq!(error.message, "nested deeper than 127 levels");
        }
        let error = Json::of(&serde_json::Value::Array(vec![value])).unwrap_err();
        assert_eq!((error.line, error.column), (1, 1 + MAX_DEPTH));
        // Brackets in a string, and beside each other, are none.
        let text = format!("[\"{}\\\"\\\\\",{}1]", "[".repeat(500), "[],".repeat(500));
        assert!(Json::new(text).is_ok());
    }

    #[test]
    fn a_value_that_cannot_be_written() {
        let map = std::collections::BTreeMap::from([((1, 2), 3)]);
        let error = Json::of(&map).unwrap_err();
        assert_eq!((error.line, error.column), (0, 0));
        assert_eq!(error.to_string(), "key must be a string");
    }

    #[test]
    fn text_is_kept_and_read() {
        let text = " {\"n\" : 1.50 } ";
        assert_eq!(json(text).as_str(), text);
        assert_eq!(format!("{:?}", json(text)), text);
        let error = json("{\n\"n\": \"x\"}")
            .read::<std::collections::BTreeMap<String, u8>>()
            .unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn equal_where_the_compact_texts_are(one in text(), other in text()) {
            let compact = |text: &str| {
                // No name is there twice and no number has two spellings, so nothing is lost by this.
                serde_json::to_string(&serde_json::from_str::<serde_json::Value>(text).unwrap()).unwrap()
            };
            prop_assert_eq!(json(&one) == json(&other), compact(&one) == compact(&other));
            prop_assert_eq!(&json(&one), &json(&compact(&one)));
        }
    }

    /// Small texts, of which two are equal often.
    fn text() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            " 1",
            "2 ",
            "\" \"",
            "\"\\\\\"",
            "\"\\\" [\"",
            "\n{ }",
            "[\t]",
        ]);
        leaf.prop_map(str::to_owned)
            .prop_recursive(2, 6, 2, |inner| {
                prop_oneof![
                    prop::collection::vec(inner.clone(), 1..3)
                        .prop_map(|items| format!(" [{}]", items.join(" ,"))),
                    inner.prop_map(|value| format!("{{ \" a\" :{value}}}")),
                ]
            })
    }
}
