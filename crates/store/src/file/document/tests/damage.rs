//! Damaged files. The predecessor could not be opened again after a power cut had left an empty
//! file, and took whatever parsed for a registry: here every fault of the bytes is told.

use super::{small, text};
use crate::file::document::check::check;
use crate::file::document::{Document, Sealed, Unreadable};

#[test]
fn empty_file() {
    assert_eq!(Document::parse(b"", None).unwrap_err(), Unreadable::Empty);
}

#[test]
fn file_of_zeros() {
    for length in [1, 2, 4_096] {
        assert_eq!(
            Document::parse(&vec![0; length], None).unwrap_err(),
            Unreadable::Zeros
        );
    }
}

#[test]
fn every_flip_is_told() {
    let document = small();
    let bytes = document.render().bytes;
    for at in 0..bytes.len() {
        for flip in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            if let Ok(parsed) = Document::parse(&damaged, Some(&document)) {
                assert!(
                    !matches!(parsed.sealed, Sealed::Right(_)),
                    "byte {at} changed by {flip:#x}"
                );
            }
            if flip == 0x01 || flip == 0x20 {
                check(&damaged);
            }
        }
    }
}

#[test]
fn every_byte_in_every_place_is_told() {
    let document = small();
    let bytes = document.render().bytes;
    // Around the seal and the first entry, all values.
    for at in 0..bytes.len().min(260) {
        for byte in 0..=255 {
            let mut damaged = bytes.clone();
            damaged[at] = byte;
            match Document::parse(&damaged, Some(&document)) {
                Ok(parsed) if byte == bytes[at] => assert_eq!(parsed.document, document),
                Ok(parsed) => assert!(!matches!(parsed.sealed, Sealed::Right(_)), "{at} {byte}"),
                Err(_) => assert_ne!(byte, bytes[at]),
            }
        }
    }
}

#[test]
fn every_cut_is_told() {
    let document = small();
    let bytes = document.render().bytes;
    for length in 0..bytes.len() {
        match Document::parse(&bytes[..length], Some(&document)) {
            Err(Unreadable::Empty) => assert_eq!(length, 0),
            Err(Unreadable::Syntax(error)) => {
                assert!((1..bytes.len() - 1).contains(&length), "{length}");
                assert!(error.line >= 1 && error.column >= 1, "{length}: {error}");
            }
            // Without the last line feed it is whole, and not what was written.
            Ok(parsed) => {
                assert_eq!(length, bytes.len() - 1);
                assert_eq!(parsed.sealed, Sealed::Wrong);
                assert_eq!(parsed.document, document);
            }
            Err(error) => panic!("{length}: {error:?}"),
        }
        check(&bytes[..length]);
    }
}

#[test]
fn every_tail_of_zeros_is_told() {
    let bytes = small().render().bytes;
    for length in 1..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[length..].fill(0);
        assert!(
            matches!(Document::parse(&damaged, None), Err(Unreadable::Syntax(_))),
            "{length}"
        );
    }
}

#[test]
fn seal_in_other_letters_is_wrong() {
    let text = text();
    let start = text.find("xxh3:").unwrap();
    let checksum = &text[start..start + 21];
    let digits = &checksum[5..];
    let number = u64::from_str_radix(digits, 16).unwrap();
    assert!(digits.contains(|digit: char| digit.is_ascii_lowercase()));
    for other in [
        format!("xxh3:{}", digits.to_uppercase()),
        format!("XXH3:{digits}"),
        format!("xxh3:{number:x}"),
        format!("xxh3:+{}", &digits[1..]),
        format!("xxh3: {digits}"),
        String::new(),
    ] {
        if other == checksum {
            continue;
        }
        let parsed = Document::parse(text.replace(checksum, &other).as_bytes(), None).unwrap();
        assert_eq!(parsed.sealed, Sealed::Wrong, "{other}");
        assert_eq!(parsed.document, small());
    }
}

#[test]
fn seal_that_is_missing() {
    let text = text();
    let line = |name: &str| {
        let start = text.find(&format!("    \"{name}\"")).unwrap();
        let end = start + text[start..].find('\n').unwrap() + 1;
        text[start..end].to_owned()
    };
    let (length, checksum) = (line("length"), line("checksum"));
    let without_checksum = text.replace(&format!(",\n{checksum}"), "\n");
    for text in [
        text.replace(&length, ""),
        without_checksum.clone(),
        without_checksum.replace(&format!(",\n{}", length.trim_end_matches(",\n")), ""),
    ] {
        let parsed = Document::parse(text.as_bytes(), None).unwrap();
        assert_eq!(parsed.sealed, Sealed::Missing, "{text}");
        assert_eq!(parsed.document, small());
    }
}

/// Where the text was cut and put together again, or somebody has computed the checksum only.
#[test]
fn length_that_is_wrong_under_a_right_checksum() {
    let text = text();
    let length = format!("\"length\": {}", text.len());
    let checksum = |text: &str| {
        let start = text.find("xxh3:").unwrap() + 5;
        let zeroed = format!(
            "{}{}{}",
            &text[..start],
            "0".repeat(16),
            &text[start + 16..]
        );
        let digits = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(zeroed.as_bytes()));
        format!("{}{digits}{}", &text[..start], &text[start + 16..])
    };
    assert_eq!(checksum(&text), text);
    for wrong in [text.len() - 1, text.len() + 1, 0] {
        let edited = checksum(&text.replace(&length, &format!("\"length\": {wrong}")));
        let parsed = Document::parse(edited.as_bytes(), None).unwrap();
        assert_eq!(parsed.sealed, Sealed::Wrong);
        assert_eq!(parsed.document, small());
    }
}
