//! The configuration that counts, after all layers and placeholders.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use byname_registry::nearest;
use serde::de::DeserializeOwned;

use super::layers::Layers;
use super::{Map, Node, Path, PathError, Read, Step, read_node};
use crate::{Problem, Problems};

/// The effective configuration: what was read, when it was read. Cheap to clone; never changes.
#[derive(Clone)]
pub struct Config {
    shared: Arc<Shared>,
    /// What part of the tree this is.
    part: Path,
    root: Node,
    /// What readers said is a secret.
    secrets: Arc<BTreeSet<Path>>,
}

struct Shared {
    layers: Layers,
    /// What files and defaults say, before everything else.
    below: Node,
    root: Node,
    /// Where `${cfg:…}` stood, and where it led.
    references: Vec<(Path, Path)>,
    files: BTreeSet<PathBuf>,
    warnings: Problems,
}

impl Config {
    pub(super) fn new(
        layers: Layers,
        below: Node,
        root: Node,
        references: Vec<(Path, Path)>,
        files: BTreeSet<PathBuf>,
        warnings: Problems,
    ) -> Self {
        Self {
            part: Path::root(),
            root: root.clone(),
            secrets: Arc::default(),
            shared: Arc::new(Shared {
                layers,
                below,
                root,
                references,
                files,
                warnings,
            }),
        }
    }

    /// Returns the whole of it.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Returns which part of the loaded configuration this is: the root, unless it is a
    /// [`subtree`](Self::subtree).
    #[must_use]
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// Returns what a path leads to, a [`Path`] or a text such as `services.db.url`; nothing if there is
    /// nothing, or if the text is no path.
    #[must_use]
    pub fn get<P: TryInto<Path>>(&self, path: P) -> Option<&Node> {
        self.root.at(&path.try_into().ok()?)
    }

    /// Returns what a path leads to as a configuration of its own, whose messages name the whole path.
    #[must_use]
    pub fn subtree<P: TryInto<Path>>(&self, path: P) -> Option<Self> {
        let path = path.try_into().ok()?;
        let root = self.root.at(&path)?.clone();
        Some(Self {
            shared: Arc::clone(&self.shared),
            part: self.full(&path),
            root,
            secrets: Arc::clone(&self.secrets),
        })
    }

    /// Reads what a path leads to, a [`Path`] or a text such as `services.db.url`, as a type of the
    /// program; see [`read_node`].
    ///
    /// # Errors
    ///
    /// That the text is no path, that there is nothing, or everything that is wrong with it for the type.
    pub fn read<T: DeserializeOwned>(
        &self,
        path: impl TryInto<Path, Error: Into<PathError>>,
    ) -> Result<T, Problems> {
        self.read_with_secrets(path).map(|read| read.value)
    }

    /// Reads as [`read`](Self::read) does, and returns the paths of the secrets too, for
    /// [`with_secrets`](Self::with_secrets).
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub fn read_with_secrets<T: DeserializeOwned>(
        &self,
        path: impl TryInto<Path, Error: Into<PathError>>,
    ) -> Result<Read<T>, Problems> {
        let path = path.try_into().map_err(|error| {
            let error: PathError = error.into();
            Problem::error(format!("a path of the configuration is none: {error}"))
        })?;
        let full = self.full(&path);
        let Some(node) = self.root.at(&path) else {
            return Err(self.nothing(&path, &full));
        };
        let what = match full.steps() {
            [] => "the configuration".to_owned(),
            _ => format!("`{full}`"),
        };
        read_node(node, &full, &what)
    }

    /// That there is nothing, with what there is around it.
    fn nothing(&self, path: &Path, full: &Path) -> Problems {
        let mut problem = Problem::error(format!("the configuration has no `{full}`"));
        if let (Some(parent), Some(Step::Key(key))) = (path.parent(), path.steps().last())
            && let Some(around) = self.root.at(&parent)
        {
            let names = around.as_map().into_iter().flat_map(Map::names);
            let names: Vec<_> = nearest(names, key)
                .into_iter()
                .map(|name| self.full(&parent.key(name)).to_string())
                .collect();
            problem = problem
                .nearest(&names)
                .at(around.origin.place(), "it would be in here");
        }
        problem.into()
    }

    /// Returns the files that it was read from, to be watched: included ones, those of `${file:…}`, and
    /// overlays that are not there.
    #[must_use]
    pub fn files(&self) -> &BTreeSet<PathBuf> {
        &self.shared.files
    }

    /// Returns what is odd about it, though nothing is wrong.
    #[must_use]
    pub fn warnings(&self) -> &Problems {
        &self.shared.warnings
    }

    /// Returns the same configuration, with what is at these paths of the whole marked as secret, as
    /// readers found. What such a value was copied from, and to, by `${cfg:…}` is a secret too.
    #[must_use]
    pub fn with_secrets(&self, secrets: impl IntoIterator<Item = Path>) -> Self {
        let mut all = BTreeSet::clone(&self.secrets);
        let mut new: Vec<Path> = secrets.into_iter().collect();
        while let Some(secret) = new.pop() {
            for (one, two) in &self.shared.references {
                for (from, to) in [(one, two), (two, one)] {
                    let copy = if from.is_above(&secret) {
                        let rest = &secret.steps()[from.steps().len()..];
                        Path::from([to.steps(), rest].concat())
                    } else if secret.is_above(from) {
                        to.clone()
                    } else {
                        continue;
                    };
                    // Only what is there, so that this ends.
                    if self.shared.root.at(&copy).is_some() && !all.contains(&copy) {
                        new.push(copy);
                    }
                }
            }
            all.insert(secret);
        }
        Self {
            secrets: Arc::new(all),
            ..self.clone()
        }
    }

    /// Returns the paths of the whole that are secrets, as readers found.
    #[must_use]
    pub fn secrets(&self) -> &BTreeSet<Path> {
        &self.secrets
    }

    /// Returns this configuration with parts of it laid over others (the first of each pair over the
    /// second): the values of a deployment over those of all, say. They lie above the files and below
    /// variables and the command line, and placeholders are replaced after that. No file of a layer is
    /// read again; resolvers and files of placeholders are. A part that is not there changes nothing.
    ///
    /// # Errors
    ///
    /// Placeholders that have no value then.
    pub fn lay(&self, parts: &[(Path, Path)]) -> Result<Self, Problems> {
        let mut files = self.shared.files.clone();
        let below = self.shared.below.clone();
        let layers = &self.shared.layers;
        let warnings = Problems::new();
        let config = layers.effective(below, parts, warnings, &mut files)?;
        Ok(config.with_secrets(self.secrets.iter().cloned()))
    }

    pub(super) fn full(&self, path: &Path) -> Path {
        Path::from([self.part.steps(), path.steps()].concat())
    }

    /// Whether the value at a path of the whole must not be shown.
    pub(crate) fn is_secret(&self, node: &Node, path: &Path) -> bool {
        node.origin.is_secret() || self.secrets.iter().any(|secret| secret.is_above(path))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Which of the values are secrets is only known to those who read them.
        f.debug_struct("Config")
            .field("part", &self.part)
            .field("files", &self.shared.files)
            .finish_non_exhaustive()
    }
}

impl TryFrom<&str> for Path {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        text.parse()
    }
}

impl From<&Path> for Path {
    fn from(path: &Path) -> Self {
        path.clone()
    }
}

impl From<Infallible> for PathError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
