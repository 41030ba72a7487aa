//! What a type is to serde, found without a value of it; and what a value is, found without writing it.

use serde::de::value::Error as Refusal;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde::ser::{Impossible, Serialize, Serializer};

/// Whether a type has room for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// A value may be absent: the type is an `Option`.
    pub(super) optional: bool,
    /// How many options are one in the other.
    pub(super) depth: usize,
}

impl Shape {
    pub(super) fn of<T: DeserializeOwned>() -> Self {
        let depth = std::cell::Cell::new(0);
        // What comes of it is of no interest; how it is asked for is.
        let _ = T::deserialize(Counting(&depth));
        let optional = absent::<T>().is_ok();
        Self {
            optional,
            depth: depth.get(),
        }
    }
}

/// Reads a value that is not there: `None` of an option, an error of anything else.
pub(super) fn absent<T: DeserializeOwned>() -> Result<T, Refusal> {
    T::deserialize(Absent)
}

/// Reads a value of which `null` is there: something that is nothing, if the type has room for that, or
/// nothing.
pub(super) fn null<T: DeserializeOwned>() -> Result<T, serde_json::Error> {
    T::deserialize(Null).or_else(|_| serde_json::from_value(serde_json::Value::Null))
}

struct Absent;

impl<'de> Deserializer<'de> for Absent {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        Err(serde::de::Error::custom("is not there, and is needed"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// `Some` of `null`.
struct Null;

impl<'de> Deserializer<'de> for Null {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(serde_json::Value::Null)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Counts how often an option is asked for before anything else.
struct Counting<'a>(&'a std::cell::Cell<usize>);

impl<'de> Deserializer<'de> for Counting<'_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        Err(serde::de::Error::custom("only counted"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.set(self.0.get() + 1);
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// What a value is at its outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// `None`.
    Absent,
    /// `()` or a unit structure.
    Unit,
    /// A number that JSON has no text for.
    NotFinite,
    /// Anything else, `Some` of nothing among it.
    Something,
}

impl Outside {
    pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        value.serialize(Looking).unwrap_or(Self::Something)
    }
}

/// Looks at the outside of a value, and writes nothing.
struct Looking;

/// It is something: no more is asked.
fn something<T>() -> Result<T, std::fmt::Error> {
    Err(std::fmt::Error)
}

fn finite(is_finite: bool) -> Outside {
    if is_finite {
        Outside::Something
    } else {
        Outside::NotFinite
    }
}

macro_rules! something {
    ($($method:ident($of:ty)),* $(,)?) => {
        $(fn $method(self, _: $of) -> Result<Outside, Self::Error> {
            something()
        })*
    };
}

impl Serializer for Looking {
    type Ok = Outside;
    type Error = std::fmt::Error;
    type SerializeSeq = Impossible<Outside, Self::Error>;
    type SerializeTuple = Impossible<Outside, Self::Error>;
    type SerializeTupleStruct = Impossible<Outside, Self::Error>;
    type SerializeTupleVariant = Impossible<Outside, Self::Error>;
    type SerializeMap = Impossible<Outside, Self::Error>;
    type SerializeStruct = Impossible<Outside, Self::Error>;
    type SerializeStructVariant = Impossible<Outside, Self::Error>;

    something! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32),
        serialize_i64(i64), serialize_i128(i128), serialize_u8(u8), serialize_u16(u16),
        serialize_u32(u32), serialize_u64(u64), serialize_u128(u128), serialize_char(char),
        serialize_str(&str), serialize_bytes(&[u8]),
    }

    fn serialize_f32(self, value: f32) -> Result<Outside, Self::Error> {
        Ok(finite(value.is_finite()))
    }

    fn serialize_f64(self, value: f64) -> Result<Outside, Self::Error> {
        Ok(finite(value.is_finite()))
    }

    fn serialize_none(self) -> Result<Outside, Self::Error> {
        Ok(Outside::Absent)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Outside, Self::Error> {
        match value.serialize(Looking) {
            Ok(Outside::NotFinite) => Ok(Outside::NotFinite),
            _ => something(),
        }
    }

    fn serialize_unit(self) -> Result<Outside, Self::Error> {
        Ok(Outside::Unit)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Outside, Self::Error> {
        Ok(Outside::Unit)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<Outside, Self::Error> {
        something()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Outside, Self::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Outside, Self::Error> {
        something()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Self::Error> {
        something()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Self::Error> {
        something()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Self::Error> {
        something()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Self::Error> {
        something()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Self::Error> {
        something()
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, Self::Error> {
        something()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Self::Error> {
        something()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
    struct Wrapped(Option<u8>);

    fn shape<T: DeserializeOwned>() -> (bool, usize) {
        let shape = Shape::of::<T>();
        (shape.optional, shape.depth)
    }

    #[test]
    fn a_type_says_itself_whether_it_may_be_absent() {
        assert_eq!(shape::<u8>(), (false, 0));
        assert_eq!(shape::<String>(), (false, 0));
        assert_eq!(shape::<Vec<Option<u8>>>(), (false, 0));
        assert_eq!(shape::<serde_json::Value>(), (false, 0));
        assert_eq!(shape::<Option<u8>>(), (true, 1));
        assert_eq!(shape::<Wrapped>(), (true, 1));
        assert_eq!(shape::<Option<Option<u8>>>(), (true, 2));
        assert_eq!(shape::<Option<Option<Option<u8>>>>(), (true, 3));
    }

    #[test]
    fn null_is_the_inner_nothing_where_there_is_room_for_two() {
        assert_eq!(null::<Option<Option<u8>>>().expect("null"), Some(None));
        assert_eq!(null::<Option<u8>>().expect("null"), None);
        assert_eq!(null::<Option<()>>().expect("null"), Some(()));
        assert!(null::<u8>().is_err());
        let any = null::<Option<serde_json::Value>>().expect("null");
        assert_eq!(any, Some(serde_json::Value::Null));
    }

    #[test]
    fn the_outside_of_a_value_is_seen_without_writing_it() {
        assert_eq!(Outside::of(&None::<u8>), Outside::Absent);
        assert_eq!(Outside::of(&Wrapped(None)), Outside::Absent);
        assert_eq!(Outside::of(&Some(None::<u8>)), Outside::Something);
        assert_eq!(Outside::of(&()), Outside::Unit);
        assert_eq!(Outside::of(&Some(())), Outside::Something);
        assert_eq!(Outside::of(&f64::NAN), Outside::NotFinite);
        assert_eq!(Outside::of(&Some(f32::INFINITY)), Outside::NotFinite);
        assert_eq!(Outside::of(&1.5), Outside::Something);
        assert_eq!(Outside::of(&vec![1]), Outside::Something);
        assert_eq!(Outside::of(&Wrapped(Some(1))), Outside::Something);
    }
}
