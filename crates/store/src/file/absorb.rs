//! Taking up what was written by hand.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::commit::write_all;
use super::document::{Conflict, Document, Parsed, Sealed, merge};
use super::queue::Job;
use super::shared::{Shared, failed, found};
use super::writer::{Aside, Batch, Ground, Miss, Writer};
use crate::disk::Stat;
use crate::error::StoreError;
use crate::health::Problem;
use crate::json::{Json, JsonError};
use crate::pending::Pending;

/// How many texts that were taken up are kept.
const EDITS_KEPT: usize = 16;

/// What of an edit stood against what others had committed meanwhile.
#[derive(Serialize)]
struct Conflicts<'c> {
    /// What the edit was based on.
    based_on: u64,
    /// The revision that it met.
    met: u64,
    #[serde(rename = "conflicts")]
    contested: Vec<Contested<'c>>,
}

#[derive(Serialize)]
struct Contested<'c> {
    name: &'c str,
    base: Option<&'c RawValue>,
    edited: Option<&'c RawValue>,
    current: Option<&'c RawValue>,
}

/// The value as it stands in the document, digit by digit.
fn value(json: Option<&Json>) -> Option<&RawValue> {
    json.and_then(|json| serde_json::from_str(json.as_str()).ok())
}

/// The file that tells of conflicts, and what is told of it.
fn told(based_on: u64, met: u64, conflicts: &[Conflict]) -> (Vec<u8>, String) {
    let contested = conflicts.iter().map(|conflict| Contested {
        name: &conflict.name,
        base: value(conflict.base.as_ref()),
        edited: value(conflict.edited.as_ref()),
        current: value(conflict.current.as_ref()),
    });
    let text = Conflicts {
        based_on,
        met,
        contested: contested.collect(),
    };
    let mut text = serde_json::to_vec_pretty(&text).unwrap_or_default();
    text.push(b'\n');
    let names: Vec<_> = conflicts
        .iter()
        .map(|conflict| format!("`{}`", conflict.name))
        .collect();
    let reason = format!(
        "{} changed by hand on the basis of revision {based_on}, and by others since; theirs stays",
        names.join(", ")
    );
    (text, reason)
}

/// Where a text was found that a hand wrote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// In the document's place.
    Place,
    /// In the document that was displaced last.
    Displaced,
}

impl Writer {
    /// Takes up a valid text from the document's place as a revision, and puts a document in order
    /// there.
    pub(super) fn absorb(&mut self, edited: &Parsed, stat: Option<Stat>) -> Result<(), Miss> {
        self.take_up(edited, stat, Origin::Place, &[])
    }

    fn take_up(
        &mut self,
        edited: &Parsed,
        expected: Option<Stat>,
        origin: Origin,
        bytes: &[u8],
    ) -> Result<(), Miss> {
        let shared = Arc::clone(&self.shared);
        let known = shared.known();
        let based_on = edited.document.revision;
        let original = self.take_document();
        // Neither the mirror nor a kept copy has what was acknowledged last.
        // A text that is based on a revision above all that is known shows that it was committed: after
        // a power cut its copy and the word may be lost, as the document is that the text replaced.
        let nothing_known = original.revision < known || based_on > original.revision;
        if nothing_known && based_on < known {
            self.put_back(original);
            return Err(Miss::Failed(StoreError::Damage {
                path: shared.paths.named.clone(),
                what: format!(
                    "was edited on the basis of revision {based_on}, and revision {known}, which it \
                     replaced, is not kept; `byname store adopt` takes the text as it is"
                ),
            }));
        }
        let (base, document, given) = if nothing_known {
            // Everything that was acknowledged is in the text, as it was or as the hand left it.
            let mut document = Document::new(Arc::clone(&edited.document.id));
            document.revision = based_on.max(known);
            (None, document, Some(original))
        } else if based_on == original.revision {
            (Some(original.clone()), original, None)
        } else {
            match shared.kept_or_refused(based_on, Some(&original.id)) {
                Ok(kept) => (kept, original, None),
                Err(error) => {
                    self.put_back(original);
                    return Err(Miss::Failed(error));
                }
            }
        };
        let unmerged = base.is_none() && !nothing_known;
        let met = document.revision;
        let mut batch = Batch::new(document);
        let revision = batch.next();
        let mut conflicts = Vec::new();
        if !unmerged {
            let merged = merge(base.as_ref(), &edited.document, &batch.document);
            let is_new = !merged.writes.is_empty()
                || merged.fields.is_some()
                || !merged.conflicts.is_empty();
            if origin == Origin::Displaced && !is_new {
                // It was taken up when it was displaced, by a writer that could not put it away.
                self.put_back(batch.take_back());
                let (path, aside) = (shared.paths.previous(), shared.aside(known, "edit"));
                let put_away = shared.disk.rename(&path, &aside);
                put_away.map_err(failed("setting aside", &path))?;
                self.prune_edits();
                return Ok(());
            }
            for (name, slot) in merged.writes {
                match slot {
                    Some(slot) => batch.put_slot(&name, revision, slot),
                    None => {
                        batch.remove(&name);
                    }
                }
            }
            if let Some(fields) = merged.fields {
                batch.set_fields(fields);
            }
            conflicts = merged.conflicts;
        }
        let why = if unmerged { "unmerged" } else { "edit" };
        let report = unmerged.then(|| {
            format!(
                "an edit based on revision {based_on}, which is not kept any more, so it cannot be merged"
            )
        });
        // What must be beside the document before it is replaced; for each whether it is to be told.
        let mut beside = Vec::new();
        let mut write = || -> Result<(), StoreError> {
            if origin == Origin::Displaced {
                beside.push((self.set_aside(revision, "edit", bytes)?, None));
            }
            if !conflicts.is_empty() {
                let (text, reason) = told(based_on, met, &conflicts);
                let path = self.set_aside(revision, "conflicts", &text)?;
                beside.push((path, Some(reason)));
            }
            Ok(())
        };
        let done = match write() {
            Ok(()) => {
                let ground = Ground {
                    expected,
                    aside: (origin == Origin::Place).then_some(Aside { why, report }),
                    rewrite: true,
                };
                self.commit(batch, &ground)
            }
            Err(error) => {
                self.put_back(batch.take_back());
                Err(Miss::Failed(error))
            }
        };
        if let Err(miss) = done {
            if let Some(given) = given {
                self.put_back(given);
            }
            // The text is where it was, or whoever wrote it has replaced it.
            if !matches!(miss, Miss::Failed(StoreError::Unknown { .. })) {
                for (path, _) in beside {
                    let _ = shared.disk.remove(&path);
                }
            }
            return Err(match miss {
                // However often it were tried.
                Miss::Failed(error @ StoreError::Limit { .. }) => self.too_much(&error),
                miss => miss,
            });
        }
        for (path, reason) in beside {
            if let Some(reason) = reason {
                shared
                    .problems
                    .set_aside(Problem::SetAside { path, reason });
            }
        }
        tracing::info!(
            "{}: an edit based on revision {based_on} was taken up as revision {revision}",
            shared.paths.named.display()
        );
        self.prune_edits();
        Ok(())
    }

    /// An edit that is more than the store takes is as broken as one that cannot be read.
    fn too_much(&self, error: &StoreError) -> Miss {
        Miss::Failed(StoreError::Syntax {
            path: self.shared.paths.named.clone(),
            error: JsonError {
                line: 1,
                column: 1,
                message: error.to_string(),
            },
        })
    }

    /// Looks at what was displaced last, which is expected to be as it was: somebody may have written
    /// into it since. Returns whether that was taken up.
    pub(super) fn late_text(&mut self, expected: Option<Stat>) -> Result<bool, Miss> {
        let shared = Arc::clone(&self.shared);
        let path = shared.paths.previous();
        let stat = found(shared.disk.stat(&path)).map_err(failed("looking at", &path))?;
        let Some(stat) = stat else { return Ok(false) };
        if self
            .previous
            .is_some_and(|previous| previous.is_same_content(&stat))
        {
            return Ok(false);
        }
        let (bytes, stat) = shared.disk.read(&path).map_err(failed("reading", &path))?;
        let Ok(parsed) = Document::parse(&bytes, None) else {
            // It may be in the making; it is set aside when its place is needed.
            return Ok(false);
        };
        if matches!(parsed.sealed, Sealed::Right(_)) {
            self.previous = Some(stat);
            return Ok(false);
        }
        let reason = if !self.is_written_late(&parsed.document, &stat) {
            "found in the place of the document that was replaced last, and not known as an edit of it"
                .to_owned()
        } else if let Some(error) = shared.refused(&parsed, &stat)? {
            format!("written into the document after it had been replaced: {error}")
        } else {
            // Its text is set aside first, so its place may be taken.
            self.previous = Some(stat);
            // As if it had been saved a moment later.
            match self.take_up(&parsed, expected, Origin::Displaced, &bytes) {
                Ok(()) => return Ok(true),
                Err(Miss::Failed(
                    error @ (StoreError::Damage { .. } | StoreError::Syntax { .. }),
                )) => {
                    self.previous = None;
                    format!("written into the document after it had been replaced: {error}")
                }
                Err(miss) => {
                    self.previous = None;
                    return Err(miss);
                }
            }
        };
        self.set_late_aside(shared.known(), reason)?;
        Ok(false)
    }

    /// Whether what was displaced has been written since it was committed: its base is kept, in a copy
    /// that was made after it. What differs all the same was not written, but damaged.
    fn is_written_late(&self, document: &Document, stat: &Stat) -> bool {
        let shared = &*self.shared;
        let copy = shared.disk.stat(&shared.paths.revision(document.revision));
        shared.current().id.as_deref() == Some(&*document.id)
            && copy.is_ok_and(|copy| copy.modified < stat.modified)
            && shared.kept(document.revision, Some(&document.id)).is_some()
    }

    /// Sets aside what stands in the place of the document that was displaced last.
    pub(super) fn set_late_aside(&self, revision: u64, reason: String) -> Result<(), StoreError> {
        let shared = &*self.shared;
        let path = shared.paths.previous();
        let aside = shared.aside(revision, "late");
        shared
            .disk
            .rename(&path, &aside)
            .map_err(failed("setting aside", &path))?;
        shared.problems.set_aside(Problem::SetAside {
            path: aside,
            reason,
        });
        Ok(())
    }

    /// Writes a text beside the document, durably.
    pub(super) fn set_aside(
        &self,
        revision: u64,
        why: &str,
        bytes: &[u8],
    ) -> Result<std::path::PathBuf, StoreError> {
        let shared = &*self.shared;
        let path = shared.aside(revision, why);
        let write = |path: &Path| -> io::Result<()> {
            let document = found(shared.disk.stat(shared.document()))?;
            let mut file = shared.disk.create(path, shared.access(document.as_ref()))?;
            write_all(&mut *file, bytes)?;
            file.sync()?;
            shared.disk.sync_folder(&shared.paths.aside())
        };
        match write(&path) {
            Ok(()) => Ok(path),
            Err(error) => {
                let _ = shared.disk.remove(&path);
                Err(failed("setting aside", &path)(error))
            }
        }
    }

    /// Lets the oldest texts go that were taken up whole.
    fn prune_edits(&self) {
        let folder = self.shared.paths.aside();
        let Ok(names) = self.shared.disk.list(&folder) else {
            return;
        };
        let mut edits: Vec<_> = names
            .into_iter()
            .filter(|name| {
                name.to_str()
                    .is_some_and(|name| name.ends_with("-edit.json"))
            })
            .collect();
        edits.sort_unstable();
        let more = edits.len().saturating_sub(EDITS_KEPT);
        for name in edits.into_iter().take(more) {
            let _ = self.shared.disk.remove(&folder.join(name));
        }
    }
}

impl Shared {
    /// Has a writer look at the document's place; `None` when this store writes nothing.
    pub(super) fn absorb_soon(self: &Arc<Self>) -> Option<Pending<u64>> {
        if self.options.read_only {
            return None;
        }
        let (completer, pending) = Pending::new();
        self.push(Job::Absorb(completer), self.options.wait);
        Some(pending)
    }
}
