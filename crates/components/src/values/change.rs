//! Changing what is under a first key, on a copy.

use super::{ValueError, key};
use crate::config::{Map, Node, Origin, Path, Step, Value};

/// Lays `above` over `below`.
pub(super) fn merge(below: &mut Map, above: &Map) {
    for (key, node) in above.iter() {
        let mut node = node.clone();
        if let Some(under) = below.get_mut(&key.name) {
            let mut overridden = vec![under.origin.clone()];
            overridden.append(&mut under.overridden);
            if let (Value::Map(under), Value::Map(map)) = (&mut under.value, &node.value) {
                let mut merged = std::mem::take(under);
                merge(&mut merged, map);
                node.value = Value::Map(merged);
            }
            node.overridden.append(&mut overridden);
        }
        below.insert(key.clone(), node);
    }
}

/// Returns `top` with `node` where `rest` leads.
pub(super) fn set(
    top: Option<Node>,
    rest: &[Step],
    node: Node,
    origin: &Origin,
    path: &Path,
) -> Result<Node, ValueError> {
    let Some((step, rest)) = rest.split_first() else {
        return Ok(node);
    };
    let mut top = top.unwrap_or_else(|| Node::empty(origin.clone()));
    match (step, &mut top.value) {
        (Step::Key(name), Value::Map(map)) => {
            let inner = set(map.get(name).cloned(), rest, node, origin, path)?;
            match map.get_mut(name) {
                Some(under) => *under = inner,
                None => drop(map.insert(key(name, origin), inner)),
            }
        }
        (Step::Index(index), Value::List(list)) if *index < list.len() => {
            let element = list[*index].clone();
            list[*index] = set(Some(element), rest, node, origin, path)?;
        }
        _ => return Err(through(&top, rest, path)),
    }
    Ok(top)
}

/// Returns `top` without what `rest` leads to.
pub(super) fn remove(mut top: Node, rest: &[Step], path: &Path) -> Result<Node, ValueError> {
    let Some((step, inner)) = rest.split_first() else {
        return Ok(top);
    };
    match (step, &mut top.value) {
        (Step::Key(name), Value::Map(map)) if inner.is_empty() => {
            map.remove(name);
        }
        (Step::Key(name), Value::Map(map)) => {
            if let Some(node) = map.get_mut(name) {
                *node = remove(node.clone(), inner, path)?;
            }
        }
        (Step::Index(_), Value::List(_)) if inner.is_empty() => {
            return Err(through(&top, inner, path));
        }
        (Step::Index(index), Value::List(list)) => {
            if let Some(node) = list.get_mut(*index) {
                *node = remove(node.clone(), inner, path)?;
            }
        }
        // There is nothing of that name.
        _ => {}
    }
    Ok(top)
}

/// `node`, which is not followed by the step before `rest` on the way of `path`.
fn through(node: &Node, rest: &[Step], path: &Path) -> ValueError {
    let steps = path.steps();
    let above = steps.len() - rest.len() - 1;
    ValueError::Through {
        name: path.to_string().into(),
        at: Path::from(steps[..above].to_vec()).to_string(),
        found: node.value.kind(),
        place: node.origin.place(),
    }
}

/// All below `node` that are no maps, and empty maps.
pub(super) fn leaves(path: &Path, node: &Node, listed: &mut Vec<(Path, Node)>) {
    match &node.value {
        Value::Map(map) if !map.is_empty() => {
            for (key, node) in map.iter() {
                leaves(&path.key(key.name.clone()), node, listed);
            }
        }
        _ => listed.push((path.clone(), node.clone())),
    }
}
