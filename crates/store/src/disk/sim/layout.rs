//! What one choice among the changes of names leaves, and what each file there may hold.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::hash::Hasher;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::World;
use super::node::{Body, Content, Folder, Generation, Id, Node};
use super::tree::{ROOT, Tree};

const SECTOR: usize = 512;

/// What may be left of one file.
#[derive(Clone, Debug)]
pub(super) enum Variant {
    Data(Arc<[u8]>),
    /// The word as it was after so many of its changes.
    Value(usize),
    /// Its last value, and a seal that is torn.
    TornSeal,
    Zeros,
    Missing,
}

/// A file that is not wholly durable.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: Id,
    pub(super) path: String,
    /// The first is what is durable, the second what programs saw, and the next few are those that
    /// teach most.
    pub(super) variants: Vec<(String, Variant)>,
}

/// The number of variants that stand for all others where there are too many.
pub(super) const CORE: usize = 4;

/// The names that one choice leaves.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) story: String,
    folders: BTreeMap<Id, BTreeMap<OsString, Id>>,
    reached: BTreeSet<Id>,
    pub(super) open: Vec<Open>,
}

impl Layout {
    /// Takes the changes of names that `taken` tells; the others are lost.
    pub(super) fn new(tree: &Tree, taken: &[bool]) -> Self {
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
            match tree.nodes.get(&id).map(|node| &node.body) {
                Some(Body::Folder(_)) => {
                    for (name, id) in folders.get(&id).into_iter().flatten() {
                        waiting.push((*id, format!("{path}/{}", name.to_string_lossy())));
                    }
                }
                Some(Body::File(content)) if !content.is_settled() => open.push(Open {
                    id,
                    path,
                    variants: contents(content),
                }),
                Some(Body::Word(word)) => open.push(Open {
                    id,
                    path,
                    variants: values(word),
                }),
                _ => {}
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
            story = format!("{story}; {}: {}", open.path, open.variants[*index].0);
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
                && !settle(node, &open.variants[*index].1)
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

/// Gives a file what is left of it; false when that is nothing at all.
fn settle(node: &mut Node, variant: &Variant) -> bool {
    match (&mut node.body, variant) {
        (Body::File(content), Variant::Data(data)) => {
            *content = Content::settled(Arc::clone(data));
        }
        (Body::Word(word), Variant::Value(index)) => word.history = vec![word.history[*index]],
        (Body::Word(word), Variant::TornSeal) => {
            let value = word.history.last().map_or(0, |&(value, _)| value);
            word.history = vec![(value, None)];
        }
        (Body::Word(word), _) => {
            word.valid = false;
            word.history.clear();
        }
        _ => {}
    }
    !matches!(variant, Variant::Missing)
}

/// What may be left of a file that was not synced.
fn contents(content: &Content) -> Vec<(String, Variant)> {
    let (old, new) = (&*content.stable, &*content.data);
    let mut found: Vec<(String, Vec<u8>)> = vec![
        (format!("the {} old bytes", old.len()), old.to_vec()),
        (format!("the {} new bytes", new.len()), new.to_vec()),
    ];
    let zeros = |from: usize| -> Vec<u8> {
        let mut bytes = new[..from].to_vec();
        bytes.resize(new.len(), 0);
        bytes
    };
    found.push((format!("{} zeros", new.len()), zeros(0)));
    let half = new.len() / 2;
    found.push((format!("the first {half} new bytes"), new[..half].to_vec()));
    if !old.is_empty() {
        let mut grown = old.to_vec();
        grown.resize(new.len().max(old.len()), 0);
        found.push(("the old bytes, and zeros".into(), grown));
    }
    let sectors = (0..new.len()).step_by(SECTOR);
    let cuts: BTreeSet<usize> = sectors.clone().chain(content.last.clone()).collect();
    for cut in cuts {
        found.push((format!("the first {cut} new bytes"), new[..cut].to_vec()));
        if cut % SECTOR == 0 || cut + 1 == new.len() {
            found.push((format!("{cut} new bytes, and zeros"), zeros(cut)));
        }
        if cut < old.len() {
            let torn = new[..cut].iter().chain(&old[cut..]).copied().collect();
            found.push((format!("{cut} new bytes, and old ones"), torn));
        }
    }
    for start in sectors {
        let end = (start + SECTOR).min(new.len());
        let mut torn = new.to_vec();
        for (byte, at) in torn[start..end].iter_mut().zip(start..) {
            *byte = old.get(at).copied().unwrap_or(0);
        }
        found.push((format!("the new bytes without {start}..{end}"), torn));
    }
    let mut seen = BTreeSet::new();
    found.retain(|(_, bytes)| seen.insert(bytes.clone()));
    let data = |(story, bytes)| (story, Variant::Data(Arc::from(bytes)));
    found.into_iter().map(data).collect()
}

/// What may be left of a word.
fn values(word: &Generation) -> Vec<(String, Variant)> {
    if !word.valid {
        return vec![
            ("zeros".into(), Variant::Zeros),
            ("missing".into(), Variant::Missing),
        ];
    }
    let last = word.history.len() - 1;
    let value = |index: usize| {
        let story = format!("the word {:?}", word.history[index].0);
        (story, Variant::Value(index))
    };
    let mut found = vec![("zeros".into(), Variant::Zeros), value(last)];
    found.push(("missing".into(), Variant::Missing));
    if last > 0 {
        found.push(value(0));
    }
    found.push(("the last word, its seal torn".into(), Variant::TornSeal));
    found.extend((1..last).rev().map(value));
    found
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
