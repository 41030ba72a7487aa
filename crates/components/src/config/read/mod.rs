//! From the tree to the types of the program, with everything that is wrong told at once.
//!
//! Serde stops at the first fault. So it is run again and again: each time what was wrong has been told
//! and something stands in for it ([`stand_in`]), until it comes to the end; the value is handed out only
//! if nothing was told. What serde reads out of our sight (tagged and untagged enums, `flatten`) is
//! found again by what it says about it ([`react`]) and by trying ([`probe`]).

mod access;
mod checked;
mod error;
mod key;
mod node;
mod probe;
mod react;
mod run;
mod scalar;
mod stand_in;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::marker::PhantomData;

use serde::Deserialize;

use self::react::React;
use self::run::{At, Plan, Run, Subject};
use super::{Node, Path, Step, Value};
use crate::Problems;

pub use self::checked::{CheckSettings, Checked, Faults};

/// How often something can be wrong that serde tells one at a time.
const MOST_RUNS: usize = 1_000;

/// What was read, and where secrets stood.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// The paths of all values that were read as a [`Secret`](super::Secret). Of values that serde puts
    /// aside before it knows their type (tagged and untagged enums, `flatten`) the whole one is here.
    pub secrets: Vec<Path>,
}

/// Reads a value of the tree as a type of the program.
///
/// `path` is where the value stands in the configuration and `what` is what it is ("settings of
/// postgres"): both for messages. The type decides: a text takes a scalar as it stands (`no`, `0123`,
/// `1.10`), a number takes what JSON writes as a number, a truth value `true` and `false`, an `Option`
/// null too; what stands in quotes is only a text. A type that does not say what it wants (tagged and
/// untagged enums, `serde_json::Value`) is given null, truth values, numbers and texts as JSON and YAML
/// 1.2 tell them apart, and a text where that does not fit.
///
/// # Errors
///
/// Every problem there is, with its place, what was found and what was expected: keys that no struct
/// knows, whether it denies them or not, wrong types, numbers out of range, unknown variants, missing
/// keys. If a type cannot be made from anything but a right value, keys that are missing in the same
/// map may be told only after that is right.
///
/// # Examples
///
/// ```
/// use byname_components::config::{Path, Source, parse, read_node};
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Settings {
///     url: String,
///     port: u16,
/// }
///
/// let source = Source::File(std::path::Path::new("app.yaml").into());
/// let tree = parse("url: no\nprot: 80\n", &source)?;
/// let problems = read_node::<Settings>(&tree, &Path::root(), "settings of web").unwrap_err();
/// assert_eq!(
///     problems.to_string(),
///     "error: settings of web has no key `prot`; did you mean `port`?\n  \
///      app.yaml:2:1: settings of web\n\
///      error: settings of web lacks the key `port`\n  \
///      app.yaml:1:1: settings of web",
/// );
/// # Ok::<(), byname_components::Problems>(())
/// ```
pub fn read_node<'de, T: Deserialize<'de>>(
    node: &'de Node,
    path: &Path,
    what: &str,
) -> Result<Read<T>, Problems> {
    let subject = Subject {
        root: node,
        base: path,
        what,
    };
    let mut plan = Plan::default();
    let mut react = React::new(subject);
    for _ in 0..MOST_RUNS {
        let run = Run::new(subject, &plan);
        let read = run.read(Some(node), At::ROOT, false, PhantomData::<T>);
        let found = react.found(run);
        match read {
            Ok(_) if !react.problems.is_empty() => break,
            Ok(value) => {
                let known = unknown_keys::<T>(node, subject, &mut plan, found.put_aside);
                known?;
                let mut seen = HashSet::new();
                let secrets = found.secrets.into_iter();
                let secrets = secrets.filter(|path| seen.insert(path.clone()));
                let secrets = secrets.map(|path| subject.whole(&path)).collect();
                return Ok(Read { value, secrets });
            }
            Err(error) => {
                if !react.react(&mut plan, error, &found) {
                    break;
                }
            }
        }
    }
    Err(react.into_problems())
}

/// Finds the keys that nobody looks at in what serde puts aside.
fn unknown_keys<'de, T: Deserialize<'de>>(
    node: &'de Node,
    subject: Subject<'_>,
    plan: &mut Plan,
    put_aside: Vec<Path>,
) -> Result<(), Problems> {
    let mut problems = Problems::new();
    let mut left: Vec<Path> = put_aside;
    left.reverse();
    while let Some(path) = left.pop() {
        let Some(part) = node.at(&path) else {
            continue;
        };
        // Only a key can be unknown.
        if let Some(Step::Key(_)) = path.steps().last() {
            plan.probe = Some(path.clone());
            error::take_probed();
            let run = Run::new(subject, plan);
            let read = run.read(Some(node), At::ROOT, false, PhantomData::<T>);
            if read.is_ok() && !error::take_probed() {
                problems.push(subject.unknown(&path, &[]));
                continue;
            }
        }
        match &part.value {
            Value::Map(map) => {
                left.extend(map.iter().rev().map(|(key, _)| path.key(key.name.clone())));
            }
            Value::List(list) => left.extend((0..list.len()).rev().map(|index| path.index(index))),
            _ => {}
        }
    }
    problems.or(())
}
