//! The JSON Schema of an application's file, for editors.

mod closed;
mod placeholders;

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::App;
use super::sections::{ClientSection, HealthSection, LifeSection, ServerSection, ServiceSection};

impl App {
    /// Returns the JSON Schema (2020-12) of the application's file, with the settings of every factory
    /// every middleware and every kind of route that is registered.
    ///
    /// Where a number, a truth value or a text of some form is expected, one with a placeholder will do.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let values = json!({
            "description": "Configuration values, read by dotted name.",
            "type": "object",
        });
        let mut server = closed(section::<ServerSection>(&mut generator));
        server["type"] = json!(["object", "null"]);
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
        add("middleware", self.middleware_schema(&mut generator));
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
        let mut definitions = generator.take_definitions(true);
        closed::close(&mut definitions);
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
        placeholders::allow(&mut schema);
        schema
    }

    /// Services by name: what all have, and the settings that depend on the factory.
    fn services_schema(&self, generator: &mut SchemaGenerator) -> Value {
        let listed = self.registries.factories.snapshot();
        let service = closed(section::<ServiceSection>(generator));
        let mut service = with(service, "settings", json!({}));
        service["type"] = json!(["object", "null"]);
        #[cfg(feature = "http")]
        let service = with(
            service,
            "publish",
            crate::http::schema::of_service(generator),
        );
        let factories = listed.entries().filter_map(|(name, entry)| {
            let factory = entry.value()?;
            let settings = settings(factory.schema(generator), generator);
            Some((name.to_owned(), settings))
        });
        let of = ByType::of(factories);
        let every = of.every(
            service,
            json!({
                "description": "The factory that makes it. Default: its own name.",
                "enum": of.names,
            }),
        );
        json!({
            "description": "Services by name.",
            "type": "object",
            "properties": of.named,
            "allOf": [{ "additionalProperties": { "allOf": every } }],
        })
    }

    /// Middleware by name: its type, and the settings that depend on that.
    fn middleware_schema(&self, generator: &mut SchemaGenerator) -> Value {
        let listed = self.registries.middleware.factories().snapshot();
        let factories = listed.entries().filter_map(|(name, entry)| {
            let factory = entry.value()?;
            let settings = settings(factory.schema(generator), generator);
            Some((name.to_owned(), settings))
        });
        let of = ByType::of(factories);
        let middleware = json!({
            "type": ["object", "null"],
            "properties": { "settings": {} },
            "additionalProperties": false,
        });
        let every = of.every(
            middleware,
            json!({
                "description": "What makes it. Default: its own name.",
                "enum": of.names,
            }),
        );
        json!({
            "description": "Middleware by name.",
            "type": "object",
            "properties": of.named,
            // One that is not called as its type has to say it.
            "additionalProperties": { "required": ["type"] },
            "allOf": [{ "additionalProperties": { "allOf": every } }],
        })
    }
}

/// What depends on the type that something is of, said by its `type` or else by its name.
struct ByType {
    names: Vec<String>,
    /// For each type, the schema of what says to be of it.
    typed: Vec<Value>,
    /// The schema of what says no type, by its name.
    named: Map<String, Value>,
}

impl ByType {
    /// Takes the schema of the settings of each type, and whether they can be left out.
    fn of(types: impl Iterator<Item = (String, SettingsSchema)>) -> Self {
        let mut of = Self {
            names: Vec::new(),
            typed: Vec::new(),
            named: Map::new(),
        };
        for (name, settings) in types {
            let mut then = json!({ "properties": { "settings": settings.schema } });
            if settings.required {
                // Nothing at all is not a map that has them.
                then["type"] = json!("object");
                then["required"] = json!(["settings"]);
            }
            of.typed.push(json!({
                "if": {
                    "type": "object",
                    "properties": { "type": { "const": name } },
                    "required": ["type"],
                },
                "then": then,
            }));
            of.named.insert(
                name.clone(),
                json!({
                    "if": { "not": { "type": "object", "required": ["type"] } },
                    "then": then,
                }),
            );
            of.names.push(name);
        }
        of
    }

    /// What is said of each: what all have, its type, and what depends on that.
    fn every(&self, common: Value, of_type: Value) -> Vec<Value> {
        let mut every = vec![with(common, "type", of_type)];
        every.extend(self.typed.iter().cloned());
        every
    }
}

/// The schema of settings.
pub(crate) struct SettingsSchema {
    pub(crate) schema: Value,
    /// Whether some of them have no default.
    pub(crate) required: bool,
}

/// The schema of settings as a file has them: where nothing is read, there is a map without keys.
pub(crate) fn settings(schema: Schema, generator: &SchemaGenerator) -> SettingsSchema {
    let schema = value_of(schema);
    if schema["type"] == "null" {
        return SettingsSchema {
            schema: json!({ "type": ["object", "null"], "maxProperties": 0 }),
            required: false,
        };
    }
    let name = schema["$ref"].as_str();
    let name = name.and_then(|name| name.strip_prefix("#/$defs/"));
    let of = name.and_then(|name| generator.definitions().get(name));
    let required = of.unwrap_or(&schema)["required"].as_array();
    SettingsSchema {
        required: required.is_some_and(|keys| !keys.is_empty()),
        schema,
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
