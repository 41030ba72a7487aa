//! What may be said of a folder that is served.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration as StdDuration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::units::{Bytes, Duration};

/// Which folder is served, and how.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    /// The folder. It must be there at the start, and is looked up again for every request: where it is a
    /// symbolic link to a release, the next release is served once it is switched.
    pub folder: PathBuf,
    /// The name of the file that stands for its folder; none: a folder is not found.
    #[serde(default = "index")]
    pub index: Option<String>,
    /// The file that stands for every page of an application, by its path in the folder; none by default.
    #[serde(default)]
    pub fallback: Option<String>,
    /// Which paths look like pages of the application.
    #[serde(default)]
    pub pages: Pages,
    /// Names with a leading dot that are answered all the same, as `.well-known`; none by default.
    #[serde(default)]
    pub dotfiles: Vec<String>,
    /// Which symbolic links are followed.
    #[serde(default)]
    pub symlinks: Symlinks,
    /// Which codings lie compressed beside the files (`app.js.br` beside `app.js`), the preferred first;
    /// none by default. One that is older than its file is not used.
    #[serde(default)]
    pub precompressed: Vec<Coding>,
    /// What entity tags are made of.
    #[serde(default)]
    pub entity_tags: EntityTags,
    /// How long answers may be kept.
    #[serde(default)]
    pub cache_control: CacheControl,
    /// Content types by the extension without its dot, before those that are built in.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
    /// How much of a file is in memory for each answer: 64 KiB by default, from 4 KiB to 16 MiB.
    #[serde(default = "chunk")]
    pub chunk: Bytes,
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "serde asks for the type of the field"
)]
fn index() -> Option<String> {
    Some("index.html".to_owned())
}

fn chunk() -> Bytes {
    Bytes::new(64 * 1024)
}

impl Default for Settings {
    /// Returns settings without a folder, which must be given.
    fn default() -> Self {
        Self {
            folder: PathBuf::new(),
            index: index(),
            fallback: None,
            pages: Pages::default(),
            dotfiles: Vec::new(),
            symlinks: Symlinks::default(),
            precompressed: Vec::new(),
            entity_tags: EntityTags::default(),
            cache_control: CacheControl::default(),
            types: BTreeMap::new(),
            chunk: chunk(),
        }
    }
}

/// What looks like a page of an application, among requests that accept `text/html` by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pages {
    /// Paths whose last name has no dot.
    #[default]
    WithoutExtension,
    /// Every path.
    Any,
}

/// Which symbolic links are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Symlinks {
    /// None inside of the folder.
    Refuse,
    /// Those that end inside of the folder, at something that may be asked for by its own name.
    #[default]
    Inside,
    /// All. Whoever may write to the folder may show any file that this program may read.
    Anywhere,
}

/// A content coding of files that were compressed beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Coding {
    /// Brotli, `.br`.
    Br,
    /// Gzip, `.gz`.
    Gzip,
    /// Zstandard, `.zst`.
    Zstd,
}

impl Coding {
    /// The name that it has in HTTP.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// What a compressed file's name ends in.
    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Br => ".br",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

/// What entity tags are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EntityTags {
    /// Of all that the file system tells of this very file.
    #[default]
    Exact,
    /// Of size and time of modification: the same on every replica that unpacked the same archive.
    Portable,
}

/// The `Cache-Control` of answers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct CacheControl {
    /// Of HTML: `no-cache` by default; empty: none.
    pub pages: String,
    /// Of everything else: `no-cache` by default; empty: none.
    pub others: String,
    /// Patterns of paths in the folder whose content never changes, because it is part of the name, as
    /// `assets/*-????????.*`: `?` is any character but a slash, `*` any number of those, `**` any
    /// number of characters. None by default; never for HTML.
    pub immutable: Vec<String>,
    /// How long those may be kept: 365 days by default.
    pub immutable_for: Duration,
}

impl Default for CacheControl {
    fn default() -> Self {
        Self {
            pages: "no-cache".to_owned(),
            others: "no-cache".to_owned(),
            immutable: Vec::new(),
            immutable_for: Duration::new(StdDuration::from_secs(365 * 24 * 60 * 60)),
        }
    }
}
