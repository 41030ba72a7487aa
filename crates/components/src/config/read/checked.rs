//! Settings that say what is wrong with them, beyond that each is of its type.

use std::cell::RefCell;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};

use crate::config::Path;

/// Settings that can be wrong although each is of its type.
///
/// A factory takes them as [`Checked`], and what they tell is told when the file is checked, before
/// anything is built. What needs more than the settings, as whether a folder is there, is left to the
/// factory.
///
/// # Examples
///
/// ```
/// use byname_components::config::{CheckSettings, Checked, Faults, Path, Source, parse, read_node};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Pages { size: u32, hosts: Vec<String> }
///
/// impl CheckSettings for Pages {
///     fn check(&self, faults: &mut Faults) {
///         if self.size == 0 {
///             faults.tell("size", "is 0; expected 1 or more");
///         }
///         for (at, host) in self.hosts.iter().enumerate() {
///             if host.contains(' ') {
///                 faults.tell(format!("hosts[{at}]"), "is no host");
///             }
///         }
///     }
/// }
///
/// let source = Source::File(std::path::Path::new("app.yaml").into());
/// let tree = parse("size: 0\nhosts: [a, b c]\n", &source)?;
/// let path = Path::root().key("pages");
/// let problems = read_node::<Checked<Pages>>(&tree, &path, "pages").map(drop).unwrap_err();
/// assert_eq!(
///     problems.to_string(),
///     "error: `pages.size` is 0; expected 1 or more\n  app.yaml:1:7: pages\n\
///      error: `pages.hosts[1]` is no host\n  app.yaml:2:12: pages",
/// );
/// # Ok::<(), byname_components::Problems>(())
/// ```
pub trait CheckSettings {
    /// Tells everything that is wrong with them. It may be called with values that stand in for what
    /// cannot be read; what it tells of those is not told to anybody.
    fn check(&self, faults: &mut Faults);
}

/// What is wrong with settings, each with the key that it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<(Path, String)>);

impl Faults {
    /// Tells what is wrong with a setting: `key` is its path in the settings, as `page`, `limits.body` or
    /// `hosts[1]`; `message` goes on after it, as `is 0; expected 1 or more`, without a full stop.
    pub fn tell(&mut self, key: impl AsRef<str>, message: impl Into<String>) {
        let key = key.as_ref();
        let path = key.parse().unwrap_or_else(|_| Path::root().key(key));
        self.0.push((path, message.into()));
    }

    /// Returns whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns each key that is wrong, and what is wrong with it.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.0.iter().map(|(path, message)| (path, &**message))
    }

    /// Makes them an error of serde. The reader of a configuration finds them again; to others it is a
    /// text.
    pub(crate) fn into_error<E: serde::de::Error>(self) -> E {
        let text = self.to_string();
        HANDED.set(Some((text.clone(), self)));
        E::custom(text)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (path, message)) in self.0.iter().enumerate() {
            let between = if at > 0 { "; " } else { "" };
            write!(f, "{between}`{path}` {message}")?;
        }
        Ok(())
    }
}

thread_local! {
    /// Faults on their way through serde, which hands on a text only, with that text.
    static HANDED: RefCell<Option<(String, Faults)>> = const { RefCell::new(None) };
}

/// Returns the faults that were made the error of this text last.
pub(super) fn handed(text: &str) -> Option<Vec<(Path, String)>> {
    let (of, faults) = HANDED.take()?;
    (of == text).then_some(faults.0)
}

/// Settings that are read only where nothing is wrong with them: with all that is, each told at the line
/// of its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked<S>(pub S);

impl<'de, S: CheckSettings + Deserialize<'de>> Deserialize<'de> for Checked<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let settings = S::deserialize(deserializer)?;
        let mut faults = Faults::default();
        settings.check(&mut faults);
        if faults.is_empty() {
            Ok(Self(settings))
        } else {
            Err(faults.into_error())
        }
    }
}

impl<S: JsonSchema> JsonSchema for Checked<S> {
    fn inline_schema() -> bool {
        S::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        S::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        S::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        S::json_schema(generator)
    }
}
