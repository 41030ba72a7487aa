use std::collections::BTreeMap;
use std::{fmt, sync::Arc};

use super::path::KeyPath;
use super::position::{Locator, Position};

/// Says that something in a file was not taken over, where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Is the name of the file.
    pub source: Arc<str>,
    /// Is the line, counted from 1.
    pub line: u32,
    /// Is the column in characters, counted from 1.
    pub column: u32,
    /// Is the way to the value inside the file, such as `openai.models["gpt-4.1"].cost.input`.
    pub path: String,
    /// Says how much was left out.
    pub kind: ReportKind,
    /// Says what is wrong and what was expected.
    pub message: String,
}

/// Says how much a [`Report`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportKind {
    /// A whole entry was refused.
    Entry,
    /// One field of an entry was left out; the rest of it was taken over.
    Field,
    /// A name stands more than once in an object; the last one counts.
    Duplicate,
}

impl fmt::Display for Report {
    /// Writes `FILE:LINE:COLUMN: PATH: MESSAGE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}: {}",
            self.source, self.line, self.column, self.path, self.message
        )
    }
}

/// Holds the first [`Reports::KEPT`] reports of a file and counts the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reports {
    kept: Vec<Report>,
    more: u64,
}

impl Reports {
    /// Is how many reports of one file are kept.
    pub const KEPT: usize = 100;

    /// Returns the reports that were kept, in the order in which they were made.
    #[must_use]
    pub fn kept(&self) -> &[Report] {
        &self.kept
    }

    /// Counts the reports that were not kept.
    #[must_use]
    pub const fn more(&self) -> u64 {
        self.more
    }

    /// Tells whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

/// Counts what happened to the entries of a file.
///
/// Every entry is loaded, refused or skipped: `entries == loaded + refused + skipped`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Counts the entries of the file: its offerings, and providers that could not be understood.
    pub entries: u64,
    /// Counts the entries that became offerings.
    pub loaded: u64,
    /// Counts the entries that were reported and not taken over.
    pub refused: u64,
    /// Counts the entries that are no offerings by design, such as `sample_spec` of LiteLLM.
    pub skipped: u64,
    /// Counts the fields that were reported and left out of entries that were loaded.
    pub fields_left_out: u64,
    /// Counts the names that stand more than once in an object, within entries.
    pub duplicates: u64,
    /// Counts the fields that the importer does not know, by name; a name longer than 80
    /// characters is cut, and of many names all past the 500th are counted under `...`.
    pub unknown_fields: BTreeMap<String, u64>,
}

/// Collects the reports and counts of one file while it is read.
#[derive(Debug)]
pub(crate) struct Reporter<'t> {
    source: Arc<str>,
    locator: Locator<'t>,
    reports: Reports,
    pub(crate) counts: Counts,
}

impl<'t> Reporter<'t> {
    pub(crate) fn new(source: Arc<str>, text: &'t str) -> Self {
        Self {
            source,
            locator: Locator::new(text),
            reports: Reports::default(),
            counts: Counts::default(),
        }
    }

    pub(crate) fn finish(self) -> (Reports, Counts) {
        (self.reports, self.counts)
    }

    /// Says that an entry is not taken over.
    pub(crate) fn refuse(&mut self, at: usize, path: &KeyPath<'_>, message: &dyn fmt::Display) {
        self.counts.refused += 1;
        self.keep(at, path, ReportKind::Entry, message);
    }

    /// Says that a field of an entry is not taken over.
    pub(crate) fn leave_out(&mut self, at: usize, path: &KeyPath<'_>, message: &dyn fmt::Display) {
        self.counts.fields_left_out += 1;
        self.keep(at, path, ReportKind::Field, message);
    }

    /// Says that a name stands again later in the same object.
    pub(crate) fn duplicate(&mut self, at: usize, path: &KeyPath<'_>) {
        self.counts.duplicates += 1;
        self.keep(
            at,
            path,
            ReportKind::Duplicate,
            &"stands more than once; the last one counts",
        );
    }

    /// Counts a field that the importer does not know.
    pub(crate) fn unknown_field(&mut self, name: &str) {
        const NAMES: usize = 500;
        const LENGTH: usize = 80;
        let fields = &mut self.counts.unknown_fields;
        if let Some(count) = fields.get_mut(name) {
            *count += 1;
            return;
        }
        let name: String = if fields.len() < NAMES {
            name.chars().take(LENGTH).collect()
        } else {
            "...".to_owned()
        };
        *fields.entry(name).or_default() += 1;
    }

    fn keep(
        &mut self,
        at: usize,
        path: &KeyPath<'_>,
        kind: ReportKind,
        message: &dyn fmt::Display,
    ) {
        if self.reports.kept.len() >= Reports::KEPT {
            self.reports.more += 1;
            return;
        }
        let Position { line, column } = self.locator.position(at);
        self.reports.kept.push(Report {
            source: Arc::clone(&self.source),
            line,
            column,
            path: path.to_string(),
            kind,
            message: message.to_string(),
        });
    }
}
