//! The schemas that a document names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::http::bind::{Schema, referred};

/// The named schemas of a document: definitions of one name and content are one, and those that only
/// share their name are told apart by a number, in the order in which they come.
#[derive(Default)]
pub(super) struct Components {
    names: BTreeMap<(String, String), String>,
    schemas: Map<String, Value>,
}

impl Components {
    /// Takes a schema in, and returns it as the document has it: what it defines is referred to.
    pub(super) fn take(&mut self, schema: &Schema) -> Value {
        let names = self.reserve(schema);
        for (name, given) in &names {
            if !self.schemas.contains_key(given) {
                let definition = redirected(&schema.definitions[name], &names);
                self.schemas.insert(given.clone(), definition);
            }
        }
        redirected(&schema.root, &names)
    }

    /// Gives names to what a schema refers to; they are in the document once something is taken in that
    /// has them.
    pub(super) fn reserve(&mut self, schema: &Schema) -> BTreeMap<String, String> {
        let mut names = BTreeMap::new();
        for name in reached(schema, &schema.root).into_keys() {
            let key = (name.clone(), content(schema, &name));
            let given = match self.names.get(&key) {
                Some(given) => given.clone(),
                None => self.name(key),
            };
            names.insert(name, given);
        }
        names
    }

    /// Gives a definition a name that no other has.
    fn name(&mut self, key: (String, String)) -> String {
        let base: String = key.0.chars().map(plain).collect();
        let taken: BTreeSet<&String> = self.names.values().collect();
        let numbered = (2..).map(|number: u32| format!("{base}{number}"));
        let given = std::iter::once(base.clone())
            .chain(numbered)
            .find(|name| !taken.contains(name))
            .unwrap_or(base);
        self.names.insert(key, given.clone());
        given
    }

    pub(super) fn into_schemas(self) -> Map<String, Value> {
        self.schemas
    }
}

/// What a name of a component may contain (OpenAPI 3.1, 4.8.7).
fn plain(c: char) -> char {
    if c.is_ascii_alphanumeric() || "._-".contains(c) {
        c
    } else {
        '_'
    }
}

/// A definition with all that it refers to, as a text.
fn content(schema: &Schema, name: &str) -> String {
    let definition = &schema.definitions[name];
    json!([definition, reached(schema, definition)]).to_string()
}

/// The definitions that a part of a schema refers to, and those that they do.
fn reached<'s>(schema: &'s Schema, part: &Value) -> BTreeMap<String, &'s Value> {
    let mut reached = BTreeMap::new();
    let mut open = Vec::new();
    references(part, &mut open);
    while let Some(name) = open.pop() {
        if let Some(definition) = schema.definitions.get(&name)
            && reached.insert(name, definition).is_none()
        {
            references(definition, &mut open);
        }
    }
    reached
}

fn references(value: &Value, into: &mut Vec<String>) {
    into.extend(referred(value));
    match value {
        Value::Object(map) => map.values().for_each(|value| references(value, into)),
        Value::Array(list) => list.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

/// A schema whose references lead into the document.
fn redirected(value: &Value, names: &BTreeMap<String, String>) -> Value {
    let given = referred(value).and_then(|name| names.get(&name));
    match value {
        Value::Object(map) => {
            let mut map: Map<String, Value> = map
                .iter()
                .map(|(key, value)| (key.clone(), redirected(value, names)))
                .collect();
            if let Some(given) = given {
                let reference = format!("#/components/schemas/{given}");
                map.insert("$ref".into(), reference.into());
            }
            map.into()
        }
        Value::Array(list) => list.iter().map(|value| redirected(value, names)).collect(),
        other => other.clone(),
    }
}
