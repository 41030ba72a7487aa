//! What must hold of any bytes: the fuzz target and the tests run it.

use std::sync::Arc;

use super::{Document, Sealed, Slot, Unreadable};

/// Checks that reading `bytes` does not panic, that the fast path and the general one read the same,
/// and that what was read is written and read again as it was; both for the bytes and for the bytes
/// with a right seal in the place of the one they have.
///
/// # Panics
///
/// When something of it does not hold.
pub(crate) fn check(bytes: &[u8]) {
    check_one(bytes);
    if let Some(sealed) = seal_again(bytes) {
        check_one(&sealed);
    }
}

fn check_one(bytes: &[u8]) {
    let general = Document::parse_general(bytes);
    let fast = Document::parse(bytes, None);
    assert_same(&fast, &general);
    let Ok(parsed) = general else {
        return;
    };
    let rendered = parsed.document.render();
    let again = Document::parse(&rendered.bytes, None).expect("what was rendered can be read");
    assert_eq!(again.sealed, Sealed::Right(rendered.checksum));
    assert_eq!(again.document, parsed.document);
    assert_eq!(again.document.render(), rendered);
    assert_same(&Ok(again), &Document::parse_general(&rendered.bytes));

    // With a previous document that has every other entry as it is, and the rest otherwise.
    let mut previous = parsed.document.clone();
    let names: Vec<_> = previous.entries().keys().cloned().collect();
    for (at, name) in names.into_iter().enumerate() {
        match at % 4 {
            1 => {
                previous.remove(&name);
            }
            2 => {
                let slot = previous.get(&name).cloned().map(|slot| Slot {
                    revision: slot.revision / 2,
                    extra: None,
                    ..slot
                });
                let longer = Arc::from(format!("{name}!"));
                if crate::is_name(&longer) {
                    previous.restore(longer, slot.clone());
                }
                previous.restore(name, slot);
            }
            _ => {}
        }
    }
    assert_same(
        &Document::parse(&rendered.bytes, Some(&previous)),
        &Document::parse_general(&rendered.bytes),
    );
    assert_same(&Document::parse(bytes, Some(&previous)), &fast);
}

fn assert_same(one: &Result<super::Parsed, Unreadable>, other: &Result<super::Parsed, Unreadable>) {
    match (one, other) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.document, other.document);
            assert_eq!(one.document.size, other.document.size);
            assert_eq!(one.sealed, other.sealed);
            // Equality of values does not see white space; this does.
            assert_eq!(one.document.render(), other.document.render());
            for name in one.document.entries().keys() {
                assert_eq!(one.place_of(name), other.place_of(name), "{name}");
            }
        }
        (Err(one), Err(other)) => assert_eq!(one, other),
        _ => panic!("{one:?} and {other:?}"),
    }
}

/// Sets length and checksum where they are written as a program writes them.
pub(super) fn seal_again(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(bytes).ok()?;
    let marker = "\"length\": ";
    let start = text.find(marker)? + marker.len();
    let digits = text[start..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let (before, after) = (&text[..start], &text[start + digits..]);
    let rest = before.len() + after.len();
    let length = (1..=20).find(|digits| (rest + digits).to_string().len() == *digits)? + rest;
    let text = format!("{before}{length}{after}");
    let marker = "\"checksum\": \"xxh3:";
    let start = text.find(marker)? + marker.len();
    let end = start + super::seal::DIGITS;
    let mut bytes = text.into_bytes();
    bytes
        .get_mut(start..end)?
        .copy_from_slice(&super::seal::ZEROS);
    let checksum = super::seal::of_zeroed(&bytes);
    bytes[start..end].copy_from_slice(&super::seal::digits(checksum));
    Some(bytes)
}
