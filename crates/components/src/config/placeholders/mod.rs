//! Placeholders, replaced in a tree: what comes from outside stays a value, whatever is in it.

mod outside;
mod template;

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use byname_registry::nearest;

use super::layers::Layers;
use super::{Node, Origin, Path, Source, Value};
use crate::{Problem, Problems};
use outside::Outside;
use template::{Part, has_parts, parts};

/// What a user's resolver is.
pub(super) type Resolver =
    Arc<dyn Fn(&str) -> Result<String, Box<dyn Error + Send + Sync>> + Send + Sync>;

/// How many values may be copied by `${cfg:…}`, all together.
const MOST_COPIED: usize = 1_000_000;

/// How deep values and the references among them may go.
const DEEPEST: usize = 150;

enum State {
    Running,
    Done(Node),
}

/// One tree, of which all placeholders are replaced.
pub(super) struct Replacing<'a> {
    layers: &'a Layers,
    raw: &'a Node,
    /// Whether all files could be read.
    whole: bool,
    pub(super) problems: Problems,
    /// Files that values were read from.
    pub(super) files: BTreeSet<PathBuf>,
    /// Where `${cfg:…}` stood, and where it led.
    pub(super) references: Vec<(Path, Path)>,
    states: HashMap<Path, State>,
    /// The places of placeholders that are being replaced, the outermost first.
    running: Vec<(Path, Origin)>,
    /// What resolvers and files said, by the placeholder (and the folder): each is asked once.
    answers: HashMap<(PathBuf, String), Result<Outside, String>>,
    copied: usize,
    /// Whether it was told that too much is copied.
    exhausted: bool,
    depth: usize,
}

impl<'a> Replacing<'a> {
    pub(super) fn new(layers: &'a Layers, raw: &'a Node, whole: bool) -> Self {
        Self {
            layers,
            raw,
            whole,
            problems: Problems::new(),
            files: BTreeSet::new(),
            references: Vec::new(),
            states: HashMap::new(),
            running: Vec::new(),
            answers: HashMap::new(),
            copied: 0,
            exhausted: false,
            depth: 0,
        }
    }

    /// Returns the tree with everything replaced that could be.
    pub(super) fn root(&mut self) -> Node {
        self.node(self.raw, &Path::root())
    }

    fn node(&mut self, node: &Node, path: &Path) -> Node {
        if self.depth == DEEPEST {
            self.too_deep(node);
            return node.clone();
        }
        self.depth += 1;
        let value = match &node.value {
            Value::Null => Value::Null,
            Value::Scalar(scalar) => {
                let replaced = if is_written(&node.origin) && has_parts(&scalar.text) {
                    self.scalar(node, &scalar.text, scalar.plain, path)
                } else {
                    node.clone()
                };
                self.depth -= 1;
                return replaced;
            }
            Value::List(list) => {
                let list = list.iter().enumerate();
                Value::List(
                    list.map(|(at, node)| self.node(node, &path.index(at)))
                        .collect(),
                )
            }
            Value::Map(map) => {
                let mut replaced = super::Map::default();
                for (key, node) in map.iter() {
                    let path = path.key(Arc::clone(&key.name));
                    replaced.insert(key.clone(), self.node(node, &path));
                }
                Value::Map(replaced)
            }
        };
        self.depth -= 1;
        Node {
            value,
            origin: node.origin.clone(),
            overridden: node.overridden.clone(),
        }
    }

    /// Replaces the placeholders of one scalar, once.
    fn scalar(&mut self, node: &Node, text: &str, plain: bool, path: &Path) -> Node {
        match self.states.get(path) {
            Some(State::Done(done)) => return done.clone(),
            Some(State::Running) => {
                self.cycle(path);
                return node.clone();
            }
            None => {}
        }
        self.states.insert(path.clone(), State::Running);
        self.running.push((path.clone(), node.origin.clone()));
        let done = match parts(text) {
            Ok(parts) => match parts.as_slice() {
                [Part::Placeholder(body)] => self.alone(node, body, path),
                parts => self.spliced(node, parts, plain, path),
            },
            Err(why) => {
                self.problem(node, why);
                None
            }
        };
        self.running.pop();
        let mut done = done.unwrap_or_else(|| node.clone());
        done.overridden.clone_from(&node.overridden);
        self.states.insert(path.clone(), State::Done(done.clone()));
        done
    }

    /// A placeholder that is all there is: whatever it stands for takes its place.
    fn alone(&mut self, node: &Node, body: &str, path: &Path) -> Option<Node> {
        if let Some(target) = body.strip_prefix("cfg:") {
            let found = self.target(node, target, path)?;
            let mut origin = node
                .origin
                .through(format!("${{{body}}}"), found.origin.to_string());
            if found.origin.is_secret() {
                origin = origin.secret();
            }
            return Some(Node::new(found.value, origin));
        }
        let outside = self.outside(node, body)?;
        let mut origin = node.origin.through(outside.shown, outside.from);
        if outside.secret {
            origin = origin.secret();
        }
        Some(Node::scalar(outside.text, true, origin))
    }

    /// Placeholders in a text: a text.
    fn spliced(
        &mut self,
        node: &Node,
        parts: &[Part<'_>],
        plain: bool,
        path: &Path,
    ) -> Option<Node> {
        let mut text = String::new();
        let (mut shown, mut from) = (Vec::new(), Vec::new());
        let mut secret = node.origin.is_secret();
        let mut good = true;
        for part in parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Placeholder(body) => {
                    let Some(outside) = self.splice(node, body, path) else {
                        good = false;
                        continue;
                    };
                    text.push_str(&outside.text);
                    secret |= outside.secret;
                    shown.push(outside.shown);
                    from.push(outside.from);
                }
            }
        }
        if !good {
            return None;
        }
        if shown.is_empty() {
            return Some(Node::scalar(text, plain, node.origin.clone()));
        }
        let mut origin = node.origin.through(shown.join(" and "), from.join(" and "));
        if secret {
            origin = origin.secret();
        }
        Some(Node::scalar(text, false, origin))
    }

    fn splice(&mut self, node: &Node, body: &str, path: &Path) -> Option<Outside> {
        let Some(target) = body.strip_prefix("cfg:") else {
            return self.outside(node, body);
        };
        let found = self.target(node, target, path)?;
        let Value::Scalar(scalar) = &found.value else {
            self.problems.push(
                Problem::error(format!(
                    "`${{{body}}}` stands in a text, but is {}",
                    found.value.kind()
                ))
                .at(node.origin.place(), "")
                .at(found.origin.place(), found.value.kind()),
            );
            return None;
        };
        Some(Outside {
            text: Arc::clone(&scalar.text),
            from: found.origin.to_string(),
            shown: format!("${{{body}}}"),
            secret: found.origin.is_secret(),
        })
    }

    /// What `${cfg:…}` leads to, its own placeholders replaced.
    fn target(&mut self, node: &Node, target: &str, from: &Path) -> Option<Node> {
        let path: Path = match target.parse() {
            Ok(path) => path,
            Err(error) => {
                self.problem(node, format!("`${{cfg:{target}}}` has no path: {error}"));
                return None;
            }
        };
        let (found, missing) = self.find(&path);
        let Some(found) = found else {
            if let (true, Some(missing)) = (self.whole, missing) {
                let problem = Problem::error(format!(
                    "`${{cfg:{target}}}` leads nowhere: there is no `{missing}`"
                ));
                self.problems.push(
                    problem
                        .nearest(&self.like(&missing))
                        .at(node.origin.place(), ""),
                );
            }
            return None;
        };
        self.references.push((from.clone(), path));
        let (count, deep) = measure(&found);
        if self.depth + deep > DEEPEST {
            self.too_deep(node);
            return None;
        }
        self.copied += count;
        if self.copied > MOST_COPIED {
            if !self.exhausted {
                self.exhausted = true;
                let message = format!("`${{cfg:…}}` copies more than {MOST_COPIED} values");
                self.problem(node, message);
            }
            return None;
        }
        Some(found)
    }

    /// Goes a way, through placeholders that stand on it; or returns the part of it that is not there
    /// (nothing, if that was already told).
    fn find(&mut self, path: &Path) -> (Option<Node>, Option<Path>) {
        let mut way = Path::root();
        let mut node = self.raw;
        for (at, step) in path.steps().iter().enumerate() {
            if let Value::Scalar(scalar) = &node.value
                && is_written(&node.origin)
                && has_parts(&scalar.text)
            {
                let before = self.problems.errors();
                let through = self.node(node, &way);
                let rest = Path::from(path.steps()[at..].to_vec());
                // What was replaced has another origin, or, without its escapes, another text.
                let failed = self.problems.errors() > before
                    || (through.origin == node.origin && through.is_same(node));
                let found = through.at(&rest).cloned();
                let missing = (found.is_none() && !failed).then(|| path.clone());
                return (found, missing);
            }
            let mut steps = way.steps().to_vec();
            steps.push(step.clone());
            way = Path::from(steps);
            let Some(next) = node.at(&Path::from(vec![step.clone()])) else {
                return (None, Some(way));
            };
            node = next;
        }
        (Some(self.node(node, &way)), None)
    }

    fn like(&self, missing: &Path) -> Vec<String> {
        let Some(super::Step::Key(key)) = missing.steps().last() else {
            return Vec::new();
        };
        let parent = missing.parent().unwrap_or_default();
        let map = self.raw.at(&parent).and_then(Node::as_map);
        let names = map.map(|map| nearest(map.names(), key)).unwrap_or_default();
        let full = |name: String| parent.key(name).to_string();
        names.into_iter().map(full).collect()
    }

    fn cycle(&mut self, path: &Path) {
        let begin = self.running.iter().position(|(one, _)| one == path);
        let running = &self.running[begin.unwrap_or(0)..];
        let names: Vec<_> = running.iter().map(|(path, _)| path.to_string()).collect();
        let mut problem = Problem::error(format!(
            "placeholders refer to themselves: {} -> {path}",
            names.join(" -> ")
        ));
        for (path, origin) in running {
            problem = problem.at(origin.place(), format!("`{path}`"));
        }
        self.problems.push(problem);
    }

    fn too_deep(&mut self, node: &Node) {
        let message = format!("values and references are more than {DEEPEST} deep");
        self.problem(node, message);
    }

    fn problem(&mut self, node: &Node, message: impl Into<String>) {
        self.problems
            .push(Problem::error(message).at(node.origin.place(), ""));
    }
}

/// Whether a value was written by whoever writes placeholders: what a variable or an argument says is
/// taken as it is.
fn is_written(origin: &Origin) -> bool {
    match origin.source() {
        Source::File(_) | Source::Default(_) | Source::Code(_) => origin.placeholder().is_none(),
        Source::Environment(_) | Source::CommandLine(_) => false,
    }
}

/// How many values there are in one, itself included, and how deep they go.
fn measure(node: &Node) -> (usize, usize) {
    let below = |nodes: &mut dyn Iterator<Item = &Node>| {
        nodes.map(measure).fold((1, 1), |(count, deep), below| {
            (count + below.0, deep.max(1 + below.1))
        })
    };
    match &node.value {
        Value::Null | Value::Scalar(_) => (1, 1),
        Value::List(list) => below(&mut list.iter()),
        Value::Map(map) => below(&mut map.iter().map(|(_, node)| node)),
    }
}
