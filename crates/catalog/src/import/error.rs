use std::{fmt, io, path::Path, sync::Arc};

use super::position::Position;

/// Says why a file was not imported: nothing of it is used.
///
/// The message names the file, the line and the column where there is one, what was expected, and
/// what to do.
#[derive(Debug)]
pub struct ImportError {
    source_name: Arc<str>,
    position: Option<Position>,
    kind: ImportErrorKind,
    message: String,
    cause: Option<io::Error>,
}

/// Sorts the reasons why a file is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportErrorKind {
    /// The file could not be read.
    Unreadable,
    /// The file is larger than 64 MiB.
    TooLarge,
    /// The file is not UTF-8.
    NotUtf8,
    /// The file is neither JSON nor in the compact format, or breaks off.
    Syntax,
    /// The file is JSON, but in none of the shapes that are known.
    UnknownShape,
}

impl ImportError {
    /// Returns the name of the file.
    #[must_use]
    pub fn source_name(&self) -> &str {
        &self.source_name
    }

    /// Returns the reason.
    #[must_use]
    pub const fn kind(&self) -> ImportErrorKind {
        self.kind
    }

    /// Returns the line, counted from 1, if there is one.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        self.position.map(|position| position.line)
    }

    /// Returns the column in characters, counted from 1, if there is one.
    #[must_use]
    pub fn column(&self) -> Option<u32> {
        self.position.map(|position| position.column)
    }

    /// Returns what is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn unreadable(path: &Path, cause: io::Error) -> Self {
        let message = match cause.kind() {
            io::ErrorKind::NotFound => "no such file; check the path".to_owned(),
            io::ErrorKind::PermissionDenied => "may not be read; check its permissions".to_owned(),
            _ => format!("cannot be read: {cause}"),
        };
        Self {
            source_name: path.to_string_lossy().into(),
            position: None,
            kind: ImportErrorKind::Unreadable,
            message,
            cause: Some(cause),
        }
    }

    pub(crate) fn too_large(source_name: Arc<str>, limit: u64) -> Self {
        Self {
            source_name,
            position: None,
            kind: ImportErrorKind::TooLarge,
            message: format!(
                "larger than {} MiB; expected a catalog of at most that",
                limit >> 20
            ),
            cause: None,
        }
    }

    pub(crate) fn at(
        source_name: Arc<str>,
        position: Position,
        kind: ImportErrorKind,
        message: String,
    ) -> Self {
        Self {
            source_name,
            position: Some(position),
            kind,
            message,
            cause: None,
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source_name)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}
