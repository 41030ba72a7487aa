//! The commit protocol: from a rendered document to an acknowledged revision.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::document::{Document, Sealed};
use super::examine::{Found, Look};
use super::shared::{Shared, failed, found};
use super::writer::{Aside, Ground, Miss, Writer};
use crate::disk::{NewFile, Seal, Stat, Word};
use crate::error::StoreError;
use crate::health::Problem;
use crate::json::JsonError;

/// How often what cannot be read is looked at again while it may be in the making.
const LOOKS: u32 = 10;
/// How often a text is taken up before a commit gives up.
const EDITS: usize = 16;

impl Writer {
    /// Brings the mirror to what is in the document's place, taking up what was written by hand.
    ///
    /// The lock is held, so whatever changes from now on is changed by hand.
    pub(super) fn settle(&mut self) -> Result<Ground, Miss> {
        let shared = Arc::clone(&self.shared);
        shared.renew_word()?;
        for _ in 0..EDITS {
            let path = shared.document();
            let stat = found(shared.disk.stat(path)).map_err(failed("looking at", path))?;
            if self.is_as_shown(stat.as_ref()) {
                if self.late_text(stat)? {
                    continue;
                }
                return Ok(Ground {
                    expected: stat,
                    aside: None,
                    rewrite: false,
                });
            }
            let (look, what) = self.steady()?;
            let (bytes, stat) = (look.bytes(), look.stat());
            shared.note(&what);
            match what {
                Found::Fresh => {
                    return Ok(Ground {
                        expected: None,
                        aside: None,
                        rewrite: false,
                    });
                }
                Found::Same => {
                    shared.current().stat = stat;
                    if self.late_text(stat)? {
                        continue;
                    }
                    let suspect = shared.suspect.load(Ordering::Relaxed) != 0;
                    return Ok(Ground {
                        expected: stat,
                        aside: None,
                        rewrite: suspect,
                    });
                }
                Found::Newer(document, checksum) => {
                    let revision = document.revision;
                    if shared.suspect.load(Ordering::Relaxed) == revision {
                        // Its folder could not be made durable here. Doing that again may answer well
                        // without having done it, so the same content is written anew.
                        return self.rewrite(document, stat);
                    }
                    shared.recognise(&document.id)?;
                    if revision <= shared.acknowledged() {
                        shared.publish(document, stat, checksum);
                        continue;
                    }
                    // Its writer has ended before it was done.
                    shared.make_durable()?;
                    shared.publish(document, stat, checksum);
                    self.keep(revision, bytes);
                    let seal = stat.map(|stat| Seal {
                        revision,
                        checksum,
                        stat,
                    });
                    shared.acknowledge(revision, seal.as_ref());
                }
                Found::Edit(parsed) => match self.absorb(&parsed, stat) {
                    // It is too much: that is as broken as a comma that is missing.
                    Err(Miss::Failed(StoreError::Syntax { error, .. }))
                        if self.shows_the_last() && shared.mirror.revision() > 0 =>
                    {
                        shared.note(&Found::Broken(error.clone()));
                        shared.current().too_much = stat.map(|stat| (stat, error.clone()));
                        return Ok(self.over_broken(stat, &error));
                    }
                    taken_up => taken_up?,
                },
                Found::Broken(ref error) if self.shows_the_last() => {
                    return Ok(self.over_broken(stat, error));
                }
                ref other => {
                    let refused = shared.refusal(other);
                    return Err(Miss::Failed(refused.unwrap_or(StoreError::Damage {
                        path: shared.paths.named.clone(),
                        what: "cannot be told".into(),
                    })));
                }
            }
        }
        Err(Miss::Moved)
    }

    /// Goes on over a text that cannot be taken up, which is set aside if anything is written.
    fn over_broken(&self, stat: Option<Stat>, error: &JsonError) -> Ground {
        let path = self.shared.paths.named.display();
        Ground {
            expected: stat,
            aside: Some(Aside {
                why: "broken",
                report: Some(format!(
                    "{path}:{}:{}: {}",
                    error.line, error.column, error.message
                )),
            }),
            rewrite: false,
        }
    }

    /// Whether the mirror shows the file that `stat` is of.
    ///
    /// A commit raises the word, and only the latest of other processes' commits can have been kept
    /// from doing so; the file that this one displaced still had its number then. So either the word
    /// or the file is another if anybody has committed.
    fn is_as_shown(&self, stat: Option<&Stat>) -> bool {
        let acknowledged = self.shared.acknowledged();
        let current = self.shared.current();
        stat.is_some()
            && current.stat.as_ref() == stat
            && current.revision > 0
            && current.revision == acknowledged
            && current.document.is_some()
            && self.shared.suspect.load(Ordering::Relaxed) == 0
    }

    /// Whether what was committed last is shown; if it is kept, it is from now on.
    fn shows_the_last(&self) -> bool {
        let _ = self.shared.fall_back();
        let known = self.shared.known();
        self.shared.current().revision == known
    }

    /// Reads what is in place; while it cannot be read and changes, it is given time.
    fn steady(&self) -> Result<(Look, Found), Miss> {
        let shared = &self.shared;
        let began = Instant::now();
        let mut looks = 0;
        loop {
            let (look, what) = shared.see()?;
            let unsure = matches!(what, Found::Broken(_) | Found::Damage(_));
            let stat = look.stat();
            // Nobody is writing what the system says is as it was.
            let untouched = stat.is_some() && shared.seal().map(|seal| seal.stat) == stat;
            looks += 1;
            if !unsure || untouched || looks > LOOKS || began.elapsed() >= shared.options.settle {
                return Ok((look, what));
            }
            std::thread::sleep(shared.options.settle / LOOKS);
        }
    }

    /// Writes the content of `document`, which is in place, as a new revision.
    fn rewrite(&mut self, document: Arc<Document>, stat: Option<Stat>) -> Result<Ground, Miss> {
        let mut again = Arc::unwrap_or_clone(document);
        again.revision += 1;
        let rendered = again.render();
        let ground = Ground {
            expected: stat,
            aside: None,
            rewrite: true,
        };
        let stat = self.replace(&rendered.bytes, rendered.checksum, again.revision, &ground)?;
        self.shared
            .publish(Arc::new(again), stat, rendered.checksum);
        Ok(Ground {
            expected: stat,
            aside: None,
            rewrite: false,
        })
    }

    /// Puts `bytes` in the document's place: written beside it, made durable, exchanged, the folder
    /// made durable, kept, acknowledged. Returns the file, or `None` when it is not there any more.
    ///
    /// If this fails, nothing has changed, unless the error is [`StoreError::Unknown`].
    pub(super) fn replace(
        &mut self,
        bytes: &[u8],
        checksum: u64,
        revision: u64,
        ground: &Ground,
    ) -> Result<Option<Stat>, Miss> {
        let shared = Arc::clone(&self.shared);
        let path = shared.document();
        let access = shared.access(ground.expected.as_ref());
        let scratch = Scratch::write(&shared, access, bytes)?;
        let there = found(shared.disk.stat(path)).map_err(failed("looking at", path))?;
        if !is_expected(ground.expected.as_ref(), there.as_ref()) {
            return Err(Miss::Moved);
        }
        if ground.aside.is_some() {
            // Whoever saved it need not have made it durable.
            match shared.disk.sync_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Miss::Moved),
                synced => synced.map_err(failed("making it durable", path))?,
            }
        }
        self.make_way_for_previous(revision)?;
        self.still_held()?;
        let displaced = if ground.expected.is_some() {
            Some(self.exchange(&scratch, revision)?)
        } else {
            self.place(&scratch, revision)?;
            None
        };
        // From here on the new document is in place, so nothing may be said to have failed that
        // others may have seen.
        let written = scratch.stat;
        scratch.leave();
        if let Err(source) = shared.disk.sync_folder(&shared.paths.folder) {
            shared.suspect.store(revision, Ordering::Relaxed);
            self.displaced(displaced.as_deref(), ground, revision);
            return Err(Miss::Failed(StoreError::Unknown {
                revision,
                doing: "making the folder durable",
                path: shared.paths.folder.clone(),
                source: Arc::new(source),
            }));
        }
        shared.suspect.store(0, Ordering::Relaxed);
        // The exchange may have changed the time of the last change of anything about it.
        let now = shared
            .disk
            .stat(path)
            .ok()
            .filter(|now| now.is_same_content(&written));
        self.keep(revision, bytes);
        let seal = now.map(|stat| Seal {
            revision,
            checksum,
            stat,
        });
        shared.acknowledge(revision, seal.as_ref());
        self.displaced(displaced.as_deref(), ground, revision);
        shared.problems.place(None);
        Ok(now)
    }

    /// Puts a new document in a place that is free.
    fn place(&self, scratch: &Scratch<'_>, revision: u64) -> Result<(), Miss> {
        let shared = &*self.shared;
        let path = shared.document();
        match shared.disk.link(&scratch.path, path) {
            Ok(()) => {
                // A further name of the document, which the next sweep would remove.
                let _ = shared.disk.remove(&scratch.path);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Miss::Moved),
            // Not every file system has further names.
            Err(error) if is_unsupported(&error) => shared
                .disk
                .rename(&scratch.path, path)
                .or_else(|error| self.despite(scratch, revision, "renaming", error)),
            Err(error) => self.despite(scratch, revision, "naming", error),
        }
    }

    /// Exchanges the document for the new one; returns where the displaced one is.
    fn exchange(&self, scratch: &Scratch<'_>, revision: u64) -> Result<PathBuf, Miss> {
        let shared = &*self.shared;
        let path = shared.document();
        match shared.disk.exchange(&scratch.path, path) {
            Ok(()) => Ok(scratch.path.clone()),
            Err(error) if is_unsupported(&error) => {
                // The document gets a further name before its own is taken.
                let displaced = shared.paths.side_scratch();
                match shared.disk.link(path, &displaced) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Err(Miss::Moved);
                    }
                    linked => {
                        linked.map_err(failed("keeping the displaced document", &displaced))?;
                    }
                }
                match shared.disk.rename(&scratch.path, path) {
                    Ok(()) => Ok(displaced),
                    Err(error) => {
                        let outcome = self.despite(scratch, revision, "renaming", error);
                        if outcome.is_err()
                            && !matches!(outcome, Err(Miss::Failed(StoreError::Unknown { .. })))
                        {
                            let _ = shared.disk.remove(&displaced);
                        }
                        outcome.map(|()| displaced)
                    }
                }
            }
            // An editor has moved it away, and is about to save it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Miss::Moved),
            Err(error) => {
                let outcome = self.despite(scratch, revision, "exchanging", error);
                outcome.map(|()| scratch.path.clone())
            }
        }
    }

    /// A rename has failed: tells whether it has happened all the same.
    fn despite(
        &self,
        scratch: &Scratch<'_>,
        revision: u64,
        doing: &'static str,
        error: io::Error,
    ) -> Result<(), Miss> {
        let shared = &*self.shared;
        let path = shared.document();
        let there = found(shared.disk.stat(path));
        match there {
            Ok(there) if !there.is_some_and(|there| there.is_same_file(&scratch.stat)) => {
                Err(Miss::Failed(failed(doing, path)(error)))
            }
            _ => {
                shared.suspect.store(revision, Ordering::Relaxed);
                scratch.leave();
                Err(Miss::Failed(StoreError::Unknown {
                    revision,
                    doing,
                    path: path.to_path_buf(),
                    source: Arc::new(error),
                }))
            }
        }
    }

    /// Keeps a copy of the revision that has become durable, and lets the oldest go.
    pub(super) fn keep(&mut self, revision: u64, bytes: &[u8]) {
        if self.shared.options.keep == 0 {
            return;
        }
        let result = self.keep_copy(revision, bytes);
        let shared = &*self.shared;
        if result.is_ok() {
            let mut current = shared.current();
            current.kept = current.kept.max(revision);
        }
        shared
            .problems
            .not_kept(result.err().map(|error| Problem::NotKept {
                revision,
                reason: error.to_string(),
            }));
    }

    fn keep_copy(&mut self, revision: u64, bytes: &[u8]) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let path = shared.paths.revision(revision);
        let mut kept = match self.kept.take() {
            Some(kept) => kept,
            None => shared.kept_revisions()?,
        };
        if kept.binary_search(&revision).is_ok() {
            if shared.kept(revision, None).is_some() {
                self.kept = Some(kept);
                return Ok(());
            }
            shared.disk.remove(&path)?;
            kept.retain(|kept| *kept != revision);
        }
        let document = found(shared.disk.stat(shared.document()))?;
        let mut file = shared
            .disk
            .create(&path, shared.access(document.as_ref()))?;
        if let Err(error) = write_all(&mut *file, bytes) {
            let _ = shared.disk.remove(&path);
            return Err(error);
        }
        kept.push(revision);
        kept.sort_unstable();
        let more = kept.len().saturating_sub(shared.options.keep);
        for old in kept.drain(..more) {
            found(shared.disk.remove(&shared.paths.revision(old)))?;
        }
        self.kept = Some(kept);
        Ok(())
    }

    /// Before `previous` is taken by what will be displaced: if somebody wrote into it after it had
    /// been displaced, that text is set aside.
    fn make_way_for_previous(&mut self, revision: u64) -> Result<(), StoreError> {
        let path = self.shared.paths.previous();
        let stat = found(self.shared.disk.stat(&path)).map_err(failed("looking at", &path))?;
        let Some(stat) = stat else { return Ok(()) };
        if self
            .previous
            .is_some_and(|previous| previous.is_same_content(&stat))
        {
            return Ok(());
        }
        let read = found(self.shared.disk.read(&path)).map_err(failed("reading", &path))?;
        let Some((bytes, _)) = read else {
            return Ok(());
        };
        if Document::parse(&bytes, None)
            .is_ok_and(|parsed| matches!(parsed.sealed, Sealed::Right(_)))
        {
            // Displaced by another process, and nobody's text.
            return Ok(());
        }
        let reason = "written into the document after it had been replaced, and not to be read";
        self.set_late_aside(revision, reason.into())
    }

    /// Puts away what the new document displaced. Failing here loses nothing: it stays where it is,
    /// and the next sweep finds it.
    fn displaced(&mut self, displaced: Option<&Path>, ground: &Ground, revision: u64) {
        let shared = Arc::clone(&self.shared);
        let Some(path) = displaced else { return };
        let as_read = |stat: &Stat| {
            ground
                .expected
                .is_some_and(|expected| expected.is_same_content(stat))
        };
        let stat = shared.disk.stat(path).ok().filter(as_read);
        if let (Some(aside), Some(_)) = (&ground.aside, stat) {
            let to = shared.aside(revision, aside.why);
            if shared.disk.rename(path, &to).is_ok()
                && let Some(reason) = &aside.report
            {
                shared.problems.set_aside(Problem::SetAside {
                    path: to,
                    reason: reason.clone(),
                });
            }
            return;
        }
        // Only what a program wrote comes here, unless somebody's text came between: the next look
        // at it tells.
        if shared.disk.rename(path, &shared.paths.previous()).is_err() {
            return;
        }
        self.previous = stat;
        if self.previous.is_none() {
            // Somebody's text came between the last look and the exchange.
            shared.absorb_soon();
        }
    }
}

impl Shared {
    /// Makes what is in the document's place durable: whoever put it there may not have come so far.
    pub(super) fn make_durable(&self) -> Result<(), StoreError> {
        let path = self.document();
        self.disk
            .sync_file(path)
            .map_err(failed("making it durable", path))?;
        let folder = &self.paths.folder;
        self.disk
            .sync_folder(folder)
            .map_err(failed("making the folder durable", folder))
    }

    /// Tells all processes of the machine that `revision` is durable. The lock is held.
    pub(super) fn acknowledge(&self, revision: u64, seal: Option<&Seal>) {
        let write = |word: &(dyn Word + 'static)| {
            if let Some(seal) = seal {
                word.set_seal(seal);
            }
            word.raise(revision)
        };
        let (path, scratch) = (self.paths.word(), self.paths.side_scratch());
        let raised = self.with_word(write) == Some(true);
        // Those who come later map what is in place.
        let mapped = self.with_word(|word| word.stat().ok()).flatten();
        let there = self.disk.stat(&path).ok();
        let is_in_place = mapped
            .zip(there)
            .is_some_and(|(mapped, there)| mapped.is_same_file(&there));
        if raised && is_in_place {
            return;
        }
        // There is no word yet, or it was taken away. Without one, others see the change by looking.
        let Some(id) = self.current().id.clone().or_else(|| self.id_in_place()) else {
            return;
        };
        let access = self.access(self.disk.stat(self.document()).ok().as_ref());
        match self
            .disk
            .create_word(&path, &scratch, access, &id, revision)
        {
            Ok(word) => {
                if let Some(seal) = seal {
                    word.set_seal(seal);
                }
                self.with_word(<dyn Word>::retire);
                self.set_word(word);
                self.detached.store(false, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!("{}: cannot be made: {error}", path.display()),
        }
    }

    fn id_in_place(&self) -> Option<Arc<str>> {
        let (bytes, _) = self.disk.read(self.document()).ok()?;
        let parsed = Document::parse(&bytes, None).ok()?;
        matches!(parsed.sealed, Sealed::Right(_)).then_some(parsed.document.id)
    }
}

/// A new document that is not in place yet; removed when it does not get there.
struct Scratch<'s> {
    shared: &'s Shared,
    path: PathBuf,
    stat: Stat,
    left: std::cell::Cell<bool>,
}

impl<'s> Scratch<'s> {
    fn write(
        shared: &'s Shared,
        access: crate::disk::Access,
        bytes: &[u8],
    ) -> Result<Self, StoreError> {
        let (path, mut file) = loop {
            let path = shared.paths.scratch();
            match shared.disk.create(&path, access) {
                Ok(file) => break (path, file),
                // Left by a process of the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed("creating", &path)(error)),
            }
        };
        let written = write_all(&mut *file, bytes)
            .map_err(failed("writing", &path))
            .and_then(|()| file.sync().map_err(failed("making it durable", &path)))
            .and_then(|()| file.stat().map_err(failed("looking at", &path)));
        match written {
            Ok(stat) => Ok(Self {
                shared,
                path,
                stat,
                left: std::cell::Cell::new(false),
            }),
            Err(error) => {
                drop(file);
                let _ = shared.disk.remove(&path);
                Err(error)
            }
        }
    }

    /// It is in place, or may be: its name is that of something else, and is left alone.
    fn leave(&self) {
        self.left.set(true);
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        if !self.left.get() {
            let _ = self.shared.disk.remove(&self.path);
        }
    }
}

/// Writes all of `bytes`, however little is taken at a time.
pub(super) fn write_all(file: &mut dyn NewFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_expected(expected: Option<&Stat>, there: Option<&Stat>) -> bool {
    match (expected, there) {
        (None, None) => true,
        (Some(expected), Some(there)) => expected.is_same_content(there),
        _ => false,
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
    )
}
