//! What is open on a disk: new files, locks, words.

use std::io;

use super::SimDisk;
use super::fault::{Call, Failure};
use super::node::{Body, Generation, Id};
use crate::disk::{LockFile, NewFile, Seal, Stat, Word};

/// A file that is open: as long as it is, its inode number is not used again.
pub(super) struct Held {
    pub(super) disk: SimDisk,
    pub(super) id: Id,
    /// Tells this handle from others of the same file.
    pub(super) handle: u64,
}

impl Held {
    fn name(&self) -> String {
        let world = self.disk.world();
        let paths = world.tree.paths();
        let path = paths.into_iter().find(|(_, id)| *id == self.id);
        path.map_or_else(
            || "(a file without a name)".into(),
            |(path, _)| path.display().to_string(),
        )
    }

    fn stat(&self) -> io::Result<Stat> {
        let world = self.disk.enter(Call::StatOpen, String::new)?;
        world.tree.stat(self.id)
    }

    fn unlock(&self) {
        let mut world = self.disk.world();
        if world.locks.get(&self.id) == Some(&self.handle) {
            world.locks.remove(&self.id);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.unlock();
        let mut world = self.disk.world();
        if let Ok(node) = world.tree.node_mut(self.id) {
            node.open = node.open.saturating_sub(1);
        }
    }
}

pub(super) struct OpenFile(pub(super) Held);

impl NewFile for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Held { disk, id, .. } = &self.0;
        let name = self.0.name();
        let (mut world, failure) = disk.begin(Call::Write, || name)?;
        let written = match failure {
            Some(Failure::Short | Failure::ShortThenSpace) => &bytes[..bytes.len().div_ceil(2)],
            Some(failure) => return Err(failure.error()),
            None => bytes,
        };
        world.tree.content_mut(*id)?.append(written);
        world.tree.touch(*id);
        Ok(written.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        let Held { disk, id, .. } = &self.0;
        let name = self.0.name();
        let (mut world, failure) = disk.begin(Call::Sync, || name)?;
        world.tree.content_mut(*id)?.sync_unless(failure)
    }

    fn stat(&self) -> io::Result<Stat> {
        self.0.stat()
    }
}

pub(super) struct OpenLock(pub(super) Held);

impl LockFile for OpenLock {
    fn try_lock(&self) -> io::Result<bool> {
        let Held { disk, id, handle } = &self.0;
        let mut world = disk.enter(Call::TryLock, String::new)?;
        let holder = *world.locks.entry(*id).or_insert(*handle);
        Ok(holder == *handle)
    }

    fn unlock(&self) -> io::Result<()> {
        drop(self.0.disk.enter(Call::Unlock, String::new)?);
        self.0.unlock();
        Ok(())
    }

    fn stat(&self) -> io::Result<Stat> {
        self.0.stat()
    }

    fn write_note(&self, note: &[u8]) -> io::Result<()> {
        let Held { disk, id, .. } = &self.0;
        let name = self.0.name();
        let mut world = disk.enter(Call::WriteNote, || name)?;
        world.tree.content_mut(*id)?.overwrite(note);
        world.tree.touch(*id);
        Ok(())
    }

    fn read_note(&self) -> io::Result<Vec<u8>> {
        let Held { disk, id, .. } = &self.0;
        let mut world = disk.enter(Call::ReadNote, String::new)?;
        Ok(world.tree.content_mut(*id)?.data.to_vec())
    }
}

pub(super) struct OpenWord(pub(super) Held);

impl OpenWord {
    /// Memory, not a call: it cannot fail, and is not counted.
    fn with<R>(&self, then: impl FnOnce(&mut Generation) -> R) -> Option<R> {
        let mut world = self.0.disk.world();
        if world.dark {
            return None;
        }
        match &mut world.tree.node_mut(self.0.id).ok()?.body {
            Body::Word(generation) => Some(then(generation)),
            _ => None,
        }
    }

    fn last(&self) -> (u64, Option<Seal>) {
        let last = self.with(|word| word.history.last().copied());
        last.flatten().unwrap_or_default()
    }
}

impl Word for OpenWord {
    fn load(&self) -> u64 {
        self.last().0
    }

    fn raise(&self, revision: u64) -> bool {
        let raised = self.with(|word| {
            let (value, seal) = word.history.last().copied().unwrap_or_default();
            if value < revision {
                word.history.push((revision, seal));
            }
        });
        raised.is_some()
    }

    fn seal(&self) -> Option<Seal> {
        self.last().1
    }

    fn set_seal(&self, seal: &Seal) {
        self.with(|word| {
            let (value, _) = word.history.last().copied().unwrap_or_default();
            word.history.push((value, Some(*seal)));
        });
    }

    fn retire(&self) {
        self.with(|word| {
            let (_, seal) = word.history.last().copied().unwrap_or_default();
            word.history.push((u64::MAX, seal));
        });
    }

    fn stat(&self) -> io::Result<Stat> {
        self.0.stat()
    }
}
