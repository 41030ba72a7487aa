use std::collections::BTreeMap;

use serde::Serialize;

use super::Invalid;

/// How many labels a machine can have.
const MAX: usize = 64;

/// The labels of a machine: what it is selected by.
///
/// A key is 1 to 63 ASCII letters, digits, `.`, `_`, `/` and `-`, the first a letter or digit. A
/// value is at most 128 ASCII letters, digits and any of `._:/@+-`, and may be empty. At most 64 of
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a label; returns the value it had.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when key or value are not of the form above, or there are too many.
    pub fn insert(&mut self, key: &str, value: &str) -> Result<Option<String>, Invalid> {
        check_key(key)?;
        check_value(key, value)?;
        if self.0.len() == MAX && !self.0.contains_key(key) {
            return Err(Invalid::new("labels", key, "at most 64 labels"));
        }
        Ok(self.0.insert(key.to_owned(), value.to_owned()))
    }

    /// Removes a label; returns the value it had.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.0.remove(key)
    }

    /// Returns the value of a label.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Iterates over keys and values, ordered by key.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

pub(crate) fn check_key(key: &str) -> Result<(), Invalid> {
    let bytes = key.as_bytes();
    let valid = bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(byte));
    if valid {
        Ok(())
    } else {
        Err(Invalid::new(
            "labels",
            key,
            "a key of 1 to 63 letters, digits, `.`, `_`, `/`, `-`, beginning with a letter or digit",
        ))
    }
}

pub(crate) fn check_value(key: &str, value: &str) -> Result<(), Invalid> {
    let valid = value.len() <= 128
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:/@+-".contains(&byte));
    if valid {
        Ok(())
    } else {
        Err(Invalid::new(
            format!("labels.{key}"),
            value,
            "a value of at most 128 letters, digits, `.`, `_`, `:`, `/`, `@`, `+`, `-`",
        ))
    }
}
