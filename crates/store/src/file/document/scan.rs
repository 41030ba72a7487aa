//! Reading a document as a program wrote it, which is what is read nearly always.
//!
//! Whatever is not exactly as [`render`](super::render) writes it ends the attempt, and the general
//! reader has it. What is as in the previous document is compared with it and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::layout::Scanner;
use super::parse::is_readable;
use super::{Document, ENTRY_LEVEL, Extra, Field, Fields, MAX_REVISION, Parsed, Sealed, Slot};
use super::{is_id, seal};
use crate::LeaseId;

/// Reads a text if its seal is right and it is what its document is rendered as.
pub(super) fn scan(text: &str, previous: Option<&Document>) -> Option<Parsed> {
    let mut scanner = Scanner::new(text);
    scanner.expect("{\n  \"byname\": {\n    \"format\": ")?;
    let format = scanner.plain_string().filter(|text| is_readable(text))?;
    scanner.expect(",\n    \"id\": ")?;
    let id = scanner.plain_string().filter(|text| is_id(text))?;
    scanner.expect(",\n    \"revision\": ")?;
    let revision = scanner.revision()?;
    scanner.expect(",\n    \"length\": ")?;
    let length = scanner.whole_number()?;
    scanner.expect(",\n    \"checksum\": \"xxh3:")?;
    let digits = scanner.place()..scanner.place() + seal::DIGITS;
    text.as_bytes().get(digits.clone())?;
    let Sealed::Right(checksum) = seal::check(text.as_bytes(), length, digits) else {
        return None;
    };
    let digits = scanner.hex_digits()?;
    debug_assert_eq!(seal::value(digits.as_bytes()), Some(checksum));
    scanner.expect("\"")?;
    let before = previous.map(|document| &document.fields);
    let known = ["format", "id", "revision", "length", "checksum"];
    let header = scanner.extra(before.and_then(|fields| fields.header.as_ref()), &known, 2)?;
    scanner.expect("\n  },\n  \"entries\": {")?;
    let (entries, size) = scanner.entries(previous)?;
    let known = ["byname", "entries"];
    let root = scanner.extra(before.and_then(|fields| fields.root.as_ref()), &known, 1)?;
    scanner.expect("\n}\n")?;
    if !scanner.is_at_end() {
        return None;
    }
    let same_id = previous.filter(|document| *document.id == *id);
    let fields = Fields {
        format: format.into(),
        header,
        root,
    };
    let document = Document {
        id: same_id.map_or_else(|| id.into(), |document| Arc::clone(&document.id)),
        revision,
        fields,
        entries,
        size,
    };
    Some(Parsed::canonical(document, checksum))
}

impl Scanner<'_> {
    fn expect(&mut self, text: &str) -> Option<()> {
        self.take(text).then_some(())
    }

    fn revision(&mut self) -> Option<u64> {
        self.whole_number().filter(|&number| number <= MAX_REVISION)
    }

    /// Reads the entries; returns them and how many bytes they are without the commas.
    fn entries(
        &mut self,
        previous: Option<&Document>,
    ) -> Option<(BTreeMap<Arc<str>, Slot>, usize)> {
        if self.take("}") {
            return Some((BTreeMap::new(), 0));
        }
        let start = self.place();
        let mut entries: Vec<(Arc<str>, Slot)> =
            Vec::with_capacity(previous.map_or(0, |document| document.entries.len() + 1));
        // Those of the previous document whose names are above all that were read.
        let mut before = previous
            .into_iter()
            .flat_map(|document| document.entries.iter())
            .peekable();
        loop {
            self.expect("\n    ")?;
            // Nearly always it is the next one.
            let next = before.next_if(|(name, _)| self.take_name(name));
            let (name, same) = if let Some((name, slot)) = next {
                (Arc::clone(name), Some(slot))
            } else {
                let name = self.plain_string().filter(|name| crate::is_name(name))?;
                // In the order of the names, so none is there twice.
                if entries.last().is_some_and(|(last, _)| **last >= *name) {
                    return None;
                }
                while before.next_if(|(other, _)| ***other < *name).is_some() {}
                match before.next_if(|(other, _)| ***other == *name) {
                    Some((name, slot)) => (Arc::clone(name), Some(slot)),
                    None => (name.into(), None),
                }
            };
            let slot = self.entry(same)?;
            entries.push((name, slot));
            if self.take(",") {
                continue;
            }
            let size = self.place() - start - (entries.len() - 1);
            self.expect("\n  }")?;
            return Some((entries.into_iter().collect(), size));
        }
    }

    fn entry(&mut self, previous: Option<&Slot>) -> Option<Slot> {
        self.expect(": {\n      \"revision\": ")?;
        let revision = self.revision()?;
        let lease = if self.take(",\n      \"lease\": \"") {
            let lease = seal::value(self.hex_digits()?.as_bytes())?;
            self.expect("\"")?;
            Some(LeaseId(lease))
        } else {
            None
        };
        self.expect(",\n      \"value\": ")?;
        let value = match previous.map(|slot| slot.record.value.text()) {
            Some(text) if self.take_value(text) => Arc::clone(text),
            _ => self.value(ENTRY_LEVEL)?.into(),
        };
        let known = ["revision", "lease", "value"];
        let extra = self.extra(
            previous.and_then(|slot| slot.extra.as_ref()),
            &known,
            ENTRY_LEVEL,
        )?;
        self.expect("\n    }")?;
        Some(Slot::sharing(previous, revision, value, lease, extra))
    }

    /// Reads the fields after the known ones; shares `previous` if they are the same.
    fn extra(
        &mut self,
        previous: Option<&Arc<[Field]>>,
        known: &[&str],
        level: usize,
    ) -> Option<Extra> {
        let mut fields: Vec<Field> = Vec::new();
        while self.take(",") {
            self.new_line(level)?;
            let name = self.plain_string()?;
            let is_double = |field: &Field| field.name[1..field.name.len() - 1] == *name;
            if known.contains(&name) || fields.iter().any(is_double) {
                return None;
            }
            self.expect(": ")?;
            fields.push(Field {
                name: format!("\"{name}\"").into(),
                value: self.value(level)?.into(),
            });
        }
        Some(match previous {
            _ if fields.is_empty() => None,
            Some(previous) if **previous == *fields => Some(Arc::clone(previous)),
            _ => Some(fields.into()),
        })
    }
}
