//! One tree laid over another.

use std::sync::Arc;

use super::super::{Key, Node, Path, Value};
use crate::{Problem, Problems};

/// Lays `above` over `below`: maps by key and deep, everything else as a whole. What is covered is kept
/// as an origin; that a map takes the place of a list, or the like, is told as a warning.
pub(in super::super) fn lay(below: &mut Node, above: Node, path: &Path, told: &mut Problems) {
    let Node {
        value,
        origin,
        overridden,
    } = above;
    let mut covered = overridden;
    covered.push(below.origin.clone());
    covered.append(&mut below.overridden);
    let mut distinct = Vec::with_capacity(covered.len());
    for covered in covered {
        if covered != origin && !distinct.contains(&covered) {
            distinct.push(covered);
        }
    }
    match (&mut below.value, value) {
        (Value::Map(lower), Value::Map(mut upper)) => {
            for (key, node) in upper.iter_mut() {
                let empty = Node::new(Value::Null, node.origin.clone());
                let node = std::mem::replace(node, empty);
                match lower.get_mut(&key.name) {
                    Some(there) => lay(there, node, &path.key(Arc::clone(&key.name)), told),
                    None => {
                        lower.insert(key.clone(), node);
                    }
                }
            }
        }
        (lower, value) => {
            let null = matches!(lower, Value::Null) || matches!(value, Value::Null);
            if !null && lower.kind() != value.kind() {
                told.push(
                    Problem::warning(format!(
                        "`{path}` is {} that takes the place of {} as a whole",
                        value.kind(),
                        lower.kind(),
                    ))
                    .at(origin.place(), value.kind())
                    .at(
                        below.origin.place(),
                        format!("{}, no longer used", lower.kind()),
                    ),
                );
            }
            *lower = value;
        }
    }
    below.origin = origin;
    below.overridden = distinct;
}

/// Lays `leaf` at the end of a way of keys; the maps on the way keep their origins, missing ones are
/// made.
pub(in super::super) fn put(
    node: &mut Node,
    keys: &[Arc<str>],
    path: &Path,
    leaf: Node,
    told: &mut Problems,
) {
    let Some((key, rest)) = keys.split_first() else {
        return lay(node, leaf, path, told);
    };
    if node.as_map().is_none() {
        lay(node, Node::empty(leaf.origin.clone()), path, told);
    }
    let Value::Map(map) = &mut node.value else {
        return;
    };
    let path = path.key(Arc::clone(key));
    if let Some(there) = map.get_mut(key) {
        return put(there, rest, &path, leaf, told);
    }
    let origin = leaf.origin.clone();
    let new = if rest.is_empty() {
        leaf
    } else {
        let mut new = Node::empty(origin.clone());
        put(&mut new, rest, &path, leaf, told);
        new
    };
    let name = Arc::clone(key);
    map.insert(Key { name, origin }, new);
}
