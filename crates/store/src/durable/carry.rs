//! Fields of an entry that the program does not know.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::ser::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::pump::read;
use crate::json::{Json, JsonError};

/// The members of an object, in order, each value as it was written.
struct Object<'t>(Vec<(String, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for Object<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'t> Object<'t> {
    /// `None` when the text is not an object.
    fn of(text: &'t str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn get(&self, key: &str) -> Option<&'t RawValue> {
        let member = self.0.iter().find(|(own, _)| own == key);
        member.map(|(_, value)| *value)
    }
}

/// Puts together `new`, as the program writes it, and what the program does not know of `old`: the
/// members of `old` that are not in `known`, which is how the program writes what it read from `old`.
/// What `new` has of them counts.
///
/// Returns `None` when there is nothing of the kind.
///
/// A program may read a member under another name than it writes: what would then look unknown, and
/// would be in the way of the new value, is left out. So is whatever else would let the program read
/// something else than it wrote.
pub(super) fn carry<V: Serialize + DeserializeOwned>(
    old: &Json,
    known: &Json,
    new: &Json,
) -> Option<Json> {
    if old == known {
        return None;
    }
    let join = |skipped: &BTreeSet<usize>| {
        let mut joiner = Joiner { seen: 0, skipped };
        let text = joiner.join(old.as_str(), known.as_str(), new.as_str());
        (text, joiner.seen)
    };
    let (joined, members) = join(&BTreeSet::new());
    if members == 0 {
        return None;
    }
    if reads_as::<V>(&joined, new) {
        return Some(Json::trusted(joined.into()));
    }
    let mut skipped: BTreeSet<usize> = (0..members).collect();
    for member in 0..members {
        skipped.remove(&member);
        if !reads_as::<V>(&join(&skipped).0, new) {
            skipped.insert(member);
        }
    }
    if skipped.len() == members {
        return None;
    }
    Some(Json::trusted(join(&skipped).0.into()))
}

struct Joiner<'s> {
    /// How many members have been found that the program does not know.
    seen: usize,
    /// Which of them are left out.
    skipped: &'s BTreeSet<usize>,
}

impl Joiner<'_> {
    fn join(&mut self, old: &str, known: &str, new: &str) -> String {
        let objects = (Object::of(old), Object::of(known), Object::of(new));
        let (Some(old), Some(known), Some(new)) = objects else {
            return new.to_owned();
        };
        let mut members = Vec::new();
        for (key, value) in &new.0 {
            let value = match (old.get(key), known.get(key)) {
                (Some(old), Some(known)) => self.join(old.get(), known.get(), value.get()),
                _ => value.get().to_owned(),
            };
            members.push(member(key, &value));
        }
        for (key, value) in &old.0 {
            if known.get(key).is_none() && new.get(key).is_none() {
                if !self.skipped.contains(&self.seen) {
                    members.push(member(key, value.get()));
                }
                self.seen += 1;
            }
        }
        format!("{{{}}}", members.join(","))
    }
}

fn member(key: &str, value: &str) -> String {
    format!("{}:{value}", Value::from(key))
}

/// Whether the program reads `text` as what it writes as `new`.
fn reads_as<V: Serialize + DeserializeOwned>(text: &str, new: &Json) -> bool {
    let read = read::<V>(&Json::trusted(text.into()));
    let written = read.and_then(|value| Json::of(&value));
    let same = written.and_then(|written| Ok(unordered(&written)? == unordered(new)?));
    same.unwrap_or(false)
}

/// A text without what a program writes in any order: maps and sets may be hashed.
fn unordered(json: &Json) -> Result<Value, JsonError> {
    fn sort(value: &mut Value) {
        match value {
            Value::Array(items) => {
                items.iter_mut().for_each(sort);
                items.sort_by_cached_key(Value::to_string);
            }
            Value::Object(members) => members.values_mut().for_each(sort),
            _ => {}
        }
    }
    let mut value = json.read()?;
    sort(&mut value);
    Ok(value)
}

#[cfg(test)]
mod tests;
