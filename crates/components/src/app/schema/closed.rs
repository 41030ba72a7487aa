//! Keys that nothing reads are refused by the schema, as they are by the reader.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What lays further schemas over the same map: each of them sees the keys of the others.
const OVERLAYS: [&str; 7] = ["$ref", "allOf", "anyOf", "oneOf", "if", "then", "else"];

/// What says already which further keys there may be.
const SAID: [&str; 3] = [
    "additionalProperties",
    "patternProperties",
    "unevaluatedProperties",
];

/// Allows no other keys in the maps of definitions. A definition that is laid over the keys of another
/// schema stays open, as it would refuse the other's.
pub(super) fn close(definitions: &mut Map<String, Value>) {
    let mut overlaid = BTreeSet::new();
    for schema in definitions.values() {
        find_overlaid(schema, &mut overlaid);
    }
    let closed = definitions.iter_mut();
    closed
        .filter(|(name, _)| !overlaid.contains(*name))
        .for_each(|(_, schema)| close_maps(schema));
}

fn close_maps(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    let has = |keys: &[&str]| keys.iter().any(|key| map.contains_key(*key));
    if has(&["properties"]) && !has(&OVERLAYS) && !has(&SAID) {
        map.insert("additionalProperties".into(), Value::Bool(false));
    }
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(close_maps);
    }
    for key in ["items", "additionalProperties"] {
        map.get_mut(key).into_iter().for_each(close_maps);
    }
}

/// Finds the definitions that are laid over keys of other schemas.
fn find_overlaid(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Array(list) => list.iter().for_each(|one| find_overlaid(one, found)),
        Value::Object(map) => {
            let has_keys = map.contains_key("properties");
            for (key, inner) in map {
                let laid_over = match key.as_str() {
                    "allOf" => true,
                    key => has_keys && OVERLAYS.contains(&key),
                };
                if laid_over {
                    references(inner, found);
                }
                find_overlaid(inner, found);
            }
        }
        _ => {}
    }
}

/// The definitions that a schema refers to, without those of single keys.
fn references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::String(text) => {
            found.extend(text.strip_prefix("#/$defs/").map(str::to_owned));
        }
        Value::Array(list) => list.iter().for_each(|one| references(one, found)),
        Value::Object(map) => {
            for key in OVERLAYS {
                map.get(key)
                    .into_iter()
                    .for_each(|one| references(one, found));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_lists_its_keys_has_no_others_and_what_is_laid_over_another_stays_open() {
        let mut definitions = json!({
            "Plain": { "properties": { "a": { "properties": { "b": {} } }, "c": { "$ref": "#/$defs/Inner" } } },
            "Inner": { "properties": {} },
            "Map": { "properties": {}, "additionalProperties": { "properties": {} } },
            "Tagged": { "properties": { "type": {} }, "$ref": "#/$defs/Laid" },
            "Both": { "allOf": [{ "$ref": "#/$defs/AlsoLaid" }] },
            "Laid": { "properties": {} },
            "AlsoLaid": { "properties": {} },
            "Either": { "anyOf": [{ "$ref": "#/$defs/Inner" }, { "type": "null" }] },
        });
        close(definitions.as_object_mut().unwrap());
        let closed = |path: &str| definitions.pointer(path) == Some(&json!(false));
        for path in [
            "/Plain",
            "/Plain/properties/a",
            "/Inner",
            "/Map/additionalProperties",
        ] {
            assert!(closed(&format!("{path}/additionalProperties")), "{path}");
        }
        for path in ["/Tagged", "/Both", "/Laid", "/AlsoLaid", "/Map", "/Either"] {
            assert!(!closed(&format!("{path}/additionalProperties")), "{path}");
        }
    }
}
