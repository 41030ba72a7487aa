//! Reading the keys of a configuration by hand, where no type says all of them.

use std::sync::Arc;

use byname_registry::{Place, nearest};

use crate::config::{Map, Node, Path, Value, read_node};
use crate::problem::{Problem, Problems};

/// Reads what is under a key; nothing where there is no such key, or it is wrong.
pub(crate) fn section<T: serde::de::DeserializeOwned>(
    map: &Map,
    key: &str,
    problems: &mut Problems,
) -> Option<T> {
    match read_node::<T>(map.get(key)?, &Path::root().key(key), key) {
        Ok(read) => Some(read.value),
        Err(wrong) => {
            problems.extend(wrong);
            None
        }
    }
}

/// Calls `take` for each key of the map under `key` at the top level.
pub(crate) fn each(
    map: &Map,
    key: &str,
    what: &str,
    problems: &mut Problems,
    take: impl FnMut(Arc<str>, &Node, Place, &mut Problems),
) {
    named(map, key, &Path::root().key(key), what, problems, take);
}

/// Calls `take` for each key of the map under `key`, which is at `path`.
pub(crate) fn named(
    map: &Map,
    key: &str,
    path: &Path,
    what: &str,
    problems: &mut Problems,
    mut take: impl FnMut(Arc<str>, &Node, Place, &mut Problems),
) {
    let Some(node) = map
        .get(key)
        .filter(|node| !matches!(node.value, Value::Null))
    else {
        return;
    };
    let Some(inner) = map_of(node, path, &format!("`{key}`"), problems) else {
        return;
    };
    for (key, node) in inner.iter() {
        if key.name.is_empty() || key.name.len() > byname_registry::MAX_NAME {
            problems.push(
                Problem::error(format!("the name of {what} has {} bytes", key.name.len()))
                    .at(key.origin.place(), "")
                    .help(format!(
                        "give it one of 1 to {} bytes",
                        byname_registry::MAX_NAME
                    )),
            );
            continue;
        }
        take(Arc::clone(&key.name), node, key.origin.place(), problems);
    }
}

pub(crate) fn map_of<'n>(
    node: &'n Node,
    path: &Path,
    what: &str,
    problems: &mut Problems,
) -> Option<&'n Map> {
    if let Value::Map(map) = &node.value {
        return Some(map);
    }
    let found = node.value.kind();
    let of = if path.steps().is_empty() {
        String::new()
    } else {
        format!(" (`{path}`)")
    };
    problems.push(
        Problem::error(format!("{what}{of} is {found}; expected a map"))
            .at(node.origin.place(), ""),
    );
    None
}

pub(crate) fn only(map: &Map, known: &[&str], what: &str, problems: &mut Problems) {
    for (key, _) in map.iter().filter(|(key, _)| !known.contains(&&*key.name)) {
        problems.push(
            Problem::error(format!("{what} has no key `{}`", key.name))
                .nearest(&nearest(known.iter(), &key.name))
                .at(key.origin.place(), "")
                .help(format!(
                    "it may have {}",
                    known
                        .iter()
                        .map(|key| format!("`{key}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                )),
        );
    }
}

/// A map without one of its keys; anything else as it is. `null` is a map without keys.
pub(crate) fn without(node: &Node, key: &str) -> Node {
    match &node.value {
        Value::Map(map) => {
            let mut map = map.clone();
            map.remove(key);
            Node::new(Value::Map(map), node.origin.clone())
        }
        Value::Null => Node::empty(node.origin.clone()),
        _ => node.clone(),
    }
}

/// What stands under a key that has settings: a map without keys where nothing does.
#[cfg(feature = "http")]
pub(crate) fn settings(node: &Node) -> Node {
    match node.value {
        Value::Null => Node::empty(node.origin.clone()),
        _ => node.clone(),
    }
}
