//! Free configuration values, read by dotted name.

mod change;
mod error;
mod given;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use byname_registry::{ChangeError, Place, Registry, TransactionError, nearest};
use serde::de::DeserializeOwned;

use crate::config::{Key, Map, Node, Origin, Path, Source, Step, Value, read_node};
use crate::problem::{Problem, Problems};

pub use error::ValueError;
pub use given::Given;

/// Configuration values by dotted name: read as any type, listed, and set while the application runs.
///
/// A name leads through maps and lists, as `limits.max` or `hosts[0]`; a key with a dot in it is
/// quoted, as in `labels."example.org/role"`. A clone is another name for the same values.
///
/// # Consistency
///
/// - Each set is one revision: a reader sees what was there before or what is there after, whole.
///   Setting a map, or anything in the place of one, leaves nothing of what was under it.
/// - What was read belongs to whoever read it, and never changes.
/// - A value that is not there, one that is `null` and one of another type are three things: `None`, an
///   `Option`'s `None` or else [`ValueError::Null`], and [`ValueError::Unreadable`].
/// - A read takes no lock.
///
/// # Examples
///
/// ```
/// use byname_components::Values;
///
/// let values = Values::new();
/// values.set("limits.max", 10)?;
/// assert_eq!(values.get::<u32>("limits.max")?, Some(10));
/// assert_eq!(values.or("limits.min", 1)?, 1);
/// let error = values.require::<u32>("limits.mx").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "there is no configuration value `limits.mx`; did you mean `limits.max`?",
/// );
/// # Ok::<(), byname_components::ValueError>(())
/// ```
#[derive(Clone)]
pub struct Values(Registry<Node>);

impl Default for Values {
    fn default() -> Self {
        Self::new()
    }
}

impl Values {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::<()>::builder().label("values");
        // Whoever has to try again does so because another set got through.
        Self(registry.attempts(usize::MAX).build())
    }

    /// Makes one of maps, each laid over those before it: keys are merged through all maps, anything
    /// else is replaced as a whole.
    ///
    /// # Errors
    ///
    /// Every layer that is neither a map nor `null`, which is taken as an empty one.
    pub fn of(layers: &[&Node]) -> Result<Self, Problems> {
        let values = Self::new();
        values.load(layers)?;
        Ok(values)
    }

    /// Replaces all values by those of maps, as [`of`](Self::of) does, as one revision. What was set
    /// before is gone.
    ///
    /// # Errors
    ///
    /// As for [`of`](Self::of); nothing has been changed then.
    pub fn load(&self, layers: &[&Node]) -> Result<u64, Problems> {
        let mut problems = Problems::new();
        let mut merged = Map::default();
        for layer in layers {
            match &layer.value {
                Value::Null => {}
                Value::Map(map) => change::merge(&mut merged, map),
                other => problems.push(
                    Problem::error(format!(
                        "configuration values are {}; expected a map",
                        other.kind()
                    ))
                    .at(layer.origin.place(), ""),
                ),
            }
        }
        for (key, _) in merged.iter() {
            if key.name.is_empty() || key.name.len() > byname_registry::MAX_NAME {
                problems.push(
                    Problem::error(format!(
                        "the name of a configuration value has 1 to {} bytes, this one has {}",
                        byname_registry::MAX_NAME,
                        key.name.len()
                    ))
                    .at(key.origin.place(), ""),
                );
            }
        }
        let merged = problems.or(merged)?;
        let loaded = self.0.transaction(|draft| {
            let gone: Vec<_> = draft
                .iter()
                .filter(|(name, _)| merged.get(name).is_none())
                .map(|(name, _)| name.to_owned())
                .collect();
            for name in gone {
                draft.remove(&name)?;
            }
            for (key, node) in merged.iter() {
                draft.put(&key.name, node.clone())?;
            }
            Ok::<_, ChangeError>(())
        });
        let refused = |error: TransactionError<_>| -> Problems {
            Problem::error(format!("configuration values could not be loaded: {error}")).into()
        };
        Ok(loaded.map_err(refused)?.revision)
    }

    /// Takes over what differs between two sets, as one revision: what was set here and is the same in
    /// both stays.
    pub(crate) fn follow(&self, before: &Self, after: &Self) -> Result<(), String> {
        let (before, after) = (before.0.snapshot(), after.0.snapshot());
        let changed = self.0.transaction(|draft| {
            for (name, entry) in before.entries() {
                if entry.value().is_some() && after.get(name).is_none() && draft.get(name).is_some()
                {
                    draft.remove(name)?;
                }
            }
            for (name, entry) in after.entries() {
                let Some(node) = entry.value() else { continue };
                if before.get(name).is_none_or(|before| !before.is_same(node)) {
                    draft.put(name, node.clone())?;
                }
            }
            Ok::<_, ChangeError>(())
        });
        changed.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Returns the value of a name as a `T`; `None` where there is no such value.
    ///
    /// # Errors
    ///
    /// [`ValueError::Null`] if it is `null` and a `T` cannot be, [`ValueError::Unreadable`] if it is
    /// anything else that a `T` is not, with the places; [`ValueError::Name`] if the name is none.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ValueError> {
        match self.look(name, |node| read(name, node))? {
            Some(value) => value.map(Some),
            None => Ok(None),
        }
    }

    /// Returns the value of a name, or `default` where there is no such value.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get): what is there and cannot be read is no reason to use the default.
    pub fn or<T: DeserializeOwned>(&self, name: &str, default: T) -> Result<T, ValueError> {
        Ok(self.get(name)?.unwrap_or(default))
    }

    /// Returns the value of a name.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get), and [`ValueError::Absent`] with the nearest names.
    pub fn require<T: DeserializeOwned>(&self, name: &str) -> Result<T, ValueError> {
        self.get(name)?.ok_or_else(|| ValueError::Absent {
            name: name.into(),
            nearest: nearest(self.names().iter(), name),
        })
    }

    /// Returns the value of a name as it is kept, with its origin.
    ///
    /// # Errors
    ///
    /// [`ValueError::Name`] if the name is none.
    pub fn node(&self, name: &str) -> Result<Option<Node>, ValueError> {
        self.look(name, Node::clone)
    }

    /// Sets the value of a name, whatever was there: a map replaces all that was under the name, and so
    /// does anything else. Maps on the way are made where there are none. Returns the revision.
    ///
    /// # Errors
    ///
    /// [`ValueError::Through`] if the name leads through something that is there and has nothing under
    /// it, [`ValueError::Name`] if it is none, [`ValueError::Refused`] if the registry is sealed.
    #[track_caller]
    pub fn set(&self, name: &str, value: impl Given) -> Result<u64, ValueError> {
        let place: Arc<str> = Place::caller().to_string().into();
        let origin = Origin::of(Source::Code(place));
        let node = value.given(&origin);
        self.change(name, |top, rest, path| {
            let top = top.cloned();
            change::set(top, rest, node.clone(), &origin, path).map(Some)
        })
        .map(|(revision, _)| revision)
    }

    /// Removes the value of a name with all that is under it. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// [`ValueError::Through`] for an element of a list, which has its number from those before it;
    /// others as for [`set`](Self::set).
    pub fn remove(&self, name: &str) -> Result<bool, ValueError> {
        let (_, removed) = self.change(name, |top, rest, path| match top {
            Some(_) if rest.is_empty() => Ok(None),
            Some(top) => change::remove(top.clone(), rest, path).map(Some),
            None => Ok(None),
        })?;
        Ok(removed)
    }

    /// Returns the dotted names of all values that are no maps, in order; an empty map counts.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let listed = self.list();
        listed
            .into_iter()
            .map(|(path, _)| path.to_string())
            .collect()
    }

    /// Returns all values that are no maps, of one revision, with the ways to them. Ordered by the first
    /// key, then as they were written.
    #[must_use]
    pub fn list(&self) -> Vec<(Path, Node)> {
        let mut listed = Vec::new();
        for (name, node) in self.0.snapshot().iter() {
            change::leaves(&Path::root().key(name), node, &mut listed);
        }
        listed
    }

    /// Returns the registry, which has an entry for each first key: to observe.
    #[must_use]
    pub fn registry(&self) -> &Registry<Node> {
        &self.0
    }

    /// Shows what a name leads to.
    fn look<R>(&self, name: &str, show: impl FnOnce(&Node) -> R) -> Result<Option<R>, ValueError> {
        if !name.contains(['"', '[', '\\']) {
            let (first, rest) = match name.split_once('.') {
                Some((first, rest)) => (first, Some(rest)),
                None => (name, None),
            };
            if let Some(top) = self.0.get(first)
                && let Some(node) = rest
                    .into_iter()
                    .flat_map(|rest| rest.split('.'))
                    .try_fold(&*top, Node::get)
            {
                return Ok(Some(show(node)));
            }
        }
        // Also where nothing was found: the name may be none at all.
        let (first, path) = parse(name)?;
        let rest = Path::from(path.steps()[1..].to_vec());
        let top = self.0.get(&first);
        Ok(top.as_deref().and_then(|top| top.at(&rest)).map(show))
    }

    /// Changes what is under a first key: `work` is given what is there and the steps to go on, and
    /// returns what is to be there; nothing, if it is to be removed. Returns the revision, and whether
    /// anything changed.
    fn change(
        &self,
        name: &str,
        mut work: impl FnMut(Option<&Node>, &[Step], &Path) -> Result<Option<Node>, ValueError>,
    ) -> Result<(u64, bool), ValueError> {
        let (first, path) = parse(name)?;
        let changed = self.0.transaction(|draft| {
            let top = draft.get(&first);
            let there = path.steps().len() == 1 && top.is_some()
                || top.is_some_and(|top| top.at(&path.steps()[1..].to_vec().into()).is_some());
            match work(top, &path.steps()[1..], &path)? {
                Some(node) => draft.put(&first, node).map_err(ValueError::Refused)?,
                None if there => draft.remove(&first).map_err(ValueError::Refused)?,
                None => {}
            }
            Ok(there)
        });
        match changed {
            Ok(committed) => Ok((committed.revision, committed.value)),
            Err(TransactionError::Aborted(error)) => Err(error),
            Err(TransactionError::Refused(error)) => Err(ValueError::Refused(error)),
            Err(error) => Err(ValueError::Busy {
                name: name.into(),
                error: error.to_string(),
            }),
        }
    }
}

/// The first key of a name, and the whole way.
fn parse(name: &str) -> Result<(Arc<str>, Path), ValueError> {
    let none = |column, expected| ValueError::Name {
        name: name.into(),
        column,
        expected,
    };
    let path = Path::from_str(name).map_err(|error| none(error.column, error.expected))?;
    match path.steps().first() {
        Some(Step::Key(first)) if (1..=byname_registry::MAX_NAME).contains(&first.len()) => {
            Ok((Arc::clone(first), path))
        }
        Some(Step::Key(_)) => Err(none(1, "a key of 1 to 65535 bytes")),
        _ => Err(none(1, "a key")),
    }
}

fn read<T: DeserializeOwned>(name: &str, node: &Node) -> Result<T, ValueError> {
    // The way is written out only for an error.
    if let Ok(read) = read_node(node, &Path::root(), "") {
        return Ok(read.value);
    }
    let path = Path::from_str(name).unwrap_or_default();
    match read_node(node, &path, "") {
        Ok(read) => Ok(read.value),
        Err(_) if matches!(node.value, Value::Null) => Err(ValueError::Null {
            name: name.into(),
            asked: std::any::type_name::<T>(),
            place: node.origin.place(),
        }),
        Err(problems) => Err(ValueError::Unreadable {
            name: name.into(),
            problems,
        }),
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_tuple("Values").field(&self.0).finish()
    }
}

/// A key that a set brought.
fn key(name: &Arc<str>, origin: &Origin) -> Key {
    Key {
        name: Arc::clone(name),
        origin: origin.clone(),
    }
}
