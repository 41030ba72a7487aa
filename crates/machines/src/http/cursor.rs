//! Where the next page of a list begins.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::model::MachineName;

/// What stands at both ends, so that a cursor that was cut is known.
const MARK: char = '~';

/// The place in a list of machines that comes right after a name, whether or not that is there still.
///
/// Whoever makes one instead of taking it from an answer gets what comes after that name: a cursor gives
/// access to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    after: MachineName,
}

impl Cursor {
    pub(super) fn after(name: &MachineName) -> Self {
        Self {
            after: name.clone(),
        }
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix(MARK)?.strip_suffix(MARK)?;
        let after = MachineName::new(name).ok()?;
        Some(Self { after })
    }

    pub(super) fn name(&self) -> &str {
        self.after.as_str()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{}{MARK}", self.after)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a cursor from an earlier answer"))
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
            "pattern": "^~[a-z0-9][a-z0-9._-]{0,62}~$",
        })
    }
}

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
    fn a_cursor_reads_back_and_anything_else_is_refused() {
        for name in ["local", "gpu-1", "0.a_b-", "a"] {
            let cursor = Cursor::after(&MachineName::new(name).unwrap());
            let text = cursor.to_string();
            assert_eq!(Cursor::parse(&text), Some(cursor));
            assert!(
                text.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
            );
            assert_eq!(Cursor::parse(&text[..text.len() - 1]), None, "{text}");
            assert_eq!(Cursor::parse(&text[1..]), None, "{text}");
            assert_eq!(Cursor::parse(&format!("{text}x")), None, "{text}");
        }
        for wrong in ["", "-", "gpu-1", "~", "~~", "~GPU~", "é"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_a_cursor_where_its_schema_says_so(text in "~?[aZ0._~-]{0,6}~?|~a{61,65}~") {
            prop_assert_eq!(PATTERN.is_match(&text), Cursor::parse(&text).is_some());
        }
    }
}
