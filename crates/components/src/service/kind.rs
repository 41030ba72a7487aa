//! What a schema allows, as far as it matters where a value is written.

use serde_json::{Number, Value};

use crate::http::bind::Schema;

/// What one value in a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scalar {
    Text,
    Integer,
    Number,
    Truth,
}

/// What values a schema allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    scalars: Vec<Scalar>,
    null: bool,
    object: bool,
    /// What the elements of lists are.
    list: Option<Box<Kinds>>,
    anything: bool,
}

/// How deep alternatives of alternatives are looked into.
const DEPTH: usize = 16;

impl Kinds {
    pub(super) fn of(schema: &Schema) -> Self {
        let mut kinds = Self::default();
        kinds.add(schema, &schema.root, DEPTH);
        kinds
    }

    /// What it is, if it is one scalar, or nothing.
    pub(super) fn scalar(&self) -> Option<Scalar> {
        if self.object || self.anything || self.list.is_some() {
            return None;
        }
        match *self.scalars {
            [one] => Some(one),
            // Every integer is a number.
            [Scalar::Integer, Scalar::Number] => Some(Scalar::Number),
            _ => None,
        }
    }

    /// What the elements are, if it is a list of scalars that are always there, and nothing else.
    pub(super) fn list(&self) -> Option<Scalar> {
        let only = self.scalars.is_empty() && !self.null && !self.object && !self.anything;
        let elements = self.list.as_ref()?;
        elements.scalar().filter(|_| only && !elements.null)
    }

    pub(super) fn is_object(&self) -> bool {
        let other = self.anything || self.null || self.list.is_some();
        self.object && self.scalars.is_empty() && !other
    }

    /// Whether it is nothing at times.
    pub(super) fn has_null(&self) -> bool {
        self.null || self.anything
    }

    fn add(&mut self, schema: &Schema, part: &Value, depth: usize) {
        let part = schema.resolve(part);
        let Value::Object(keys) = part else {
            self.anything = true;
            return;
        };
        if depth == 0 {
            self.anything = true;
            return;
        }
        if let Some(value) = keys.get("const") {
            return self.add_value(value);
        }
        if let Some(Value::Array(values)) = keys.get("enum") {
            return values.iter().for_each(|value| self.add_value(value));
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(Value::Array(parts)) = keys.get(key) {
                return parts
                    .iter()
                    .for_each(|part| self.add(schema, part, depth - 1));
            }
        }
        match keys.get("type") {
            Some(Value::String(name)) => self.add_type(name, schema, part, depth),
            Some(Value::Array(names)) => {
                for name in names {
                    self.add_type(name.as_str().unwrap_or_default(), schema, part, depth);
                }
            }
            _ => match keys.get("allOf").and_then(Value::as_array) {
                Some(parts) => {
                    if let [part] = &parts[..] {
                        self.add(schema, part, depth - 1);
                    } else {
                        self.anything = true;
                    }
                }
                None => self.anything = true,
            },
        }
    }

    fn add_type(&mut self, name: &str, schema: &Schema, part: &Value, depth: usize) {
        match name {
            "string" => self.add_scalar(Scalar::Text),
            "integer" => self.add_scalar(Scalar::Integer),
            "number" => self.add_scalar(Scalar::Number),
            "boolean" => self.add_scalar(Scalar::Truth),
            "null" => self.null = true,
            "object" => self.object = true,
            "array" => {
                let items = part
                    .get("items")
                    .filter(|_| part.get("prefixItems").is_none());
                let mut kinds = Self::default();
                match items {
                    Some(items) => kinds.add(schema, items, depth - 1),
                    None => kinds.anything = true,
                }
                self.list = Some(Box::new(kinds));
            }
            _ => self.anything = true,
        }
    }

    fn add_value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null = true,
            Value::Bool(_) => self.add_scalar(Scalar::Truth),
            Value::String(_) => self.add_scalar(Scalar::Text),
            Value::Number(number) if number.is_f64() => self.add_scalar(Scalar::Number),
            Value::Number(_) => self.add_scalar(Scalar::Integer),
            Value::Array(_) => {
                let anything = true;
                self.list = Some(Box::new(Self {
                    anything,
                    ..Self::default()
                }));
            }
            Value::Object(_) => self.object = true,
        }
    }

    fn add_scalar(&mut self, scalar: Scalar) {
        if let Err(at) = self.scalars.binary_search(&scalar) {
            self.scalars.insert(at, scalar);
        }
    }
}

impl Scalar {
    /// Reads a text.
    pub(super) fn read(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Text => Ok(text.into()),
            Self::Truth => text
                .parse()
                .map(Value::Bool)
                .map_err(|_| "is not a truth value; expected `true` or `false`".to_owned()),
            Self::Integer => integer(text)
                .or_else(|| whole(text))
                .map(Value::Number)
                .ok_or_else(|| "is not an integer".to_owned()),
            Self::Number => integer(text)
                .or_else(|| Number::from_f64(text.parse().ok()?))
                .map(Value::Number)
                .ok_or_else(|| "is not a number".to_owned()),
        }
    }
}

fn integer(text: &str) -> Option<Number> {
    let unsigned = || text.parse::<u64>().map(Number::from).ok();
    // Minus nought is a float, and not nought.
    let signed = || text.parse::<i64>().map(Number::from).ok();
    if text == "-0" {
        None
    } else {
        unsigned().or_else(signed)
    }
}

/// An integer that is written as a float.
fn whole(text: &str) -> Option<Number> {
    let float: f64 = text.parse().ok()?;
    // All whole numbers up to this one are told apart by a float.
    let is_whole = float.abs() <= 9_007_199_254_740_992.0 && float.fract() == 0.0;
    is_whole.then(|| Number::from_f64(float))?
}

/// Writes a value that is one scalar as a text; `None` if it is none.
pub(super) fn text<T: serde::Serialize + ?Sized>(value: &T) -> Option<String> {
    let json = serde_json::to_string(value).ok()?;
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(&json).ok(),
        b'[' | b'{' | b'n' => None,
        _ => Some(json),
    }
}

/// Writes a list of scalars as texts; `None` if it is none.
pub(super) fn texts<T: serde::Serialize + ?Sized>(value: &T) -> Option<Vec<String>> {
    // A list is read again without its numbers being understood, so that none is changed.
    let json = serde_json::to_string(value).ok()?;
    let elements: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(&json).ok()?;
    elements.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use schemars::JsonSchema;

    use super::*;

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    enum Colour {
        /// Like a leaf.
        Green,
        /// Like the sky.
        Blue,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Id(u64);

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Person {
        name: String,
    }

    fn kinds<T: JsonSchema>() -> Kinds {
        Kinds::of(&Schema::read::<T>())
    }

    #[test]
    fn what_can_stand_in_a_text_is_known_by_the_schema() {
        assert_eq!(kinds::<String>().scalar(), Some(Scalar::Text));
        assert_eq!(kinds::<Option<String>>().scalar(), Some(Scalar::Text));
        assert_eq!(kinds::<char>().scalar(), Some(Scalar::Text));
        assert_eq!(kinds::<Colour>().scalar(), Some(Scalar::Text));
        assert_eq!(kinds::<Option<Colour>>().scalar(), Some(Scalar::Text));
        assert_eq!(kinds::<u64>().scalar(), Some(Scalar::Integer));
        assert_eq!(kinds::<Id>().scalar(), Some(Scalar::Integer));
        assert_eq!(kinds::<f32>().scalar(), Some(Scalar::Number));
        assert_eq!(kinds::<bool>().scalar(), Some(Scalar::Truth));
        for kinds in [
            kinds::<Person>(),
            kinds::<()>(),
            kinds::<(u8, u8)>(),
            kinds::<Vec<u8>>(),
            kinds::<Value>(),
            kinds::<BTreeMap<String, u8>>(),
        ] {
            assert_eq!(kinds.scalar(), None, "{kinds:?}");
        }
        assert!(kinds::<Person>().is_object());
        assert!(kinds::<BTreeMap<String, u8>>().is_object());
        assert!(!kinds::<Option<Person>>().is_object());
        assert!(!kinds::<Vec<Person>>().is_object());
    }

    #[test]
    fn a_list_of_scalars_is_known_by_the_schema() {
        assert_eq!(kinds::<Vec<String>>().list(), Some(Scalar::Text));
        assert_eq!(kinds::<BTreeSet<Id>>().list(), Some(Scalar::Integer));
        for kinds in [
            kinds::<Option<Vec<String>>>(),
            kinds::<Vec<Option<String>>>(),
            kinds::<Vec<Person>>(),
            kinds::<Vec<Vec<u8>>>(),
            kinds::<(u8, u8)>(),
            kinds::<Vec<Value>>(),
        ] {
            assert_eq!(kinds.list(), None, "{kinds:?}");
        }
    }

    #[test]
    fn numbers_come_back_from_texts_as_they_were() {
        for number in [u64::MAX, 0, 1 << 53] {
            let text = text(&number).expect("a scalar");
            assert_eq!(Scalar::Integer.read(&text), Ok(number.into()));
        }
        for number in [i64::MIN, i64::MAX, -1] {
            let text = text(&number).expect("a scalar");
            assert_eq!(Scalar::Integer.read(&text), Ok(number.into()));
        }
        for number in [f64::MAX, f64::MIN_POSITIVE, -0.0, 0.1, 5e-324] {
            let text = text(&number).expect("a scalar");
            let read = Scalar::Number.read(&text).expect("a number");
            let read = read.as_f64().expect("a float");
            assert_eq!(read.to_bits(), number.to_bits(), "{text}");
        }
        for wrong in [
            "",
            "1.5",
            "0x1",
            "18446744073709551616.5",
            "one",
            "NaN",
            " 1",
        ] {
            assert!(Scalar::Integer.read(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "inf", "NaN", "1,5", "1 "] {
            assert!(Scalar::Number.read(wrong).is_err(), "{wrong}");
        }
        assert!(Scalar::Truth.read("True").is_err());
    }

    #[test]
    fn what_is_no_scalar_has_no_text() {
        assert_eq!(text(&Some(None::<u8>)), None);
        assert_eq!(text(&vec![1]), None);
        assert_eq!(text("null"), Some("null".into()));
        assert_eq!(text("[1]"), Some("[1]".into()));
        assert_eq!(
            texts(&["a", "", "[]"]),
            Some(vec!["a".into(), String::new(), "[]".into()])
        );
        assert_eq!(texts(&[u64::MAX]), Some(vec![u64::MAX.to_string()]));
        assert_eq!(texts(&[None::<u8>]), None);
    }
}
