//! The JSON Schema of an application's file, for editors.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::App;
use super::sections::{ClientSection, HealthSection, LifeSection, ServerSection, ServiceSection};

impl App {
    /// Returns the JSON Schema (2020-12) of the application's file, with the settings of every factory
    /// and every middleware that is registered.
    ///
    /// Where a number or a truth value is expected, a text with a placeholder will do.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let values = json!({
            "description": "Configuration values, read by dotted name.",
            "type": "object",
        });
        let server = closed(section::<ServerSection>(&mut generator));
        #[cfg(feature = "http")]
        let server = crate::http::schema::of_server(server, &mut generator);
        let servers = json!({
            "description": "Servers by name.",
            "type": "object",
            "additionalProperties": with(server, "values", values.clone()),
        });
        let mut properties = Map::new();
        let mut add = |key: &str, schema| properties.insert(key.into(), schema);
        add(
            "name",
            json!({ "description": "The name of the application.", "type": "string" }),
        );
        add(
            "include",
            json!({
                "description": "Files that are laid below this one, relative to it.",
                "type": "array",
                "items": { "type": "string" },
            }),
        );
        add("values", values.clone());
        add("services", self.services_schema(&mut generator));
        add(
            "middleware",
            json!({
                "description": "Middleware by name.",
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "properties": { "type": { "type": "string" }, "settings": { "type": "object" } },
                    "additionalProperties": false,
                },
            }),
        );
        add(
            "clients",
            json!({
                "description": "Where services of other servers are reached, by the name of the service.",
                "type": "object",
                "additionalProperties": closed(section::<ClientSection>(&mut generator)),
            }),
        );
        #[cfg(feature = "http")]
        add(
            "routers",
            crate::http::schema::routers(&self.registries, &mut generator),
        );
        add("servers", servers.clone());
        add(
            "deployments",
            json!({
                "description": "Deployments by name.",
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "properties": { "servers": servers, "values": values },
                    "additionalProperties": false,
                },
            }),
        );
        add("life", closed(section::<LifeSection>(&mut generator)));
        add("health", closed(section::<HealthSection>(&mut generator)));
        let definitions = generator.take_definitions(true);
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "An application of named components",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        if !definitions.is_empty() {
            schema["$defs"] = Value::Object(definitions);
        }
        allow_placeholders(&mut schema);
        schema
    }

    /// Services by name: what all have, and the settings that depend on the factory.
    fn services_schema(&self, generator: &mut SchemaGenerator) -> Value {
        let listed = self.registries.factories.snapshot();
        let service = with(
            closed(section::<ServiceSection>(generator)),
            "settings",
            json!({}),
        );
        #[cfg(feature = "http")]
        let service = with(
            service,
            "publish",
            crate::http::schema::of_service(generator),
        );
        let (mut by_type, mut by_name, mut names) = (Vec::new(), Map::new(), Vec::new());
        for (name, entry) in listed.entries() {
            let Some(factory) = entry.value() else {
                continue;
            };
            let settings = value_of(factory.schema(generator));
            let then = json!({ "properties": { "settings": settings } });
            by_type.push(json!({
                "if": { "properties": { "type": { "const": name } }, "required": ["type"] },
                "then": then,
            }));
            by_name.insert(
                name.into(),
                json!({
                    "if": { "not": { "required": ["type"] } },
                    "then": then,
                }),
            );
            names.push(name.to_owned());
        }
        let mut every = vec![with(
            service,
            "type",
            json!({
                "description": "The factory that makes it. Default: its own name.",
                "enum": names,
            }),
        )];
        every.extend(by_type);
        json!({
            "description": "Services by name.",
            "type": "object",
            "properties": by_name,
            "allOf": [{ "additionalProperties": { "allOf": every } }],
        })
    }
}

pub(crate) fn section<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    value_of(T::json_schema(generator))
}

pub(crate) fn value_of(schema: Schema) -> Value {
    schema.to_value()
}

/// Allows no other keys.
pub(crate) fn closed(mut schema: Value) -> Value {
    schema["additionalProperties"] = Value::Bool(false);
    schema
}

/// Adds a key.
pub(crate) fn with(mut schema: Value, key: &str, property: Value) -> Value {
    schema["properties"][key] = property;
    schema
}

/// Lets a text with a placeholder stand for a number or a truth value.
fn allow_placeholders(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(allow_placeholders),
        Value::Object(map) => {
            map.values_mut().for_each(allow_placeholders);
            let is_plain =
                |of: &Value| matches!(of.as_str(), Some("integer" | "number" | "boolean"));
            let plain = match map.get("type") {
                Some(Value::Array(types)) => types.iter().any(is_plain),
                Some(of) => is_plain(of),
                None => false,
            };
            if plain {
                let mut other = Map::new();
                for key in ["title", "description", "default"] {
                    if let Some(value) = map.remove(key) {
                        other.insert(key.into(), value);
                    }
                }
                let placeholder = json!({ "type": "string", "pattern": "\\$\\{.+\\}" });
                let inner = Value::Object(std::mem::take(map));
                other.insert("anyOf".into(), json!([inner, placeholder]));
                *map = other;
            }
        }
        _ => {}
    }
}
