//! Reading a document, whoever wrote it: any JSON that means one.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::layout::lay_out_part;
use super::parse::major_of;
use super::{Document, ENTRY_LEVEL, Extra, Field, Fields, MAX_REVISION, Sealed, Slot};
use super::{Parsed, Unreadable, is_hex, is_id, seal};
use crate::LeaseId;
use crate::json::{self, JsonError, count_lines};

/// The members of an object, as they stand there.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A member of an object.
#[derive(Clone, Copy)]
struct Member<'a> {
    /// Its name, with quotes and escapes.
    quoted: &'a str,
    value: &'a str,
}

/// The part of a text that is an object of the document.
struct Object<'a> {
    /// Where it begins.
    at: usize,
    /// Decoded names and what stands there, in the order of the text.
    members: Vec<(String, Member<'a>)>,
}

impl<'a> Object<'a> {
    fn find(&self, name: &str) -> Option<Member<'a>> {
        let found = self.members.iter().find(|(found, _)| found == name);
        found.map(|&(_, member)| member)
    }
}

/// Reads a text.
pub(super) struct General<'a> {
    text: &'a str,
}

impl<'a> General<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    pub(super) fn parse(&self, previous: Option<&Document>) -> Result<Parsed, Unreadable> {
        // Editors of some systems put this before a text.
        let body = self.text.strip_prefix('\u{feff}').unwrap_or(self.text);
        // This finds every fault of the syntax in the file.
        let whole: &RawValue =
            serde_json::from_str(body).map_err(|error| self.syntax(body, &error))?;
        let root = self.object(
            whole.get(),
            "the document, an object with `byname` and `entries`",
        )?;
        let Some(header) = root.find("byname") else {
            let names: Vec<_> = root.members.iter().take(4).map(|(name, _)| name).collect();
            return Err(self.not_ours(
                root.at,
                format!("this is no document of this program: expected an object with `byname` (its header) and `entries`, found one with {names:?}"),
            ));
        };
        let header = self.object(header.value, "the header, an object")?;
        // Nothing else is known of a later format.
        let format = self.format(&header)?;
        self.no_duplicates(&root)?;
        self.no_duplicates(&header)?;

        let id = self.required(&header, "id", "the header")?;
        let id = self.string(id.value, "32 hexadecimal digits in lower case", is_id)?;
        let revision = self.required(&header, "revision", "the header")?;
        let revision = self.revision(revision.value)?;
        let sealed = self.sealed(&header)?;
        let entries = self.required(&root, "entries", "the document")?;
        let entries = self.object(entries.value, "the entries, an object")?;
        self.no_duplicates(&entries)?;

        let mut places = BTreeMap::new();
        let mut slots = BTreeMap::new();
        let mut cursor = Cursor::default();
        for (name, member) in entries.members {
            let at = self.offset(member.quoted);
            if !crate::is_name(&name) {
                return Err(self.not_ours(
                    at,
                    format!(
                        "a name has 1 to {} bytes and no control characters",
                        crate::MAX_NAME
                    ),
                ));
            }
            let before =
                previous.and_then(|previous| previous.entries.get_key_value(name.as_str()));
            let slot = self.slot(member, before.map(|(_, slot)| slot))?;
            let name = before.map_or_else(|| name.into(), |(name, _)| Arc::clone(name));
            places.insert(Arc::clone(&name), cursor.place(self.text.as_bytes(), at));
            slots.insert(name, slot);
        }
        let known = ["format", "id", "revision", "length", "checksum"];
        let fields = Fields {
            format,
            header: self.extra(&header, &known, 2)?,
            root: self.extra(&root, &["byname", "entries"], 1)?,
        };
        Ok(Parsed {
            document: Document::of(id.into(), revision, fields, slots),
            sealed,
            places: Some(places),
        })
    }

    fn slot(&self, member: Member<'a>, previous: Option<&Slot>) -> Result<Slot, Unreadable> {
        let entry = self.object(
            member.value,
            "an entry, an object with `value` and perhaps `revision`",
        )?;
        self.no_duplicates(&entry)?;
        let revision = match entry.find("revision") {
            Some(revision) => self.revision(revision.value)?,
            None => 0,
        };
        let lease = match entry.find("lease") {
            Some(lease) => Some(self.lease(lease.value)?),
            None => None,
        };
        let value = self.required(&entry, "value", "the entry")?;
        let value = self.value(value.value, ENTRY_LEVEL)?;
        let extra = self.extra(&entry, &["revision", "lease", "value"], ENTRY_LEVEL)?;
        Ok(Slot::sharing(previous, revision, value, lease, extra))
    }

    /// The format, if it can be read here.
    fn format(&self, header: &Object<'a>) -> Result<Arc<str>, Unreadable> {
        let expected = "a version such as \"1.0\"";
        let format = self.required(header, "format", "the header")?;
        let text = self.string(format.value, expected, |text| major_of(text).is_some())?;
        match major_of(text) {
            Some("1") => Ok(text.into()),
            Some("0") => {
                Err(self.not_ours(self.offset(format.value), format!("expected {expected}")))
            }
            _ => Err(Unreadable::Format(text.to_owned())),
        }
    }

    fn sealed(&self, header: &Object<'a>) -> Result<Sealed, Unreadable> {
        let length = match header.find("length") {
            Some(length) => Some(self.number(length.value, "the number of bytes in the file")?),
            None => None,
        };
        let digits = match header.find("checksum") {
            Some(checksum) => Some(self.digits(checksum.value)?),
            None => None,
        };
        Ok(match (length, digits) {
            (Some(length), Some(Some(digits))) => seal::check(self.text.as_bytes(), length, digits),
            (Some(_), Some(None)) => Sealed::Wrong,
            _ => Sealed::Missing,
        })
    }

    /// Where the digits of the checksum are; `None` when the text is no checksum.
    fn digits(&self, raw: &'a str) -> Result<Option<Range<usize>>, Unreadable> {
        if !raw.starts_with('"') {
            return Err(self.unexpected(raw, "a checksum such as \"xxh3:0123456789abcdef\""));
        }
        let inner = &raw[1..raw.len() - 1];
        let digits = inner.strip_prefix(seal::PREFIX);
        Ok(digits
            .filter(|digits| seal::value(digits.as_bytes()).is_some())
            .map(|digits| {
                let start = self.offset(digits);
                start..start + digits.len()
            }))
    }

    fn lease(&self, raw: &'a str) -> Result<LeaseId, Unreadable> {
        let expected = "the 16 hexadecimal digits of a lease, in lower case";
        let digits = self.string(raw, expected, |text| text.len() == 16 && is_hex(text))?;
        seal::value(digits.as_bytes())
            .map(LeaseId)
            .ok_or_else(|| self.unexpected(raw, expected))
    }

    /// A string without escapes that `is_right`.
    fn string(
        &self,
        raw: &'a str,
        expected: &str,
        is_right: impl FnOnce(&str) -> bool,
    ) -> Result<&'a str, Unreadable> {
        raw.strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|text| is_right(text))
            .ok_or_else(|| self.unexpected(raw, expected))
    }

    fn revision(&self, raw: &'a str) -> Result<u64, Unreadable> {
        self.number(raw, "a revision")
    }

    fn number(&self, raw: &'a str, what: &str) -> Result<u64, Unreadable> {
        let is_whole = raw.bytes().all(|byte| byte.is_ascii_digit());
        let number = raw
            .parse()
            .ok()
            .filter(|&number| is_whole && number <= MAX_REVISION);
        number.ok_or_else(|| {
            self.unexpected(
                raw,
                &format!("{what}, a whole number from 0 to {MAX_REVISION}"),
            )
        })
    }

    /// A value or an unknown field, laid out.
    fn value(&self, raw: &'a str, level: usize) -> Result<Arc<str>, Unreadable> {
        match json::too_deep(raw) {
            None => Ok(lay_out_part(raw, level)),
            Some(at) => Err(self.not_ours(
                self.offset(raw) + at,
                format!("nested deeper than {} levels", json::MAX_DEPTH),
            )),
        }
    }

    fn extra(
        &self,
        object: &Object<'a>,
        known: &[&str],
        level: usize,
    ) -> Result<Extra, Unreadable> {
        let mut fields = Vec::new();
        for (name, member) in &object.members {
            if !known.contains(&name.as_str()) {
                fields.push(Field {
                    name: member.quoted.into(),
                    value: self.value(member.value, level)?,
                });
            }
        }
        Ok((!fields.is_empty()).then(|| fields.into()))
    }

    fn required(
        &self,
        object: &Object<'a>,
        name: &str,
        of: &str,
    ) -> Result<Member<'a>, Unreadable> {
        object
            .find(name)
            .ok_or_else(|| self.not_ours(object.at, format!("`{name}` is missing in {of}")))
    }

    fn no_duplicates(&self, object: &Object<'a>) -> Result<(), Unreadable> {
        let mut names = HashSet::with_capacity(object.members.len());
        for (name, member) in &object.members {
            if !names.insert(name.as_str()) {
                return Err(self.not_ours(
                    self.offset(member.quoted),
                    format!("{name:?} is there twice in one object"),
                ));
            }
        }
        Ok(())
    }

    /// Reads the members of an object; `raw` is valid JSON within the text.
    fn object(&self, raw: &'a str, expected: &str) -> Result<Object<'a>, Unreadable> {
        if !raw.starts_with('{') {
            return Err(self.unexpected(raw, expected));
        }
        let members: Members<'a> =
            serde_json::from_str(raw).map_err(|_| self.unexpected(raw, expected))?;
        let mut decoded = Vec::with_capacity(members.0.len());
        for (name, value) in members.0 {
            let quoted = name.get();
            let name = if quoted.contains('\\') {
                // Half of a surrogate pair is no character, and no other fault is left.
                serde_json::from_str(quoted).map_err(|_| {
                    Unreadable::Syntax(self.error(
                        self.offset(quoted),
                        "an escape in this name stands for no character".to_owned(),
                    ))
                })?
            } else {
                quoted[1..quoted.len() - 1].to_owned()
            };
            let value = value.get();
            decoded.push((name, Member { quoted, value }));
        }
        Ok(Object {
            at: self.offset(raw),
            members: decoded,
        })
    }

    fn unexpected(&self, raw: &'a str, expected: &str) -> Unreadable {
        let found = match raw.as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "another string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "another number",
        };
        self.not_ours(
            self.offset(raw),
            format!("expected {expected}, found {found}"),
        )
    }

    fn not_ours(&self, at: usize, message: String) -> Unreadable {
        Unreadable::NotOurs(self.error(at, message))
    }

    fn error(&self, at: usize, message: String) -> JsonError {
        JsonError::at(self.text.as_bytes(), at, message)
    }

    fn syntax(&self, body: &str, error: &serde_json::Error) -> Unreadable {
        let mut error = JsonError::of(error);
        // What reads values says more of some faults than what passes over them, a comma too many
        // above all.
        if let Err(other) = serde_json::from_str::<serde_json::Value>(body) {
            let other = JsonError::of(&other);
            if (other.line, other.column) == (error.line, error.column) {
                error = other;
            }
        }
        if error.line == 1 && self.text.starts_with('\u{feff}') {
            error.column += '\u{feff}'.len_utf8();
        }
        // After a line feed the column is 0 where the text ends.
        error.column = error.column.max(1);
        Unreadable::Syntax(error)
    }

    /// Where a part of the text begins in it.
    fn offset(&self, part: &'a str) -> usize {
        part.as_ptr().addr() - self.text.as_ptr().addr()
    }
}

/// Finds lines and columns of places that are asked for in their order.
#[derive(Default)]
struct Cursor {
    at: usize,
    line: usize,
    /// Where the line begins.
    start: usize,
}

impl Cursor {
    fn place(&mut self, bytes: &[u8], at: usize) -> (usize, usize) {
        let passed = &bytes[self.at..at];
        self.line += count_lines(passed);
        if let Some(last) = passed.iter().rposition(|&byte| byte == b'\n') {
            self.start = self.at + last + 1;
        }
        self.at = at;
        (self.line + 1, at - self.start + 1)
    }
}
