//! A place in a list, in a form that a client hands back.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// How a name is written between the marks. Every text of this alphabet is read, but for one of a length
/// that no bytes have.
const NAME: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// What stands at both ends, so that a cursor that was cut is known.
const MARK: char = '~';

/// How long the longest is, in characters: 64 bytes of a provider, 256 of an id, the slash between them,
/// and the marks.
const LONGEST: usize = (64 + 1 + 256) / 3 * 4 + 2;

/// The place in the list after one key, whether or not that key is still there.
///
/// It holds the key itself and nothing of a revision, so it means the same in every later one:
/// a client that pages through a changing catalog sees each key that was there throughout
/// exactly once, and none twice.
///
/// Whoever makes one instead of taking it from an answer gets what comes after that place: a cursor gives
/// access to nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cursor {
    name: String,
}

impl Cursor {
    /// The place right after a registry name.
    pub(super) fn after(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// The registry name after which the list goes on.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    ///
    /// # Errors
    ///
    /// [`CursorError`] for everything that does not look like it.
    pub fn parse(text: &str) -> Result<Self, CursorError> {
        let inner = text.strip_prefix(MARK).and_then(|it| it.strip_suffix(MARK));
        let inner = inner.filter(|_| text.len() <= LONGEST).ok_or(CursorError)?;
        let name = NAME.decode(inner).map_err(|_| CursorError)?;
        Ok(Self::after(String::from_utf8_lossy(&name)))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{}{MARK}", NAME.encode(&self.name))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<'de, str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Cursor {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "the `next_cursor` of an earlier answer, or nothing to begin anew",
            "type": "string",
            "maxLength": LONGEST,
            "pattern": "^~(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?~$",
        })
    }
}

/// Says that a text is no cursor that this program made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CursorError;

impl fmt::Display for CursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a cursor from an earlier answer; leave it out to begin anew")
    }
}

impl Error for CursorError {}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        let schema = Cursor::json_schema(&mut SchemaGenerator::default());
        let pattern = schema.get("pattern").and_then(|it| it.as_str());
        Regex::new(pattern.unwrap()).unwrap()
    });

    #[test]
    fn a_cursor_reads_back() {
        for name in ["openai gpt-4o", "x a/b:c@d%e", "é 模型", ""] {
            let cursor = Cursor::after(name);
            assert_eq!(Cursor::parse(&cursor.to_string()), Ok(cursor));
        }
    }

    #[test]
    fn it_needs_no_encoding_in_a_url() {
        let text = Cursor::after("é a?b&c=d/e+f~~~ÿ").to_string();
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_~".contains(&b)),
            "{text}"
        );
    }

    #[test]
    fn the_longest_is_that_of_the_longest_key() {
        let cursor = Cursor::after("a".repeat(64 + 1 + 256)).to_string();
        assert_eq!(cursor.len(), LONGEST);
        assert!(Cursor::parse(&cursor).is_ok());
    }

    proptest! {
        #[test]
        fn a_text_is_a_cursor_where_its_schema_says_so(text in "~?[A-Za-z0-9_=+~-]{0,9}~?") {
            prop_assert_eq!(PATTERN.is_match(&text), Cursor::parse(&text).is_ok());
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let good = Cursor::after("openai gpt-4o").to_string();
        let mut cut = good.clone();
        cut.pop();
        let long = format!("~{}~", "A".repeat(LONGEST));
        for wrong in [
            "",
            "abc",
            "%%%",
            "0",
            "~",
            "~A~",
            "~AAAAA~",
            "~AA==~",
            &cut,
            &good[1..],
            &format!("{good}="),
            &format!("{good}A~"),
            &long,
        ] {
            assert_eq!(Cursor::parse(wrong), Err(CursorError), "{wrong}");
        }
    }
}
