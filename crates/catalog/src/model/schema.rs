//! The schemas of what is not written as its fields are.
//!
//! A pattern says what the type's own reader takes. What a schema cannot say (bytes instead of characters,
//! the days of a month) it leaves open.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    Capabilities, Capability, Currency, Date, Decimal, Fact, Money, OfferingKey, Price, ProviderId,
};

/// What ids hold within: no control character. A provider's holds no `/` either.
macro_rules! within {
    ($($further:literal)?) => {
        concat!("[^", $($further,)? r"\u0000-\u001f\u007f-\u009f]")
    };
}

/// What ids hold at their edges: no white space either (Unicode, `White_Space`).
macro_rules! edge {
    ($($further:literal)?) => {
        concat!(
            "[^", $($further,)? r"\u0000-\u0020\u007f-\u00a0",
            r"\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
        )
    };
}

macro_rules! edged {
    ($($further:literal)?) => {
        concat!("^", edge!($($further)?), "(?:", within!($($further)?), "*", edge!($($further)?), ")?$")
    };
}

/// Is the schema of a text.
macro_rules! text {
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

text!(ProviderId, {
    "title": "the id of a provider: 1 to 64 bytes without `/`, control characters and spaces at the edges",
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "pattern": edged!("/"),
    "examples": ["openai"],
});

text!(Date, {
    "description": "A day, or a month where the day is not stated.",
    "type": "string",
    "pattern": "^[0-9]{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?$",
    "examples": ["2024-10-24", "2024-10"],
});

text!(Decimal, {
    "description": "An exact number of up to 38 digits.",
    "type": "string",
    "maxLength": 41,
    "pattern": r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?$",
    "examples": ["0.15"],
});

text!(Currency, {
    "description": "The code of a currency (ISO 4217).",
    "type": "string",
    "pattern": "^[A-Z]{3}$",
    "examples": ["USD"],
});

/// The id that a provider gives an offering.
pub(crate) struct OfferingId;

text!(OfferingId, {
    "title": "the id of an offering: 1 to 256 bytes without control characters and spaces at the edges",
    "type": "string",
    "minLength": 1,
    "maxLength": 256,
    "pattern": edged!(),
    "examples": ["gpt-4o"],
});

impl JsonSchema for OfferingKey {
    fn schema_name() -> Cow<'static, str> {
        "OfferingKey".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "properties": {
                "provider": generator.subschema_for::<ProviderId>(),
                "id": generator.subschema_for::<OfferingId>(),
            },
            "required": ["provider", "id"],
        })
    }
}

impl JsonSchema for Price {
    fn schema_name() -> Cow<'static, str> {
        "Price".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What something costs: an amount above zero, nothing, nobody knows, or it varies.",
            "anyOf": [
                generator.subschema_for::<Money>(),
                { "type": "string", "enum": ["free", "unpriced", "varying"] },
            ],
        })
    }
}

/// What is unknown is not there.
impl<T: JsonSchema> JsonSchema for Fact<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Fact_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Option<T>>()
    }
}

impl JsonSchema for Capabilities {
    fn schema_name() -> Cow<'static, str> {
        "Capabilities".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<BTreeMap<Capability, Fact<bool>>>()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use regex::Regex;
    use schemars::SchemaGenerator;

    use super::*;
    use crate::model::Mode;

    fn pattern<T: JsonSchema>() -> Regex {
        let schema = T::json_schema(&mut SchemaGenerator::default());
        let pattern = schema.get("pattern").and_then(|it| it.as_str());
        Regex::new(pattern.unwrap()).unwrap()
    }

    static PROVIDER: LazyLock<Regex> = LazyLock::new(pattern::<ProviderId>);
    static ID: LazyLock<Regex> = LazyLock::new(pattern::<OfferingId>);

    #[test]
    fn patterns_hold_what_is_written_and_nothing_else() {
        let (day, number) = (pattern::<Date>(), pattern::<Decimal>());
        for text in ["2024-10-24", "2024-02", "0001-01-01", "9999-12-31"] {
            assert!(day.is_match(text) && text.parse::<Date>().is_ok(), "{text}");
        }
        for text in [
            "2024-13",
            "2024-00-01",
            "2024-01-32",
            "2024-1",
            "2024-10-24\n",
            "24-10",
        ] {
            assert!(
                !day.is_match(text) && text.parse::<Date>().is_err(),
                "{text}"
            );
        }
        for text in ["0", "-1", "0.15", "100", "1.5e-7", "1.50", "-0.0", "38"] {
            let shown = text.parse::<Decimal>().unwrap().to_string();
            assert!(number.is_match(&shown), "{shown}");
            assert_eq!(number.is_match(text), shown == text, "{text}");
        }
        let mode = pattern::<Mode>();
        for text in [
            "chat",
            "CHAT",
            "a.b-c_1",
            "",
            "a b",
            &"a".repeat(64),
            &"a".repeat(65),
        ] {
            let written = Mode::new(text).is_ok_and(|mode| mode == *text);
            assert_eq!(mode.is_match(text), written, "{text}");
        }
        assert!(pattern::<Currency>().is_match(Currency::EUR.as_str()));
    }

    proptest! {
        #[test]
        fn an_id_is_one_where_its_pattern_says_so(
            text in "\\PC{0,6}|[ \\t\\n\u{85}\u{a0}\u{1680}\u{200b}\u{3000}\u{feff}/a:-]{0,4}",
        ) {
            let provider = PROVIDER.is_match(&text);
            prop_assert_eq!(provider, ProviderId::new(&text).is_ok(), "{:?}", text);
            let id = ID.is_match(&text);
            prop_assert_eq!(id, OfferingKey::new("p", &text).is_ok(), "{:?}", text);
        }
    }
}
