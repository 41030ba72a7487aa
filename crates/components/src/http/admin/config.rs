//! The effective configuration, secrets masked.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{json as answer, text};
use super::registries::shown;
use crate::config::{Config, Node, Path, PrintOptions, Value as Kind};

/// As YAML, with the origin of each value as a comment. A browser shows it rather than keeps it.
pub(super) fn yaml(config: &Config) -> Response {
    let printed = config.print(&PrintOptions::default());
    text("text/plain; charset=utf-8", printed)
}

/// As a list of all values that are no maps and no lists.
pub(super) fn list(config: &Config) -> Response {
    let mut values = Vec::new();
    leaves(config, config.root(), config.part(), &mut values);
    answer(axum::http::StatusCode::OK, &json!({ "values": values }))
}

fn leaves(config: &Config, node: &Node, path: &Path, values: &mut Vec<Value>) {
    let secret = config.is_secret(node, path);
    match &node.value {
        Kind::Map(map) if !secret && !map.is_empty() => {
            for (key, node) in map.iter() {
                leaves(config, node, &path.key(Arc::clone(&key.name)), values);
            }
        }
        Kind::List(list) if !secret && !list.is_empty() => {
            for (at, node) in list.iter().enumerate() {
                leaves(config, node, &path.index(at), values);
            }
        }
        _ => {
            let over = node.overridden.iter().map(ToString::to_string);
            values.push(json!({
                "path": path.to_string(),
                "value": shown(Some(config), node, path),
                "secret": secret,
                "origin": node.origin.to_string(),
                "over": over.collect::<Vec<_>>(),
            }));
        }
    }
}
