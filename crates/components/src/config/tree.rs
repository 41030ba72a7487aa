//! The tree, and where everything in it comes from.

use std::fmt;
use std::path::Path as FilePath;
use std::sync::Arc;

use byname_registry::Place;

/// Who said a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A file; the path as it was given.
    File(Arc<FilePath>),
    /// A variable of the environment, by its name.
    Environment(Arc<str>),
    /// An argument of the command line, as it was written.
    CommandLine(Arc<str>),
    /// The program: what the value is a default of.
    Default(Arc<str>),
    /// A line of code.
    Code(Arc<str>),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::CommandLine(argument) => write!(f, "--set {argument}"),
            Self::Default(what) => write!(f, "default of {what}"),
            Self::Code(place) => f.write_str(place),
        }
    }
}

/// Where a value stands, and how it came there. Cheap to clone.
///
/// Displayed as `app.yaml:12:7`, or as the source where that has no lines; behind it, in brackets,
/// the placeholder that was replaced: `app.yaml:4:10 (${DB_URL}, from environment variable DB_URL)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin(Arc<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    source: Source,
    /// From 1; 0 where there are no lines.
    line: u32,
    column: u32,
    /// The placeholder that stood there, and what it was replaced by.
    through: Option<(Arc<str>, Arc<str>)>,
    secret: bool,
}

impl Origin {
    /// Makes the origin of what stands at a line and a column, both from 1.
    #[must_use]
    pub fn at(source: Source, line: u32, column: u32) -> Self {
        Self(Arc::new(Inner {
            source,
            line,
            column,
            through: None,
            secret: false,
        }))
    }

    /// Makes the origin of what has no line of its own: a variable, an argument.
    #[must_use]
    pub fn of(source: Source) -> Self {
        Self::at(source, 0, 0)
    }

    /// Returns this origin with the placeholder that stood there, as it was written, and what it was
    /// replaced by ("environment variable `DB_URL`", another origin).
    #[must_use]
    pub fn through(&self, placeholder: impl Into<Arc<str>>, from: impl Into<Arc<str>>) -> Self {
        let mut inner = Inner::clone(&self.0);
        inner.through = Some((placeholder.into(), from.into()));
        Self(Arc::new(inner))
    }

    /// Returns this origin, marked as that of a secret: the value is never shown.
    #[must_use]
    pub fn secret(&self) -> Self {
        let mut inner = Inner::clone(&self.0);
        inner.secret = true;
        Self(Arc::new(inner))
    }

    /// Returns whether the value is never shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.0.secret
    }

    /// Returns who said it.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// Returns line and column, both from 1, where there are any.
    #[must_use]
    pub fn position(&self) -> Option<(u32, u32)> {
        (self.0.line > 0).then_some((self.0.line, self.0.column))
    }

    /// Returns the placeholder that stood there, and what it was replaced by.
    #[must_use]
    pub fn placeholder(&self) -> Option<(&str, &str)> {
        let (placeholder, from) = self.0.through.as_ref()?;
        Some((placeholder, from))
    }

    /// Returns it as a place, for messages.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::new(self.to_string())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)?;
        if let Some((line, column)) = self.position() {
            write!(f, ":{line}:{column}")?;
        }
        if let Some((placeholder, from)) = self.placeholder() {
            write!(f, " ({placeholder}, from {from})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

/// A value, and where it comes from.
///
/// Shared parts make no difference: a clone is as good as the original, and neither sees changes of the
/// other.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
    /// Where the values came from that this one was laid over, the one that counted last first.
    pub overridden: Vec<Origin>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`, `~`, or nothing at all behind a key.
    Null,
    /// A text, a number, a truth value: whoever reads it says which.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map.
    Map(Map),
}

/// A scalar as it was written: only whoever reads it knows its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text, quotes and escapes taken away.
    pub text: Arc<str>,
    /// Whether it stood without quotes: only then it may be read as anything but a text.
    pub plain: bool,
}

/// A key of a map, and where it stands.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub name: Arc<str>,
    /// Where it stands.
    pub origin: Origin,
}

/// A map that keeps the order in which it was written; no key is in it twice.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: Vec<(Key, Node)>,
    /// Positions by key.
    index: std::collections::HashMap<Arc<str>, usize>,
}

impl Node {
    /// Makes a value that was laid over nothing.
    #[must_use]
    pub fn new(value: Value, origin: Origin) -> Self {
        Self {
            value,
            origin,
            overridden: Vec::new(),
        }
    }

    /// Makes an empty map.
    #[must_use]
    pub fn empty(origin: Origin) -> Self {
        Self::new(Value::Map(Map::default()), origin)
    }

    /// Makes a scalar.
    #[must_use]
    pub fn scalar(text: impl Into<Arc<str>>, plain: bool, origin: Origin) -> Self {
        let text = text.into();
        Self::new(Value::Scalar(Scalar { text, plain }), origin)
    }

    /// Returns the map, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the value of a key, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// Returns what a path leads to.
    #[must_use]
    pub fn at(&self, path: &super::Path) -> Option<&Node> {
        path.steps()
            .iter()
            .try_fold(self, |node, step| match (step, &node.value) {
                (super::Step::Key(key), Value::Map(map)) => map.get(key),
                (super::Step::Index(index), Value::List(list)) => list.get(*index),
                _ => None,
            })
    }

    /// Returns whether both hold the same values in the same order, wherever they come from.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => true,
            (Value::Scalar(a), Value::Scalar(b)) => a == b,
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
            }
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b.iter())
                        .all(|((one, a), (two, b))| one.name == two.name && a.is_same(b))
            }
            _ => false,
        }
    }
}

impl Value {
    /// Returns what kind of value it is, for messages: "a list", say.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing (null)",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Map {
    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.index.get(key).map(|at| &self.entries[*at].1)
    }

    /// Returns a key as it was written, with its value.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<(&Key, &Node)> {
        let (key, node) = &self.entries[*self.index.get(key)?];
        Some((key, node))
    }

    /// Returns the value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let at = *self.index.get(key)?;
        Some(&mut self.entries[at].1)
    }

    /// Puts a value; returns what was there. A new key comes last, a key that was there stays where it
    /// was.
    pub fn insert(&mut self, key: Key, node: Node) -> Option<Node> {
        if let Some(at) = self.index.get(&key.name) {
            let entry = &mut self.entries[*at];
            entry.0 = key;
            return Some(std::mem::replace(&mut entry.1, node));
        }
        self.index.insert(Arc::clone(&key.name), self.entries.len());
        self.entries.push((key, node));
        None
    }

    /// Takes a key out, with its value.
    pub fn remove(&mut self, key: &str) -> Option<(Key, Node)> {
        let at = self.index.remove(key)?;
        for index in self.index.values_mut().filter(|index| **index > at) {
            *index -= 1;
        }
        Some(self.entries.remove(at))
    }

    /// Returns keys and values in the order in which they were written.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Key, &Node)> + ExactSizeIterator {
        self.entries.iter().map(|(key, node)| (key, node))
    }

    /// Returns keys and values in the order in which they were written, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Key, &mut Node)> {
        self.entries.iter_mut().map(|(key, node)| (&*key, node))
    }

    /// Returns the keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| &*key.name)
    }

    /// Returns how many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
