//! The layers of a configuration, and how they become one tree.

mod files;
mod merge;
mod sets;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::effective::Config;
use super::placeholders::{Replacing, Resolver};
use super::{Node, Origin, Path, Source};
use crate::{Problem, Problems};
use files::Reading;

/// What a configuration is made of, the lowest layer first: defaults, files with what they include and
/// their overlays, variables of the environment, the command line.
///
/// Maps are merged by key, however deep; lists, single values and `null` take the place of what was
/// below as a whole. Nothing is global: variables, resolvers and the folder are handed in. Loading reads
/// all files anew.
///
/// - A file may name others in `include` (relative to itself): they lie below it, the later above the
///   earlier, each once, however many include it.
/// - With an [`environment`](Self::environment) named `prod`, `app.prod.yaml` lies directly above
///   `app.yaml`. Files that are included have no overlay.
/// - A variable `BYNAME__SERVICES__DB__URL` sets `services.db.url`, a single value that is taken as it
///   stands. Its name is compared without case and with `_` as `-` with the keys that are there; what is
///   not there becomes a new key, in lower case and with `-`.
/// - `--set a.b=c` sets `a.b` to the text as it stands; `[…]` and `{…}` are read as YAML, `null` and `~`
///   are null.
/// - Placeholders are replaced last, in what files and defaults say, so that `${cfg:a.b}` is the value
///   that counts.
///
/// # Examples
///
/// ```
/// use byname_components::config::Layers;
///
/// let config = Layers::new("SHOP")
///     .default_text("shop", "limits: { max: 10, pause: 5s }\nurl: '${HOST:localhost}/api'")
///     .variables([("SHOP__LIMITS__MAX", "20"), ("HOST", "example.org")])
///     .set("limits.pause=1s")
///     .load()?;
/// assert_eq!(config.read::<u32>("limits.max")?, 20);
/// assert_eq!(config.read::<String>("limits.pause")?, "1s");
/// assert_eq!(config.read::<String>("url")?, "example.org/api");
/// # Ok::<(), byname_components::Problems>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Layers {
    pub(super) prefix: String,
    defaults: Vec<(Arc<str>, String)>,
    files: Vec<Layer>,
    environment: Option<String>,
    pub(super) base: PathBuf,
    pub(super) variables: BTreeMap<OsString, OsString>,
    pub(super) sets: Vec<String>,
    pub(super) resolvers: BTreeMap<String, Resolver>,
}

#[derive(Clone)]
enum Layer {
    File(PathBuf),
    Text(Arc<str>, String),
}

impl Layers {
    /// Begins with no layer. `prefix` begins the names of the variables that set something, before the
    /// first `__`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            defaults: Vec::new(),
            files: Vec::new(),
            environment: None,
            base: PathBuf::new(),
            variables: BTreeMap::new(),
            sets: Vec::new(),
            resolvers: BTreeMap::new(),
        }
    }

    /// Adds built-in defaults, above the ones added before and below everything else. `what` they are
    /// defaults of is part of their origin.
    pub fn default_text(mut self, what: impl Into<Arc<str>>, yaml: impl Into<String>) -> Self {
        self.defaults.push((what.into(), yaml.into()));
        self
    }

    /// Adds a file, above the ones added before. It must be there when it is loaded.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(Layer::File(path.into()));
        self
    }

    /// Adds a text as if it were a file in the base folder, above the files added before. `place` is
    /// where the text comes from.
    pub fn text(mut self, place: impl Into<Arc<str>>, yaml: impl Into<String>) -> Self {
        self.files.push(Layer::Text(place.into(), yaml.into()));
        self
    }

    /// Names the environment whose overlays count. A file without an overlay is no error as long as
    /// another file has one: that none has one is a problem.
    pub fn environment(mut self, name: Option<impl Into<String>>) -> Self {
        self.environment = name.map(Into::into);
        self
    }

    /// Sets the folder that paths are relative to; by default the current folder of the process when it
    /// is read. Origins show paths as they were given.
    pub fn base(mut self, folder: impl Into<PathBuf>) -> Self {
        self.base = folder.into();
        self
    }

    /// Adds variables of the environment ([`std::env::vars_os`], say), for values and for placeholders.
    /// Of two with one name the later counts.
    pub fn variables<K, V>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter();
        self.variables
            .extend(variables.map(|(name, text)| (name.into(), text.into())));
        self
    }

    /// Adds what a `--set` of the command line says, above the ones added before.
    pub fn set(mut self, argument: impl Into<String>) -> Self {
        self.sets.push(argument.into());
        self
    }

    /// Adds a resolver for placeholders `${PREFIX:key}`. It is called once for each key that is used, each
    /// time that the configuration is loaded; what it returns is a secret.
    pub fn resolver<F, E>(mut self, prefix: impl Into<String>, resolve: F) -> Self
    where
        F: Fn(&str) -> Result<String, E> + Send + Sync + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let resolve = move |key: &str| resolve(key).map_err(Into::into);
        self.resolvers.insert(prefix.into(), Arc::new(resolve));
        self
    }

    /// Reads all files and makes the configuration.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in any layer: see [`load_with_files`](Self::load_with_files).
    pub fn load(&self) -> Result<Config, Problems> {
        self.load_with_files().0
    }

    /// Reads all files and makes the configuration; returns the files that count too, even if something
    /// is wrong in them, so that they can be watched until it is not.
    ///
    /// # Errors
    ///
    /// All of these that there are: files that cannot be read or are no YAML, that include one another or
    /// are asked for twice; an environment without any overlay; variables that may mean several keys, that
    /// contradict one another or set a whole map; arguments of `--set` that cannot be read; placeholders
    /// without a value. Problems that follow from others are left out.
    pub fn load_with_files(&self) -> (Result<Config, Problems>, BTreeSet<PathBuf>) {
        let mut reading = Reading::new(&self.base);
        self.check_resolvers(&mut reading.problems);
        for (what, text) in &self.defaults {
            reading.text(text, &Source::Default(Arc::clone(what)));
        }
        self.read_files(&mut reading);
        let Reading {
            trees,
            mut files,
            mut problems,
            ..
        } = reading;
        let mut trees = trees.into_iter();
        let mut below = trees
            .next()
            .unwrap_or_else(|| Node::empty(Origin::of(Source::Default("nothing".into()))));
        for above in trees {
            merge::lay(&mut below, above, &Path::root(), &mut problems);
        }
        let config = self.effective(below, &[], problems, &mut files);
        (config, files)
    }

    /// Puts `moved` parts of the tree, variables and the command line over what the files say, and
    /// replaces placeholders.
    pub(super) fn effective(
        &self,
        below: Node,
        moved: &[(Path, Path)],
        mut problems: Problems,
        files: &mut BTreeSet<PathBuf>,
    ) -> Result<Config, Problems> {
        // Where files are missing, keys may be too: what does not point anywhere is no news then.
        let whole = !problems.is_fatal();
        let mut root = below.clone();
        self.outside(&mut root, &mut problems);
        if !moved.is_empty() {
            for (from, to) in moved {
                let Some(part) = root.at(from).cloned() else {
                    continue;
                };
                let keys = variables::keys(to);
                merge::put(&mut root, &keys, &Path::root(), part, &mut problems);
            }
            self.outside(&mut root, &mut Problems::new());
        }
        let mut replacing = Replacing::new(self, &root, whole);
        let replaced = replacing.root();
        files.append(&mut replacing.files);
        problems.extend(std::mem::take(&mut replacing.problems));
        let references = replacing.references;
        if problems.is_fatal() {
            return Err(problems);
        }
        let files = files.clone();
        let layers = self.clone();
        Ok(Config::new(
            layers, below, replaced, references, files, problems,
        ))
    }

    fn outside(&self, root: &mut Node, problems: &mut Problems) {
        variables::lay_variables(root, &self.prefix, &self.variables, problems);
        sets::lay_sets(root, &self.sets, problems);
    }

    fn read_files(&self, reading: &mut Reading<'_>) {
        let environment = self.environment.as_deref();
        let bad = |c: char| !(c.is_alphanumeric() || c == '-' || c == '_');
        let good = environment.filter(|name| !name.is_empty() && !name.contains(bad));
        if let (Some(name), None) = (environment, good) {
            reading.problems.push(
                Problem::error(format!("`{name}` is no name of an environment"))
                    .help("use letters, digits, `-` and `_`"),
            );
        }
        let mut missing = Vec::new();
        let mut found = good.is_none();
        for layer in &self.files {
            match layer {
                Layer::Text(place, text) => reading.text(text, &Source::Code(Arc::clone(place))),
                Layer::File(path) => {
                    reading.file(path);
                    let Some(environment) = good else { continue };
                    match reading.overlay(path, environment) {
                        Some(overlay) => missing.push(overlay),
                        None => found = true,
                    }
                }
            }
        }
        if let (Some(environment), false) = (good, found) {
            let missing: Vec<_> = missing
                .iter()
                .map(|path| format!("`{}`", path.display()))
                .collect();
            let problem = Problem::error(format!(
                "the environment `{environment}` was named, but no file has an overlay for it"
            ));
            reading.problems.push(match missing.as_slice() {
                [] => problem.help("name a file, or no environment"),
                _ => problem.help(format!("write {}", missing.join(" or "))),
            });
        }
    }

    fn check_resolvers(&self, problems: &mut Problems) {
        for name in self.resolvers.keys() {
            let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            if !good || matches!(name.as_str(), "file" | "cfg") {
                problems.push(
                    Problem::error(format!("`{name}` cannot be the prefix of a resolver")).help(
                        "use a letter, then letters, digits, `-` and `_`; `file` and `cfg` are taken",
                    ),
                );
            }
        }
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables, arguments and texts may hold secrets.
        f.debug_struct("Layers")
            .field("prefix", &self.prefix)
            .field("files", &self.files.len())
            .field("environment", &self.environment)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
