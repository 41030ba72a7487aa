//! Where keys come from, and that they are read again.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use byname_registry::{Handle, Registry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;

use super::keys::Keys;
use crate::config::Secret;
use crate::config::units::{Bytes, Duration as Span};
use crate::http::middleware::SettingsError;

/// Where keys come from: at least one of a file, a variable of the environment, and the settings.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct KeySettings {
    /// A file with one key a line: `NAME:KEY`, `NAME:sha256:HEX`, or a `KEY` alone; `#` begins a
    /// comment.
    pub file: Option<PathBuf>,
    /// A variable of the environment with such lines, or with the same separated by commas.
    pub variable: Option<String>,
    /// Such lines, each by itself.
    pub given: Vec<Secret<String>>,
    /// How often the file is read again; `0s` for never. While it cannot be read, the keys stay that
    /// were in it.
    pub reload: Span,
    /// The largest file that is read.
    pub max_file: Bytes,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            file: None,
            variable: None,
            given: Vec::new(),
            reload: Span::new(Duration::from_secs(10)),
            max_file: Bytes::new(1024 * 1024),
        }
    }
}

impl KeySettings {
    /// Looks at the keys, and at the names that may ask, as far as keys are known beforehand.
    pub(super) fn check(&self, allow: &[String]) -> Result<(), SettingsError> {
        if self.file.is_none() && self.variable.is_none() && self.given.is_empty() {
            let message = "has no `file`, no `variable` and none `given`";
            return Err(SettingsError::new("keys", message));
        }
        let mut keys = Keys::default();
        for given in &self.given {
            let read = keys.read(given.expose());
            read.map_err(|why| SettingsError::new("keys.given", format!("has one with: {why}")))?;
        }
        let only_given = self.file.is_none() && self.variable.is_none();
        if only_given && let Some(name) = keys.lack(allow).first() {
            let message = format!("has `{name}`, whose key is not among those `given`");
            return Err(SettingsError::new("allow", message));
        }
        Ok(())
    }
}

/// Keys that cannot be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyError {
    /// Settings from which nothing can be made.
    Settings(SettingsError),
    /// A file cannot be read, or is larger than it may be.
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is no such variable of the environment, or it is no text.
    Variable {
        /// Which.
        name: String,
    },
    /// What stands there are no keys.
    Content {
        /// Where: a file or a variable.
        place: String,
        /// The line, and what is wrong with it.
        message: String,
    },
    /// There is no key at all.
    None,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(error) => error.fmt(f),
            Self::File { path, .. } => write!(f, "keys cannot be read from `{}`", path.display()),
            Self::Variable { name } => write!(f, "there are no keys in the variable `{name}`"),
            Self::Content { place, message } => write!(f, "the keys of `{place}`: {message}"),
            Self::None => f.write_str("there is no key: nobody could ask anything"),
        }
    }
}

impl Error for KeyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            Self::Settings(error) => Some(error),
            _ => None,
        }
    }
}

impl From<SettingsError> for KeyError {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

/// Keys that follow their file. What a request is compared with is one state of them.
pub(super) struct Known {
    keys: Handle<Keys>,
    registry: Registry<Keys>,
}

/// The name of the one thing that is published.
const ONE: &str = "keys";

impl Known {
    /// Reads the keys, and goes on to read the file as long as this is kept.
    pub(super) async fn read(
        settings: KeySettings,
        allow: &[String],
    ) -> Result<Arc<Self>, KeyError> {
        let text = match &settings.file {
            Some(path) => Some(read_file(path, settings.max_file).await?),
            None => None,
        };
        let keys = settings.keys(text.as_deref())?;
        if keys.is_empty() {
            return Err(KeyError::None);
        }
        tell_lacking(&keys, allow);
        let registry: Registry<Keys> = Registry::<()>::builder().label("keys").build();
        let published = registry
            .register(ONE, keys)
            .ok()
            .and_then(|_| registry.handle(ONE));
        let Some(keys) = published else {
            unreachable!("the registry is new");
        };
        let known = Arc::new(Self { keys, registry });
        if let (Some(text), false) = (text, settings.reload.is_zero()) {
            let allow = allow.to_vec();
            tokio::spawn(follow(Arc::downgrade(&known), settings, allow, text));
        }
        Ok(known)
    }

    pub(super) fn whose(&self, key: &[u8]) -> Option<Arc<str>> {
        self.keys.read(|keys| keys.whose(key)).flatten()
    }
}

impl KeySettings {
    /// All keys, with those of the text of the file.
    fn keys(&self, file: Option<&str>) -> Result<Keys, KeyError> {
        let mut keys = Keys::default();
        let content = |place: String| move |message| KeyError::Content { place, message };
        for given in &self.given {
            keys.read(given.expose()).map_err(content("given".into()))?;
        }
        if let Some(name) = &self.variable {
            let text = std::env::var(name);
            let text = text.map_err(|_| KeyError::Variable { name: name.clone() })?;
            let lines = text.replace(',', "\n");
            keys.read(&lines).map_err(content(name.clone()))?;
        }
        if let (Some(path), Some(text)) = (&self.file, file) {
            keys.read(text)
                .map_err(content(path.display().to_string()))?;
        }
        Ok(keys)
    }
}

/// Tells who may ask by name, and has no key to ask with.
fn tell_lacking(keys: &Keys, allow: &[String]) {
    let lack = keys.lack(allow);
    if !lack.is_empty() {
        let names = lack.join(", ");
        tracing::warn!(names, "`allow` has names that no key has");
    }
}

async fn read_file(path: &Path, most: Bytes) -> Result<String, KeyError> {
    let wrong = |error| KeyError::File {
        path: path.to_owned(),
        error,
    };
    let file = tokio::fs::File::open(path).await.map_err(wrong)?;
    let mut bytes = Vec::new();
    let most = most.get();
    let mut bounded = file.take(most.saturating_add(1));
    bounded.read_to_end(&mut bytes).await.map_err(wrong)?;
    if bytes.len() as u64 > most {
        return Err(wrong(io::Error::other("it is larger than `max-file`")));
    }
    String::from_utf8(bytes).map_err(|_| wrong(io::Error::other("it is no text")))
}

/// Reads a file that is followed: one that has an end. A pipe may never have one, and would keep all later
/// changes from being seen.
async fn read_again(path: &Path, most: Bytes) -> Result<String, KeyError> {
    let wrong = |error| KeyError::File {
        path: path.to_owned(),
        error,
    };
    let found = tokio::fs::metadata(path).await.map_err(wrong)?;
    if !found.is_file() {
        return Err(wrong(io::Error::other("it is no regular file")));
    }
    read_file(path, most).await
}

/// Reads the file again and again, and publishes what has changed. What is in the file counts, not
/// what the system says about it: a time of change does not tell whether there was one.
async fn follow(known: Weak<Known>, settings: KeySettings, allow: Vec<String>, mut last: String) {
    let Some(path) = settings.file.clone() else {
        return;
    };
    let mut told = false;
    loop {
        tokio::time::sleep(settings.reload.get()).await;
        if known.strong_count() == 0 {
            return;
        }
        let read = match read_again(&path, settings.max_file).await {
            Ok(text) if text == last => {
                told = false;
                continue;
            }
            Ok(text) => settings.keys(Some(&text)).map(|keys| (keys, text)),
            Err(error) => Err(error),
        };
        let Some(known) = known.upgrade() else { return };
        match read {
            Ok((keys, text)) => {
                if keys.is_empty() {
                    tracing::warn!(file = %path.display(), "there are no keys any more");
                } else {
                    tell_lacking(&keys, &allow);
                }
                // The one name is there, and nobody else writes.
                let _ = known.registry.replace(ONE, keys);
                tracing::info!(file = %path.display(), "keys were read again");
                (last, told) = (text, false);
            }
            // Once, until it can be read again.
            Err(error) if !told => {
                let cause = crate::factory::chain(&error);
                tracing::error!(cause, "keys stay as they were");
                told = true;
            }
            Err(_) => {}
        }
    }
}
