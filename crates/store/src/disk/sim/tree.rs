//! What is on the disk: as programs see it, and as much of it as is durable.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use super::node::{Body, Content, Folder, Id, Node};
use crate::disk::{Access, Stat};

pub(super) const ROOT: Id = 1;
const DEVICE: u64 = 0x51;
const EPOCH: i128 = 1_700_000_000_000_000_000;
/// Nanoseconds between two operations.
const TICK: i128 = 1_000;

/// A change of names that is not durable yet. Atomic.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) sets: Vec<(Id, OsString, Option<Id>)>,
}

impl Step {
    /// Whether both set one name: then the later one can be durable only together with the earlier.
    pub(super) fn shares_a_name(&self, other: &Self) -> bool {
        self.sets.iter().any(|(folder, name, _)| {
            let same = |(f, n, _): &(Id, OsString, Option<Id>)| f == folder && n == name;
            other.sets.iter().any(same)
        })
    }
}

/// Where a path leads.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: Id,
    pub(super) name: OsString,
    pub(super) id: Option<Id>,
    pub(super) path: PathBuf,
}

#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) nodes: BTreeMap<Id, Node>,
    pub(super) pending: Vec<Step>,
    next: Id,
    pub(super) tick: u64,
    /// How many ticks the clock that files are stamped with stands still.
    pub(super) grain: u64,
}

impl Tree {
    pub(super) fn new() -> Self {
        let mut tree = Self {
            nodes: BTreeMap::new(),
            pending: Vec::new(),
            next: ROOT,
            tick: 1,
            grain: 1,
        };
        let root = tree.add(Body::Folder(Folder::default()), 0o755, None);
        debug_assert_eq!(root, ROOT);
        if let Some(root) = tree.nodes.get_mut(&ROOT) {
            root.links = 1;
        }
        tree
    }

    /// Adds a file that has no name yet. It gets the lowest inode number that is free.
    pub(super) fn add(&mut self, body: Body, mode: u32, owner: Option<(u32, u32)>) -> Id {
        let used: BTreeSet<u64> = self
            .nodes
            .values()
            .filter(|node| node.links > 0 || node.open > 0)
            .map(|node| node.number)
            .collect();
        let number = (2..=u64::MAX)
            .find(|number| !used.contains(number))
            .unwrap_or(0);
        let id = self.next;
        self.next += 1;
        let (owner, group) = owner.unwrap_or((1_000, 1_000));
        let node = Node {
            number,
            mode,
            owner,
            group,
            links: 0,
            open: 0,
            modified: self.tick,
            changed: self.tick,
            body,
        };
        self.nodes.insert(id, node);
        id
    }

    pub(super) fn node(&self, id: Id) -> io::Result<&Node> {
        self.nodes.get(&id).ok_or_else(|| Errno::NOENT.into())
    }

    pub(super) fn node_mut(&mut self, id: Id) -> io::Result<&mut Node> {
        self.nodes.get_mut(&id).ok_or_else(|| Errno::NOENT.into())
    }

    pub(super) fn folder(&self, id: Id) -> io::Result<&Folder> {
        match &self.node(id)?.body {
            Body::Folder(folder) => Ok(folder),
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    fn folder_mut(&mut self, id: Id) -> io::Result<&mut Folder> {
        match &mut self.node_mut(id)?.body {
            Body::Folder(folder) => Ok(folder),
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    pub(super) fn content_mut(&mut self, id: Id) -> io::Result<&mut Content> {
        match &mut self.node_mut(id)?.body {
            Body::File(content) => Ok(content),
            Body::Folder(_) => Err(Errno::ISDIR.into()),
            _ => Err(Errno::INVAL.into()),
        }
    }

    /// Marks the content of a file as changed now.
    pub(super) fn touch(&mut self, id: Id) {
        let tick = self.tick;
        if let Some(node) = self.nodes.get_mut(&id) {
            node.modified = tick;
            node.changed = tick;
        }
    }

    pub(super) fn stat(&self, id: Id) -> io::Result<Stat> {
        let node = self.node(id)?;
        let size = match &node.body {
            Body::File(content) => content.data.len(),
            Body::Folder(_) | Body::Word(_) => 4_096,
            Body::Symlink(target) => target.as_os_str().len(),
        };
        let time = |tick: u64| EPOCH + TICK * i128::from(tick - tick % self.grain);
        Ok(Stat {
            device: DEVICE,
            inode: node.number,
            size: size as u64,
            modified: time(node.modified),
            changed: time(node.changed),
            mode: node.mode,
            owner: node.owner,
            group: node.group,
            links: node.links,
            is_file: matches!(node.body, Body::File(_) | Body::Word(_)),
        })
    }

    /// Finds where a path leads, through at most 40 symbolic links.
    pub(super) fn locate(&self, path: &Path, follow_last: bool) -> io::Result<Place> {
        let own = |path: &Path| -> Vec<OsString> {
            let name = |part: Component<'_>| match part {
                Component::RootDir => OsString::from("/"),
                other => other.as_os_str().to_owned(),
            };
            path.components().map(name).collect()
        };
        if !path.is_absolute() {
            return Err(Errno::INVAL.into());
        }
        let mut parts: VecDeque<OsString> = own(path).into();
        let mut above = vec![ROOT];
        let mut walked = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = parts.pop_front() {
            let folder = *above.last().unwrap_or(&ROOT);
            if part == "/" {
                above.truncate(1);
                walked = PathBuf::from("/");
                continue;
            }
            if part == "." {
                continue;
            }
            if part == ".." {
                if above.len() > 1 {
                    above.pop();
                    walked.pop();
                }
                continue;
            }
            let last = parts.is_empty();
            let found = self.folder(folder)?.names.get(&part).copied();
            let Some(id) = found else {
                if last {
                    walked.push(&part);
                    return Ok(Place {
                        folder,
                        name: part,
                        id: None,
                        path: walked,
                    });
                }
                return Err(Errno::NOENT.into());
            };
            match &self.node(id)?.body {
                Body::Symlink(target) if !last || follow_last => {
                    links += 1;
                    if links > 40 {
                        return Err(Errno::LOOP.into());
                    }
                    for part in own(target).into_iter().rev() {
                        parts.push_front(part);
                    }
                }
                _ if last => {
                    walked.push(&part);
                    return Ok(Place {
                        folder,
                        name: part,
                        id: Some(id),
                        path: walked,
                    });
                }
                Body::Folder(_) => {
                    walked.push(&part);
                    above.push(id);
                }
                _ => return Err(Errno::NOTDIR.into()),
            }
        }
        Ok(Place {
            folder: ROOT,
            name: OsString::new(),
            id: above.last().copied(),
            path: walked,
        })
    }

    /// Finds the file at a path.
    pub(super) fn find(&self, path: &Path, follow_last: bool) -> io::Result<Id> {
        let place = self.locate(path, follow_last)?;
        place.id.ok_or_else(|| Errno::NOENT.into())
    }

    /// Changes names, at once; durable only when a folder of them is synced.
    pub(super) fn apply(&mut self, sets: Vec<(Id, OsString, Option<Id>)>) -> io::Result<()> {
        let tick = self.tick;
        for (folder, name, id) in &sets {
            let body = self.folder_mut(*folder)?;
            let before = match id {
                Some(id) => body.names.insert(name.clone(), *id),
                None => body.names.remove(name),
            };
            body.dirty = true;
            self.touch(*folder);
            let fewer = before.map(|id| (id, false));
            for (id, more) in fewer.into_iter().chain(id.map(|id| (id, true))) {
                let node = self.node_mut(id)?;
                node.links = if more { node.links + 1 } else { node.links - 1 };
                node.changed = tick;
            }
        }
        self.pending.push(Step { sets });
        Ok(())
    }

    /// Makes the names in a folder durable, and what they depend on.
    pub(super) fn sync_folder(&mut self, folder: Id) -> io::Result<()> {
        let body = self.folder_mut(folder)?;
        if !body.dirty {
            return Ok(());
        }
        body.dirty = false;
        let mut taken = vec![false; self.pending.len()];
        for index in (0..self.pending.len()).rev() {
            let step = &self.pending[index];
            let here = step.sets.iter().any(|(id, ..)| *id == folder);
            let needed = (index + 1..taken.len())
                .any(|later| taken[later] && self.pending[later].shares_a_name(step));
            taken[index] = here || needed;
        }
        let mut kept = Vec::new();
        for (step, taken) in std::mem::take(&mut self.pending).into_iter().zip(taken) {
            if !taken {
                kept.push(step);
                continue;
            }
            for (folder, name, id) in step.sets {
                let stable = &mut self.folder_mut(folder)?.stable;
                match id {
                    Some(id) => stable.insert(name, id),
                    None => stable.remove(&name),
                };
            }
        }
        self.pending = kept;
        Ok(())
    }

    /// A sync of a folder that failed: what it was to write counts as written.
    pub(super) fn forget_folder(&mut self, folder: Id) -> io::Result<()> {
        self.folder_mut(folder)?.dirty = false;
        Ok(())
    }

    /// Makes everything durable.
    pub(super) fn settle(&mut self) {
        self.pending.clear();
        for node in self.nodes.values_mut() {
            match &mut node.body {
                Body::File(content) => *content = Content::settled(Arc::clone(&content.data)),
                Body::Folder(folder) => {
                    folder.stable = folder.names.clone();
                    folder.dirty = false;
                }
                Body::Symlink(_) | Body::Word(_) => {}
            }
        }
    }

    /// Creates a file that must not exist.
    pub(super) fn create(&mut self, path: &Path, body: Body, access: Access) -> io::Result<Id> {
        let place = self.locate(path, false)?;
        if place.id.is_some() {
            return Err(Errno::EXIST.into());
        }
        self.folder(place.folder)?;
        let id = self.add(body, access.mode, access.owner);
        self.apply(vec![(place.folder, place.name, Some(id))])?;
        Ok(id)
    }

    pub(super) fn new_file() -> Body {
        Body::File(Content::empty())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.locate(from, false)?, self.locate(to, false)?);
        let id = from.id.ok_or(Errno::NOENT)?;
        if to.id == Some(id) {
            return Ok(());
        }
        if let Some(over) = to.id {
            self.may_replace(id, over)?;
        }
        self.apply(vec![
            (from.folder, from.name, None),
            (to.folder, to.name, Some(id)),
        ])
    }

    fn may_replace(&self, id: Id, over: Id) -> io::Result<()> {
        let moves = matches!(self.node(id)?.body, Body::Folder(_));
        match &self.node(over)?.body {
            Body::Folder(_) if !moves => Err(Errno::ISDIR.into()),
            Body::Folder(folder) if !folder.names.is_empty() => Err(Errno::NOTEMPTY.into()),
            Body::Folder(_) => Ok(()),
            _ if moves => Err(Errno::NOTDIR.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn exchange(&mut self, one: &Path, other: &Path) -> io::Result<()> {
        let (one, other) = (self.locate(one, false)?, self.locate(other, false)?);
        let (first, second) = (one.id.ok_or(Errno::NOENT)?, other.id.ok_or(Errno::NOENT)?);
        self.apply(vec![
            (one.folder, one.name, Some(second)),
            (other.folder, other.name, Some(first)),
        ])
    }

    pub(super) fn link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let (id, to) = (self.find(from, false)?, self.locate(to, false)?);
        if to.id.is_some() {
            return Err(Errno::EXIST.into());
        }
        if matches!(self.node(id)?.body, Body::Folder(_)) {
            return Err(Errno::PERM.into());
        }
        self.apply(vec![(to.folder, to.name, Some(id))])
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let place = self.locate(path, false)?;
        let id = place.id.ok_or(Errno::NOENT)?;
        if matches!(self.node(id)?.body, Body::Folder(_)) {
            return Err(Errno::ISDIR.into());
        }
        self.apply(vec![(place.folder, place.name, None)])
    }

    /// Every path, with the file there, as programs see them.
    pub(super) fn paths(&self) -> Vec<(PathBuf, Id)> {
        let mut found = Vec::new();
        let mut waiting = vec![(PathBuf::from("/"), ROOT)];
        while let Some((path, id)) = waiting.pop() {
            if let Ok(folder) = self.folder(id) {
                for (name, id) in &folder.names {
                    waiting.push((path.join::<&OsStr>(name), *id));
                }
            }
            found.push((path, id));
        }
        found.sort();
        found
    }
}
