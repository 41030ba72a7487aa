//! JSON that comes from outside.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads JSON in which no object says a key twice: what checks a request and what acts on it may each
/// take another one (RFC 8259, section 4).
///
/// # Errors
///
/// It is no JSON, or says a key twice.
pub(crate) fn read(content: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(content);
    let value = Strict.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key `{key}` is given twice")));
            }
            map.insert(key, object.next_value_seed(Self)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_that_is_given_twice_is_refused_at_any_depth() {
        for text in ["{\"a\":1,\"a\":1}", "[{\"b\":{\"a\":1,\"\\u0061\":2}}]"] {
            let told = read(text.as_bytes()).expect_err("twice").to_string();
            assert!(
                told.starts_with("the key `a` is given twice at line 1 column"),
                "{told}"
            );
        }
        assert!(read(b"{\"a\":{\"a\":1},\"b\":{\"a\":1}} ").is_ok());
    }

    /// A key that a feature of the parser gives a meaning of its own is a key like any other.
    #[test]
    fn no_key_has_a_meaning_of_its_own() {
        for key in [
            "$serde_json::private::RawValue",
            "$serde_json::private::Number",
        ] {
            let text = format!("{{\"{key}\":\"[1]\"}}");
            assert_eq!(read(text.as_bytes()).expect("JSON")[key], "[1]");
        }
    }

    #[test]
    fn what_stands_behind_a_value_is_refused() {
        assert!(read(b"{} {}").is_err() && read(b"").is_err());
    }

    proptest! {
        #[test]
        fn all_else_is_read_as_ever(text in "[\\[\\]{}:,\"a1.e+\\-ntrue fls]{0,24}") {
            let (strict, ever) = (read(text.as_bytes()), serde_json::from_str::<Value>(&text));
            match (strict, ever) {
                (Ok(strict), Ok(ever)) => prop_assert_eq!(strict, ever),
                (Err(strict), Ok(_)) => prop_assert!(strict.to_string().contains("given twice")),
                (strict, ever) => prop_assert_eq!(strict.is_ok(), ever.is_ok()),
            }
        }
    }
}
