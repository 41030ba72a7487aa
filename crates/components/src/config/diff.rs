//! What is different between two configurations.

use std::fmt;
use std::sync::Arc;

use super::effective::Config;
use super::print::shown;
use super::{Node, Origin, Path, Value};

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It was not there.
    Added,
    /// It is no longer there.
    Removed,
    /// It is another one.
    Changed,
}

/// One difference: a value, or everything below a key that came or went.
///
/// Displayed as `+ a.b: 1`, `- a.b: 1`, or `~ a.b: 1 -> 2`; secrets as `***`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where it is.
    pub path: Path,
    /// What became of it.
    pub kind: Change,
    /// What it was, on one line, and where that came from; secrets as `***`.
    pub old: Option<(String, Origin)>,
    /// What it is, on one line, and where that comes from; secrets as `***`.
    pub new: Option<(String, Origin)>,
}

impl Config {
    /// Returns the differences between two configurations, ordered by path. Where values come from makes
    /// none, nor does the order of keys. A list of another length is one difference as a whole. What is a
    /// secret in one of them is shown in neither.
    #[must_use]
    pub fn diff(old: &Self, new: &Self) -> Vec<Difference> {
        let mut differences = Differences {
            old,
            new,
            found: Vec::new(),
        };
        differences.compare(old.root(), new.root(), old.part());
        let mut found = differences.found;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }
}

struct Differences<'a> {
    old: &'a Config,
    new: &'a Config,
    found: Vec<Difference>,
}

impl Differences<'_> {
    fn compare(&mut self, old: &Node, new: &Node, path: &Path) {
        match (&old.value, &new.value) {
            (Value::Map(one), Value::Map(two)) => {
                for (key, node) in one.iter() {
                    let path = path.key(Arc::clone(&key.name));
                    match two.get(&key.name) {
                        Some(new) => self.compare(node, new, &path),
                        None => self.add(Some(node), None, path),
                    }
                }
                for (key, node) in two.iter().filter(|(key, _)| one.get(&key.name).is_none()) {
                    self.add(None, Some(node), path.key(Arc::clone(&key.name)));
                }
            }
            (Value::List(one), Value::List(two)) if one.len() == two.len() => {
                for (at, (old, new)) in one.iter().zip(two).enumerate() {
                    self.compare(old, new, &path.index(at));
                }
            }
            _ if old.is_same(new) => {}
            _ => self.add(Some(old), Some(new), path.clone()),
        }
    }

    fn add(&mut self, old: Option<&Node>, new: Option<&Node>, path: Path) {
        // Either may know that it is a secret.
        let is_secret = |node: &Node, path: &Path| {
            let in_one = |config: &Config| {
                let rest = path.steps().get(config.part().steps().len()..);
                let there = rest.and_then(|rest| config.root().at(&Path::from(rest.to_vec())));
                config.is_secret(there.unwrap_or(node), path)
            };
            node.origin.is_secret() || in_one(self.old) || in_one(self.new)
        };
        let show = |node: &Node| (shown(node, &path, &is_secret), node.origin.clone());
        let kind = match (old, new) {
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            _ => Change::Changed,
        };
        let (old, new) = (old.map(show), new.map(show));
        self.found.push(Difference {
            path,
            kind,
            old,
            new,
        });
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match (&self.old, &self.new) {
            (Some((old, _)), Some((new, _))) => write!(f, "~ {path}: {old} -> {new}"),
            (Some((old, _)), None) => write!(f, "- {path}: {old}"),
            (None, Some((new, _))) => write!(f, "+ {path}: {new}"),
            (None, None) => write!(f, "~ {path}"),
        }
    }
}
