//! A folder that is served, as its settings were checked.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use axum::http::HeaderValue;

use super::error::FilesError;
use super::open::{Found, Root};
use super::path::{Names, may_be_answered, names};
use super::pattern::Pattern;
use super::settings::{Coding, EntityTags, Pages, Settings};
use super::types;

/// A folder that is served.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) root: Root,
    pub(super) index: Option<String>,
    pub(super) fallback: Option<Names>,
    pub(super) pages: Pages,
    pub(super) precompressed: Vec<Coding>,
    pub(super) entity_tags: EntityTags,
    pub(super) chunk: usize,
    types: BTreeMap<String, HeaderValue>,
    kept: Kept,
}

/// How long answers may be kept.
#[derive(Debug)]
struct Kept {
    pages: Option<HeaderValue>,
    others: Option<HeaderValue>,
    immutable: Vec<Pattern>,
    immutable_for: HeaderValue,
}

impl Site {
    /// Checks all settings, and looks at the folder. It waits for the disk.
    pub(super) fn open(settings: Settings) -> Result<Self, FilesError> {
        let dotfiles = settings.dotfiles;
        for name in &dotfiles {
            let only = std::slice::from_ref(name);
            if !name.starts_with('.') || !may_be_answered(name, only) {
                let message = format!("has `{name}`; expected names that begin with a dot");
                return Err(wrong("dotfiles", message));
            }
        }
        let index = settings.index;
        if let Some(name) = &index
            && !may_be_answered(name, &dotfiles)
        {
            let message = format!("is `{name}`; expected the name of a file, as `index.html`");
            return Err(wrong("index", message));
        }
        let fallback = settings.fallback.as_deref();
        let fallback = fallback
            .map(|path| fallback_names(path, &dotfiles))
            .transpose()?;
        let chunk = settings.chunk.get();
        let chunk = usize::try_from(chunk)
            .ok()
            .filter(|_| (4 << 10..=16 << 20).contains(&chunk))
            .ok_or_else(|| {
                let message = format!("is {}; expected 4KiB to 16MiB", settings.chunk);
                wrong("chunk", message)
            })?;
        let cache = settings.cache_control;
        let immutable = cache.immutable.iter().map(|pattern| Pattern::new(pattern));
        let immutable_for = cache.immutable_for.as_secs();
        let immutable_for = format!("public, max-age={immutable_for}, immutable");
        let kept = Kept {
            pages: optional("cache-control.pages", &cache.pages)?,
            others: optional("cache-control.others", &cache.others)?,
            immutable: immutable.collect(),
            immutable_for: value("cache-control.immutable-for", &immutable_for)?,
        };
        let types = settings.types.into_iter();
        let types = types.map(|(extension, kind)| {
            let extension = extension.to_ascii_lowercase();
            Ok((extension, value("types", &kind)?))
        });
        let site = Self {
            types: types.collect::<Result<_, FilesError>>()?,
            root: Root {
                folder: readable(settings.folder)?,
                symlinks: settings.symlinks,
                dotfiles,
            },
            index,
            fallback,
            pages: settings.pages,
            precompressed: settings.precompressed,
            entity_tags: settings.entity_tags,
            chunk,
            kept,
        };
        site.check_fallback()?;
        Ok(site)
    }

    fn check_fallback(&self) -> Result<(), FilesError> {
        let Some(fallback) = &self.fallback else {
            return Ok(());
        };
        let source = match self.root.find(&fallback.names) {
            Ok(Found::File(_)) => return Ok(()),
            Ok(Found::Folder | Found::Nothing) => None,
            Err(error) => Some(error),
        };
        Err(FilesError::Fallback {
            fallback: fallback.joined(),
            folder: self.root.folder.clone(),
            source,
        })
    }

    /// The content type of a file by its name.
    pub(super) fn content_type(&self, name: &str) -> HeaderValue {
        let extension = types::extension(name);
        let given = extension.and_then(|extension| self.types.get(&extension));
        given.map_or_else(
            || HeaderValue::from_static(types::of(name)),
            HeaderValue::clone,
        )
    }

    /// How long the file at these names may be kept.
    pub(super) fn cache_control(&self, names: &Names, kind: &HeaderValue) -> Option<HeaderValue> {
        let kind = kind.as_bytes().to_ascii_lowercase();
        if kind.starts_with(b"text/html") || kind.starts_with(b"application/xhtml+xml") {
            return self.kept.pages.clone();
        }
        let path = names.joined();
        if self
            .kept
            .immutable
            .iter()
            .any(|pattern| pattern.fits(&path))
        {
            return Some(self.kept.immutable_for.clone());
        }
        self.kept.others.clone()
    }
}

fn wrong(setting: &'static str, message: impl Into<String>) -> FilesError {
    let message = message.into();
    FilesError::Setting { setting, message }
}

fn value(setting: &'static str, text: &str) -> Result<HeaderValue, FilesError> {
    HeaderValue::try_from(text).map_err(|_| {
        let message = format!("has {text:?}, which cannot be sent as the value of a header");
        wrong(setting, message)
    })
}

fn optional(setting: &'static str, text: &str) -> Result<Option<HeaderValue>, FilesError> {
    let text = Some(text).filter(|text| !text.trim().is_empty());
    text.map(|text| value(setting, text)).transpose()
}

/// Reads the path of a fallback, which is written as a path and not as part of an address.
fn fallback_names(path: &str, dotfiles: &[String]) -> Result<Names, FilesError> {
    let escaped = format!("/{}", path.trim_start_matches("./").replace('%', "%25"));
    let names = names(&escaped, dotfiles);
    names.filter(|names| !names.slash).ok_or_else(|| {
        let message = format!("is `{path}`; expected the path of a file in the folder");
        wrong("fallback", message)
    })
}

/// Checks that a folder can be read, and returns its path from the root, so that it stays the same one.
fn readable(folder: PathBuf) -> Result<PathBuf, FilesError> {
    if folder.as_os_str().is_empty() {
        return Err(wrong("folder", "is missing; expected the path of a folder"));
    }
    let look = || -> io::Result<PathBuf> {
        std::fs::read_dir(&folder)?;
        std::path::absolute(&folder)
    };
    look().map_err(|source| FilesError::Folder { folder, source })
}
