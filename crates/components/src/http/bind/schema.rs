//! The JSON Schema of a type, as it is enforced and documented.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema as Derived, SchemaGenerator};
use serde_json::{Map, Value};

/// A schema (JSON Schema 2020-12) with the definitions that it refers to as `#/$defs/…`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schema {
    pub(crate) root: Value,
    pub(crate) definitions: Map<String, Value>,
}

impl Schema {
    /// The schema of what a type is read from.
    pub(crate) fn read<T: JsonSchema>() -> Self {
        Self::make::<T>(SchemaSettings::draft2020_12().for_deserialize())
    }

    /// The schema of what a type is written as.
    pub(crate) fn written<T: JsonSchema>() -> Self {
        Self::make::<T>(SchemaSettings::draft2020_12().for_serialize())
    }

    fn make<T: JsonSchema>(settings: SchemaSettings) -> Self {
        Self::make_by(settings, SchemaGenerator::subschema_for::<T>)
    }

    /// The schema of what a type is read from, which a function asks for.
    pub(crate) fn read_by(ask: impl FnOnce(&mut SchemaGenerator) -> Derived) -> Self {
        Self::make_by(SchemaSettings::draft2020_12().for_deserialize(), ask)
    }

    /// The schema that a function makes, with what it refers to.
    pub(crate) fn make_by(
        settings: SchemaSettings,
        make: impl FnOnce(&mut SchemaGenerator) -> Derived,
    ) -> Self {
        let mut generator = settings
            .with_transform(Bounds)
            .with_transform(Prose)
            .into_generator();
        let mut root = make(&mut generator);
        Bounds.transform(&mut root);
        Prose.transform(&mut root);
        Self {
            root: root.to_value(),
            definitions: generator.take_definitions(true),
        }
    }

    /// A schema without definitions.
    pub(crate) fn plain(root: Value) -> Self {
        Self {
            root,
            definitions: Map::new(),
        }
    }

    /// The schema of an object whose fields are sent as texts: a text is never null.
    pub(crate) fn of_texts(mut self) -> Self {
        let root = match referred(&self.root) {
            Some(name) => self.definitions.get_mut(&name),
            None => Some(&mut self.root),
        };
        let fields = root.and_then(|root| root.get_mut("properties")?.as_object_mut());
        for field in fields.into_iter().flat_map(Map::values_mut) {
            *field = without_null(field);
        }
        self
    }

    /// Returns it as one value, with its definitions.
    pub(crate) fn whole(&self) -> Value {
        let mut root = match &self.root {
            Value::Object(root) => root.clone(),
            other => return other.clone(),
        };
        if !self.definitions.is_empty() {
            root.insert("$defs".into(), self.definitions.clone().into());
        }
        root.into()
    }

    /// Returns what a part of it refers to, or the part itself.
    pub(crate) fn resolve<'a>(&'a self, mut part: &'a Value) -> &'a Value {
        // A definition that is only a reference may lead round in a circle.
        for _ in 0..=self.definitions.len() {
            let Some(name) = referred(part) else { break };
            match self.definitions.get(&*name) {
                Some(definition) => part = definition,
                None => break,
            }
        }
        part
    }
}

/// The name of the definition that a schema refers to.
pub(crate) fn referred(schema: &Value) -> Option<String> {
    let name = schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
    let text = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    Some(text.replace("~1", "/").replace("~0", "~"))
}

/// Gives every number the bounds of its type, so that what does not fit is refused by the schema and
/// not cut off behind it.
#[derive(Clone)]
struct Bounds;

impl Transform for Bounds {
    fn transform(&mut self, schema: &mut Derived) {
        let format = schema.get("format").and_then(Value::as_str);
        let (least, most): (Value, Value) = match format.unwrap_or_default() {
            "int32" => (i32::MIN.into(), i32::MAX.into()),
            "int64" => (i64::MIN.into(), i64::MAX.into()),
            // Wider ones are read from what JSON's reader holds.
            "int" => (isize::MIN.into(), isize::MAX.into()),
            "int128" => (i64::MIN.into(), u64::MAX.into()),
            "uint32" => (0.into(), u32::MAX.into()),
            "uint64" | "uint128" => (0.into(), u64::MAX.into()),
            "uint" => (0.into(), usize::MAX.into()),
            // As the largest is written, which is a little more than it is, and is read as it.
            "float" => ((-3.402_823_5e38).into(), 3.402_823_5e38.into()),
            _ => (Value::Null, Value::Null),
        };
        for (key, other, bound) in [
            ("minimum", "exclusiveMinimum", least),
            ("maximum", "exclusiveMaximum", most),
        ] {
            if !bound.is_null() && schema.get(key).is_none() && schema.get(other).is_none() {
                schema.insert(key.into(), bound);
            }
        }
        transform_subschemas(self, schema);
    }
}

/// Leaves of what is said of a type what is for whoever asks over a network: not its headings, such as
/// examples in Rust.
#[derive(Clone)]
struct Prose;

impl Transform for Prose {
    fn transform(&mut self, schema: &mut Derived) {
        let said = schema.get("description").and_then(Value::as_str);
        if let Some((prose, _)) = said.and_then(|said| said.split_once("\n\n# ")) {
            let prose = prose.to_owned();
            schema.insert("description".into(), prose.into());
        }
        transform_subschemas(self, schema);
    }
}

/// A schema of what is not null.
pub(crate) fn without_null(schema: &Value) -> Value {
    let Value::Object(schema) = schema else {
        return schema.clone();
    };
    let mut schema = schema.clone();
    if let Some(Value::Array(names)) = schema.get_mut("type") {
        names.retain(|name| name != "null");
        if let [one] = &mut names[..] {
            let one = one.take();
            schema.insert("type".into(), one);
        }
    }
    for key in ["enum", "anyOf", "oneOf"] {
        if let Some(Value::Array(parts)) = schema.get_mut(key) {
            parts.retain(|part| !part.is_null() && part.get("type") != Some(&"null".into()));
        }
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(Value::Array(parts)) = schema.get(key)
            && let [Value::Object(one)] = &parts[..]
        {
            let one = one.clone();
            schema.remove(key);
            for (key, value) in one {
                schema.entry(key).or_insert(value);
            }
        }
    }
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
    schema.into()
}
