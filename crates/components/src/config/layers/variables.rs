//! Variables of the environment, laid over what the files say.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Arc;

use super::super::{Node, Origin, Path, Source, Step, Value};
use super::merge::put;
use crate::{Place, Problem, Problems};

/// A variable that says something of the configuration.
struct Named<'a> {
    name: &'a str,
    text: &'a str,
}

impl Named<'_> {
    fn origin(&self) -> Origin {
        Origin::of(Source::Environment(self.name.into()))
    }
}

/// Lays all variables that begin with the prefix over a tree. Where each belongs is looked up in the tree
/// as it was before, so that no variable depends on another.
pub(super) fn lay_variables(
    root: &mut Node,
    prefix: &str,
    variables: &BTreeMap<OsString, OsString>,
    problems: &mut Problems,
) {
    let mut found: BTreeMap<Path, Named<'_>> = BTreeMap::new();
    for (name, text) in variables {
        let lossy = name.to_string_lossy();
        let Some(rest) = without_prefix(&lossy, prefix) else {
            continue;
        };
        let (Some(name), Some(text)) = (name.to_str(), text.to_str()) else {
            problems.push(
                Problem::error("name and value of a variable must be Unicode")
                    .at(place(&lossy), ""),
            );
            continue;
        };
        match target(root, rest) {
            Err(problem) => problems.push(problem.at(place(name), "this variable")),
            Ok(path) => {
                let named = Named { name, text };
                if let Some(other) = found.get(&path) {
                    problems.push(
                        Problem::error(format!("two variables set `{path}`"))
                            .at(place(other.name), "")
                            .at(place(name), "")
                            .help("unset one of them"),
                    );
                    continue;
                }
                found.insert(path, named);
            }
        }
    }
    // What stands between a path and one below it in this order is below it too, so that neighbours are
    // enough to find every contradiction.
    let mut refused: BTreeSet<Path> = BTreeSet::new();
    for ((above, one), (below, two)) in found.iter().zip(found.iter().skip(1)) {
        if above.is_above(below) {
            problems.push(
                Problem::error(format!(
                    "one variable sets `{above}` to a single value and another sets `{below}` in it"
                ))
                .at(place(one.name), "")
                .at(place(two.name), "")
                .help("unset one of them"),
            );
            refused.insert(above.clone());
        }
    }
    for (path, named) in found {
        if refused.contains(&path) {
            continue;
        }
        let keys = keys(&path);
        let leaf = Node::scalar(named.text, true, named.origin());
        put(root, &keys, &Path::root(), leaf, problems);
    }
}

fn place(name: &str) -> Place {
    Origin::of(Source::Environment(name.into())).place()
}

pub(super) fn keys(path: &Path) -> Vec<Arc<str>> {
    let keys = path.steps().iter().filter_map(|step| match step {
        Step::Key(key) => Some(Arc::clone(key)),
        Step::Index(_) => None,
    });
    keys.collect()
}

/// What stands behind `PREFIX__`, in whatever case the prefix is.
fn without_prefix<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let begin = name.get(..prefix.len())?;
    if !begin.eq_ignore_ascii_case(prefix) {
        return None;
    }
    name[prefix.len()..].strip_prefix("__")
}

/// Where a variable belongs: existing keys are found without regard to case and with `_` as `-`.
fn target(root: &Node, rest: &str) -> Result<Path, Problem> {
    let mut path = Path::root();
    let mut node = Some(root);
    for word in rest.split("__") {
        if word.is_empty() {
            return Err(Problem::error(
                "the name of a variable has an empty key: keys are separated by `__`",
            ));
        }
        let key = match node.map(|node| &node.value) {
            Some(Value::List(_)) => {
                return Err(Problem::error(format!(
                    "`{path}` is a list: a variable cannot set an element of it"
                ))
                .help("set the whole list in a file, or with `--set KEY=[…]`"));
            }
            Some(Value::Map(map)) => {
                let mut like = map.iter().filter(|(key, _)| is_like(&key.name, word));
                match (like.next(), like.next()) {
                    (Some((one, _)), Some((two, _))) => {
                        return Err(Problem::error(format!(
                            "`{word}` may be both `{}` and `{}` of `{path}`",
                            one.name, two.name,
                        ))
                        .at(one.origin.place(), format!("`{}`", one.name))
                        .at(two.origin.place(), format!("`{}`", two.name))
                        .help("set it in a file, or with `--set`"));
                    }
                    (Some((one, _)), None) => Some(Arc::clone(&one.name)),
                    _ => None,
                }
            }
            _ => None,
        };
        let key = key.unwrap_or_else(|| word.to_lowercase().replace('_', "-").into());
        node = node.and_then(|node| node.get(&key));
        path = path.key(key);
    }
    match node.map(|node| &node.value) {
        Some(Value::Map(map)) if !map.is_empty() => Err(Problem::error(format!(
            "`{path}` is a map: a variable sets a single value"
        ))
        .at(
            node.map_or_else(|| Place::new(""), |node| node.origin.place()),
            "the map",
        )
        .help("name a key of it, behind another `__`")),
        _ => Ok(path),
    }
}

fn is_like(key: &str, word: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    plain(key) == plain(word)
}
