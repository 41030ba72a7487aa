//! A text with a placeholder stands for whatever the text is once that is filled in.

use serde_json::{Map, Value, json};

/// The keys of a schema that have values, and no schemas.
const VALUES: [&str; 4] = ["const", "default", "enum", "examples"];

/// Lets a text with a placeholder stand for a number, a truth value, or a text of a form of its own.
pub(super) fn allow(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(allow),
        Value::Object(map) => {
            if is_choice(map) {
                beside(map);
                return;
            }
            let schemas = map
                .iter_mut()
                .filter(|(key, _)| !VALUES.contains(&key.as_str()));
            schemas.for_each(|(_, inner)| allow(inner));
            if is_plain(map) || is_formed(map) {
                beside(map);
            }
        }
        _ => {}
    }
}

/// Whether it is a number or a truth value.
fn is_plain(schema: &Map<String, Value>) -> bool {
    let is_plain = |of: &Value| matches!(of.as_str(), Some("integer" | "number" | "boolean"));
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(is_plain),
        Some(of) => is_plain(of),
        None => false,
    }
}

/// Whether it is a text of a form of its own.
fn is_formed(schema: &Map<String, Value>) -> bool {
    let is_text = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|of| of == "string"),
        Some(of) => of == "string",
        None => false,
    };
    let is_listed = schema.get("enum").is_some_and(Value::is_array);
    is_listed || is_text && schema.contains_key("pattern")
}

/// Whether it is one of several texts.
fn is_choice(schema: &Map<String, Value>) -> bool {
    let Some(Value::Array(all)) = schema.get("oneOf") else {
        return false;
    };
    all.iter()
        .all(|one| one["const"].is_string() || one["enum"].is_array())
}

/// Makes a schema one that takes a text with a placeholder as well.
fn beside(schema: &mut Map<String, Value>) {
    let mut other = Map::new();
    for key in ["title", "description", "default"] {
        if let Some(value) = schema.remove(key) {
            other.insert(key.into(), value);
        }
    }
    let placeholder = json!({ "type": "string", "pattern": "\\$\\{.+\\}" });
    let inner = Value::Object(std::mem::take(schema));
    other.insert("anyOf".into(), json!([inner, placeholder]));
    *schema = other;
}
