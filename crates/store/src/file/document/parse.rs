//! Reading a document.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::general::General;
use super::{Document, Extra, Sealed, Slot, scan};
use crate::json::{Json, JsonError};
use crate::{LeaseId, Record};

/// A document that could be read.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    /// The document.
    pub(crate) document: Document,
    /// Whether it is as a program wrote it.
    pub(crate) sealed: Sealed,
    /// Where the names of the entries are; `None` when they are where a rendering has them.
    pub(super) places: Option<BTreeMap<Arc<str>, (usize, usize)>>,
}

/// Why a file is no document that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// There is nothing in it.
    Empty,
    /// There are only zero bytes in it.
    Zeros,
    /// It is no JSON.
    Syntax(JsonError),
    /// It is JSON, and no document.
    NotOurs(JsonError),
    /// It is of this version of the format, which is later than those that can be read.
    Format(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::Zeros => f.write_str("the file has only zero bytes in it"),
            Self::Syntax(error) | Self::NotOurs(error) => error.fmt(f),
            Self::Format(found) => write!(
                f,
                "the document has format {found}; this program reads 1.x: use a later one"
            ),
        }
    }
}

impl std::error::Error for Unreadable {}

impl Parsed {
    pub(super) fn canonical(document: Document, checksum: u64) -> Self {
        Self {
            document,
            sealed: Sealed::Right(checksum),
            places: None,
        }
    }

    /// Where the name of an entry is in the file: line and column in bytes, both from 1. To be asked
    /// before [`document`](Self::document) is changed.
    pub(crate) fn place_of(&self, name: &str) -> Option<(usize, usize)> {
        match &self.places {
            Some(places) => places.get(name).copied(),
            None => self.document.rendered_place_of(name),
        }
    }
}

impl Document {
    /// Reads a file. Entries that are as in `previous` share its texts.
    ///
    /// # Errors
    ///
    /// Why the file is no document, with line and column where there is such a place.
    pub(crate) fn parse(bytes: &[u8], previous: Option<&Self>) -> Result<Parsed, Unreadable> {
        let text = text_of(bytes)?;
        if let Some(parsed) = scan::scan(text, previous) {
            return Ok(parsed);
        }
        General::new(text).parse(previous)
    }

    /// Does what [`parse`](Self::parse) does without its fast path.
    #[cfg(any(test, fuzzing))]
    pub(super) fn parse_general(bytes: &[u8]) -> Result<Parsed, Unreadable> {
        General::new(text_of(bytes)?).parse(None)
    }
}

fn text_of(bytes: &[u8]) -> Result<&str, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    if bytes[0] == 0 && bytes.iter().all(|&byte| byte == 0) {
        return Err(Unreadable::Zeros);
    }
    str::from_utf8(bytes).map_err(|error| {
        let message = "this is not UTF-8: save the file as UTF-8".to_owned();
        Unreadable::Syntax(JsonError::at(bytes, error.valid_up_to(), message))
    })
}

/// The part of a version before the dot, if it is a version.
pub(super) fn major_of(version: &str) -> Option<&str> {
    let is_number = |part: &str| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        digits && (part == "0" || (1..=9).contains(&part.len()) && !part.starts_with('0'))
    };
    let (major, minor) = version.split_once('.')?;
    (is_number(major) && is_number(minor)).then_some(major)
}

/// Whether a version can be read here.
pub(super) fn is_readable(version: &str) -> bool {
    major_of(version) == Some("1")
}

impl Slot {
    /// Makes a slot that shares with `previous` what is equal.
    pub(super) fn sharing(
        previous: Option<&Self>,
        revision: u64,
        value: Arc<str>,
        lease: Option<LeaseId>,
        extra: Extra,
    ) -> Self {
        let (value, extra) = match previous {
            Some(slot) => (
                Some(slot.record.value.text())
                    .filter(|&shared| *shared == value)
                    .cloned()
                    .unwrap_or(value),
                if slot.extra == extra {
                    slot.extra.clone()
                } else {
                    extra
                },
            ),
            None => (value, extra),
        };
        Self {
            revision,
            record: Record {
                value: Json::trusted(value),
                lease,
            },
            extra,
        }
    }
}
