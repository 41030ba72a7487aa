//! What is said of a folder, checked without looking at the disk.

use std::collections::BTreeMap;

use axum::http::HeaderValue;

use super::error::FilesError;
use super::path::{Names, may_be_answered, names};
use super::pattern::Pattern;
use super::settings::{CacheControl, Settings};
use crate::config::units::Bytes;
use crate::config::{CheckSettings, Faults};

impl CheckSettings for Settings {
    fn check(&self, faults: &mut Faults) {
        let mut tell = |checked: Result<(), FilesError>| {
            if let Err(FilesError::Setting { setting, message }) = checked {
                faults.tell(setting, message);
            }
        };
        tell(folder(self));
        tell(dotfiles(&self.dotfiles));
        tell(index(self));
        tell(fallback(self).map(drop));
        tell(chunk(self.chunk).map(drop));
        tell(types(&self.types).map(drop));
        tell(pages(&self.cache_control).map(drop));
        tell(others(&self.cache_control).map(drop));
    }
}

/// How long answers may be kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) pages: Option<HeaderValue>,
    pub(super) others: Option<HeaderValue>,
    pub(super) immutable: Vec<Pattern>,
    pub(super) immutable_for: HeaderValue,
}

impl Kept {
    pub(super) fn new(cache: &CacheControl) -> Result<Self, FilesError> {
        let immutable = cache.immutable.iter().map(|pattern| Pattern::new(pattern));
        let immutable_for = cache.immutable_for.as_secs();
        let immutable_for = format!("public, max-age={immutable_for}, immutable");
        Ok(Self {
            pages: pages(cache)?,
            others: others(cache)?,
            immutable: immutable.collect(),
            immutable_for: value("cache-control.immutable-for", &immutable_for)?,
        })
    }
}

pub(super) fn folder(settings: &Settings) -> Result<(), FilesError> {
    if settings.folder.as_os_str().is_empty() {
        return Err(wrong("folder", "is missing; expected the path of a folder"));
    }
    Ok(())
}

pub(super) fn dotfiles(dotfiles: &[String]) -> Result<(), FilesError> {
    for name in dotfiles {
        let only = std::slice::from_ref(name);
        if !name.starts_with('.') || !may_be_answered(name, only) {
            let message = format!("has `{name}`; expected names that begin with a dot");
            return Err(wrong("dotfiles", message));
        }
    }
    Ok(())
}

pub(super) fn index(settings: &Settings) -> Result<(), FilesError> {
    match &settings.index {
        Some(name) if !may_be_answered(name, &settings.dotfiles) => {
            let message = format!("is `{name}`; expected the name of a file, as `index.html`");
            Err(wrong("index", message))
        }
        _ => Ok(()),
    }
}

/// Reads the path of a fallback, which is written as a path and not as part of an address.
pub(super) fn fallback(settings: &Settings) -> Result<Option<Names>, FilesError> {
    let read = |path: &String| {
        let escaped = format!("/{}", path.trim_start_matches("./").replace('%', "%25"));
        let names = names(&escaped, &settings.dotfiles);
        names.filter(|names| !names.slash).ok_or_else(|| {
            let message = format!("is `{path}`; expected the path of a file in the folder");
            wrong("fallback", message)
        })
    };
    settings.fallback.as_ref().map(read).transpose()
}

pub(super) fn chunk(chunk: Bytes) -> Result<usize, FilesError> {
    usize::try_from(chunk.get())
        .ok()
        .filter(|chunk| (4 << 10..=16 << 20).contains(chunk))
        .ok_or_else(|| wrong("chunk", format!("is {chunk}; expected 4KiB to 16MiB")))
}

pub(super) fn types(
    types: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, HeaderValue>, FilesError> {
    let types = types.iter().map(|(extension, kind)| {
        let extension = extension.to_ascii_lowercase();
        Ok((extension, value("types", kind)?))
    });
    types.collect()
}

fn pages(cache: &CacheControl) -> Result<Option<HeaderValue>, FilesError> {
    optional("cache-control.pages", &cache.pages)
}

fn others(cache: &CacheControl) -> Result<Option<HeaderValue>, FilesError> {
    optional("cache-control.others", &cache.others)
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
