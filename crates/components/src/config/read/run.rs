//! One run of serde over the tree, and what earlier runs have decided about it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use byname_registry::nearest;
use serde::de::DeserializeSeed;

use super::error::Error;
use super::node::NodeReader;
use super::probe::Probe;
use super::scalar::{described, shown};
use super::stand_in::StandIn;
use crate::Problem;
use crate::config::{Node, Path, Step, secret};

/// What is read, for messages.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) root: &'a Node,
    pub(super) base: &'a Path,
    pub(super) what: &'a str,
}

/// What earlier runs have decided. Paths begin at the value that is read.
#[derive(Default)]
pub(super) struct Plan {
    /// Values that are wrong or missing, and which of the stand-ins is read in their place.
    pub(super) stand_ins: BTreeMap<Path, usize>,
    /// Keys that are missing, by the map that they are missing in: a stand-in is read for them.
    pub(super) supplied: HashMap<Path, Vec<&'static str>>,
    /// Keys that are read as if they were not there.
    pub(super) ignored: HashSet<Path>,
    /// Values that no stand-in will do for: reading ends there, so they are read last; and which of
    /// them is read first, so that what is around it is read too.
    pub(super) hopeless: BTreeSet<Path>,
    pub(super) turn: Option<Path>,
    /// Values that are a text to readers that do not say what they want.
    pub(super) texts: HashSet<Path>,
    /// What is replaced by something that cannot be read, to see whether it is.
    pub(super) probe: Option<Path>,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.stand_ins.is_empty() && self.probe.is_none()
    }

    /// Returns when, among its siblings, a value is read.
    pub(super) fn order(&self, path: &Path) -> u8 {
        let within = |hopeless: &Path| path.is_above(hopeless);
        if !self.hopeless.iter().any(within) {
            0
        } else if self.turn.as_ref().is_some_and(within) {
            1
        } else {
            2
        }
    }
}

/// What one run has found.
pub(super) struct Run<'r> {
    pub(super) subject: Subject<'r>,
    pub(super) plan: &'r Plan,
    /// In the order in which they were found.
    pub(super) problems: RefCell<Vec<Problem>>,
    /// What these are about.
    pub(super) wrong: RefCell<Vec<Path>>,
    pub(super) secrets: RefCell<Vec<Path>>,
    /// What was handed over without being asked for a type.
    pub(super) untyped: RefCell<HashSet<Path>>,
    /// What serde has put aside, to read from there out of our sight.
    pub(super) put_aside: RefCell<Vec<Path>>,
    /// How many of the secrets that were read out of our sight have been accounted for.
    accounted: Cell<usize>,
}

/// Where in the tree the run is: a path that costs nothing until it is asked for.
#[derive(Clone, Copy)]
pub(super) struct At<'r> {
    parent: Option<(&'r At<'r>, Here<'r>)>,
}

#[derive(Clone, Copy)]
enum Here<'r> {
    Key(&'r str),
    Index(usize),
}

impl<'r> At<'r> {
    pub(super) const ROOT: At<'static> = At { parent: None };

    pub(super) fn key(&'r self, key: &'r str) -> Self {
        Self {
            parent: Some((self, Here::Key(key))),
        }
    }

    pub(super) fn index(&'r self, index: usize) -> Self {
        Self {
            parent: Some((self, Here::Index(index))),
        }
    }

    pub(super) fn path(&self) -> Path {
        let mut steps = Vec::new();
        let mut at = self;
        while let Some((parent, here)) = &at.parent {
            steps.push(match here {
                Here::Key(key) => Step::Key((*key).into()),
                Here::Index(index) => Step::Index(*index),
            });
            at = parent;
        }
        steps.reverse();
        Path::from(steps)
    }
}

impl<'r> Run<'r> {
    pub(super) fn new(subject: Subject<'r>, plan: &'r Plan) -> Self {
        Self {
            subject,
            plan,
            problems: RefCell::default(),
            wrong: RefCell::default(),
            secrets: RefCell::default(),
            untyped: RefCell::default(),
            put_aside: RefCell::default(),
            accounted: Cell::new(secret::unrecognised()),
        }
    }

    /// Reads a value, or what stands in for it; `node` is there unless the key is missing.
    pub(super) fn read<'de, S: DeserializeSeed<'de>>(
        &self,
        node: Option<&'de Node>,
        at: At<'_>,
        secret: bool,
        seed: S,
    ) -> Result<S::Value, Error> {
        let before = secret::unrecognised();
        let read = self.read_one(node, at, secret, seed);
        let after = secret::unrecognised();
        if after != before && self.accounted.replace(after) != after {
            self.hide(&at.path());
        }
        read.map_err(|error| error.at(|| at.path()))
    }

    fn read_one<'de, S: DeserializeSeed<'de>>(
        &self,
        node: Option<&'de Node>,
        at: At<'_>,
        secret: bool,
        seed: S,
    ) -> Result<S::Value, Error> {
        if !self.plan.is_empty() {
            let path = at.path();
            if self.plan.probe.as_ref() == Some(&path) {
                return seed.deserialize(Probe::new());
            }
            if let Some(candidate) = self.plan.stand_ins.get(&path) {
                return seed.deserialize(StandIn::new(*candidate));
            }
        }
        match node {
            Some(node) => {
                let secret = secret || node.origin.is_secret();
                seed.deserialize(NodeReader {
                    node,
                    run: self,
                    at,
                    secret,
                })
            }
            None => seed.deserialize(StandIn::new(0)),
        }
    }

    /// Remembers a secret that serde has read out of what it had put aside: which part of it is not
    /// known, so all of it counts.
    fn hide(&self, path: &Path) {
        let put_aside = self.put_aside.borrow();
        let mut secrets = self.secrets.borrow_mut();
        if put_aside.contains(path) {
            secrets.push(path.clone());
        } else {
            secrets.extend(
                put_aside
                    .iter()
                    .filter(|aside| path.is_above(aside))
                    .cloned(),
            );
        }
    }

    fn tell(&self, path: Path, problem: Problem) {
        self.problems.borrow_mut().push(problem);
        self.wrong.borrow_mut().push(path);
    }

    /// Tells that a value is not what it must be.
    pub(super) fn tell_value(&self, node: &Node, at: At<'_>, secret: bool, expected: &str) {
        let path = at.path();
        let problem = self.subject.not(&path, node, expected, secret);
        self.tell(path, problem);
    }

    /// Tells of a key that nobody knows.
    pub(super) fn tell_unknown(&self, path: &Path, known: &[&str]) {
        self.tell(path.clone(), self.subject.unknown(path, known));
    }
}

impl Subject<'_> {
    /// Names a value: by its path, or as what it is where there is none.
    pub(super) fn name(&self, path: &Path) -> String {
        let whole = self.whole(path);
        if whole.steps().is_empty() {
            self.what.to_owned()
        } else {
            format!("`{whole}`")
        }
    }

    /// Returns the path from the root of the configuration.
    pub(super) fn whole(&self, path: &Path) -> Path {
        let mut steps = self.base.steps().to_vec();
        steps.extend_from_slice(path.steps());
        steps.into()
    }

    /// Returns the innermost value that is there on the way to a path.
    pub(super) fn nearest_node(&self, path: &Path) -> &Node {
        let mut path = path.clone();
        loop {
            if let Some(node) = self.root.at(&path) {
                return node;
            }
            match path.parent() {
                Some(parent) => path = parent,
                None => return self.root,
            }
        }
    }

    /// The problem of a value that is not what it must be.
    pub(super) fn not(&self, path: &Path, node: &Node, expected: &str, secret: bool) -> Problem {
        let found = if secret {
            "something else (a secret, which is not shown)".to_owned()
        } else {
            described(node)
        };
        let name = self.name(path);
        Problem::error(format!("{name} must be {expected}, but is {found}"))
            .at(node.origin.place(), self.what)
    }

    /// The problem of a key that nobody knows.
    pub(super) fn unknown(&self, path: &Path, known: &[&str]) -> Problem {
        let parent = path.parent().unwrap_or_default();
        let around = self.nearest_node(&parent);
        let name = match path.steps().last() {
            Some(Step::Key(key)) => key.to_string(),
            _ => String::new(),
        };
        let origin = match around.as_map().and_then(|map| map.entry(&name)) {
            Some((key, _)) => &key.origin,
            None => &around.origin,
        };
        let near = nearest(known.iter(), &name);
        let message = format!("{} has no key `{}`", self.name(&parent), shown(&name));
        let mut problem = Problem::error(message).at(origin.place(), self.what);
        if near.is_empty() && !known.is_empty() {
            let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
            problem = problem.help(format!("the keys are {}", known.join(", ")));
        }
        problem.nearest(&near)
    }
}
