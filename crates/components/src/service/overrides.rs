//! What a file says of a service besides its convention.

use std::collections::BTreeMap;

use byname_registry::Place;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::units::Bytes;
use crate::config::{Node, Path};

/// What is said of the routes of a service besides the convention, for those who publish it and for
/// those who call it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct Overrides {
    /// What stands before every path: `/api/v2`.
    pub prefix: String,
    /// What the service is about, in the singular, instead of what its trait says.
    pub resource: Option<String>,
    /// The plural of that, instead of what English says.
    pub plural: Option<String>,
    /// How long the content of a request may be; a longer one is refused before it is sent, and 413 to
    /// whoever sends it (default 2 MiB).
    pub max_request: Bytes,
    /// How much of an answer is read; a longer one is an error (default 16 MiB).
    pub max_answer: Bytes,
    /// Single methods, by name.
    pub methods: BTreeMap<String, MethodOverrides>,
}

/// What is said of one method of a service.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct MethodOverrides {
    /// The HTTP method, in capital letters.
    pub verb: Option<String>,
    /// The path, behind the prefix: `/users/{id}/orders`. Arguments that it names are in it; the others
    /// are where they usually are: in the query of GET and DELETE, in the content otherwise.
    pub path: Option<String>,
    /// Whether it has no route at all (default no).
    pub hidden: bool,
    /// Whether a client may call it again if nobody knows whether a call arrived. By default as the code
    /// says (`#[idempotent]`, `#[once]`); where that says nothing, by the HTTP method: GET, PUT and DELETE
    /// are called again.
    pub idempotent: Option<bool>,
}

impl Default for Overrides {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            resource: None,
            plural: None,
            max_request: Bytes::new(2 << 20),
            max_answer: Bytes::new(16 << 20),
            methods: BTreeMap::new(),
        }
    }
}

/// Where overrides stand, if they were read from a file.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a>(Option<&'a Node>);

impl<'a> Places<'a> {
    /// Those of overrides that were read from this; nothing for those of code.
    pub(crate) fn of(node: Option<&'a Node>) -> Self {
        Self(node)
    }

    /// Returns where the value of a key stands.
    pub(super) fn value(self, key: &str) -> Option<Place> {
        Some(self.0?.get(key)?.origin.place())
    }

    /// Returns where a single method is named.
    pub(super) fn method(self, name: &str) -> Option<Place> {
        let (key, _) = self.0?.get("methods")?.as_map()?.entry(name)?;
        Some(key.origin.place())
    }

    /// Returns where the value of a key of a single method stands.
    pub(super) fn of_method(self, name: &str, key: &str) -> Option<Place> {
        let path = Path::root().key("methods").key(name).key(key);
        Some(self.0?.at(&path)?.origin.place())
    }
}
