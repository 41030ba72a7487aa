//! A value that is never shown.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// By this name the reader of the configuration recognises a [`Secret`].
pub(super) const NAME: &str = "$byname::config::Secret";

thread_local! {
    /// Whether the reader has recognised the secret that is about to be read.
    static RECOGNISED: Cell<bool> = const { Cell::new(false) };
    /// How many secrets were read without that: out of what serde had put aside.
    static UNRECOGNISED: Cell<usize> = const { Cell::new(0) };
}

/// Says that the secret that is read next is one whose path is known.
pub(super) fn recognise() {
    RECOGNISED.set(true);
}

/// Returns how many secrets this thread has read whose path is not known.
pub(super) fn unrecognised() -> usize {
    UNRECOGNISED.get()
}

/// Holds a value that shows itself as `***` in every message, log and document.
///
/// Only [`Secret::expose`] gives it away. That a setting is a secret is also remembered for its place in
/// the configuration, so that it is not printed from there. It is no protection against somebody who
/// reads the memory of the process.
///
/// # Examples
///
/// ```
/// use byname_components::config::Secret;
///
/// let password = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{password} {password:?}"), "*** ***");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value itself.
    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Returns the value itself, no longer hidden.
    #[must_use]
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, Hidden(PhantomData))
    }
}

struct Hidden<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Hidden<T> {
    type Value = Secret<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Secret<T>, D::Error> {
        let recognised = RECOGNISED.replace(false);
        let read = T::deserialize(inner).map(Secret);
        if recognised {
            // The reader sees to it that its messages do not show what was there.
            return read;
        }
        UNRECOGNISED.set(UNRECOGNISED.get().wrapping_add(1));
        // The message of the error could show what was there.
        read.map_err(|_| D::Error::custom("a secret is not of the type that is expected"))
    }
}

impl<T: JsonSchema> JsonSchema for Secret<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Secret_of_{}", T::schema_name()).into()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        format!("byname_components::config::Secret<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("writeOnly".to_owned(), true.into());
        schema
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn it_shows_itself_nowhere() {
        let secret: Secret<u16> = serde_json::from_str("4711").unwrap();
        assert_eq!(*secret.expose(), 4711);
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "*** *** Some(***)"
        );
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
        assert_eq!(secret.into_exposed(), 4711);
    }

    #[test]
    fn an_error_does_not_show_it_either() {
        let error = serde_json::from_str::<Secret<u16>>("\"hunter2\"").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn its_schema_is_that_of_what_is_in_it() {
        let schema = SchemaGenerator::default().into_root_schema_for::<Secret<u16>>();
        assert_eq!(schema.get("type").unwrap(), "integer");
        assert_eq!(schema.get("writeOnly").unwrap(), true);
    }
}
