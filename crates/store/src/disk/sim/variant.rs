//! What a power cut may leave of one file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::node::{Body, Content, Generation, Id, Node};
use super::tree::Tree;

const SECTOR: usize = 512;

/// How many variants stand for all others where there are too many.
pub(super) const CORE: usize = 4;

/// What may be left of each file that is not wholly durable. The first is what is durable, the second
/// what programs saw, and the next few are those that teach most.
pub(super) type Variants = BTreeMap<Id, Arc<[Variant]>>;

/// What may be left of one file.
#[derive(Clone, Debug)]
pub(super) enum Variant {
    OldBytes,
    NewBytes,
    /// So many old bytes, and zeros as far as the new size.
    OldBytesThenZeros,
    /// The new bytes as far as here, and nothing behind them.
    NewBytesTo(usize),
    NewBytesThenZeros(usize),
    NewBytesThenOld(usize),
    /// The new bytes, but for a sector that begins here.
    NewBytesWithoutSector(usize),
    /// The word as it was after so many of its changes.
    WordAfter(usize),
    /// The word's last value, and a seal that is torn.
    SealTorn,
    Zeros,
    Missing,
}

/// Tells what may be left of each file.
pub(super) fn variants(tree: &Tree) -> Variants {
    let open = |(id, node): (&Id, &Node)| {
        let variants = match &node.body {
            Body::File(content) if !content.is_settled() => contents(content),
            Body::Word(word) => values(word),
            _ => return None,
        };
        Some((*id, Arc::from(variants)))
    };
    tree.nodes.iter().filter_map(open).collect()
}

/// What may be left of a file that was not synced.
fn contents(content: &Content) -> Vec<Variant> {
    let (old, new) = (content.stable.len(), content.data.len());
    let mut found = vec![
        Variant::OldBytes,
        Variant::NewBytes,
        Variant::Zeros,
        Variant::NewBytesTo(new / 2),
    ];
    if old > 0 {
        found.push(Variant::OldBytesThenZeros);
    }
    let sectors = (0..new).step_by(SECTOR);
    let cuts: BTreeSet<usize> = sectors.clone().chain(content.last.clone()).collect();
    for cut in cuts {
        if cut != new / 2 && cut > 0 {
            found.push(Variant::NewBytesTo(cut));
        }
        if (cut % SECTOR == 0 && cut > 0) || cut + 1 == new {
            found.push(Variant::NewBytesThenZeros(cut));
        }
        if cut > 0 && cut < old {
            found.push(Variant::NewBytesThenOld(cut));
        }
    }
    found.push(Variant::NewBytesTo(0));
    found.extend(sectors.map(Variant::NewBytesWithoutSector));
    found
}

/// What may be left of a word.
fn values(word: &Generation) -> Vec<Variant> {
    if !word.valid {
        return vec![Variant::Zeros, Variant::Missing];
    }
    let last = word.history.len() - 1;
    let mut found = vec![Variant::Zeros, Variant::WordAfter(last), Variant::Missing];
    if last > 0 {
        found.push(Variant::WordAfter(0));
    }
    found.push(Variant::SealTorn);
    found.extend((1..last).rev().map(Variant::WordAfter));
    found
}

impl Variant {
    /// Gives a file what is left of it; false when that is nothing at all.
    pub(super) fn settle(&self, node: &mut Node) -> bool {
        match &mut node.body {
            Body::File(content) => *content = Content::settled(self.bytes(content)),
            Body::Word(word) => match self {
                Self::WordAfter(index) => word.history = vec![word.history[*index]],
                Self::SealTorn => {
                    let value = word.history.last().map_or(0, |&(value, _)| value);
                    word.history = vec![(value, None)];
                }
                _ => {
                    word.valid = false;
                    word.history.clear();
                }
            },
            Body::Folder(_) | Body::Symlink(_) => {}
        }
        !matches!(self, Self::Missing)
    }

    fn bytes(&self, content: &Content) -> Arc<[u8]> {
        let (old, new) = (&content.stable, &content.data);
        let padded = |bytes: &[u8]| -> Arc<[u8]> {
            let zeros = new.len().saturating_sub(bytes.len());
            bytes.iter().copied().chain(vec![0; zeros]).collect()
        };
        match *self {
            Self::OldBytes => Arc::clone(old),
            Self::OldBytesThenZeros => padded(old),
            Self::Zeros => padded(&[]),
            Self::NewBytesTo(cut) => Arc::from(&new[..cut]),
            Self::NewBytesThenZeros(cut) => padded(&new[..cut]),
            Self::NewBytesThenOld(cut) => new[..cut].iter().chain(&old[cut..]).copied().collect(),
            Self::NewBytesWithoutSector(start) => {
                let mut bytes = new.to_vec();
                for (byte, at) in bytes[start..].iter_mut().zip(start..start + SECTOR) {
                    *byte = old.get(at).copied().unwrap_or(0);
                }
                Arc::from(bytes)
            }
            _ => Arc::clone(new),
        }
    }
}
