//! The files of a configuration: what they include, and what lies over them.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use super::super::{Node, Origin, Source, Value, parse};
use crate::{Place, Problem, Problems};

/// How much of a file is read: more than the parser takes, so that it says what is too much.
const MOST: u64 = 10 * 1024 * 1024 + 1;

/// How many files may include one another in a row.
const DEEPEST: usize = 100;

/// Reads files, each once: what is included by two is below both.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    base: &'a FilePath,
    /// The trees, the lowest first.
    pub(super) trees: Vec<Node>,
    /// All files that count, those that are not there included.
    pub(super) files: BTreeSet<PathBuf>,
    pub(super) problems: Problems,
    /// Files that were read, by what they are on the disk, and how they were called.
    seen: HashMap<PathBuf, PathBuf>,
    /// The files that include one another at this moment: what they are, and how they are called.
    within: Vec<(PathBuf, PathBuf)>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(base: &'a FilePath) -> Self {
        Self {
            base,
            trees: Vec::new(),
            files: BTreeSet::new(),
            problems: Problems::new(),
            seen: HashMap::new(),
            within: Vec::new(),
        }
    }

    /// Reads a file that was asked for.
    pub(super) fn file(&mut self, path: &FilePath) {
        let place = Place::new(path.display().to_string());
        if let Some(earlier) = self.seen.get(&self.identity(path)) {
            self.problems.push(
                Problem::error(format!(
                    "`{}` is asked for, but was already read",
                    path.display()
                ))
                .at(
                    place,
                    format!("asked for, or included, before as {}", earlier.display()),
                )
                .help("name each file once, and none that another one includes"),
            );
            return;
        }
        self.read(path, place, "this file");
    }

    /// Reads the overlay of an environment beside a file; returns where it was looked for, if there is
    /// none.
    pub(super) fn overlay(&mut self, path: &FilePath, environment: &str) -> Option<PathBuf> {
        let overlay = overlay(path, environment);
        let real = self.base.join(&overlay);
        self.files.insert(real.clone());
        match real.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(overlay),
            _ => {
                self.file(&overlay);
                None
            }
        }
    }

    /// Reads a text as if it were a file in the base folder.
    pub(super) fn text(&mut self, text: &str, source: &Source) {
        match parse(text, source) {
            Ok(root) => self.tree(root, FilePath::new("")),
            Err(problems) => self.problems.extend(problems),
        }
    }

    /// What a file is on the disk, whatever it is called.
    fn identity(&self, path: &FilePath) -> PathBuf {
        let real = self.base.join(path);
        real.canonicalize().unwrap_or(real)
    }

    /// Reads a file and, below it, what it includes.
    fn read(&mut self, path: &FilePath, place: Place, what: &str) {
        let real = self.base.join(path);
        self.files.insert(real.clone());
        let identity = self.identity(path);
        if let Some(begin) = self.within.iter().position(|(one, _)| *one == identity) {
            let names = self.within[begin..].iter().map(|(_, name)| name.as_path());
            let names = names.chain([self.within[begin].1.as_path()]);
            let names: Vec<_> = names.map(|name| name.display().to_string()).collect();
            self.problems.push(
                Problem::error(format!("files include one another: {}", names.join(" -> ")))
                    .at(place, what),
            );
            return;
        }
        if self.seen.contains_key(&identity) {
            return;
        }
        if self.within.len() == DEEPEST {
            let message = format!("more than {DEEPEST} files include one another in a row");
            self.problems.push(Problem::error(message).at(place, what));
            return;
        }
        self.seen.insert(identity.clone(), path.to_owned());
        let text = match read(&real) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", path.display());
                self.problems.push(Problem::error(message).at(place, what));
                return;
            }
        };
        let source = Source::File(Arc::from(path));
        let text = match String::from_utf8(text) {
            Ok(text) => text,
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let origin = position(source, &error.as_bytes()[..good]);
                let problem = Problem::error("a file must be UTF-8");
                let problem = problem.at(origin.place(), "the first byte that is not");
                self.problems.push(problem);
                return;
            }
        };
        self.within.push((identity, path.to_owned()));
        match parse(&text, &source) {
            Ok(root) => self.tree(root, path.parent().unwrap_or(FilePath::new(""))),
            Err(problems) => self.problems.extend(problems),
        }
        self.within.pop();
    }

    /// Takes `include` out of a tree, reads what it names and puts the tree over that.
    fn tree(&mut self, mut root: Node, folder: &FilePath) {
        match &mut root.value {
            Value::Null => root.value = Node::empty(root.origin.clone()).value,
            Value::Map(map) => {
                if let Some((_, include)) = map.remove("include") {
                    self.include(&include, folder);
                }
            }
            other => {
                self.problems.push(
                    Problem::error(format!(
                        "a configuration is a map of keys, not {}",
                        other.kind()
                    ))
                    .at(root.origin.place(), ""),
                );
                return;
            }
        }
        self.trees.push(root);
    }

    fn include(&mut self, include: &Node, folder: &FilePath) {
        let list = match &include.value {
            Value::List(list) => list.as_slice(),
            _ => std::slice::from_ref(include),
        };
        for node in list {
            let place = node.origin.place();
            let Value::Scalar(scalar) = &node.value else {
                self.problems.push(
                    Problem::error(format!(
                        "`include` takes the paths of files, not {}",
                        node.value.kind()
                    ))
                    .at(place, "")
                    .help("write `include: [base.yaml]`"),
                );
                continue;
            };
            if scalar.text.contains("${") {
                self.problems.push(
                    Problem::error("placeholders are not replaced in `include`")
                        .at(place, "")
                        .help("name an environment instead, and write an overlay for it"),
                );
                continue;
            }
            if scalar.text.is_empty() {
                let message = "`include` names a file without a name";
                self.problems.push(Problem::error(message).at(place, ""));
                continue;
            }
            self.read(&folder.join(&*scalar.text), place, "included here");
        }
    }
}

/// `app.prod.yaml` for `app.yaml`.
fn overlay(path: &FilePath, environment: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(".");
    name.push(environment);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

fn read(path: &FilePath) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut text)?;
    Ok(text)
}

/// Where a text that begins with `before` goes on.
fn position(source: Source, before: &[u8]) -> Origin {
    let before = String::from_utf8_lossy(before);
    let line = before.split('\n').count();
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |last| last.chars().count())
        + 1;
    let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
    Origin::at(source, count(line), count(column))
}
