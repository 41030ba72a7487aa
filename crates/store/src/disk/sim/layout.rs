//! What one choice among the changes of names leaves, and what each file there may hold.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::hash::Hasher;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::World;
use super::node::{Body, Folder, Id};
use super::tree::{ROOT, Tree};
use super::variant::{Variant, Variants};

/// A file that is not wholly durable, and what may be left of it.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: Id,
    pub(super) path: String,
    pub(super) variants: Arc<[Variant]>,
}

/// The names that one choice leaves.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) story: String,
    folders: BTreeMap<Id, BTreeMap<OsString, Id>>,
    reached: BTreeSet<Id>,
    pub(super) open: Vec<Open>,
}

impl Layout {
    /// Takes the changes of names that `taken` tells; the others are lost. `variants` tells what may
    /// be left of each file that is not wholly durable.
    pub(super) fn new(tree: &Tree, variants: &Variants, taken: &[bool]) -> Self {
        let mut folders: BTreeMap<Id, BTreeMap<OsString, Id>> = tree
            .nodes
            .iter()
            .filter_map(|(id, node)| match &node.body {
                Body::Folder(folder) => Some((*id, folder.stable.clone())),
                _ => None,
            })
            .collect();
        for (step, _) in tree.pending.iter().zip(taken).filter(|(_, taken)| **taken) {
            for (folder, name, id) in &step.sets {
                let names = folders.entry(*folder).or_default();
                match id {
                    Some(id) => names.insert(name.clone(), *id),
                    None => names.remove(name),
                };
            }
        }
        let mut reached = BTreeSet::new();
        let mut waiting = vec![(ROOT, String::new())];
        let mut open = Vec::new();
        while let Some((id, path)) = waiting.pop() {
            if !reached.insert(id) {
                continue;
            }
            if let Some(names) = folders.get(&id) {
                for (name, id) in names {
                    waiting.push((*id, format!("{path}/{}", name.to_string_lossy())));
                }
            }
            if let Some(variants) = variants.get(&id) {
                open.push(Open {
                    id,
                    path,
                    variants: Arc::clone(variants),
                });
            }
        }
        let lost: Vec<String> = taken
            .iter()
            .enumerate()
            .filter(|(_, taken)| !**taken)
            .map(|(index, _)| index.to_string())
            .collect();
        let story = if lost.is_empty() {
            format!("all {} changes of names kept", taken.len())
        } else {
            format!(
                "of {} changes of names lost: {}",
                taken.len(),
                lost.join(" ")
            )
        };
        Self {
            story,
            folders,
            reached,
            open,
        }
    }

    /// Says what `choice`, one index a file of `open`, leaves in each.
    pub(super) fn tell(&self, choice: &[usize]) -> String {
        let mut story = self.story.clone();
        for (open, index) in self.open.iter().zip(choice) {
            story = format!("{story}; {}: {:?}", open.path, open.variants[*index]);
        }
        story
    }

    /// Builds the disk that `choice` leaves, switched on again.
    pub(super) fn boot(&self, world: &World, choice: &[usize]) -> World {
        let mut boot = World {
            locks: BTreeMap::new(),
            calls: 0,
            operations: 0,
            dark_from: None,
            dark: false,
            boots: world.boots + 1,
            faults: super::Faults::default(),
            ..world.clone()
        };
        let tree = &mut boot.tree;
        tree.pending.clear();
        tree.tick += 1_000;
        tree.nodes.retain(|id, _| self.reached.contains(id));
        let mut missing = BTreeSet::new();
        for (open, index) in self.open.iter().zip(choice) {
            if let Some(node) = tree.nodes.get_mut(&open.id)
                && !open.variants[*index].settle(node)
            {
                missing.insert(open.id);
            }
        }
        let mut links: BTreeMap<Id, u64> = BTreeMap::from([(ROOT, 1)]);
        for (id, node) in &mut tree.nodes {
            if let Body::Folder(folder) = &mut node.body {
                let mut names = self.folders.get(id).cloned().unwrap_or_default();
                names.retain(|_, id| !missing.contains(id));
                for id in names.values() {
                    *links.entry(*id).or_default() += 1;
                }
                *folder = Folder {
                    stable: names.clone(),
                    names,
                    dirty: false,
                };
            }
        }
        // What was removed, and its number given to another, may both be back.
        let mut numbers = BTreeSet::new();
        let mut spare = 1 + tree
            .nodes
            .values()
            .map(|node| node.number)
            .max()
            .unwrap_or(1);
        for (id, node) in &mut tree.nodes {
            node.links = links.get(id).copied().unwrap_or(0);
            node.open = 0;
            if !numbers.insert(node.number) {
                node.number = spare;
                spare += 1;
            }
        }
        boot
    }
}

/// Tells disks apart: same number, same disk.
pub(super) fn fingerprint(tree: &Tree) -> u64 {
    let mut hash = Xxh3::new();
    for (path, id) in tree.paths() {
        let Some(node) = tree.nodes.get(&id) else {
            continue;
        };
        hash.update(path.as_os_str().as_encoded_bytes());
        for part in [node.number, node.links, node.modified, u64::from(node.mode)] {
            hash.write_u64(part);
        }
        match &node.body {
            Body::File(content) => {
                hash.write_usize(content.data.len());
                hash.update(&content.data);
            }
            Body::Folder(folder) => hash.write_usize(folder.names.len()),
            Body::Symlink(target) => hash.update(target.as_os_str().as_encoded_bytes()),
            Body::Word(word) => {
                hash.update(format!("{} {:?}", word.valid, word.history.last()).as_bytes());
            }
        }
    }
    hash.digest()
}
