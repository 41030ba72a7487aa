use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::btree_map;
use proptest::option;
use proptest::prelude::*;

use super::{ID, json, small, text};
use crate::file::document::merge::Merge;
use crate::file::document::{Conflict, Document, merge};
use crate::{LeaseId, Record};

fn assert_nothing(merge: Merge) {
    let Merge {
        writes,
        conflicts,
        fields,
    } = merge;
    assert_eq!((writes, conflicts, fields), (Vec::new(), Vec::new(), None));
}

fn edited(from: &str, to: &str) -> Document {
    let edited = text().replace(from, to);
    assert_ne!(edited, text(), "{from}");
    Document::parse(edited.as_bytes(), None).unwrap().document
}

#[test]
fn nothing_was_edited() {
    let mut current = small();
    current.put("alpha".into(), 43, Record::new(json("1")));
    assert_nothing(merge(Some(&small()), &small(), &current));
    assert_nothing(merge(None, &current, &current));
    assert_nothing(merge(Some(&small()), &current, &current));
}

#[test]
fn an_edit_of_what_nobody_else_changed_is_taken() {
    let edited = edited("\"cores\": 4", "\"cores\": 5");
    let mut current = small();
    current.remove("beta");
    let merge = merge(Some(&small()), &edited, &current);
    let expected = edited.get("alpha").cloned();
    assert_eq!(merge.writes, [("alpha".into(), expected)]);
    assert_eq!(merge.conflicts, []);
    assert_eq!(merge.fields, None);
}

#[test]
fn an_edit_of_what_was_changed_stands_against_it() {
    let edited = edited("\"cores\": 4", "\"cores\": 5");
    let mut current = small();
    current.put("alpha".into(), 43, Record::new(json("1")));
    let found = merge(Some(&small()), &edited, &current);
    let alpha = |document: &Document| {
        let slot = document.get("alpha");
        slot.map(|slot| slot.record.value.clone())
    };
    assert_eq!(found.writes, []);
    assert_eq!(
        found.conflicts,
        [Conflict {
            name: "alpha".into(),
            base: alpha(&small()),
            edited: alpha(&edited),
            current: Some(json("1")),
        }]
    );
    // Who removed it stands against it as well.
    current.remove("alpha");
    let found = merge(Some(&small()), &edited, &current);
    assert_eq!(found.conflicts[0].current, None);
    let mut removed = small();
    removed.remove("alpha");
    let found = merge(Some(&small()), &removed, &edited);
    assert_eq!(found.conflicts[0].edited, None);
    assert_eq!(found.writes, []);
}

#[test]
fn revisions_of_entries_are_not_compared() {
    let edited = edited("\"revision\": 41", "\"revision\": 7");
    assert_nothing(merge(Some(&small()), &edited, &small()));
    assert_nothing(merge(None, &edited, &small()));
}

#[test]
fn lease_and_unknown_fields_are_compared() {
    let beta = |slot: &Document| vec![("beta".into(), slot.get("beta").cloned())];
    for (from, to) in [
        ("00000000000000ff", "00000000000000fe"),
        ("\"lease\": \"00000000000000ff\",", ""),
        ("\"é\"", "\"é\", \"port\": 1"),
    ] {
        let edited = edited(from, to);
        assert_eq!(
            merge(Some(&small()), &edited, &small()).writes,
            beta(&edited)
        );
        let mut current = small();
        current.remove("beta");
        assert_eq!(merge(Some(&small()), &edited, &current).conflicts.len(), 1);
    }
}

#[test]
fn unknown_fields_of_document_and_header_are_taken() {
    let edited = edited(
        "{\n  \"byname\": {",
        "{\n  \"note\": 1,\n  \"byname\": {\n    \"by\": 2,",
    );
    for base in [Some(&small()), None] {
        let mut current = small();
        let found = merge(base, &edited, &current);
        assert_eq!(found.writes, []);
        let before = current.set_fields(found.fields.unwrap());
        assert_eq!(current, edited);
        current.set_fields(before);
        assert_eq!(current, small());
    }
    // Removed by hand; another one that a program has set in the meantime stays.
    let mut current = edited.clone();
    let fields = merge(Some(&edited), &small(), &current).fields.unwrap();
    current.set_fields(fields);
    assert_eq!(current, small());
    assert_nothing(merge(Some(&small()), &small(), &edited));
}

#[test]
fn a_later_minor_version_is_taken() {
    let edited = edited("\"1.0\"", "\"1.3\"");
    let mut current = small();
    current.set_fields(merge(Some(&small()), &edited, &small()).fields.unwrap());
    assert_eq!(current, edited);
    assert_nothing(merge(Some(&small()), &small(), &edited));
}

/// What is under a name: value, lease, an unknown field.
type Plain = (u8, Option<u64>, Option<u8>);

fn plain() -> impl Strategy<Value = BTreeMap<String, Plain>> {
    let slot = (
        0..3_u8,
        option::weighted(0.2, 0..2_u64),
        option::weighted(0.2, 0..2_u8),
    );
    btree_map("[a-f]", slot, 0..6)
}

/// Makes a document; `revision` and the white space are no part of what it says.
fn document(entries: &BTreeMap<String, Plain>, revision: u64) -> Document {
    let entries: Vec<_> = entries
        .iter()
        .map(|(name, (value, lease, extra))| {
            let lease = lease.map(|lease| format!("\"lease\": \"{lease:016x}\","));
            let extra = extra.map(|extra| format!(",\"extra\":[{extra}]"));
            let space = " ".repeat(usize::try_from(revision).unwrap());
            format!(
                "\"{name}\":{{\"revision\":{revision},{}\"value\":[{space}{value}]{}}}",
                lease.unwrap_or_default(),
                extra.unwrap_or_default(),
            )
        })
        .collect();
    let text = format!(
        "{{\"byname\":{{\"format\":\"1.0\",\"id\":\"{ID}\",\"revision\":{revision}}},\"entries\":{{{}}}}}",
        entries.join(",")
    );
    Document::parse(text.as_bytes(), None).unwrap().document
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_name_by_the_rule(base in option::of(plain()), edited in plain(), current in plain()) {
        let documents = (base.as_ref().map(|base| document(base, 1)), document(&edited, 2), document(&current, 3));
        let found = merge(documents.0.as_ref(), &documents.1, &documents.2);
        let mut writes = BTreeMap::new();
        let mut conflicts = BTreeSet::new();
        let names = base.iter().flat_map(BTreeMap::keys).chain(edited.keys()).chain(current.keys());
        for name in names.collect::<BTreeSet<_>>() {
            let (ours, theirs) = (edited.get(name), current.get(name));
            let is_taken = match &base {
                _ if ours == theirs => continue,
                Some(base) if base.get(name) == ours => continue,
                Some(base) => base.get(name) == theirs,
                None => true,
            };
            if is_taken {
                writes.insert(name.clone(), ours.copied());
            } else {
                conflicts.insert(name.clone());
            }
        }
        prop_assert_eq!(
            found.conflicts.iter().map(|conflict| conflict.name.to_string()).collect::<BTreeSet<_>>(),
            conflicts
        );
        prop_assert!(found.conflicts.is_sorted_by_key(|conflict| &conflict.name));
        prop_assert!(found.writes.is_sorted_by_key(|(name, _)| name));
        for Conflict { name, base: of_base, edited: of_edit, current: of_current } in &found.conflicts {
            let value = |plain: Option<&BTreeMap<String, Plain>>| {
                let slot = plain.and_then(|plain| plain.get(&**name));
                slot.map(|(value, _, _)| json(&format!("[{value}]")))
            };
            prop_assert_eq!(of_base, &value(base.as_ref()));
            prop_assert_eq!(of_edit, &value(Some(&edited)));
            prop_assert_eq!(of_current, &value(Some(&current)));
        }
        // Applied, the document has what the rule says, and is as if it had been written so.
        let mut expected = current.clone();
        for (name, slot) in &writes {
            match slot {
                Some(slot) => expected.insert(name.clone(), *slot),
                None => expected.remove(name),
            };
        }
        prop_assert_eq!(found.writes.len(), writes.len());
        let mut merged = documents.2.clone();
        for (name, slot) in found.writes {
            prop_assert_eq!(slot.is_some(), writes[&*name].is_some());
            let slot = slot.map(|mut slot| {
                slot.revision = 3;
                slot
            });
            merged.restore(name, slot);
        }
        prop_assert_eq!(merged.render(), document(&expected, 3).render());
        prop_assert_eq!(found.fields, None);
    }
}

#[test]
fn a_new_lease_of_an_entry() {
    let mut current = small();
    let leased = Record {
        value: small().get("alpha").unwrap().record.value.clone(),
        lease: Some(LeaseId(1)),
    };
    current.put("alpha".into(), 43, leased);
    assert_nothing(merge(Some(&small()), &small(), &current));
}
