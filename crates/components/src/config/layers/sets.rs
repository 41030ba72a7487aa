//! What the command line sets, laid over everything else.

use super::super::{Node, Origin, Path, Source, Step, Value, parse_flow};
use super::merge::put;
use super::variables::keys;
use crate::{Problem, Problems};

/// Lays the arguments of `--set` over a tree, one after the other.
pub(super) fn lay_sets(root: &mut Node, arguments: &[String], problems: &mut Problems) {
    for argument in arguments {
        match read(argument) {
            Ok((path, leaf)) => put(root, &keys(&path), &Path::root(), leaf, problems),
            Err(found) => problems.extend(found),
        }
    }
}

/// Reads `a.b=c`. The value may be a secret: neither origin nor problems show it.
fn read(argument: &str) -> Result<(Path, Node), Problems> {
    let Some(equals) = equals(argument) else {
        let name = argument.chars();
        let name = name.take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
        let name: String = name.collect();
        return Err(bad(&format!("{name}…"), "it has no `=`"));
    };
    let (name, text) = (&argument[..equals], &argument[equals + 1..]);
    let shown = format!("{name}=…");
    let path: Path = name
        .parse()
        .map_err(|error| bad(&shown, &format!("in the path, {error}")))?;
    if path.steps().is_empty() {
        return Err(bad(&shown, "there is no path before the `=`"));
    }
    if path
        .steps()
        .iter()
        .any(|step| matches!(step, Step::Index(_)))
    {
        return Err(bad(
            &shown,
            "an element of a list cannot be set, only the whole list",
        ));
    }
    let source = Source::CommandLine(shown.into());
    let origin = Origin::of(source.clone());
    let leaf = match text {
        "null" | "~" => Node::new(Value::Null, origin),
        _ if text.starts_with(['[', '{']) => parse_flow(text, &source)?,
        _ => Node::scalar(text, true, origin),
    };
    Ok((path, leaf))
}

/// The first `=` that does not stand in a quoted key.
fn equals(argument: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in argument.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '=' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn bad(shown: &str, why: &str) -> Problems {
    let origin = Origin::of(Source::CommandLine(shown.into()));
    Problem::error(format!("an argument of `--set` cannot be read: {why}"))
        .at(origin.place(), "")
        .help("write `--set a.b=c`, `--set 'a.b=[c, d]'` or `--set 'a.\"b.c\"=d'`")
        .into()
}
