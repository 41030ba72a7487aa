//! What serde says is wrong, kept in parts until it is known where it happened.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::config::Path;

thread_local! {
    /// Whether something was asked to be a type of its own since this was last taken.
    static PROBED: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether a [`super::probe::Probe`] has been looked at since the last call.
pub(super) fn take_probed() -> bool {
    PROBED.replace(false)
}

/// What is wrong, and where, as soon as that is known.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) what: What,
    /// The innermost value that was being read.
    pub(super) path: Option<Path>,
    /// Whether it is the key at the end of the path that is wrong, not its value.
    pub(super) key: bool,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    /// It has been told already, and nothing could stand in for the value.
    Told,
    Custom(String),
    /// Of what was read and is wrong: the keys in it, and what is wrong with them.
    Faults(Vec<(Path, String)>),
    /// Of the wrong type, or of the right type and not allowed.
    Value {
        found: Found,
        expected: String,
    },
    Length {
        expected: String,
    },
    Variant {
        name: String,
        known: &'static [&'static str],
    },
    Unknown {
        name: String,
        known: &'static [&'static str],
    },
    Missing(&'static str),
    Twice(&'static str),
}

/// A value as serde had it in its hands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    Bool(bool),
    Whole(i128),
    Float(f64),
    Text(String),
    Null,
    List,
    Map,
    Other,
}

impl Error {
    pub(super) fn told() -> Self {
        What::Told.into()
    }

    /// Says where it happened, unless something further in has said so.
    pub(super) fn at(mut self, path: impl FnOnce() -> Path) -> Self {
        self.path.get_or_insert_with(path);
        self
    }

    pub(super) fn of_key(mut self, path: impl FnOnce() -> Path) -> Self {
        self.key = self.path.is_none();
        self.at(path)
    }
}

impl From<What> for Error {
    fn from(what: What) -> Self {
        Self {
            what,
            path: None,
            key: false,
        }
    }
}

impl From<Unexpected<'_>> for Found {
    fn from(unexpected: Unexpected<'_>) -> Self {
        match unexpected {
            Unexpected::Bool(value) => Self::Bool(value),
            Unexpected::Unsigned(value) => Self::Whole(value.into()),
            Unexpected::Signed(value) => Self::Whole(value.into()),
            Unexpected::Float(value) => Self::Float(value),
            Unexpected::Char(value) => Self::Text(value.into()),
            Unexpected::Str(value) => Self::Text(value.to_owned()),
            Unexpected::Unit | Unexpected::Option => Self::Null,
            Unexpected::Seq => Self::List,
            Unexpected::Map => Self::Map,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Told => f.write_str("told already"),
            What::Custom(message) => f.write_str(message),
            What::Faults(_) => f.write_str("wrong settings"),
            What::Value { expected, .. } | What::Length { expected } => {
                write!(f, "expected {expected}")
            }
            What::Variant { name, .. } => write!(f, "unknown variant `{name}`"),
            What::Unknown { name, .. } => write!(f, "unknown key `{name}`"),
            What::Missing(name) => write!(f, "missing key `{name}`"),
            What::Twice(name) => write!(f, "the key `{name}` is there twice"),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        match super::checked::handed(&message) {
            Some(faults) => What::Faults(faults).into(),
            None => What::Custom(message).into(),
        }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        if unexpected == Unexpected::NewtypeStruct {
            PROBED.set(true);
        }
        Self::invalid_value(unexpected, expected)
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = unexpected.into();
        let expected = plain(expected.to_string());
        What::Value { found, expected }.into()
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        What::Length { expected }.into()
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        let name = name.to_owned();
        What::Variant { name, known }.into()
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        let name = name.to_owned();
        What::Unknown { name, known }.into()
    }

    fn missing_field(name: &'static str) -> Self {
        What::Missing(name).into()
    }

    fn duplicate_field(name: &'static str) -> Self {
        What::Twice(name).into()
    }
}
/// Says in plain words what serde says by the name of a type.
fn plain(expected: String) -> String {
    match expected.strip_prefix("a nonzero ") {
        Some(unsigned) if unsigned.starts_with('u') => "a whole number of at least 1".to_owned(),
        Some(_) => "a whole number other than 0".to_owned(),
        None => expected,
    }
}
