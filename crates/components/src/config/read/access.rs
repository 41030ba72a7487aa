//! Serde's view of what is in a list, a map or an enum.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::error::Error;
use super::key::KeyReader;
use super::node::NodeReader;
use crate::config::{Map, Node, Value};

/// Elements of a list, those that nothing can be done about last.
pub(super) struct Elements<'de, 'x> {
    list: NodeReader<'de, 'x>,
    left: std::vec::IntoIter<(usize, &'de Node)>,
}

impl<'de, 'x> Elements<'de, 'x> {
    pub(super) fn new(list: NodeReader<'de, 'x>, elements: &'de [Node]) -> Self {
        let mut left: Vec<_> = elements.iter().enumerate().collect();
        let plan = list.run.plan;
        if !plan.hopeless.is_empty() {
            // The value is thrown away, so its order does not count.
            let path = list.at.path();
            left.sort_by_key(|(index, _)| plan.order(&path.index(*index)));
        }
        let left = left.into_iter();
        Self { list, left }
    }
}

impl<'de> SeqAccess<'de> for Elements<'de, '_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some((index, node)) = self.left.next() else {
            return Ok(None);
        };
        let list = self.list;
        let read = list
            .run
            .read(Some(node), list.at.index(index), list.secret, seed);
        read.map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// A key and its value; `None` for a missing one that something stands in for.
type Entry<'de> = (&'de str, Option<&'de Node>);

/// What is in a map, what nothing can be done about last.
pub(super) struct Entries<'de, 'x> {
    map: NodeReader<'de, 'x>,
    left: std::vec::IntoIter<Entry<'de>>,
    value: Option<Entry<'de>>,
}

impl<'de, 'x> Entries<'de, 'x> {
    /// `known` are the keys of a struct: others are told and left out.
    pub(super) fn new(
        reader: NodeReader<'de, 'x>,
        map: &'de Map,
        known: Option<&'static [&'static str]>,
    ) -> Self {
        let plan = reader.run.plan;
        let mut left: Vec<Entry<'de>> = Vec::with_capacity(map.len());
        for (key, node) in map.iter() {
            let name = &*key.name;
            if let Some(known) = known
                && !known.contains(&name)
            {
                reader.run.tell_unknown(&reader.at.path().key(name), known);
                continue;
            }
            left.push((name, Some(node)));
        }
        let later =
            !(plan.ignored.is_empty() && plan.supplied.is_empty() && plan.hopeless.is_empty());
        if later {
            let path = reader.at.path();
            left.retain(|(name, _)| !plan.ignored.contains(&path.key(*name)));
            if let Some(supplied) = plan.supplied.get(&path) {
                left.extend(supplied.iter().map(|name| (*name, None)));
            }
            left.sort_by_key(|(name, _)| plan.order(&path.key(*name)));
        }
        let left = left.into_iter();
        let map = reader;
        Self {
            map,
            left,
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some(entry) = self.left.next() else {
            return Ok(None);
        };
        self.value = Some(entry);
        let map = self.map;
        let key = seed.deserialize(KeyReader(entry.0));
        key.map(Some)
            .map_err(|error| error.of_key(|| map.at.key(entry.0).path()))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some((name, node)) = self.value.take() else {
            return Err(Error::custom("a value was asked for before its key"));
        };
        let map = self.map;
        map.run.read(node, map.at.key(name), map.secret, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// A variant by its name, and what is in it.
pub(super) struct VariantReader<'de, 'x> {
    reader: NodeReader<'de, 'x>,
    name: &'de str,
    content: Option<&'de Node>,
}

impl<'de, 'x> VariantReader<'de, 'x> {
    pub(super) fn new(
        reader: NodeReader<'de, 'x>,
        name: &'de str,
        content: Option<&'de Node>,
    ) -> Self {
        Self {
            reader,
            name,
            content,
        }
    }

    fn content(&self) -> Result<&'de Node, Error> {
        let name = self.name;
        self.content.ok_or_else(|| {
            Error::custom(format!("`{name}` needs a value: write a map, `{name}: …`"))
        })
    }

    fn read<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        let node = self.content()?;
        let reader = self.reader;
        let at = reader.at.key(self.name);
        reader.run.read(Some(node), at, reader.secret, seed)
    }
}

/// Reads what is in a tuple variant.
struct Tuple<V>(usize, V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Tuple<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, content: D) -> Result<V::Value, D::Error> {
        content.deserialize_tuple(self.0, self.1)
    }
}

/// Reads what is in a struct variant.
struct Struct<V>(&'static [&'static str], V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Struct<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, content: D) -> Result<V::Value, D::Error> {
        content.deserialize_struct("", self.0, self.1)
    }
}

impl<'de> EnumAccess<'de> for VariantReader<'de, '_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name = StrDeserializer::<Error>::new(self.name);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for VariantReader<'de, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content.map(|node| &node.value) {
            None | Some(Value::Null) => Ok(()),
            Some(_) => {
                let name = self.name;
                Err(Error::custom(format!(
                    "`{name}` takes no value: write it alone"
                )))
            }
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        self.read(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.read(Tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.read(Struct(fields, visitor))
    }
}
