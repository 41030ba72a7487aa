//! From texts to JSON, by what the schema says that they are.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use axum::http::HeaderName;
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::pairs::Pair;
use super::schema::{Schema, without_null};
use super::tell::Telling;
use crate::service_error::FieldPlace;

/// What a text may become.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "a set of types of JSON")]
pub(super) struct Kinds {
    boolean: bool,
    integer: bool,
    number: bool,
    text: bool,
    list: Option<Box<Kinds>>,
    object: bool,
}

/// How deep alternatives of alternatives are looked at.
const DEEPEST: usize = 16;

impl Kinds {
    pub(super) fn of(schema: &Schema, part: &Value) -> Self {
        let mut kinds = Self::default();
        kinds.add(schema, part, DEEPEST);
        kinds
    }

    fn add(&mut self, schema: &Schema, part: &Value, deep: usize) {
        let Some(left) = deep.checked_sub(1) else {
            return;
        };
        let part = schema.resolve(part);
        match part.get("type") {
            Some(Value::String(name)) => self.add_type(name, schema, part, left),
            Some(Value::Array(names)) => {
                for name in names.iter().filter_map(Value::as_str) {
                    self.add_type(name, schema, part, left);
                }
            }
            _ => self.add_alternatives(schema, part, left),
        }
    }

    fn add_alternatives(&mut self, schema: &Schema, part: &Value, left: usize) {
        let mut said = false;
        for key in ["anyOf", "oneOf", "allOf"] {
            if let Some(Value::Array(parts)) = part.get(key) {
                said = true;
                for part in parts {
                    self.add(schema, part, left);
                }
            }
        }
        let values = part.get("enum").and_then(Value::as_array);
        for value in values.into_iter().flatten().chain(part.get("const")) {
            said = true;
            match value {
                Value::Bool(_) => self.boolean = true,
                Value::Number(number) if number.is_f64() => self.number = true,
                Value::Number(_) => self.integer = true,
                Value::String(_) => self.text = true,
                Value::Null => {}
                Value::Array(_) | Value::Object(_) => self.object = true,
            }
        }
        // Where anything goes, a text is one.
        self.text |= !said;
    }

    fn add_type(&mut self, name: &str, schema: &Schema, part: &Value, left: usize) {
        match name {
            "boolean" => self.boolean = true,
            "integer" => self.integer = true,
            "number" => self.number = true,
            "string" => self.text = true,
            "array" if part.get("prefixItems").is_none() => {
                let mut item = Self::default();
                match part.get("items") {
                    Some(items) => item.add(schema, items, left),
                    None => item.text = true,
                }
                self.list = Some(Box::new(item));
            }
            "array" | "object" => self.object = true,
            _ => {}
        }
    }

    /// Whether it is one text.
    pub(super) fn is_scalar(&self) -> bool {
        let any = self.boolean || self.integer || self.number || self.text;
        any && self.list.is_none() && !self.object
    }

    /// Reads a text as what it may be; as a text, where it is none of that.
    pub(super) fn read(&self, text: Cow<'_, str>) -> Value {
        if self.boolean {
            match &*text {
                "true" => return true.into(),
                "false" => return false.into(),
                _ => {}
            }
        }
        if (self.integer || self.number)
            && is_number(&text, self.number)
            && let Ok(number) = serde_json::from_str::<Number>(&text)
        {
            return number.into();
        }
        text.into_owned().into()
    }
}

/// Whether a text is a number as JSON writes it (RFC 8259, 6); an integer, unless `fraction`s are meant
/// too.
fn is_number(text: &str, fraction: bool) -> bool {
    let begins = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let allowed = |c: char| c.is_ascii_digit() || c == '-' || fraction && ".eE+".contains(c);
    begins && text.chars().all(allowed)
}

/// The fields that texts are read into.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    known: BTreeMap<String, Kinds>,
    required: BTreeSet<String>,
    /// What fields of other names are; none, if there are none.
    others: Option<Kinds>,
}

impl Fields {
    /// Finds the fields of a schema; or says why it has none that texts could be read into.
    pub(super) fn of(place: FieldPlace, schema: &Schema) -> Result<Self, String> {
        let what = match place {
            FieldPlace::Path => "the path",
            FieldPlace::Query => "the query",
            FieldPlace::Header => "the headers",
            FieldPlace::Body => "a form",
        };
        let root = schema.resolve(&schema.root);
        if root.get("type").and_then(Value::as_str) != Some("object")
            || ["anyOf", "oneOf"].iter().any(|key| root.get(key).is_some())
        {
            return Err(format!("the type of {what} is no struct with named fields"));
        }
        let mut fields = Self {
            known: BTreeMap::new(),
            required: BTreeSet::new(),
            others: match root.get("additionalProperties") {
                None | Some(Value::Bool(false)) => None,
                Some(part) => Some(Kinds::of(schema, part)),
            },
        };
        for (name, part) in properties(schema) {
            let kinds = Kinds::of(schema, part);
            let list_is_right = match (place, &kinds.list) {
                (_, None) => true,
                (FieldPlace::Path, Some(_)) => false,
                (_, Some(item)) => item.is_scalar(),
            };
            if kinds.object || !list_is_right {
                return Err(format!(
                    "the field `{name}` of {what} is neither a text, a number nor a truth value{}",
                    match place {
                        FieldPlace::Path => "",
                        _ => ", nor a list of them",
                    }
                ));
            }
            if place == FieldPlace::Header && HeaderName::from_lowercase(name.as_bytes()).is_err() {
                return Err(format!(
                    "`{name}` is no name of a header field in lower case"
                ));
            }
            fields.known.insert(name.clone(), kinds);
        }
        let required = root.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        fields.required = required.map(str::to_owned).collect();
        Ok(fields)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.known.keys()
    }

    pub(super) fn is_required(&self, name: &str) -> bool {
        self.required.contains(name)
    }

    fn kinds(&self, name: &str) -> Option<&Kinds> {
        self.known.get(name).or(self.others.as_ref())
    }

    /// Whether a name is that of a field.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.kinds(name).is_some()
    }

    /// Whether a field takes several texts.
    pub(super) fn is_list(&self, name: &str) -> bool {
        self.kinds(name).is_some_and(|kinds| kinds.list.is_some())
    }

    /// What could have been meant, where no name is like the one that was sent.
    fn taken(&self) -> String {
        let names: Vec<String> = self.names().map(|name| format!("`{name}`")).collect();
        match &names[..] {
            [] => "; none is taken here".into(),
            // More are for the description.
            names if names.len() <= 8 => format!("; expected one of {}", names.join(", ")),
            _ => String::new(),
        }
    }

    /// Reads texts into an object. A list takes every text of its name; anything else takes one.
    ///
    /// Of names that are not known it is told, unless `open`.
    #[allow(single_use_lifetimes, reason = "it cannot be anonymous here")]
    pub(super) fn read<'t>(
        &self,
        texts: impl IntoIterator<Item = Pair<'t>>,
        open: bool,
        telling: &mut Telling,
    ) -> Value {
        let mut object = Map::new();
        let mut told = BTreeSet::new();
        for (name, text) in texts {
            let Some(kinds) = self.kinds(&name) else {
                if open {
                    object.insert(name.into_owned(), text.into_owned().into());
                } else if told.insert(name.to_string()) {
                    let nearest = byname_registry::nearest(self.names(), &name);
                    let meant = match byname_registry::suggestion(&nearest) {
                        none if none.is_empty() => self.taken(),
                        meant => meant,
                    };
                    telling.name(&name, format!("is not known{meant}"));
                }
                continue;
            };
            match (object.entry(name), &kinds.list) {
                (Entry::Vacant(entry), None) => {
                    entry.insert(kinds.read(text));
                }
                (Entry::Vacant(entry), Some(item)) => {
                    entry.insert(Value::Array(vec![item.read(text)]));
                }
                (Entry::Occupied(mut entry), Some(item)) => {
                    if let Value::Array(list) = entry.get_mut() {
                        list.push(item.read(text));
                    }
                }
                (Entry::Occupied(entry), None) => {
                    if told.insert(entry.key().clone()) {
                        telling.name(entry.key(), "is given several times; expected once".into());
                    }
                }
            }
        }
        object.into()
    }
}

/// The fields of a schema of an object, as it writes them.
pub(super) fn properties(schema: &Schema) -> impl Iterator<Item = (&String, &Value)> {
    let root = schema.resolve(&schema.root);
    root.get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// The schema of one field, by itself. A text is never null, whatever the type says.
pub(super) fn part(schema: &Schema, part: &Value) -> Schema {
    Schema {
        root: without_null(part),
        definitions: schema.definitions.clone(),
    }
}
