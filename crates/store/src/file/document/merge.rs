//! Taking an edit over: what it changes is told from what it was not based on.

use std::sync::Arc;

use super::{Document, Extra, Fields, Slot};
use crate::json::Json;

/// What an edit comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Merge {
    /// What is to be changed in the current document, by name: the slot of the edit, whose revision
    /// is to be set, or `None` for a removal.
    pub(crate) writes: Vec<(Arc<str>, Option<Slot>)>,
    /// What the edit and the programs have changed differently, by name. What the programs wrote
    /// stays.
    pub(crate) conflicts: Vec<Conflict>,
    /// What is to be set with [`Document::set_fields`], if the edit changes any of it.
    pub(crate) fields: Option<Fields>,
}

/// An entry that an edit and the programs have changed differently. `None` where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// The entry.
    pub(crate) name: Arc<str>,
    /// What both were based on.
    pub(crate) base: Option<Json>,
    /// What the edit made of it.
    pub(crate) edited: Option<Json>,
    /// What the programs made of it.
    pub(crate) current: Option<Json>,
}

/// Finds what to do to `current` so that it has what was changed from `base` to `edited`. Without a
/// base everything is taken from the edit. Revisions of entries are not compared: programs set them.
pub(crate) fn merge(base: Option<&Document>, edited: &Document, current: &Document) -> Merge {
    let mut writes = Vec::new();
    let mut conflicts = Vec::new();
    let mut mine = edited.entries.iter().peekable();
    let mut theirs = current.entries.iter().peekable();
    loop {
        // The least name of both, and what each has under it.
        let name = match (mine.peek(), theirs.peek()) {
            (Some((one, _)), Some((other, _))) => Arc::clone(one.min(other)),
            (Some((name, _)), None) | (None, Some((name, _))) => Arc::clone(name),
            (None, None) => break,
        };
        let of_edit = mine
            .next_if(|(found, _)| **found == name)
            .map(|(_, slot)| slot);
        let of_current = theirs
            .next_if(|(found, _)| **found == name)
            .map(|(_, slot)| slot);
        if is_same(of_edit, of_current) {
            continue;
        }
        let of_base = base.map(|base| base.get(&name));
        if of_base.is_some_and(|of_base| is_same(of_base, of_edit)) {
            continue;
        }
        if of_base.is_none_or(|of_base| is_same(of_base, of_current)) {
            writes.push((name, of_edit.cloned()));
        } else {
            let value = |slot: Option<&Slot>| slot.map(|slot| slot.record.value.clone());
            conflicts.push(Conflict {
                name,
                base: value(of_base.flatten()),
                edited: value(of_edit),
                current: value(of_current),
            });
        }
    }
    let fields = match base {
        Some(base) => current.fields.with_edit(&base.fields, &edited.fields),
        None => edited.fields.clone(),
    };
    Merge {
        writes,
        conflicts,
        fields: (fields != current.fields).then_some(fields),
    }
}

/// Whether two slots differ at most in their revision. Texts are laid out, so equal values have
/// equal texts.
fn is_same(one: Option<&Slot>, other: Option<&Slot>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            one.record.lease == other.record.lease
                && one.record.value.text() == other.record.value.text()
                && one.extra == other.extra
        }
        (None, None) => true,
        _ => false,
    }
}

impl Fields {
    /// These, and what was changed from `base` to `edited`.
    fn with_edit(&self, base: &Self, edited: &Self) -> Self {
        let changed = |base: &Extra, edited: &Extra, current: &Extra| {
            if base == edited { current } else { edited }.clone()
        };
        Self {
            format: if base.format == edited.format {
                Arc::clone(&self.format)
            } else {
                Arc::clone(&edited.format)
            },
            header: changed(&base.header, &edited.header, &self.header),
            root: changed(&base.root, &edited.root, &self.root),
        }
    }
}
