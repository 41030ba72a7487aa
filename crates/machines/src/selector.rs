use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::model::{Definition, Invalid, check_key, check_value};

/// Selects machines by their labels.
///
/// Written as terms with commas between them, all of which must hold:
///
/// | term | holds when |
/// |---|---|
/// | `gpu` | there is a label `gpu`, whatever its value |
/// | `!gpu` | there is none |
/// | `gpu=a100` | its value is `a100` |
/// | `gpu!=a100` | its value is another one, or there is no such label |
///
/// White space around terms does not count. A selector has at least one term.
///
/// # Examples
///
/// ```
/// use byname_machines::{Definition, Selector};
///
/// let selector: Selector = "gpu, zone!=eu".parse()?;
/// let mut machine = Definition::local();
/// machine.labels.insert("gpu", "a100")?;
/// assert!(selector.matches(&machine));
/// machine.labels.insert("zone", "eu")?;
/// assert!(!selector.matches(&machine));
/// # Ok::<(), byname_machines::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(Vec<Term>);

/// What a [`Selector`] asks of one label.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Term {
    /// There is such a label.
    Has(String),
    /// There is none.
    HasNot(String),
    /// It has this value.
    Is(String, String),
    /// It does not have this value.
    IsNot(String, String),
}

impl Selector {
    /// Whether every term holds of a machine.
    #[must_use]
    pub fn matches(&self, machine: &Definition) -> bool {
        let get = |key: &str| machine.labels.get(key);
        self.0.iter().all(|term| match term {
            Term::Has(key) => get(key).is_some(),
            Term::HasNot(key) => get(key).is_none(),
            Term::Is(key, value) => get(key) == Some(value),
            Term::IsNot(key, value) => get(key) != Some(value),
        })
    }

    /// Returns the terms, as they were written.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.0
    }
}

impl FromStr for Term {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let wrong = |error: Invalid| {
            let expected = format!(
                "a term `key`, `!key`, `key=value` or `key!=value`; of {:?}: {}",
                error.value, error.expected
            );
            Invalid::new("selector", text, expected)
        };
        let term = if let Some((key, value)) = text.split_once("!=") {
            check_value(key, value).map_err(wrong)?;
            (key, Self::IsNot(key.to_owned(), value.to_owned()))
        } else if let Some((key, value)) = text.split_once('=') {
            check_value(key, value).map_err(wrong)?;
            (key, Self::Is(key.to_owned(), value.to_owned()))
        } else if let Some(key) = text.strip_prefix('!') {
            (key, Self::HasNot(key.to_owned()))
        } else {
            (text, Self::Has(text.to_owned()))
        };
        check_key(term.0).map_err(wrong)?;
        Ok(term.1)
    }
}

impl FromStr for Selector {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Has(key) => f.write_str(key),
            Self::HasNot(key) => write!(f, "!{key}"),
            Self::Is(key, value) => write!(f, "{key}={value}"),
            Self::IsNot(key, value) => write!(f, "{key}!={value}"),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            term.fmt(f)?;
        }
        Ok(())
    }
}
