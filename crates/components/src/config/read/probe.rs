//! A value that no type can be read from.
//!
//! Where serde puts values aside before it knows the type (tagged and untagged enums, `flatten`), keys
//! that nobody reads vanish without a word. To find them, one value after the other is replaced by this:
//! whoever looks at it says so by an error, even if that error comes to nothing; if nobody does, the key
//! is unknown.

use serde::Deserializer;
use serde::de::Visitor;

use super::error::Error;

/// More than types that wrap one other type are nested.
const DEPTH: usize = 16;

pub(super) struct Probe(usize);

impl Probe {
    pub(super) fn new() -> Self {
        Self(DEPTH)
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            0 => visitor.visit_unit(),
            depth => visitor.visit_newtype_struct(Probe(depth - 1)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}
