//! Writing a document.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Document, Extra, Slot, seal};
use crate::json::count_lines;

/// The bytes of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// The whole file.
    pub(crate) bytes: Vec<u8>,
    /// Its checksum.
    pub(crate) checksum: u64,
}

const BEFORE_REVISION: &str = "\": {\n      \"revision\": ";
const BEFORE_LEASE: &str = ",\n      \"lease\": \"";
const BEFORE_VALUE: &str = ",\n      \"value\": ";
const BEFORE_ENTRY: &str = "\n    \"";
const BETWEEN_ENTRIES: &str = ",\n    \"";
const AFTER_ENTRY: &str = "\n    }";

/// How many bytes an entry is in the rendering, from the line feed before it, without a comma.
pub(super) fn size_of(name: &str, slot: &Slot) -> usize {
    BEFORE_ENTRY.len()
        + escaped(name).len()
        + BEFORE_REVISION.len()
        + count_digits(slot.revision)
        + slot.record.lease.map_or(0, |_| BEFORE_LEASE.len() + 17)
        + BEFORE_VALUE.len()
        + slot.record.value.as_str().len()
        + extra_size(&slot.extra, 3)
        + AFTER_ENTRY.len()
}

fn extra_size(extra: &Extra, level: usize) -> usize {
    extra
        .iter()
        .flat_map(|fields| fields.iter())
        .map(|field| ",\n".len() + 2 * level + field.name.len() + ": ".len() + field.value.len())
        .sum()
}

fn is_plain(name: &str) -> bool {
    !name
        .bytes()
        .any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
}

fn escaped(name: &str) -> Cow<'_, str> {
    if is_plain(name) {
        return name.into();
    }
    let mut out = String::with_capacity(name.len() + 8);
    for character in name.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..' ' => {
                use std::fmt::Write as _;
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.into()
}

fn count_digits(number: u64) -> usize {
    number
        .checked_ilog10()
        .map_or(1, |power| power as usize + 1)
}

impl Document {
    /// Writes the document.
    pub(crate) fn render(&self) -> Rendered {
        let before_length = format!(
            "{{\n  \"byname\": {{\n    \"format\": \"{}\",\n    \"id\": \"{}\",\n    \"revision\": {},\n    \"length\": ",
            self.fields.format, self.id, self.revision
        );
        let after_length = format!(",\n    \"checksum\": \"{}", seal::PREFIX);
        let commas = self.entries.len().saturating_sub(1);
        let after_entries = if self.entries.is_empty() {
            "}"
        } else {
            "\n  }"
        };
        let rest = before_length.len()
            + after_length.len()
            + seal::DIGITS
            + "\"".len()
            + extra_size(&self.fields.header, 2)
            + "\n  },\n  \"entries\": {".len()
            + self.size
            + commas
            + after_entries.len()
            + extra_size(&self.fields.root, 1)
            + "\n}\n".len();
        let length = with_own_digits(rest);

        let mut out = Vec::with_capacity(length);
        out.extend_from_slice(before_length.as_bytes());
        push_number(&mut out, length as u64);
        out.extend_from_slice(after_length.as_bytes());
        let digits = out.len();
        out.extend_from_slice(&seal::ZEROS);
        out.push(b'"');
        push_extra(&mut out, &self.fields.header, ",\n    ");
        out.extend_from_slice(b"\n  },\n  \"entries\": {");
        let mut separator = BEFORE_ENTRY;
        for (name, slot) in &self.entries {
            out.extend_from_slice(separator.as_bytes());
            push_entry(&mut out, name, slot);
            separator = BETWEEN_ENTRIES;
        }
        out.extend_from_slice(after_entries.as_bytes());
        push_extra(&mut out, &self.fields.root, ",\n  ");
        out.extend_from_slice(b"\n}\n");
        debug_assert_eq!(out.len(), length, "the size of an entry was miscounted");

        let checksum = seal::of_zeroed(&out);
        out[digits..digits + seal::DIGITS].copy_from_slice(&seal::digits(checksum));
        Rendered {
            bytes: out,
            checksum,
        }
    }
}

impl Document {
    /// Where [`render`](Self::render) puts the name of an entry: line and column in bytes, both from
    /// 1.
    pub(super) fn rendered_place_of(&self, name: &str) -> Option<(usize, usize)> {
        self.entries.get(name)?;
        let lines_of = |extra: &Extra| -> usize {
            let fields = extra.iter().flat_map(|fields| fields.iter());
            fields
                .map(|field| 1 + count_lines(field.value.as_bytes()))
                .sum()
        };
        // `{`, `"byname": {`, five fields, `},` and `"entries": {`.
        let mut line = 1 + 9 + lines_of(&self.fields.header);
        let before = |(earlier, _): &(&Arc<str>, &Slot)| ***earlier < *name;
        for (_, slot) in self.entries.iter().take_while(before) {
            // The name, the revision, the value and `}`.
            line += 4 + usize::from(slot.record.lease.is_some());
            line += count_lines(slot.record.value.as_str().as_bytes()) + lines_of(&slot.extra);
        }
        Some((line, "    \"".len()))
    }
}

/// `rest` and the digits of the sum of both.
fn with_own_digits(rest: usize) -> usize {
    let mut length = rest + 1;
    // One more digit at most each time, and the second time none: 10^n is above n.
    while length != rest + count_digits(length as u64) {
        length = rest + count_digits(length as u64);
    }
    length
}

/// Writes an entry, from its name on.
fn push_entry(out: &mut Vec<u8>, name: &str, slot: &Slot) {
    out.extend_from_slice(escaped(name).as_bytes());
    out.extend_from_slice(BEFORE_REVISION.as_bytes());
    push_number(out, slot.revision);
    if let Some(lease) = slot.record.lease {
        out.extend_from_slice(BEFORE_LEASE.as_bytes());
        out.extend_from_slice(&seal::digits(lease.0));
        out.push(b'"');
    }
    out.extend_from_slice(BEFORE_VALUE.as_bytes());
    out.extend_from_slice(slot.record.value.as_str().as_bytes());
    push_extra(out, &slot.extra, ",\n      ");
    out.extend_from_slice(AFTER_ENTRY.as_bytes());
}

fn push_extra(out: &mut Vec<u8>, extra: &Extra, separator: &str) {
    for field in extra.iter().flat_map(|fields| fields.iter()) {
        out.extend_from_slice(separator.as_bytes());
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(field.value.as_bytes());
    }
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
