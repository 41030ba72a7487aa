//! Registries of any values, as the pages show them.

use std::fmt;
use std::sync::Arc;

use byname_registry::{BuildStatus, Entry, Registry};
use serde_json::{Map, Value, json};

use super::changes::{Follows, Source};

/// A registry as the admin pages show it: its name there, what an entry is, and what may be told of one.
///
/// A clone is the same. It keeps the registry, and what is in it.
#[derive(Clone)]
pub struct Listed(Arc<dyn View>);

/// What is done with a registry whose values have a type that nobody here knows.
trait View: Send + Sync {
    fn name(&self) -> &str;
    fn kind(&self) -> &str;
    fn revision(&self) -> u64;
    fn len(&self) -> usize;
    fn page(&self, after: Option<&str>, most: usize) -> Page;
    fn follow(&self, capacity: usize) -> Box<dyn Source>;
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
    name: String,
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
        Self(Arc::new(Of {
            name: name.into(),
            kind: kind.into(),
            registry: registry.clone(),
            tell,
        }))
    }

    pub(super) fn name(&self) -> &str {
        self.0.name()
    }

    pub(super) fn revision(&self) -> u64 {
        self.0.revision()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// At most so many entries behind a name.
    pub(super) fn page(&self, after: Option<&str>, most: usize) -> Page {
        self.0.page(after, most)
    }

    /// Follows the registry, and does not keep it.
    pub(super) fn follow(&self, capacity: usize) -> Box<dyn Source> {
        self.0.follow(capacity)
    }

    /// What is said of the registry itself.
    pub(super) fn summary(&self) -> Value {
        json!({
            "name": self.0.name(),
            "kind": self.0.kind(),
            "revision": self.0.revision(),
            "count": self.0.len(),
        })
    }

    pub(super) fn kind(&self) -> &str {
        self.0.kind()
    }
}

impl<V, F> View for Of<V, F>
where
    V: Send + Sync + 'static,
    F: Fn(&str, &V) -> Map<String, Value> + Send + Sync,
{
    fn name(&self) -> &str {
        &self.name
    }

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

    fn follow(&self, capacity: usize) -> Box<dyn Source> {
        Box::new(Follows::new(&self.name, &self.registry, capacity))
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
