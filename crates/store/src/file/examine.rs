//! Telling what is in the document's place.

use std::path::Path;
use std::sync::Arc;

use super::document::{Document, Parsed, Sealed, Unreadable};
use super::shared::{Shared, failed, found};
use crate::disk::Stat;
use crate::error::StoreError;
use crate::health::Problem;
use crate::json::JsonError;

/// What was found in the document's place.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing, and nothing was ever there.
    Fresh,
    /// What the mirror shows.
    Same,
    /// A revision that the mirror does not show yet.
    Newer(Arc<Document>, u64),
    /// A text by hand, to be taken up.
    Edit(Box<Parsed>),
    /// A text by hand that cannot be read.
    Broken(JsonError),
    /// Neither what was committed last nor an edit of it. What it is, and what to do.
    Damage(String),
    /// A document of a later version of the format.
    Format(String),
}

const RESTORE: &str =
    "`byname store restore` brings a kept revision back, `byname store adopt` takes what is there";

/// What a look at the document's place saw.
pub(crate) struct Look {
    /// What was known to have been committed before the look: the place holds that, or more.
    pub(crate) known: u64,
    /// What was there; `None` for no file.
    pub(crate) file: Option<(Vec<u8>, Stat)>,
}

impl Look {
    pub(crate) fn stat(&self) -> Option<Stat> {
        self.file.as_ref().map(|(_, stat)| *stat)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.file.as_ref().map_or(&[], |(bytes, _)| bytes)
    }
}

impl Shared {
    /// Looks at what is in the document's place.
    pub(crate) fn look(&self) -> Result<Look, StoreError> {
        let known = self.known();
        let path = self.document();
        let file = found(self.disk.read(path)).map_err(failed("reading", path))?;
        Ok(Look { known, file })
    }

    /// Tells what was seen.
    pub(crate) fn examine(&self, look: &Look) -> Found {
        let known = look.known;
        let Some((bytes, stat)) = &look.file else {
            if known == 0 {
                return Found::Fresh;
            }
            return Found::Damage(format!("is missing; revision {known} was there; {RESTORE}"));
        };
        let seal = self.seal();
        let untouched = seal.as_ref().is_some_and(|seal| seal.stat == *stat);
        let (previous, id, shown, checksum) = {
            let current = self.current();
            let document = current.document.clone();
            (
                document,
                current.id.clone(),
                current.revision,
                current.checksum,
            )
        };
        let parsed = match Document::parse(bytes, previous.as_deref()) {
            Ok(parsed) => parsed,
            Err(Unreadable::Format(found)) => return Found::Format(found),
            Err(Unreadable::Empty) => return Found::Damage(format!("is empty; {RESTORE}")),
            Err(Unreadable::Zeros) => {
                return Found::Damage(format!("holds nothing but zeros; {RESTORE}"));
            }
            // Whoever takes away the header, or the value of an entry, is editing.
            Err(Unreadable::NotOurs(error)) if !untouched => return Found::Broken(error),
            Err(Unreadable::Syntax(error) | Unreadable::NotOurs(error)) => {
                if untouched {
                    return Found::Damage(format!(
                        "has changed on the disk although nobody wrote it ({error}); {RESTORE}"
                    ));
                }
                if self.is_cut(bytes, known) {
                    return Found::Damage(format!(
                        "is cut short after {} bytes; {RESTORE}",
                        bytes.len()
                    ));
                }
                return Found::Broken(error);
            }
        };
        let document = &parsed.document;
        if let Some(id) = &id
            && **id != *document.id
        {
            return Found::Damage(format!(
                "is the document of another registry ({} instead of {id}); {RESTORE}",
                document.id
            ));
        }
        match parsed.sealed {
            Sealed::Right(sum) if document.revision == shown && sum == checksum && shown > 0 => {
                Found::Same
            }
            Sealed::Right(_) if document.revision < known => Found::Damage(format!(
                "is revision {}, although {known} was committed: an older copy was put here; \
                 `byname store restore` applies it, with `--revision {known}` it brings that back",
                document.revision
            )),
            Sealed::Right(_) if document.revision == shown && shown > 0 => Found::Damage(format!(
                "is revision {shown}, but not the one that was committed; {RESTORE}"
            )),
            Sealed::Right(sum) => Found::Newer(Arc::new(parsed.document), sum),
            Sealed::Wrong | Sealed::Missing if untouched => Found::Damage(format!(
                "has changed on the disk although nobody wrote it (its checksum is wrong); {RESTORE}"
            )),
            Sealed::Wrong | Sealed::Missing => Found::Edit(Box::new(parsed)),
        }
    }

    /// Whether `bytes` are the beginning of the revision that was committed last.
    fn is_cut(&self, bytes: &[u8], known: u64) -> bool {
        let kept = self.disk.read(&self.paths.revision(known));
        kept.is_ok_and(|(whole, _)| whole.len() > bytes.len() && whole.starts_with(bytes))
    }

    /// Notes for the operator what was found.
    pub(crate) fn note(&self, found: &Found) {
        self.problems.place(Self::problem(&self.paths.named, found));
    }

    /// What is to be said of what was found.
    pub(crate) fn problem(path: &Path, found: &Found) -> Option<Problem> {
        let path = path.to_path_buf();
        match found {
            Found::Fresh | Found::Same | Found::Newer(..) => None,
            Found::Edit(_) => Some(Problem::EditWaits { path }),
            Found::Broken(error) => Some(Problem::BrokenEdit {
                path,
                line: error.line,
                column: error.column,
                message: error.message.clone(),
            }),
            Found::Damage(what) => Some(Problem::Damage {
                path,
                what: what.clone(),
            }),
            Found::Format(found) => Some(Problem::Damage {
                path,
                what: format!("has format {found}, which is newer than this program"),
            }),
        }
    }

    /// Why nothing can be done with what was found; `None` when something can.
    pub(crate) fn refusal(&self, found: &Found) -> Option<StoreError> {
        let path = self.paths.named.clone();
        match found {
            Found::Fresh | Found::Same | Found::Newer(..) | Found::Edit(_) => None,
            Found::Broken(error) => Some(StoreError::Syntax {
                path,
                error: error.clone(),
            }),
            Found::Damage(what) => Some(StoreError::Damage {
                path,
                what: what.clone(),
            }),
            Found::Format(found) => Some(StoreError::Format {
                path,
                found: found.clone(),
            }),
        }
    }
}
