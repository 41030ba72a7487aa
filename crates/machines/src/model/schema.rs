//! The schemas of what is not written as its fields are: a pattern says what the type's own reader takes.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Host, Kind, Labels, MachineName, Timestamp};
use crate::selector::Selector;

macro_rules! key {
    () => {
        "[A-Za-z0-9][A-Za-z0-9._/-]{0,62}"
    };
}

macro_rules! value {
    () => {
        "[A-Za-z0-9._:/@+-]{0,128}"
    };
}

macro_rules! term {
    () => {
        concat!(
            "[ \\t]*(?:!?",
            key!(),
            "|",
            key!(),
            "!?=",
            value!(),
            ")[ \\t]*"
        )
    };
}

/// Is the schema of a type.
macro_rules! schema {
    ($name:ident, $schema:tt) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(MachineName, {
    "title": "1 to 63 of a-z, 0-9, `.`, `_`, `-`, beginning with a letter or digit",
    "type": "string",
    "maxLength": 63,
    "pattern": "^[a-z0-9][a-z0-9._-]*$",
    "examples": ["local", "gpu-1"],
});

schema!(Kind, {
    "description": "How a machine is reached. There may be other kinds.",
    "type": "string",
    "maxLength": 32,
    "pattern": "^[a-z][a-z0-9_-]*$",
    "examples": ["local", "ssh"],
});

schema!(Host, {
    "description": "Where a machine is and who logs in there: `[user@]host[:port]`; an IPv6 address in brackets.",
    "type": "string",
    "minLength": 1,
    "examples": ["ops@10.0.0.7:2222"],
});

schema!(Timestamp, {
    "description": "A second between 1970 and 9999 in UTC (RFC 3339).",
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
});

schema!(Labels, {
    "description": "What a machine is selected by.",
    "type": "object",
    "maxProperties": 64,
    "patternProperties": {
        (concat!("^", key!(), "$")): { "type": "string", "pattern": concat!("^", value!(), "$") },
    },
    "additionalProperties": false,
});

// White space is a space or a tab here: a line break or another one in a URL is a mistake.
impl JsonSchema for Selector {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Selector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "terms `key`, `!key`, `key=value` or `key!=value` with commas between them",
            "type": "string",
            "pattern": concat!("^", term!(), "(?:,", term!(), ")*$"),
            "examples": ["gpu=a100,zone!=b"],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    /// The schema of a type, ready to be asked.
    struct Rule {
        pattern: Regex,
        most: Option<u64>,
    }

    impl Rule {
        fn of<T: JsonSchema>() -> Self {
            let schema = T::json_schema(&mut SchemaGenerator::default());
            let pattern = schema.get("pattern").and_then(|it| it.as_str());
            Self {
                pattern: Regex::new(pattern.unwrap()).unwrap(),
                most: schema.get("maxLength").and_then(serde_json::Value::as_u64),
            }
        }

        fn allows(&self, text: &str) -> bool {
            let is_short = |most| text.chars().count() as u64 <= most;
            self.pattern.is_match(text) && self.most.is_none_or(is_short)
        }

        fn agrees<T: FromStr>(&self, text: &str) {
            assert_eq!(self.allows(text), text.parse::<T>().is_ok(), "{text:?}");
        }
    }

    static NAME: LazyLock<Rule> = LazyLock::new(Rule::of::<MachineName>);
    static KIND: LazyLock<Rule> = LazyLock::new(Rule::of::<Kind>);
    static SELECTOR: LazyLock<Rule> = LazyLock::new(Rule::of::<Selector>);

    #[test]
    fn the_edges_of_texts_are_where_their_schemas_say() {
        for length in [0, 1, 32, 33, 63, 64] {
            let text = "a".repeat(length);
            NAME.agrees::<MachineName>(&text);
            KIND.agrees::<Kind>(&text);
            SELECTOR.agrees::<Selector>(&text);
            SELECTOR.agrees::<Selector>(&format!("!{text}"));
        }
        for length in [0, 128, 129] {
            SELECTOR.agrees::<Selector>(&format!("a={}", "b".repeat(length)));
        }
        assert!(Rule::of::<Timestamp>().allows(&Timestamp::now().to_string()));
    }

    proptest! {
        #[test]
        fn a_text_is_read_where_its_schema_says_so(text in "[aZ9!=, \\t._:/@+-]{0,8}|\\PC{0,5}") {
            NAME.agrees::<MachineName>(&text);
            KIND.agrees::<Kind>(&text);
            // The schema is narrower in what white space is.
            if text.chars().all(|c| !c.is_whitespace() || c == ' ' || c == '\t') {
                SELECTOR.agrees::<Selector>(&text);
            }
        }
    }
}
