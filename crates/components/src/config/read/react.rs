//! What is told of an error of serde, and what the next run does differently.

use std::collections::HashSet;

use super::error::{Error, Found, What};
use super::run::{Plan, Run, Subject};
use super::scalar::{Any, any, is_found, shown};
use super::stand_in::{CANDIDATES, StandIn};
use crate::config::{Node, Path, Value};
use crate::{Problem, Problems};
use byname_registry::nearest;

/// What one run has found, apart from problems.
pub(super) struct Findings {
    pub(super) secrets: Vec<Path>,
    pub(super) untyped: HashSet<Path>,
    pub(super) put_aside: Vec<Path>,
}

pub(super) struct React<'a> {
    subject: Subject<'a>,
    pub(super) problems: Vec<Problem>,
    told: HashSet<String>,
    /// What they are about.
    wrong: HashSet<Path>,
    /// Values that were tried as a text, and were not meant as one.
    no_text: HashSet<Path>,
    /// Untyped values all of whose parts were tried as texts.
    tried: HashSet<Path>,
    /// Values that nothing stands in for and that have had their turn.
    ended: HashSet<Path>,
}

impl<'a> React<'a> {
    pub(super) fn new(subject: Subject<'a>) -> Self {
        Self {
            subject,
            problems: Vec::new(),
            told: HashSet::new(),
            wrong: HashSet::new(),
            no_text: HashSet::new(),
            tried: HashSet::new(),
            ended: HashSet::new(),
        }
    }

    pub(super) fn into_problems(self) -> Problems {
        self.problems.into_iter().collect()
    }

    fn tell(&mut self, problem: Problem) {
        // Each run tells again what earlier ones have told.
        if self.told.insert(problem.to_string()) {
            self.problems.push(problem);
        }
    }

    pub(super) fn found(&mut self, run: Run<'_>) -> Findings {
        for problem in run.problems.into_inner() {
            self.tell(problem);
        }
        self.wrong.extend(run.wrong.into_inner());
        Findings {
            secrets: run.secrets.into_inner(),
            untyped: run.untyped.into_inner(),
            put_aside: run.put_aside.into_inner(),
        }
    }

    /// Returns whether another run can find more.
    pub(super) fn react(&mut self, plan: &mut Plan, error: Error, found: &Findings) -> bool {
        let said = error.to_string();
        let path = error.path.unwrap_or_default();
        if let Some(stand_in) = stood_in(plan, &path) {
            return self.next_candidate(plan, stand_in);
        }
        if error.key {
            let around = self.subject.nearest_node(&path);
            let place = match (path.parent(), path.steps().last()) {
                (Some(parent), Some(crate::config::Step::Key(name))) => {
                    let map = self.subject.nearest_node(&parent).as_map();
                    map.and_then(|map| map.entry(name))
                        .map_or(&around.origin, |(key, _)| &key.origin)
                }
                _ => &around.origin,
            };
            let message = format!("{}: {said}", self.subject.name(&path));
            let problem = Problem::error(message).at(place.place(), self.subject.what);
            self.tell(problem);
            return plan.ignored.insert(path);
        }
        if found.untyped.iter().any(|untyped| path.is_above(untyped)) {
            return self.react_untyped(plan, &path, error.what, found);
        }
        if matches!(error.what, What::Custom(_) | What::Faults(_))
            && self.is_wrong_inside(plan, &path)
        {
            return plan.stand_ins.insert(path, 0).is_none();
        }
        self.tell_at(plan, &path, error.what, found)
    }

    /// Whether a part of a value was told to be wrong: what checks the whole has seen what stands in for
    /// that part, or nothing of it, so what it says is not about the file.
    fn is_wrong_inside(&self, plan: &Plan, path: &Path) -> bool {
        let mut wrong = self.wrong.iter().chain(plan.stand_ins.keys());
        wrong.any(|wrong| wrong != path && path.is_above(wrong))
    }

    fn next_candidate(&mut self, plan: &mut Plan, path: Path) -> bool {
        let candidate = plan.stand_ins.entry(path.clone()).or_default();
        if *candidate + 1 < CANDIDATES {
            *candidate += 1;
            return true;
        }
        if plan.hopeless.insert(path.clone()) {
            plan.turn = Some(path);
            return true;
        }
        // What is around it has been read by now.
        self.ended.insert(path);
        let next = plan
            .hopeless
            .iter()
            .find(|path| !self.ended.contains(*path));
        plan.turn = next.cloned();
        plan.turn.is_some()
    }

    /// Tells of an error whose place is known.
    fn tell_at(&mut self, plan: &mut Plan, path: &Path, what: What, found: &Findings) -> bool {
        let subject = self.subject;
        let node = subject.nearest_node(path);
        let secret =
            is_secret(subject.root, path) || found.secrets.iter().any(|s| s.is_above(path));
        let name = subject.name(path);
        let at_node =
            |message: String| Problem::error(message).at(node.origin.place(), subject.what);
        match what {
            What::Told => {}
            What::Missing(key) => {
                self.tell(at_node(format!("{name} lacks the key `{key}`")));
                return supply(plan, path, key);
            }
            What::Unknown { name, known } => {
                let path = path.key(name);
                self.tell(subject.unknown(&path, known));
                return plan.ignored.insert(path);
            }
            What::Twice(key) => {
                let twice = format!("{name} has the key `{key}` twice, once by another name");
                self.tell(at_node(twice));
                return plan.ignored.insert(path.key(key));
            }
            What::Custom(_) | What::Variant { .. } if secret => {
                self.tell(at_node(hidden(&name)));
            }
            What::Faults(faults) => {
                for (inner, message) in faults {
                    let path = [path.steps(), inner.steps()].concat().into();
                    self.tell_fault(&path, &message, found);
                }
            }
            What::Custom(message) => self.tell(at_node(format!("{name}: {message}"))),
            What::Value { expected, .. } | What::Length { expected } => {
                self.tell(subject.not(path, node, &expected, secret));
            }
            What::Variant { name: found, known } => {
                let near = nearest(known.iter(), &found);
                let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                let known = known.join(", ");
                let found = shown(&found);
                let message = format!("{name} must be one of {known}, but is `{found}`");
                self.tell(at_node(message).nearest(&near));
            }
        }
        plan.stand_ins.insert(path.clone(), 0).is_none()
    }

    /// Tells what is wrong with a setting by what its settings say, at its own line if it has one.
    fn tell_fault(&mut self, path: &Path, message: &str, found: &Findings) {
        let subject = self.subject;
        let secret =
            is_secret(subject.root, path) || found.secrets.iter().any(|s| s.is_above(path));
        let name = subject.name(path);
        let message = if secret {
            hidden(&name)
        } else {
            format!("{name} {message}")
        };
        let place = subject.nearest_node(path).origin.place();
        self.tell(Problem::error(message).at(place, subject.what));
    }

    /// Finds out which part of an untyped value an error is about.
    fn react_untyped(
        &mut self,
        plan: &mut Plan,
        region: &Path,
        what: What,
        findings: &Findings,
    ) -> bool {
        let part = match &what {
            What::Value { found, .. } => {
                if next_refused(plan, region, |stand_in| stand_in.found() == *found) {
                    return true;
                }
                let parts = parts(self.subject.root, region, findings);
                let said = |path: &Path, node: &Node| {
                    is_found(node, found, plan.texts.contains(path))
                        && !plan.stand_ins.contains_key(path)
                };
                let said: Vec<Path> = parts
                    .into_iter()
                    .filter(|(path, node)| said(path, node))
                    .map(|(path, _)| path)
                    .collect();
                // A number is meant as a text, perhaps.
                let may_be_text =
                    matches!(found, Found::Bool(_) | Found::Whole(_) | Found::Float(_));
                if may_be_text
                    && let Some(path) = said.iter().find(|path| !self.no_text.contains(path))
                {
                    return plan.texts.insert(path.clone());
                }
                // It was not: what was said of it as a text is not what is wrong.
                if let Some(path) = said.iter().find(|path| plan.texts.contains(path)) {
                    plan.texts.remove(path);
                    return self.no_text.insert(path.clone());
                }
                match said.as_slice() {
                    [one] if one != region => Some(one.clone()),
                    // Which of several is not known: the value around them is told.
                    _ => None,
                }
            }
            What::Variant { name, .. } => self.unique(
                region,
                findings,
                |node| matches!(&node.value, Value::Scalar(scalar) if *scalar.text == **name),
            ),
            What::Unknown { name, .. } => {
                self.unique(region, findings, |node| node.get(name).is_some())
            }
            What::Custom(message) => {
                // None of several types fits: with texts for numbers, one may.
                if self.tried.insert(region.clone()) {
                    let scalars = parts(self.subject.root, region, findings).into_iter();
                    let typed = scalars.filter(|(_, node)| is_typed(node));
                    let typed: Vec<Path> = typed.map(|(path, _)| path).collect();
                    if !typed.is_empty() {
                        plan.texts.extend(typed);
                        return true;
                    }
                }
                self.unique(region, findings, |node| {
                    matches!(&node.value, Value::Scalar(scalar)
                        if message.contains(&format!("`{}`", scalar.text)))
                })
            }
            _ => None,
        };
        if part.is_none()
            && !matches!(
                what,
                What::Missing(_) | What::Unknown { .. } | What::Twice(_)
            )
            && plan.stand_ins.keys().any(|path| region.is_above(path))
        {
            // What stands in for a part is refused. If nothing will do, something does for all of it.
            return next_refused(plan, region, |_| true)
                || plan.stand_ins.insert(region.clone(), 0).is_none();
        }
        let path = part.as_ref().unwrap_or(region);
        self.tell_at(plan, path, what, findings)
    }

    /// Returns the only part of an untyped value of which something holds.
    fn unique(
        &self,
        region: &Path,
        findings: &Findings,
        holds: impl Fn(&Node) -> bool,
    ) -> Option<Path> {
        let mut parts = parts(self.subject.root, region, findings).into_iter();
        let (path, _) = parts.find(|(_, node)| holds(node))?;
        parts.all(|(_, node)| !holds(node)).then_some(path)
    }
}

/// Has something else stand in for the first part of an untyped value whose stand-in may be refused.
fn next_refused(plan: &mut Plan, region: &Path, refused: impl Fn(StandIn) -> bool) -> bool {
    let mut inside = plan.stand_ins.iter_mut();
    let next = inside.find(|(path, candidate)| {
        region.is_above(path) && **candidate + 1 < CANDIDATES && refused(StandIn::new(**candidate))
    });
    next.map(|(_, candidate)| *candidate += 1).is_some()
}

/// Whether a scalar is anything but a text to a reader that does not say what it wants.
fn is_typed(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if !matches!(any(scalar), Any::Text(_) | Any::Null))
}

/// What is said of a secret that is wrong, and not shown.
fn hidden(name: &str) -> String {
    format!("{name} is a secret, and what is there cannot be read as one")
}

/// Whether anything on the way to a value says that it is never shown.
fn is_secret(root: &Node, path: &Path) -> bool {
    let mut path = Some(path.clone());
    while let Some(here) = path {
        if root.at(&here).is_some_and(|node| node.origin.is_secret()) {
            return true;
        }
        path = here.parent();
    }
    false
}

/// All values in a value that were handed over untyped, itself first, in the order in which they stand.
fn parts<'a>(root: &'a Node, region: &Path, findings: &Findings) -> Vec<(Path, &'a Node)> {
    let mut parts = Vec::new();
    let mut left: Vec<(Path, &Node)> = root
        .at(region)
        .map(|node| (region.clone(), node))
        .into_iter()
        .collect();
    while let Some((path, node)) = left.pop() {
        match &node.value {
            Value::Map(map) => {
                let inner = map.iter().rev();
                left.extend(inner.map(|(key, node)| (path.key(key.name.clone()), node)));
            }
            Value::List(list) => {
                let inner = list.iter().enumerate().rev();
                left.extend(inner.map(|(index, node)| (path.index(index), node)));
            }
            _ => {}
        }
        if findings.untyped.contains(&path) {
            parts.push((path, node));
        }
    }
    parts
}

/// Has a stand-in read for a key that is missing.
fn supply(plan: &mut Plan, path: &Path, key: &'static str) -> bool {
    let keys = plan.supplied.entry(path.clone()).or_default();
    if keys.contains(&key) {
        // It is missing further in, out of our sight.
        return false;
    }
    keys.push(key);
    plan.stand_ins.insert(path.key(key), 0);
    true
}

/// The value at or around a path that something stands in for.
fn stood_in(plan: &Plan, path: &Path) -> Option<Path> {
    let mut path = Some(path.clone());
    while let Some(here) = path {
        if plan.stand_ins.contains_key(&here) {
            return Some(here);
        }
        path = here.parent();
    }
    None
}
