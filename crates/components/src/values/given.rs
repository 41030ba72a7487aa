//! What may be set as a configuration value.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config::{Key, Map, Node, Origin, Value};

/// Something that may be set as a configuration value: a text, a truth value, a number, `()` for
/// `null`, an `Option`, a list or a map of these, a [`Node`].
pub trait Given {
    /// Returns it as a value that comes from `origin`.
    fn given(self, origin: &Origin) -> Node;
}

impl Given for Node {
    /// Keeps its own origin.
    fn given(self, _: &Origin) -> Node {
        self
    }
}

impl Given for &str {
    fn given(self, origin: &Origin) -> Node {
        Node::scalar(self, false, origin.clone())
    }
}

impl Given for String {
    fn given(self, origin: &Origin) -> Node {
        Node::scalar(self, false, origin.clone())
    }
}

impl Given for () {
    fn given(self, origin: &Origin) -> Node {
        Node::new(Value::Null, origin.clone())
    }
}

macro_rules! plain {
    ($($kind:ty)*) => {
        $(impl Given for $kind {
            fn given(self, origin: &Origin) -> Node {
                Node::scalar(self.to_string(), true, origin.clone())
            }
        })*
    };
}

plain!(bool u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

macro_rules! float {
    ($($kind:ty)*) => {
        $(impl Given for $kind {
            /// A number that is none, or without end, is a text: a configuration cannot say it.
            fn given(self, origin: &Origin) -> Node {
                Node::scalar(self.to_string(), self.is_finite(), origin.clone())
            }
        })*
    };
}

float!(f32 f64);

impl<T: Given> Given for Option<T> {
    fn given(self, origin: &Origin) -> Node {
        match self {
            Some(value) => value.given(origin),
            None => ().given(origin),
        }
    }
}

impl<T: Given> Given for Vec<T> {
    fn given(self, origin: &Origin) -> Node {
        let list = self.into_iter().map(|value| value.given(origin)).collect();
        Node::new(Value::List(list), origin.clone())
    }
}

impl<T: Given, const N: usize> Given for [T; N] {
    fn given(self, origin: &Origin) -> Node {
        Vec::from(self).given(origin)
    }
}

fn map<K: Into<Arc<str>>, T: Given>(
    entries: impl IntoIterator<Item = (K, T)>,
    origin: &Origin,
) -> Node {
    let mut map = Map::default();
    for (name, value) in entries {
        let key = Key {
            name: name.into(),
            origin: origin.clone(),
        };
        map.insert(key, value.given(origin));
    }
    Node::new(Value::Map(map), origin.clone())
}

impl<K: Into<Arc<str>>, T: Given> Given for BTreeMap<K, T> {
    fn given(self, origin: &Origin) -> Node {
        map(self, origin)
    }
}

impl<T: Given, S> Given for HashMap<String, T, S> {
    /// Its keys are put in order: a map keeps one, and this has none.
    fn given(self, origin: &Origin) -> Node {
        self.into_iter().collect::<BTreeMap<_, _>>().given(origin)
    }
}
