//! A disk in memory that fails and loses power where a test wants it to.
//!
//! [`SimDisk`] is a [`Disk`](super::Disk) whose content is in memory. It knows what programs see and
//! what of it is durable, and so can tell in what states a power cut may leave it:
//! [`SimDisk::crash_states`]. Any of its calls can be made to fail: [`SimDisk::plan`].
//!
//! What it takes for granted of a disk is no more than POSIX does, apart from three points: a rename
//! and an exchange are atomic, changes of one name reach the disk in order, and a sector of 512
//! bytes is written whole or not at all unless it belongs to the last write.
//!
//! | not synced | may be left |
//! |---|---|
//! | content of a file | the old one, the new one, the new one up to any byte or sector, zeros in place of any sector |
//! | changes of names | any number of the first ones; with [`PowerCut::unordered`] any of them |
//! | the generation word | nothing, zeros, any value that it ever had |
//!
//! [`explore`] does so at every operation of a scenario, [`explore_kills`] ends the process there but
//! leaves the power on, [`explore_faults`] lets each call fail in every way.

mod calls;
mod crash;
mod explore;
mod fault;
mod layout;
mod node;
mod open;
mod tree;
mod variant;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use std::collections::BTreeMap;

pub use crash::{CrashState, PowerCut};
pub use explore::{Cut, Journal, Swept, Ticket, explore, explore_faults, explore_kills};
pub use fault::{Call, Failure, Fault};

use fault::Faults;
use node::{Body, Folder, Id};
use tree::Tree;

use super::{Access, Stat};

/// Everything about a disk.
#[derive(Clone, Debug)]
struct World {
    tree: Tree,
    /// Which handle has the lock of a file.
    locks: BTreeMap<Id, u64>,
    handles: u64,
    exchange: bool,
    network: Option<String>,
    calls: u64,
    operations: u64,
    /// From this operation on there is no power.
    dark_from: Option<u64>,
    dark: bool,
    faults: Faults,
    boots: u64,
}

/// Called before an operation, with what there is by then, and with what is about to be done.
type Hook = Arc<dyn Fn(&World, &str) + Send + Sync>;

struct Shared {
    world: Mutex<World>,
    hook: Mutex<Option<Hook>>,
    /// Where every call is noted, if that is asked for.
    log: Mutex<Option<Log>>,
}

type Log = Arc<Mutex<Vec<Call>>>;

/// A disk in memory. A clone is the same disk, as another process sees it.
#[derive(Clone)]
pub struct SimDisk {
    shared: Arc<Shared>,
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    /// Makes an empty disk: there is `/`, and nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::of(World {
            tree: Tree::new(),
            locks: BTreeMap::new(),
            handles: 0,
            exchange: true,
            network: None,
            calls: 0,
            operations: 0,
            dark_from: None,
            dark: false,
            faults: Faults::default(),
            boots: 1,
        })
    }

    fn of(world: World) -> Self {
        Self {
            shared: Arc::new(Shared {
                world: Mutex::new(world),
                hook: Mutex::new(None),
                log: Mutex::new(None),
            }),
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A panic of a test while this is held must not hide behind another one.
        self.shared
            .world
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn set_hook(&self, hook: Option<Hook>) {
        let mut slot = self
            .shared
            .hook
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = hook;
    }

    fn record_calls(&self, log: &Log) {
        let mut slot = self
            .shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = Some(Arc::clone(log));
    }

    /// Makes a copy that goes its own way: files, what of them is durable, clock. Nobody holds a
    /// lock there, nothing is planned to fail, and calls are counted from 0.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut world = self.world().clone();
        world.locks.clear();
        world.calls = 0;
        world.operations = 0;
        world.faults = Faults::default();
        for node in world.tree.nodes.values_mut() {
            node.open = 0;
        }
        Self::of(world)
    }

    /// Lets a call fail.
    pub fn plan(&self, fault: Fault) {
        self.world().faults.plan(fault);
    }

    /// Forgets the faults to come.
    pub fn heal(&self) {
        self.world().faults.heal();
    }

    /// Returns which calls have failed as planned: number, call, how.
    #[must_use]
    pub fn fired(&self) -> Vec<(u64, Call, Failure)> {
        self.world().faults.fired.clone()
    }

    /// Cuts the power before the operation with this number, counted from 1: every call from then
    /// on fails, and changes nothing.
    pub fn cut_power_at(&self, operation: u64) {
        self.world().dark_from = Some(operation);
    }

    /// Returns how many calls there have been.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.world().calls
    }

    /// Returns how many calls there have been that may change something.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.world().operations
    }

    /// Returns how often it was switched on.
    #[must_use]
    pub fn boots(&self) -> u64 {
        self.world().boots
    }

    /// Sets whether names can be exchanged. They can at first.
    pub fn allow_exchange(&self, allowed: bool) {
        self.world().exchange = allowed;
    }

    /// Says that everything is on a network file system of this kind.
    pub fn set_network(&self, kind: Option<&str>) {
        self.world().network = kind.map(Into::into);
    }

    /// Sets how coarse the clock is that files are stamped with: how many operations have the same
    /// time. At first each has its own.
    pub fn set_clock_grain(&self, operations: u64) {
        self.world().tree.grain = operations.max(1);
    }

    /// Creates a folder and those above it, durable.
    ///
    /// # Errors
    ///
    /// Something that is no folder stands in the way.
    pub fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        let tree = &mut world.tree;
        let mut here = PathBuf::new();
        for part in path.components() {
            here.push(part);
            let place = tree.locate(&here, true)?;
            if place.id.is_none() {
                let access = Access {
                    mode: 0o755,
                    owner: None,
                };
                tree.create(&place.path, Body::Folder(Folder::default()), access)?;
            }
        }
        tree.settle();
        Ok(())
    }

    /// Writes a file in place, as `cp` does: truncated if it exists, created if not. Not durable.
    ///
    /// # Errors
    ///
    /// The path leads nowhere, or to what is no file.
    pub fn overwrite(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.world();
        let tree = &mut world.tree;
        tree.tick += 1;
        let place = tree.locate(path, true)?;
        let id = match place.id {
            Some(id) => id,
            None => tree.create(&place.path, Tree::new_file(), USUAL)?,
        };
        tree.content_mut(id)?.overwrite(bytes);
        tree.touch(id);
        Ok(())
    }

    /// Puts another file in the place of one, as many editors do. Not durable.
    ///
    /// # Errors
    ///
    /// The path leads nowhere, or to a folder.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.world();
        let tree = &mut world.tree;
        tree.tick += 1;
        let place = tree.locate(path, true)?;
        let beside = place.path.with_file_name(".editor");
        let id = tree.create(&beside, Tree::new_file(), USUAL)?;
        tree.content_mut(id)?.overwrite(bytes);
        tree.rename(&beside, &place.path)
    }

    /// Removes a name, as `rm` does. Not durable.
    ///
    /// # Errors
    ///
    /// There is no such name, or it is a folder's.
    pub fn erase(&self, path: &Path) -> io::Result<()> {
        self.world().tree.remove(path)
    }

    /// Makes a symbolic link, durable.
    ///
    /// # Errors
    ///
    /// There is something at the path, or no folder for it.
    pub fn make_symlink(&self, target: &Path, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        let body = Body::Symlink(target.to_path_buf());
        let access = Access {
            mode: 0o777,
            owner: None,
        };
        world.tree.create(path, body, access)?;
        world.tree.settle();
        Ok(())
    }

    /// Makes everything durable, as `sync` does.
    pub fn settle(&self) {
        self.world().tree.settle();
    }

    /// Lets the system drop what it keeps of files: of one whose sync failed the lost part shows.
    pub fn drop_caches(&self) {
        let mut world = self.world();
        for node in world.tree.nodes.values_mut() {
            if let Body::File(content) = &mut node.body {
                content.evict();
            }
        }
    }

    /// Returns the content of a file without counting as a call.
    #[must_use]
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let world = self.world();
        let id = world.tree.find(path, true).ok()?;
        match &world.tree.node(id).ok()?.body {
            Body::File(content) => Some(content.data.to_vec()),
            _ => None,
        }
    }

    /// Returns what a path is without counting as a call.
    #[must_use]
    pub fn look(&self, path: &Path) -> Option<Stat> {
        let world = self.world();
        let id = world.tree.find(path, false).ok()?;
        world.tree.stat(id).ok()
    }

    /// Returns every path, in order.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        let paths = self.world().tree.paths();
        paths.into_iter().map(|(path, _)| path).collect()
    }

    /// Whether some handle has a lock.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        !self.world().locks.is_empty()
    }

    /// Returns how many files are open: handles that have not been dropped.
    #[must_use]
    pub fn open_handles(&self) -> u64 {
        self.world().tree.nodes.values().map(|node| node.open).sum()
    }
}

const USUAL: Access = Access {
    mode: 0o644,
    owner: None,
};

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let world = self.world();
        f.debug_struct("SimDisk")
            .field("calls", &world.calls)
            .field("operations", &world.operations)
            .field("boots", &world.boots)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
