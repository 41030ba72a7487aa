//! The calls of a disk.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use rustix::io::Errno;

use super::fault::{Call, Failure};
use super::node::{Body, Folder, Generation, Id};
use super::open::{Held, OpenFile, OpenLock, OpenWord};
use super::tree::Tree;
use super::{SimDisk, World};
use crate::disk::{Access, Disk, LockFile, NewFile, Stat, Word};

impl World {
    /// Where the power is out nothing works, and nothing changes.
    fn powered(&self) -> io::Result<()> {
        if self.dark {
            return Err(io::Error::other("the power is out"));
        }
        Ok(())
    }
}

impl SimDisk {
    /// Counts a call, and decides whether it fails.
    pub(super) fn begin(
        &self,
        call: Call,
        what: impl FnOnce() -> String,
    ) -> io::Result<(MutexGuard<'_, World>, Option<Failure>)> {
        let hook = self
            .shared
            .hook
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut world = self.world();
        world.powered()?;
        if call.is_operation() {
            if world.dark_from == Some(world.operations + 1) {
                world.dark = true;
            }
            world.powered()?;
            if let Some(hook) = hook {
                hook(&world, &format!("{call:?} {}", what()));
            }
            world.operations += 1;
            world.tree.tick += 1;
        }
        world.calls += 1;
        let number = world.calls;
        let log = self.shared.log.lock();
        if let Some(log) = &*log.unwrap_or_else(PoisonError::into_inner) {
            log.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(call);
        }
        let failure = world.faults.strike(number, call);
        Ok((world, failure))
    }

    /// Counts a call that does nothing when it fails.
    pub(super) fn enter(
        &self,
        call: Call,
        what: impl FnOnce() -> String,
    ) -> io::Result<MutexGuard<'_, World>> {
        match self.begin(call, what)? {
            (world, None) => Ok(world),
            (_, Some(failure)) => Err(failure.error()),
        }
    }

    fn held(&self, world: &mut World, id: Id) -> io::Result<Held> {
        world.tree.node_mut(id)?.open += 1;
        world.handles += 1;
        Ok(Held {
            disk: self.clone(),
            id,
            handle: world.handles,
        })
    }

    /// Does `change`; of a failure that comes afterwards the error is told nevertheless.
    fn change(
        &self,
        call: Call,
        what: impl FnOnce() -> String,
        change: impl FnOnce(&mut World) -> io::Result<()>,
    ) -> io::Result<()> {
        let (mut world, failure) = self.begin(call, what)?;
        match failure {
            Some(Failure::InputAfterwards) => {
                change(&mut world)?;
                Err(Failure::InputAfterwards.error())
            }
            Some(failure) => Err(failure.error()),
            None => change(&mut world),
        }
    }

    /// Gives a new word its content and its place.
    fn fill_word(&self, scratch: &Path, path: &Path, id: Id, to: (&str, u64)) -> io::Result<()> {
        {
            let mut world = self.enter(Call::FillWord, || scratch.display().to_string())?;
            if let Body::Word(generation) = &mut world.tree.node_mut(id)?.body {
                *generation = Generation {
                    registry: to.0.to_owned(),
                    history: vec![(to.1, None)],
                    valid: true,
                };
            }
        }
        let mut world = self.enter(Call::PlaceWord, || show(scratch, path))?;
        world.tree.rename(scratch, path)
    }
}

fn show(from: &Path, to: &Path) -> String {
    format!("{} -> {}", from.display(), to.display())
}

impl Disk for SimDisk {
    fn read(&self, path: &Path) -> io::Result<(Vec<u8>, Stat)> {
        let world = self.enter(Call::Read, String::new)?;
        let id = world.tree.find(path, false)?;
        let bytes = match &world.tree.node(id)?.body {
            Body::File(content) => content.data.to_vec(),
            Body::Word(generation) => page(generation),
            Body::Folder(_) => return Err(Errno::ISDIR.into()),
            Body::Symlink(_) => return Err(Errno::LOOP.into()),
        };
        Ok((bytes, world.tree.stat(id)?))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let world = self.enter(Call::Stat, String::new)?;
        world.tree.stat(world.tree.find(path, false)?)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let world = self.enter(Call::Resolve, String::new)?;
        match world.tree.locate(path, true) {
            Ok(place) => Ok(place.path),
            // Nothing is there yet, so there is no link to follow.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_path_buf()),
            Err(error) => Err(error),
        }
    }

    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn NewFile>> {
        let mut world = self.enter(Call::Create, || path.display().to_string())?;
        let id = world.tree.create(path, Tree::new_file(), access)?;
        Ok(Box::new(OpenFile(self.held(&mut world, id)?)))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let (mut world, failure) = self.begin(Call::SyncFile, || path.display().to_string())?;
        if let Some(failure) = failure
            && !failure.cleans()
        {
            return Err(failure.error());
        }
        let id = world.tree.find(path, false)?;
        let content = match &mut world.tree.node_mut(id)?.body {
            Body::File(content) => content,
            Body::Word(_) => return Ok(()),
            Body::Folder(_) => return Err(Errno::ISDIR.into()),
            Body::Symlink(_) => return Err(Errno::LOOP.into()),
        };
        content.sync_unless(failure)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let (mut world, failure) = self.begin(Call::SyncFolder, || path.display().to_string())?;
        if let Some(failure) = failure
            && !failure.cleans()
        {
            return Err(failure.error());
        }
        let id = world.tree.find(path, true)?;
        let Some(failure) = failure else {
            return world.tree.sync_folder(id);
        };
        world.tree.forget_folder(id)?;
        Err(failure.error())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let what = || show(from, to);
        self.change(Call::Rename, what, |world| world.tree.rename(from, to))
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let what = || show(one, other);
        self.change(Call::Exchange, what, |world| {
            if !world.exchange {
                return Err(io::ErrorKind::Unsupported.into());
            }
            world.tree.exchange(one, other)
        })
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let what = || show(from, to);
        self.change(Call::Link, what, |world| world.tree.link(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let what = || path.display().to_string();
        self.change(Call::Remove, what, |world| world.tree.remove(path))
    }

    fn create_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        let what = || path.display().to_string();
        self.change(Call::CreateFolder, what, |world| {
            let tree = &mut world.tree;
            if let Some(id) = tree.locate(path, true)?.id {
                return tree.folder(id).map(drop).map_err(|_| Errno::EXIST.into());
            }
            let access = Access { mode, owner: None };
            let body = Body::Folder(Folder::default());
            tree.create(path, body, access).map(drop)
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let world = self.enter(Call::List, String::new)?;
        let folder = world.tree.folder(world.tree.find(path, true)?)?;
        // In no order that a caller could rely on.
        Ok(folder.names.keys().rev().cloned().collect())
    }

    fn open_lock(&self, path: &Path, access: Access) -> io::Result<Box<dyn LockFile>> {
        let mut world = self.enter(Call::OpenLock, || path.display().to_string())?;
        let place = world.tree.locate(path, false)?;
        let id = match place.id {
            Some(id) => id,
            None => world.tree.create(path, Tree::new_file(), access)?,
        };
        match world.tree.node(id)?.body {
            Body::Folder(_) => return Err(Errno::ISDIR.into()),
            Body::Symlink(_) => return Err(Errno::LOOP.into()),
            Body::File(_) | Body::Word(_) => {}
        }
        Ok(Box::new(OpenLock(self.held(&mut world, id)?)))
    }

    fn open_word(&self, path: &Path, registry: &str) -> io::Result<Option<Box<dyn Word>>> {
        let mut world = self.enter(Call::OpenWord, String::new)?;
        let Ok(id) = world.tree.find(path, false) else {
            return Ok(None);
        };
        let is_ours = match &world.tree.node(id)?.body {
            Body::Word(generation) => generation.is_of(registry),
            _ => false,
        };
        if !is_ours {
            return Ok(None);
        }
        Ok(Some(Box::new(OpenWord(self.held(&mut world, id)?))))
    }

    fn create_word(
        &self,
        path: &Path,
        scratch: &Path,
        access: Access,
        registry: &str,
        revision: u64,
    ) -> io::Result<Box<dyn Word>> {
        let blank = Generation {
            registry: String::new(),
            history: Vec::new(),
            valid: false,
        };
        let id = {
            let mut world = self.enter(Call::CreateWord, || scratch.display().to_string())?;
            world.tree.create(scratch, Body::Word(blank), access)?
        };
        let placed = self.fill_word(scratch, path, id, (registry, revision));
        let mut world = self.world();
        world.powered()?;
        if let Err(error) = placed {
            // Whoever cannot make it removes what was made of it, as far as that works.
            drop(world.tree.remove(scratch));
            return Err(error);
        }
        Ok(Box::new(OpenWord(self.held(&mut world, id)?)))
    }

    fn network(&self, path: &Path) -> io::Result<Option<String>> {
        let world = self.enter(Call::Network, String::new)?;
        world.tree.find(path, true)?;
        Ok(world.network.clone())
    }
}

/// What somebody sees who reads the file of a word.
fn page(generation: &Generation) -> Vec<u8> {
    let mut page = vec![0; 4_096];
    if let (true, Some((value, _))) = (generation.valid, generation.history.last()) {
        page[..8].copy_from_slice(&value.to_le_bytes());
    }
    page
}
