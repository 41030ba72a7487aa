//! Values that are read in the place of those that are wrong or missing, so that reading can go on and
//! find what else is wrong. What is read from them is never handed out.

use serde::Deserializer;
use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, Error as _, SeqAccess, VariantAccess, Visitor};

use super::error::{Error, Found};
use crate::config::secret;

/// How many ways there are to stand in.
pub(super) const CANDIDATES: usize = TEXTS.len();

/// Texts that types are read from that are written as one: units, addresses, numbers.
const TEXTS: [&str; 12] = [
    "",
    "1s",
    "1B",
    "1",
    "a",
    "127.0.0.1:1",
    "127.0.0.1",
    "::1",
    "http://localhost/",
    "/",
    "true",
    "00000000-0000-0000-0000-000000000000",
];

/// More than settings are nested; a type that contains itself ends here.
const DEPTH: usize = 64;

#[derive(Clone, Copy)]
pub(super) struct StandIn {
    candidate: usize,
    depth: usize,
}

impl StandIn {
    pub(super) fn new(candidate: usize) -> Self {
        Self {
            candidate,
            depth: 0,
        }
    }

    /// Returns what a reader has in its hands that did not say what it wants.
    pub(super) fn found(self) -> Found {
        match self.candidate {
            1 => Found::Whole(1),
            2 => Found::Bool(false),
            3 => Found::List,
            4 => Found::Map,
            5 => Found::Null,
            _ => Found::Text(self.untyped_text().to_owned()),
        }
    }

    fn untyped_text(self) -> &'static str {
        match self.candidate {
            0 => "",
            6 => "1s",
            7 => "1B",
            _ => self.text(),
        }
    }

    fn text(self) -> &'static str {
        TEXTS[self.candidate % TEXTS.len()]
    }

    fn number(self) -> u8 {
        // 1 is in more types than 0.
        u8::from(self.candidate != 1)
    }

    fn deeper(self) -> Result<Self, Error> {
        let depth = self.depth + 1;
        if depth > DEPTH {
            return Err(Error::custom("nothing can stand in"));
        }
        Ok(Self { depth, ..self })
    }

    /// How many elements a list has whose length is not known.
    fn elements(self) -> usize {
        self.candidate % 2
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.number().into())
        }
    )*};
}

impl<'de> Deserializer<'de> for StandIn {
    type Error = Error;

    numbers! {
        deserialize_i16 visit_i16
        deserialize_i32 visit_i32
        deserialize_i64 visit_i64
        deserialize_i128 visit_i128
        deserialize_u8 visit_u8
        deserialize_u16 visit_u16
        deserialize_u32 visit_u32
        deserialize_u64 visit_u64
        deserialize_u128 visit_u128
        deserialize_f32 visit_f32
        deserialize_f64 visit_f64
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_i8(i8::from(self.candidate != 1))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.candidate {
            1 => visitor.visit_u64(1),
            2 => visitor.visit_bool(false),
            3 => self.deserialize_seq(visitor),
            4 => self.deserialize_map(visitor),
            5 => visitor.visit_unit(),
            _ => visitor.visit_str(self.untyped_text()),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(false)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_char('a')
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text())
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.text().as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.text().as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == secret::NAME {
            secret::recognise();
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements(self, self.elements()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements(self, length))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements(self, length))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(std::iter::empty::<(&str, &str)>()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // Every field, by position: aliases are among the names, and none may come twice.
        visitor.visit_seq(Elements(self, fields.len()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let count = variants.len().max(1);
        let variant = variants.get(self.candidate % count).copied().unwrap_or("");
        visitor.visit_enum(Variant(self, variant))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

struct Elements(StandIn, usize);

impl<'de> SeqAccess<'de> for Elements {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.1 == 0 {
            return Ok(None);
        }
        self.1 -= 1;
        seed.deserialize(self.0.deeper()?).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.1)
    }
}

struct Variant(StandIn, &'static str);

impl<'de> EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let variant = seed.deserialize(StrDeserializer::<Error>::new(self.1))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.0.deeper()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.deeper()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deeper()?.deserialize_struct("", fields, visitor)
    }
}
