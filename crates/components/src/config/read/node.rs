//! Serde's view of one value of the tree.

use serde::Deserializer;
use serde::de::Visitor;

use super::access::{Elements, Entries, VariantReader};
use super::error::Error;
use super::run::{At, Run};
use super::scalar::{self, Any, Number};
use super::stand_in::StandIn;
use crate::config::yaml::is_null;
use crate::config::{Node, Scalar, Value, secret};

#[derive(Clone, Copy)]
pub(super) struct NodeReader<'de, 'x> {
    pub(super) node: &'de Node,
    pub(super) run: &'x Run<'x>,
    pub(super) at: At<'x>,
    /// Whether the value is never shown.
    pub(super) secret: bool,
}

impl<'de, 'x> NodeReader<'de, 'x> {
    /// Tells that the value is not what it must be, and lets something stand in for it.
    fn not(self, expected: &str) -> StandIn {
        self.run
            .tell_value(self.node, self.at, self.secret, expected);
        StandIn::new(0)
    }

    fn plain(self) -> Option<&'de str> {
        match &self.node.value {
            Value::Scalar(Scalar { text, plain: true }) => Some(text),
            _ => None,
        }
    }

    fn text(self) -> Option<&'de str> {
        match &self.node.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// What is added to what was expected, where the reason may not be seen.
    fn because(self) -> &'static str {
        match &self.node.value {
            Value::Scalar(Scalar { text, plain: false }) if scalar::number(text).is_some() => {
                " without quotes"
            }
            _ => "",
        }
    }

    fn list(self) -> Option<&'de [Node]> {
        match &self.node.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    fn elements(self, list: &'de [Node]) -> Elements<'de, 'x> {
        Elements::new(self, list)
    }

    fn entries(self, known: Option<&'static [&'static str]>) -> Option<Entries<'de, 'x>> {
        let map = self.node.as_map()?;
        Some(Entries::new(self, map, known))
    }

    /// Remembers that the value is handed over without being asked for a type; and, if serde puts it
    /// aside to read it later, that its parts are read out of our sight.
    fn untyped<V>(self) -> bool {
        let path = self.at.path();
        let as_text = self.run.plan.texts.contains(&path);
        // Serde's own name for values that are put aside. Were it renamed, only keys that nobody knows
        // inside of such values would go unnoticed.
        if std::any::type_name::<V>().contains("Content") {
            let mut put_aside = self.run.put_aside.borrow_mut();
            if put_aside.last().is_none_or(|last| !last.is_above(&path)) {
                put_aside.push(path.clone());
            }
        }
        self.run.untyped.borrow_mut().insert(path);
        as_text
    }
}

/// Reads a whole number of one type, or says which numbers there are.
macro_rules! whole {
    ($($method:ident $visit:ident $type:ty)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let text = self.plain().filter(|text| scalar::number(text) == Some(Number::Whole));
            if let Some(number) = text.and_then(|text| text.parse::<$type>().ok()) {
                return visitor.$visit(number);
            }
            let (least, most) = (<$type>::MIN, <$type>::MAX);
            let expected = format!("a whole number from {least} to {most}{}", self.because());
            let read = self.not(&expected).$method(visitor);
            read.map_err(|_| Error::told())
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeReader<'de, '_> {
    type Error = Error;

    whole! {
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_i128 visit_i128 i128
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
        deserialize_u128 visit_u128 u128
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let as_text = self.untyped::<V>();
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::List(list) => visitor.visit_seq(self.elements(list)),
            Value::Map(map) => visitor.visit_map(Entries::new(self, map, None)),
            Value::Scalar(scalar) if as_text => visitor.visit_borrowed_str(&scalar.text),
            Value::Scalar(scalar) => match scalar::any(scalar) {
                Any::Null => visitor.visit_unit(),
                Any::Bool(value) => visitor.visit_bool(value),
                Any::Unsigned(value) => visitor.visit_u64(value),
                Any::Signed(value) => visitor.visit_i64(value),
                Any::Float(value) => visitor.visit_f64(value),
                Any::Text(value) => visitor.visit_borrowed_str(value),
            },
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.plain() {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            plain => {
                let old = plain.is_some_and(|text| {
                    let text = text.to_ascii_lowercase();
                    ["yes", "no", "on", "off", "y", "n"].contains(&text.as_str())
                });
                let expected = if old {
                    "`true` or `false` (`yes`, `no`, `on` and `off` are texts)"
                } else {
                    "`true` or `false`"
                };
                let read = self.not(expected).deserialize_bool(visitor);
                read.map_err(|_| Error::told())
            }
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = self.plain().filter(|text| scalar::number(text).is_some());
        let number = text.and_then(|text| text.parse::<f32>().ok());
        if let Some(number) = number.filter(|number| number.is_finite()) {
            return visitor.visit_f32(number);
        }
        let expected = match text {
            Some(_) => format!("a number of at most {:e}", f32::MAX),
            None => format!("a number{}", self.because()),
        };
        let read = self.not(&expected).deserialize_f32(visitor);
        read.map_err(|_| Error::told())
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = self.plain().filter(|text| scalar::number(text).is_some());
        let number = text.and_then(|text| text.parse::<f64>().ok());
        if let Some(number) = number.filter(|number| number.is_finite()) {
            return visitor.visit_f64(number);
        }
        let expected = match text {
            Some(_) => format!("a number of at most {:e}", f64::MAX),
            None => format!("a number{}", self.because()),
        };
        let read = self.not(&expected).deserialize_f64(visitor);
        read.map_err(|_| Error::told())
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut chars = self.text().unwrap_or_default().chars();
        if let (Some(one), None) = (chars.next(), chars.next()) {
            visitor.visit_char(one)
        } else {
            let read = self.not("a single character").deserialize_char(visitor);
            read.map_err(|_| Error::told())
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(text) = self.text() {
            visitor.visit_borrowed_str(text)
        } else {
            let read = self.not("a text").deserialize_str(visitor);
            read.map_err(|_| Error::told())
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match (self.text(), self.list()) {
            (Some(text), _) => visitor.visit_borrowed_bytes(text.as_bytes()),
            (None, Some(list)) => visitor.visit_seq(self.elements(list)),
            (None, None) => {
                let stand_in = self.not("a text or a list of bytes");
                let read = stand_in.deserialize_bytes(visitor);
                read.map_err(|_| Error::told())
            }
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // A placeholder, a variable or an argument can leave a plain text that says null.
        match &self.node.value {
            Value::Null => visitor.visit_none(),
            _ if self.plain().is_some_and(is_null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Map(_) => {
                // Settings of what has none: every key is one too many.
                drop(self.entries(Some(&[])));
                visitor.visit_unit()
            }
            _ if self.plain().is_some_and(is_null) => visitor.visit_unit(),
            _ => {
                let read = self.not("nothing").deserialize_unit(visitor);
                read.map_err(|_| Error::told())
            }
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == secret::NAME {
            self.secret = true;
            self.run.secrets.borrow_mut().push(self.at.path());
            secret::recognise();
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(list) = self.list() {
            visitor.visit_seq(self.elements(list))
        } else {
            let read = self.not("a list").deserialize_seq(visitor);
            read.map_err(|_| Error::told())
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.list() {
            Some(list) if list.len() == length => visitor.visit_seq(self.elements(list)),
            other => {
                let expected = match other {
                    Some(list) => format!("a list of {length} (and not of {})", list.len()),
                    None => format!("a list of {length}"),
                };
                let read = self.not(&expected).deserialize_tuple(length, visitor);
                read.map_err(|_| Error::told())
            }
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(entries) = self.entries(None) {
            visitor.visit_map(entries)
        } else {
            let read = self.not("a map").deserialize_map(visitor);
            read.map_err(|_| Error::told())
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Some(entries) = self.entries(Some(fields)) {
            visitor.visit_map(entries)
        } else {
            let read = self.not("a map").deserialize_struct(name, fields, visitor);
            read.map_err(|_| Error::told())
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Some(text) = self.text() {
            return visitor.visit_enum(VariantReader::new(self, text, None));
        }
        let map = self.node.as_map();
        if let Some(map) = map.filter(|map| map.len() == 1)
            && let Some((key, content)) = map.iter().next()
        {
            return visitor.visit_enum(VariantReader::new(self, &key.name, Some(content)));
        }
        let variants_shown: Vec<_> = variants.iter().map(|name| format!("`{name}`")).collect();
        let expected = format!(
            "one of {}, or a map with one of them as its only key",
            variants_shown.join(", ")
        );
        let read = self
            .not(&expected)
            .deserialize_enum(name, variants, visitor);
        read.map_err(|_| Error::told())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}
