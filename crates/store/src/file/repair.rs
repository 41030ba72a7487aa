//! Bringing a state back, and clearing away what nobody needs.

use std::path::PathBuf;
use std::sync::Arc;

use super::document::{Document, Sealed};
use super::examine::{Found, Look};
use super::shared::{failed, found};
use super::writer::{Aside, Batch, Ground, Miss, Writer};
use crate::error::StoreError;
use crate::health::Problem;

/// What was cleared away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleaned {
    /// The files that are gone.
    pub removed: Vec<PathBuf>,
    /// Where texts are now that a hand may have written: nothing of the kind is removed.
    pub aside: Vec<PathBuf>,
}

impl Writer {
    /// Puts the content of a kept revision in place as a new one; 0 stands for the older copy that
    /// somebody has put in the document's place or, if there is none, for the newest revision that is
    /// known.
    pub(super) fn restore(&mut self, revision: u64) -> Result<u64, StoreError> {
        let shared = Arc::clone(&self.shared);
        let there = self.catch_up()?;
        let content = if revision == 0 {
            let content = match self.older(&there) {
                Some(older) => Some(older),
                None => shared.newest()?,
            };
            content.ok_or_else(|| StoreError::Damage {
                path: shared.paths.named.clone(),
                what: "has no kept revision that could be restored".into(),
            })?
        } else {
            let kept = shared.kept(revision, None);
            kept.ok_or_else(|| StoreError::Damage {
                path: shared.paths.revision(revision),
                what: format!(
                    "revision {revision} is not kept, or its copy is damaged; kept are {:?}",
                    shared.kept_revisions().unwrap_or_default()
                ),
            })?
        };
        self.install(&content, &there, "replaced by a restored revision")
    }

    /// The older copy of this registry that somebody has put in the document's place.
    fn older(&self, there: &Look) -> Option<Document> {
        let parsed = Document::parse(there.bytes(), None).ok()?;
        let id = self.shared.current().id.clone();
        let is_older = matches!(parsed.sealed, Sealed::Right(_))
            && parsed.document.revision < self.shared.known()
            && id.is_none_or(|id| id == parsed.document.id);
        is_older.then_some(parsed.document)
    }

    /// Takes what is in the document's place, whatever its history, as a new revision.
    pub(super) fn adopt(&mut self) -> Result<u64, StoreError> {
        let path = self.shared.paths.named.clone();
        let there = self.catch_up()?;
        let Some((bytes, _)) = &there.file else {
            return Err(StoreError::Damage {
                path,
                what: "is missing; there is nothing to adopt".into(),
            });
        };
        let content = match Document::parse(bytes, None) {
            Ok(parsed) => parsed.document,
            Err(unreadable) => {
                return Err(StoreError::Damage {
                    path,
                    what: format!("cannot be adopted: {unreadable}"),
                });
            }
        };
        self.install(&content, &there, "replaced by the document made of it")
    }

    /// Reads what is in the document's place; the mirror shows it if it is what was committed last.
    fn catch_up(&self) -> Result<Look, StoreError> {
        let (look, what) = self.shared.see()?;
        if let Found::Newer(document, checksum) = what {
            if document.revision > self.shared.acknowledged() {
                self.shared.make_durable()?;
            }
            self.shared.publish(document, look.stat(), checksum);
        }
        Ok(look)
    }

    /// Makes `content` the next revision, and sets aside what is in place.
    fn install(
        &mut self,
        content: &Document,
        there: &Look,
        reason: &str,
    ) -> Result<u64, StoreError> {
        let shared = Arc::clone(&self.shared);
        let known = shared.known();
        let id = shared.current().id.clone();
        let mut document = self.take_document();
        // An entry keeps its revision only if it is known to have had it all the time.
        let is_last = document.revision == known;
        if document.revision == 0 {
            document = Document::new(id.unwrap_or_else(|| Arc::clone(&content.id)));
        }
        let before = document.clone();
        // A copy of what is kept anyway need not be kept again.
        let is_kept = Document::parse(there.bytes(), None).is_ok_and(|parsed| {
            let document = &parsed.document;
            matches!(parsed.sealed, Sealed::Right(_))
                && shared.kept(document.revision, Some(&document.id)).is_some()
        });
        let mut batch = Batch::new(document);
        batch.document.revision = known.max(content.revision);
        let revision = batch.next();
        let names: Vec<_> = before.entries().keys().cloned().collect();
        for name in names {
            if content.get(&name).is_none() {
                batch.remove(&name);
            }
        }
        for (name, slot) in content.entries() {
            if !is_last || before.get(name) != Some(slot) {
                batch.put_slot(name, revision, slot.clone());
            }
        }
        batch.set_fields(content.fields().clone());
        let ground = Ground {
            expected: there.stat(),
            aside: (there.file.is_some() && !is_kept).then(|| Aside {
                why: "replaced",
                report: Some(reason.to_owned()),
            }),
            rewrite: true,
        };
        match self.commit(batch, &ground) {
            Ok(revision) => Ok(revision),
            Err(Miss::Failed(error)) => Err(error),
            Err(Miss::Moved) => Err(StoreError::Damage {
                path: shared.paths.named.clone(),
                what: "was changed meanwhile; try again".into(),
            }),
        }
    }

    /// Removes what is provably of no use.
    pub(super) fn clean(&mut self) -> Result<Cleaned, StoreError> {
        let mut cleaned = self.sweep()?;
        self.sweep_leases(&mut cleaned)?;
        self.sweep_kept(&mut cleaned)?;
        cleaned.removed.sort_unstable();
        cleaned.aside.sort_unstable();
        Ok(cleaned)
    }

    /// Looks through the temporaries of writers that ended before they were done. The lock is held,
    /// so nobody uses one.
    pub(super) fn sweep(&mut self) -> Result<Cleaned, StoreError> {
        let shared = Arc::clone(&self.shared);
        let mut cleaned = Cleaned::default();
        for folder in [&shared.paths.folder, &shared.paths.side] {
            let names = shared
                .disk
                .list(folder)
                .map_err(failed("listing", folder))?;
            for name in names.iter().filter(|name| shared.paths.is_scratch(name)) {
                let path = folder.join(name);
                let read = found(shared.disk.read(&path)).map_err(failed("reading", &path))?;
                let Some((bytes, _)) = read else { continue };
                if is_of_use(&bytes) {
                    // Somebody's text, displaced by a writer that ended before it looked at it.
                    let aside = shared.aside(shared.known(), "displaced");
                    shared
                        .disk
                        .rename(&path, &aside)
                        .map_err(failed("setting aside", &path))?;
                    shared.problems.set_aside(Problem::SetAside {
                        path: aside.clone(),
                        reason: "found in the place of a temporary; a hand may have written it"
                            .into(),
                    });
                    cleaned.aside.push(aside);
                } else {
                    found(shared.disk.remove(&path)).map_err(failed("removing", &path))?;
                    cleaned.removed.push(path);
                }
            }
        }
        Ok(cleaned)
    }

    /// Removes kept copies that cannot be relied on or are more than are to be kept.
    fn sweep_kept(&mut self, cleaned: &mut Cleaned) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let folder = shared.paths.revisions();
        let revisions = shared
            .kept_revisions()
            .map_err(failed("listing", &folder))?;
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for revision in revisions {
            match shared.kept_or_refused(revision, None)? {
                Some(_) => good.push(revision),
                None => bad.push(revision),
            }
        }
        let more = good.len().saturating_sub(shared.options.keep.max(1));
        for revision in bad.iter().chain(&good[..more]) {
            let path = shared.paths.revision(*revision);
            found(shared.disk.remove(&path)).map_err(failed("removing", &path))?;
            cleaned.removed.push(path);
        }
        self.kept = None;
        Ok(())
    }
}

/// Whether the content of a temporary may be somebody's text: a document of ours was committed, or
/// was never acknowledged; the beginning of one was never in place.
fn is_of_use(bytes: &[u8]) -> bool {
    let is_sealed = |bytes| match Document::parse(bytes, None) {
        Ok(parsed) => Some(matches!(parsed.sealed, Sealed::Right(_))),
        Err(_) => None,
    };
    match is_sealed(bytes) {
        Some(true) => false,
        // All that is missing of a document may be its last byte, the end of its last line.
        Some(false) => is_sealed(&[bytes, b"\n"].concat()) != Some(true),
        None => !is_cut(bytes),
    }
}

/// Whether the writer of `bytes` was stopped before all of them were there. Nothing that a writer
/// writes has a brace at the beginning of a line before its end.
fn is_cut(bytes: &[u8]) -> bool {
    if bytes.trim_ascii_end().ends_with(b"\n}") {
        return false;
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1_024)]);
    let length = head.split_once("\"length\": ").map(|(_, rest)| {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..digits].parse::<usize>()
    });
    // Without that line not even the header is whole.
    !matches!(length, Some(Ok(length)) if length <= bytes.len())
}
