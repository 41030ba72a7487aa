//! A folder that is served, as its settings were checked.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use axum::http::HeaderValue;

use super::check::{self, Kept};
use super::error::FilesError;
use super::open::{Found, Root};
use super::path::Names;
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

impl Site {
    /// Checks all settings, and looks at the folder. It waits for the disk.
    pub(super) fn open(settings: Settings) -> Result<Self, FilesError> {
        check::folder(&settings)?;
        check::dotfiles(&settings.dotfiles)?;
        check::index(&settings)?;
        let site = Self {
            fallback: check::fallback(&settings)?,
            chunk: check::chunk(settings.chunk)?,
            kept: Kept::new(&settings.cache_control)?,
            types: check::types(&settings.types)?,
            root: Root {
                folder: readable(settings.folder)?,
                symlinks: settings.symlinks,
                dotfiles: settings.dotfiles,
            },
            index: settings.index,
            pages: settings.pages,
            precompressed: settings.precompressed,
            entity_tags: settings.entity_tags,
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

/// Checks that a folder can be read, and returns its path from the root, so that it stays the same one.
fn readable(folder: PathBuf) -> Result<PathBuf, FilesError> {
    let look = || -> io::Result<PathBuf> {
        std::fs::read_dir(&folder)?;
        std::path::absolute(&folder)
    };
    look().map_err(|source| FilesError::Folder { folder, source })
}
