//! Taking up what was written by hand.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::commit::write_all;
use super::document::{Conflict, Document, Parsed, Sealed, merge};
use super::examine::Found;
use super::queue::Job;
use super::shared::{Shared, failed, found};
use super::writer::{Batch, Ground, Miss, Writer};
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
    conflicts: Vec<Contested<'c>>,
}

#[derive(Serialize)]
struct Contested<'c> {
    name: &'c str,
    base: Option<serde_json::Value>,
    edited: Option<serde_json::Value>,
    current: Option<serde_json::Value>,
}

fn value(json: Option<&Json>) -> Option<serde_json::Value> {
    json.and_then(|json| json.read().ok())
}

impl Writer {
    /// Takes up a valid text from the document's place as a revision, and puts a document in order
    /// there.
    pub(super) fn absorb(
        &mut self,
        edited: Parsed,
        bytes: &[u8],
        stat: Option<Stat>,
    ) -> Result<(), Miss> {
        let shared = Arc::clone(&self.shared);
        // What others have committed since is what the edit is merged with.
        let _ = shared.fall_back();
        let known = shared.known();
        let based_on = edited.document.revision;
        let mut document = self.take_document();
        let nothing_known = document.revision < known || (document.revision == 0 && based_on > 0);
        let outcome = if nothing_known && based_on < known {
            Err(StoreError::Damage {
                path: shared.paths.named.clone(),
                what: format!(
                    "was edited on the basis of revision {based_on}, and revision {known}, which it \
                     replaced, is not kept; `byname store adopt` takes the text as it is"
                ),
            })
        } else {
            self.check(&edited, &document)
        };
        if let Err(error) = outcome {
            self.put_back(document);
            return Err(Miss::Failed(error));
        }
        if nothing_known {
            // Everything that was acknowledged is in the text, as it was or as the hand left it.
            document = Document::new(Arc::clone(&edited.document.id));
            document.revision = based_on.max(known);
        }
        let base = if nothing_known {
            None
        } else if based_on == document.revision {
            Some(document.clone())
        } else {
            shared.kept(based_on, Some(&document.id))
        };
        let reason = if base.is_none() && !nothing_known {
            Some(format!(
                "an edit based on revision {based_on}, which is not kept any more, so it cannot be merged"
            ))
        } else {
            None
        };
        let met = document.revision;
        let mut batch = Batch::new(document);
        let revision = batch.next();
        let mut conflicts = Vec::new();
        if reason.is_none() {
            let merged = merge(base.as_ref(), &edited.document, &batch.document);
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
        // The operator's own text first, then what replaces it.
        let why = if reason.is_some() { "unmerged" } else { "edit" };
        let kept = match self.set_aside(revision, why, bytes) {
            Ok(kept) => kept,
            Err(error) => {
                self.put_back(batch.take_back());
                return Err(Miss::Failed(error));
            }
        };
        if let Some(reason) = reason {
            shared
                .problems
                .set_aside(Problem::SetAside { path: kept, reason });
        }
        if !conflicts.is_empty()
            && let Err(error) = self.set_conflicts_aside(revision, based_on, met, &conflicts)
        {
            self.put_back(batch.take_back());
            return Err(Miss::Failed(error));
        }
        let ground = Ground {
            expected: stat,
            aside: None,
            rewrite: true,
        };
        self.commit(batch, ground)?;
        tracing::info!(
            "{}: an edit based on revision {based_on} was taken up as revision {revision}",
            shared.paths.named.display()
        );
        self.prune_edits();
        Ok(())
    }

    /// Looks at what was displaced last: somebody may have written into it since.
    pub(super) fn late_text(&mut self) -> Result<(), Miss> {
        let shared = Arc::clone(&self.shared);
        let path = shared.paths.previous();
        let stat = found(shared.disk.stat(&path)).map_err(failed("looking at", &path))?;
        let Some(stat) = stat else { return Ok(()) };
        if self
            .previous
            .is_some_and(|previous| previous.is_same_content(&stat))
        {
            return Ok(());
        }
        let (bytes, stat) = shared.disk.read(&path).map_err(failed("reading", &path))?;
        let Ok(parsed) = Document::parse(&bytes, None) else {
            // It may be in the making; it is set aside when its place is needed.
            return Ok(());
        };
        if matches!(parsed.sealed, Sealed::Right(_)) {
            self.previous = Some(stat);
            return Ok(());
        }
        // As if it had been saved a moment later: what is in place is brought in first.
        let revision = shared.known();
        let based_on = parsed.document.revision;
        let look = shared.look()?;
        let (Found::Same, Some(expected)) = (shared.examine(&look), look.stat()) else {
            return Ok(());
        };
        let shown = shared.current().document.clone();
        if shown.is_none_or(|shown| self.check(&parsed, &shown).is_err())
            || shared.current().id.as_deref() != Some(&*parsed.document.id)
            || shared.kept(based_on, Some(&parsed.document.id)).is_none()
        {
            let aside = shared.aside(revision, "late");
            shared
                .disk
                .rename(&path, &aside)
                .map_err(failed("setting aside", &path))?;
            shared.problems.set_aside(Problem::SetAside {
                path: aside,
                reason:
                    "written into the document after it had been replaced, and not to be merged"
                        .into(),
            });
            return Ok(());
        }
        // Its text is set aside first, so its place may be taken.
        self.previous = Some(stat);
        self.absorb(parsed, &bytes, Some(expected))
            .inspect_err(|_| self.previous = None)
    }

    /// Checks the values that a hand has changed.
    fn check(&self, edited: &Parsed, current: &Document) -> Result<(), StoreError> {
        let Some(check) = &self.shared.options.check else {
            return Ok(());
        };
        for (name, slot) in edited.document.entries() {
            let same = current
                .get(name)
                .is_some_and(|current| current.record.value == slot.record.value);
            if !same && let Err(message) = check(name, &slot.record.value) {
                let (line, column) = edited.place_of(name).unwrap_or((0, 0));
                return Err(StoreError::Syntax {
                    path: self.shared.paths.named.clone(),
                    error: JsonError {
                        line,
                        column,
                        message: format!("`{name}`: {message}"),
                    },
                });
            }
        }
        Ok(())
    }

    fn set_conflicts_aside(
        &self,
        revision: u64,
        based_on: u64,
        met: u64,
        conflicts: &[Conflict],
    ) -> Result<(), StoreError> {
        let text = Conflicts {
            based_on,
            met,
            conflicts: conflicts
                .iter()
                .map(|conflict| Contested {
                    name: &conflict.name,
                    base: value(conflict.base.as_ref()),
                    edited: value(conflict.edited.as_ref()),
                    current: value(conflict.current.as_ref()),
                })
                .collect(),
        };
        let mut text = serde_json::to_vec_pretty(&text).unwrap_or_default();
        text.push(b'\n');
        let path = self.set_aside(revision, "conflicts", &text)?;
        let names: Vec<_> = conflicts
            .iter()
            .map(|conflict| format!("`{}`", conflict.name))
            .collect();
        self.shared.problems.set_aside(Problem::SetAside {
            path,
            reason: format!(
                "{} changed by hand on the basis of revision {based_on}, and by others since; theirs stays",
                names.join(", ")
            ),
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
    /// Has a writer look at the document's place.
    pub(super) fn absorb_soon(self: &Arc<Self>) {
        if !self.options.read_only {
            let (completer, _) = Pending::new();
            self.push(Job::Absorb(completer), self.options.wait);
        }
    }
}
