//! Telling what is in the document's place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::document::{Document, Parsed, Sealed, Unreadable};
use super::shared::{Shared, failed, found};
use crate::disk::Stat;
use crate::error::StoreError;
use crate::health::Problem;
use crate::json::{Json, JsonError};

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

    /// Looks at what is in the document's place, and tells what it is.
    ///
    /// When that is not what was committed last, the mirror is first brought to what was, if its copy
    /// is there: an edit is an edit of that.
    pub(crate) fn see(self: &Arc<Self>) -> Result<(Look, Found), StoreError> {
        self.renew_word()?;
        let look = self.look()?;
        let what = self.examine(&look)?;
        if matches!(what, Found::Same | Found::Newer(..)) || self.current().revision >= look.known {
            return Ok((look, what));
        }
        let what = match self.fall_back() {
            Ok(()) => self.examine(&look)?,
            Err(_) => what,
        };
        Ok((look, what))
    }

    /// Tells what was seen.
    fn examine(&self, look: &Look) -> Result<Found, StoreError> {
        let known = look.known;
        let Some((bytes, stat)) = &look.file else {
            if known == 0 {
                return Ok(Found::Fresh);
            }
            return Ok(Found::Damage(format!(
                "is missing; revision {known} was there; {RESTORE}"
            )));
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
            Err(Unreadable::Format(found)) => return Ok(Found::Format(found)),
            Err(Unreadable::Empty) => return Ok(Found::Damage(format!("is empty; {RESTORE}"))),
            Err(Unreadable::Zeros) => {
                return Ok(Found::Damage(format!("holds nothing but zeros; {RESTORE}")));
            }
            // Whoever takes away the header, or the value of an entry, is editing.
            Err(Unreadable::NotOurs(error)) if !untouched => return Ok(Found::Broken(error)),
            Err(Unreadable::Syntax(error) | Unreadable::NotOurs(error)) => {
                if untouched {
                    return Ok(Found::Damage(format!(
                        "has changed on the disk although nobody wrote it ({error}); {RESTORE}"
                    )));
                }
                // No editor writes such bytes; a power cut does.
                if bytes.contains(&0) {
                    return Ok(Found::Damage(format!("has zero bytes in it; {RESTORE}")));
                }
                if self.is_cut(bytes, known) {
                    return Ok(Found::Damage(format!(
                        "is cut short after {} bytes; {RESTORE}",
                        bytes.len()
                    )));
                }
                return Ok(Found::Broken(error));
            }
        };
        let document = &parsed.document;
        if let Some(id) = &id
            && **id != *document.id
        {
            return Ok(Found::Damage(format!(
                "is the document of another registry ({} instead of {id}); {RESTORE}",
                document.id
            )));
        }
        Ok(match parsed.sealed {
            Sealed::Right(_) if document.revision < known => Found::Damage(format!(
                "is revision {}, although {known} was committed: an older copy was put here; \
                 `byname store restore` applies it, with `--revision {known}` it brings that back",
                document.revision
            )),
            Sealed::Right(sum) if document.revision == shown && sum == checksum && shown > 0 => {
                Found::Same
            }
            Sealed::Right(_) if document.revision == shown && shown > 0 => Found::Damage(format!(
                "is revision {shown}, but not the one that was committed; {RESTORE}"
            )),
            Sealed::Right(sum) => Found::Newer(Arc::new(parsed.document), sum),
            Sealed::Wrong | Sealed::Missing if untouched => Found::Damage(format!(
                "has changed on the disk although nobody wrote it (its checksum is wrong); {RESTORE}"
            )),
            Sealed::Wrong | Sealed::Missing => match self.refused(&parsed, stat)? {
                Some(error) => Found::Broken(error),
                None => Found::Edit(Box::new(parsed)),
            },
        })
    }

    /// Checks the values that a hand has changed: the place of the first that is refused, and why.
    ///
    /// # Errors
    ///
    /// [`StoreError::Check`].
    pub(super) fn refused(
        &self,
        edited: &Parsed,
        stat: &Stat,
    ) -> Result<Option<JsonError>, StoreError> {
        let too_much = self.current().too_much.clone();
        if let Some((_, error)) = too_much.filter(|(too_much, _)| too_much == stat) {
            return Ok(Some(error));
        }
        let shown = self.mirror.snapshot();
        for (name, slot) in edited.document.entries() {
            let value = &slot.record.value;
            if shown.get(name).is_some_and(|shown| shown.value == *value) {
                continue;
            }
            let place = || edited.place_of(name).unwrap_or((0, 0));
            let refused = self.check(name, value).map_err(|message| {
                let (line, column) = place();
                StoreError::Check {
                    path: self.paths.named.clone(),
                    line,
                    column,
                    name: Arc::clone(name),
                    message,
                }
            })?;
            if let Err(message) = refused {
                let (line, column) = place();
                return Ok(Some(JsonError {
                    line,
                    column,
                    message: format!("`{name}`: {message}"),
                }));
            }
        }
        Ok(None)
    }

    /// Whether a value by hand may be there, or why not; the message of the program's check if that
    /// panics, which tells nothing of the value.
    fn check(&self, name: &str, value: &Json) -> Result<Result<(), String>, String> {
        let limit = self.options.limits.value;
        let size = value.as_str().len() as u64;
        if size > limit {
            return Ok(Err(format!(
                "{size} bytes in one value; at most {limit} are taken"
            )));
        }
        let Some(check) = &self.options.check else {
            return Ok(Ok(()));
        };
        catch_unwind(AssertUnwindSafe(|| check(name, value))).map_err(|panic| {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            text.or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "without a message".to_owned())
        })
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
