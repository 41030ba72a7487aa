//! What the layers of a configuration become.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod files;
mod outside;
mod placeholders;
mod reading;
mod showing;

use std::collections::BTreeMap;
use std::path::Path;

use byname_components::Problems;
use byname_components::config::{Config, Layers, Node, Value};
use tempfile::TempDir;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn layers(folder: &TempDir) -> Layers {
    Layers::new("BYNAME").base(folder.path())
}

fn text(yaml: &str) -> Layers {
    Layers::new("BYNAME").text("text", yaml)
}

/// All single values, by path, in whatever order they stand.
fn leaves(config: &Config) -> BTreeMap<String, String> {
    fn walk(node: &Node, path: &str, all: &mut BTreeMap<String, String>) {
        match &node.value {
            Value::Null => {
                all.insert(path.to_owned(), "null".to_owned());
            }
            Value::Scalar(scalar) => {
                all.insert(path.to_owned(), scalar.text.to_string());
            }
            Value::List(list) => {
                for (at, node) in list.iter().enumerate() {
                    walk(node, &format!("{path}[{at}]"), all);
                }
            }
            Value::Map(map) => {
                for (key, node) in map.iter() {
                    walk(node, &format!("{path}.{}", key.name), all);
                }
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(config.root(), "", &mut all);
    all
}

fn expect(layers: &Layers, expected: &[(&str, &str)]) {
    let expected: BTreeMap<String, String> = expected
        .iter()
        .map(|(path, text)| (format!(".{path}"), (*text).to_owned()))
        .collect();
    assert_eq!(leaves(&layers.load().unwrap()), expected);
}

fn scalar(config: &Config, path: &str) -> (String, bool) {
    match &config.get(path).unwrap().value {
        Value::Scalar(scalar) => (scalar.text.to_string(), scalar.plain),
        other => panic!("{other:?}"),
    }
}

fn origin(config: &Config, path: &str) -> String {
    config.get(path).unwrap().origin.to_string()
}

fn covered(config: &Config, path: &str) -> Vec<String> {
    let node = config.get(path).unwrap();
    node.overridden.iter().map(ToString::to_string).collect()
}

fn problems(layers: &Layers) -> Problems {
    layers.load().unwrap_err()
}

/// What is wrong, in the order in which it was told, each with its first place.
fn told(layers: &Layers) -> Vec<(String, String)> {
    let problems = problems(layers);
    let errors = problems.iter();
    errors
        .map(|problem| {
            let place = problem.places().next();
            let place = place.map(|(place, _)| place.to_string());
            (problem.message().to_owned(), place.unwrap_or_default())
        })
        .collect()
}
