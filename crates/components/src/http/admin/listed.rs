//! Registries of any values, as the pages show them.

use std::fmt;
use std::sync::Arc;

use byname_registry::{BuildStatus, Entry, Registry};
use serde_json::{Map, Value, json};

use super::changes::{Follows, Source};

/// A registry as the admin pages show it: its name there, what an entry is, and what may be told of one.
///
/// A service shows those that it keeps by [`Made::listed`](crate::Made::listed). A clone is the same. It
/// keeps the registry, and what is in it.
#[derive(Clone)]
pub struct Listed {
    name: Arc<str>,
    view: Arc<dyn View>,
}

/// What is done with a registry whose values have a type that nobody here knows.
trait View: Send + Sync {
    fn kind(&self) -> &str;
    fn revision(&self) -> u64;
    fn len(&self) -> usize;
    fn page(&self, after: Option<&str>, most: usize) -> Page;
    fn follow(&self, name: &Arc<str>, since: Option<u64>, capacity: usize) -> Box<dyn Source>;
}

/// Entries of one revision, in the order of their names.
pub(super) struct Page {
    pub(super) revision: u64,
    pub(super) count: usize,
    pub(super) entries: Vec<Value>,
    /// The last name, if there are entries behind it.
    pub(super) last: Option<String>,
}

/// What is told of a value: members of an object.
pub(super) type Told = Map<String, Value>;

struct Of<V, F> {
    kind: String,
    registry: Registry<V>,
    tell: F,
}

impl Listed {
    /// Shows a registry under `name`; `kind` is what an entry is called. `tell` says what may be told of
    /// an entry, by its name and value: nothing secret.
    pub fn new<V: Send + Sync + 'static>(
        name: impl Into<String>,
        kind: impl Into<String>,
        registry: &Registry<V>,
        tell: impl Fn(&str, &V) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into().into(),
            view: Arc::new(Of {
                kind: kind.into(),
                registry: registry.clone(),
                tell,
            }),
        }
    }

    /// The same as the registry of a service. What a service calls it has no `/`, so that no two
    /// services have registries of one name.
    pub(crate) fn of(&self, service: &str) -> Self {
        Self {
            name: format!("{service}/{}", self.name).into(),
            view: Arc::clone(&self.view),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn revision(&self) -> u64 {
        self.view.revision()
    }

    pub(super) fn len(&self) -> usize {
        self.view.len()
    }

    /// At most so many entries behind a name.
    pub(super) fn page(&self, after: Option<&str>, most: usize) -> Page {
        self.view.page(after, most)
    }

    /// Follows the registry from this revision on, or from now on, and does not keep it. Changes between
    /// that revision and now are told as lost.
    pub(super) fn follow(&self, since: Option<u64>, capacity: usize) -> Box<dyn Source> {
        self.view.follow(&self.name, since, capacity)
    }

    /// What is said of the registry itself.
    pub(super) fn summary(&self) -> Value {
        json!({
            "name": self.name(),
            "kind": self.view.kind(),
            "revision": self.view.revision(),
            "count": self.view.len(),
        })
    }

    pub(super) fn kind(&self) -> &str {
        self.view.kind()
    }
}

impl<V, F> View for Of<V, F>
where
    V: Send + Sync + 'static,
    F: Fn(&str, &V) -> Map<String, Value> + Send + Sync,
{
    fn kind(&self) -> &str {
        &self.kind
    }

    fn revision(&self) -> u64 {
        self.registry.revision()
    }

    fn len(&self) -> usize {
        self.registry.len()
    }

    fn page(&self, after: Option<&str>, most: usize) -> Page {
        let snapshot = self.registry.snapshot();
        let mut names = snapshot
            .names()
            .skip_while(|name| after.is_some_and(|after| *name <= after));
        let shown: Vec<&str> = names.by_ref().take(most).collect();
        let more = names.next().is_some();
        let entries = shown.iter().filter_map(|name| {
            let entry = snapshot.entry(name)?;
            Some(self.entry(name, &entry))
        });
        Page {
            revision: snapshot.revision(),
            count: snapshot.len(),
            entries: entries.collect(),
            last: shown.last().filter(|_| more).map(|&name| name.to_owned()),
        }
    }

    fn follow(&self, name: &Arc<str>, since: Option<u64>, capacity: usize) -> Box<dyn Source> {
        Box::new(Follows::new(name, &self.registry, since, capacity))
    }
}

impl<V, F> Of<V, F>
where
    V: Send + Sync + 'static,
    F: Fn(&str, &V) -> Map<String, Value> + Send + Sync,
{
    fn entry(&self, name: &str, entry: &Entry<V>) -> Value {
        let mut told = Map::new();
        told.insert("name".into(), name.into());
        told.insert("revision".into(), entry.revision().into());
        told.insert("place".into(), entry.place().to_string().into());
        if let Some(status) = entry.build_status() {
            let status = match status {
                BuildStatus::Unbuilt => "unbuilt",
                BuildStatus::Building { .. } => "building",
                BuildStatus::Failed(_) => "failed",
                BuildStatus::Built => "built",
                _ => "unknown",
            };
            told.insert("build".into(), status.into());
        }
        if let Some(value) = entry.value() {
            told.extend((self.tell)(name, value));
        }
        told.into()
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listed").field(&self.name()).finish()
    }
}
