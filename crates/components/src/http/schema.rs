//! The JSON Schema of what a file says of routers, listeners and published services.

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::listen;
use super::sections::{CONVENTION, OpenApi};
use crate::app::schema::{closed, section, settings, with};
use crate::registries::Registries;
use crate::service::{MethodOverrides, Overrides};

fn names(description: &str) -> Value {
    json!({ "description": description, "type": "array", "items": { "type": "string" } })
}

const LAYERS: &str = "Middleware that stands before it, by name, the outermost first.";
const PREFIX: &str = "What the paths of its routes begin with.";

/// The keys of a server.
pub(crate) fn of_server(schema: Value, generator: &mut SchemaGenerator) -> Value {
    let listener = closed(section::<listen::Settings>(generator));
    let listener = with(
        listener,
        "routers",
        names("Routers that answer here, by name."),
    );
    let listener = with(listener, "middleware", names(LAYERS));
    let listener = with(
        listener,
        "publish",
        json!({
            "description": "Whether the services that the server publishes answer here. Default: true.",
            "type": "boolean",
        }),
    );
    let described = closed(section::<OpenApi>(generator));
    let listener = with(
        listener,
        "openapi",
        json!({
            "description": "Where the description of the routes is served (OpenAPI 3.1), or how; false for nowhere. Default: /openapi.json.",
            "anyOf": [{ "type": ["boolean", "string"] }, described],
        }),
    );
    let listeners = json!({
        "description": "Where it listens, and what answers there, by name.",
        "type": "object",
        "additionalProperties": listener,
    });
    let schema = with(schema, "listeners", listeners);
    let schema = with(schema, "middleware", names(LAYERS));
    let published = "Services that others may call here; those who need them get a client.";
    with(schema, "publish", names(published))
}

/// How a service is published.
pub(crate) fn of_service(generator: &mut SchemaGenerator) -> Value {
    let mut publish = closed(section::<Overrides>(generator));
    publish["description"] = json!("How the service is published, by whichever server.");
    let convention = format!("The rule that turns its methods into routes. Default: {CONVENTION}.");
    let publish = with(
        publish,
        "convention",
        json!({ "description": convention, "type": "string" }),
    );
    let mut publish = with(publish, "middleware", names(LAYERS));
    let method = closed(section::<MethodOverrides>(generator));
    publish["properties"]["methods"]["additionalProperties"] =
        with(method, "middleware", names(LAYERS));
    publish
}

/// The routers of a file.
pub(crate) fn routers(registries: &Registries, generator: &mut SchemaGenerator) -> Value {
    let mut item = Map::new();
    item.insert(
        "prefix".into(),
        json!({ "description": PREFIX, "type": "string" }),
    );
    item.insert("middleware".into(), names(LAYERS));
    item.insert(
        "change".into(),
        json!({
            "description": "What is changed of routes of the router, by method and path: `GET /models/{id}`.",
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "hide": { "description": "Whether it is left out. Default: false.", "type": "boolean" },
                    "path": { "description": "Where it is instead, with the same parameters.", "type": "string" },
                    "middleware": names(LAYERS),
                },
                "additionalProperties": false,
            },
        }),
    );
    item.insert(
        "needs".into(),
        json!({
            "description": "Services that stand in the place of what a router of code needs.",
            "type": "object",
            "additionalProperties": { "type": "string" },
        }),
    );
    item.insert(
        "router".into(),
        json!({ "description": "The router that is routed to, by name.", "type": "string" }),
    );
    item.insert(
        "routes".into(),
        json!({ "description": "A group of further routes.", "type": "array", "items": { "$ref": "#/$defs/Route" } }),
    );
    for (kind, entry) in registries.kinds.snapshot().entries() {
        if let Some(factory) = entry.value() {
            let settings = settings(factory.schema(generator), generator);
            let mut schema = settings.schema;
            if !settings.required {
                schema = json!({ "anyOf": [schema, { "type": "null" }] });
            }
            item.insert(kind.into(), schema);
        }
    }
    let route = json!({
        "description": "A route: what is routed to, under one key.",
        "type": "object",
        "properties": item,
        "additionalProperties": false,
    });
    generator.definitions_mut().insert("Route".into(), route);
    json!({
        "description": "Routers by name.",
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "prefix": { "description": PREFIX, "type": "string" },
                "middleware": names(LAYERS),
                "routes": {
                    "description": "What is routed to.",
                    "type": "array",
                    "items": { "$ref": "#/$defs/Route" },
                },
            },
            "additionalProperties": false,
        },
    })
}
