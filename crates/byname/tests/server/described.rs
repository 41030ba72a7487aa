//! Answers of the real program, held against the description that it serves of itself.
//!
//! What it serves is `expected/openapi.json`: the test `the_description_is_as_expected` holds that.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::Response;

/// The description, each of whose objects has no fields but those that are described.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let mut description = serde_json::from_str(include_str!("../expected/openapi.json")).unwrap();
    close(&mut description);
    description
});

/// What is compiled of it, by schema.
static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

fn close(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(close);
            if map.get("properties").is_some_and(Value::is_object) && map.contains_key("type") {
                map.entry("additionalProperties").or_insert(false.into());
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

/// Says what is wrong with an answer by its description; nothing, where nothing is described.
pub(crate) fn faults(method: &str, target: &str, response: &Response) -> Vec<String> {
    let path = target.split(['?', '#']).next().unwrap();
    let described = operation(method, path);
    let status = response.status.to_string();
    let answer = described.and_then(|operation| {
        let answers = &operation["responses"];
        answers.get(&status).or_else(|| answers.get("default"))
    });
    match answer {
        Some(answer) => of(answer, method == "HEAD", response),
        // What no operation describes is refused as everything else is.
        None if response.status >= 400 && method != "HEAD" => refusal(response),
        None => Vec::new(),
    }
}

/// What describes the answers to a request; an answer to `HEAD` is that to `GET` without its content.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let found = paths.get(path).or_else(|| {
        let mut matching = paths.iter().filter(|(template, _)| matches(template, path));
        matching.next().map(|(_, item)| item)
    });
    let method = if method == "HEAD" { "GET" } else { method };
    found?.get(method.to_lowercase())
}

/// Whether a path is one of a template, whose last parameter may take the rest.
fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    let takes_rest = template.last().is_some_and(|last| last.starts_with('{'));
    let fits = path.len() == template.len() || takes_rest && path.len() > template.len();
    let mut both = template.iter().zip(&path);
    fits && both
        .all(|(wanted, found)| wanted == found || wanted.starts_with('{') && !found.is_empty())
}

fn of(answer: &Value, is_head: bool, response: &Response) -> Vec<String> {
    let mut faults = Vec::new();
    let headers = answer["headers"].as_object().into_iter().flatten();
    for (name, header) in headers {
        match response.header(name) {
            Some(text) => {
                let value = serde_json::from_str(text).unwrap_or_else(|_| text.into());
                faults.extend(validated(&header["schema"], &value));
            }
            None if header["required"] == true => {
                faults.push(format!("the header {name} is missing"));
            }
            None => {}
        }
    }
    // What is told of every answer, or of none, is told by those that are there.
    if response.header("byname-revision").is_some()
        && answer.pointer("/headers/byname-revision").is_none()
    {
        faults.push("the header byname-revision is not described".into());
    }
    let kind = response.header("content-type").unwrap_or_default();
    match answer["content"].get(kind) {
        Some(_) if is_head => {}
        Some(content) => faults.extend(validated(&content["schema"], &response.json())),
        None => faults.push(format!("the content type {kind:?} is not described")),
    }
    faults
}

fn refusal(response: &Response) -> Vec<String> {
    match response.header("content-type") {
        Some("application/problem+json") => {
            let schema = json!({ "$ref": "#/components/schemas/Problem" });
            validated(&schema, &response.json())
        }
        kind => vec![format!("a refusal has the content type {kind:?}")],
    }
}

fn validated(schema: &Value, value: &Value) -> Vec<String> {
    let validator = Arc::clone(
        COMPILED
            .lock()
            .unwrap()
            .entry(schema.to_string())
            .or_insert_with(|| {
                let mut whole = Map::new();
                whole.insert("allOf".into(), json!([schema]));
                whole.insert("components".into(), DESCRIPTION["components"].clone());
                let options = jsonschema::options().should_validate_formats(true);
                Arc::new(options.build(&whole.into()).unwrap())
            }),
    );
    let faults = validator.iter_errors(value);
    faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}
