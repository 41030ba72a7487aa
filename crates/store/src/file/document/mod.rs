//! The document of the file store: its bytes, read, changed and written. `docs/format.md` describes
//! them.
//!
//! Everything that a document holds is kept as the text that stands in its rendering, so that
//! rendering copies and formats nothing, and a document that is read again shares the texts of the
//! one before.

mod general;
mod layout;
mod merge;
mod parse;
mod render;
mod scan;
mod seal;

#[cfg(any(test, fuzzing))]
pub(crate) mod check;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;

pub(crate) use merge::{Conflict, merge};
pub(crate) use parse::{Parsed, Unreadable};
pub(crate) use seal::Sealed;

use crate::Record;
use crate::json::Json;

/// The format that new documents are written in.
const FORMAT: &str = "1.0";

/// The last revision that a document or an entry can have.
const MAX_REVISION: u64 = i64::MAX as u64;

/// How deep the members of an entry are indented, in levels of two spaces.
const ENTRY_LEVEL: usize = 3;

/// What a registry holds at one revision, and what is written with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Names the registry: 32 hexadecimal digits, made when the document was created.
    pub(crate) id: Arc<str>,
    /// The revision.
    pub(crate) revision: u64,
    fields: Fields,
    entries: BTreeMap<Arc<str>, Slot>,
    /// How many bytes the entries are in the rendering, without the commas between them.
    size: usize,
}

/// What a document holds under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The revision in which the entry was last changed; 0 for one that was added by hand.
    pub(crate) revision: u64,
    /// The entry. Its text is the one in the rendering.
    pub(crate) record: Record,
    extra: Extra,
}

/// What a later minor version of the format, or somebody by hand, has put into a document beside
/// its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    format: Arc<str>,
    header: Extra,
    root: Extra,
}

/// Fields that this version does not know, in their order; `None` when there are none.
type Extra = Option<Arc<[Field]>>;

/// A field that this version does not know: both texts as they stand in the document, the name with
/// its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: Arc<str>,
    value: Arc<str>,
}

/// Whether `id` can name a registry: 32 hexadecimal digits in lower case.
pub(crate) fn is_id(id: &str) -> bool {
    id.len() == 32 && is_hex(id)
}

/// Whether there are only hexadecimal digits in lower case in `text`.
fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Document {
    /// Makes an empty document at revision 0. `id` must satisfy [`is_id`].
    pub(crate) fn new(id: Arc<str>) -> Self {
        debug_assert!(is_id(&id), "{id:?} is no id");
        Self::of(
            id,
            0,
            Fields {
                format: FORMAT.into(),
                header: None,
                root: None,
            },
            BTreeMap::new(),
        )
    }

    fn of(id: Arc<str>, revision: u64, fields: Fields, entries: BTreeMap<Arc<str>, Slot>) -> Self {
        let size = entries
            .iter()
            .map(|(name, slot)| render::size_of(name, slot))
            .sum();
        Self {
            id,
            revision,
            fields,
            entries,
            size,
        }
    }

    /// All entries, by name.
    pub(crate) fn entries(&self) -> &BTreeMap<Arc<str>, Slot> {
        &self.entries
    }

    /// What is under `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&Slot> {
        self.entries.get(name)
    }

    /// Puts a record under `name`, whose fields that this version does not know stay; returns what
    /// was there. `name` must satisfy [`is_name`](crate::is_name).
    pub(crate) fn put(&mut self, name: Arc<str>, revision: u64, record: Record) -> Option<Slot> {
        let Record { value, lease } = record;
        let value = Json::trusted(layout::lay_out(value.text(), ENTRY_LEVEL));
        let extra = self.entries.get(&name).and_then(|slot| slot.extra.clone());
        let slot = Slot {
            revision,
            record: Record { value, lease },
            extra,
        };
        self.set(name, slot)
    }

    /// Removes what is under `name`, and returns it.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Slot> {
        let (name, slot) = self.entries.remove_entry(name)?;
        self.size -= render::size_of(&name, &slot);
        Some(slot)
    }

    /// Makes `slot` what is under `name`: undoes a [`put`](Self::put) or a [`remove`](Self::remove),
    /// or takes over what another document holds.
    pub(crate) fn restore(&mut self, name: Arc<str>, slot: Option<Slot>) {
        if let Some(slot) = slot {
            self.set(name, slot);
        } else {
            self.remove(&name);
        }
    }

    /// About how many bytes the rendering has: its entries, without what is around them.
    pub(crate) fn size(&self) -> u64 {
        self.size as u64
    }

    /// What it has beside its entries and its revision.
    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Takes over the fields of a [`merge`]; returns those that were there.
    pub(crate) fn set_fields(&mut self, fields: Fields) -> Fields {
        std::mem::replace(&mut self.fields, fields)
    }

    fn set(&mut self, name: Arc<str>, slot: Slot) -> Option<Slot> {
        debug_assert!(crate::is_name(&name), "{name:?} is no name");
        self.size += render::size_of(&name, &slot);
        match self.entries.entry(name) {
            btree_map::Entry::Vacant(entry) => {
                entry.insert(slot);
                None
            }
            btree_map::Entry::Occupied(mut entry) => {
                self.size -= render::size_of(entry.key(), entry.get());
                Some(entry.insert(slot))
            }
        }
    }
}
