//! Length and checksum of a document.

use std::ops::Range;

use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

/// How many digits a checksum has.
pub(super) const DIGITS: usize = 16;
/// What stands in their place while the checksum is computed.
pub(super) const ZEROS: [u8; DIGITS] = [b'0'; DIGITS];
/// What stands before them.
pub(super) const PREFIX: &str = "xxh3:";

/// Whether a document is as a program wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// Length and checksum are there and right; this is the checksum.
    Right(u64),
    /// The length or the checksum is wrong.
    Wrong,
    /// The length or the checksum is missing.
    Missing,
}

/// The checksum of a text in which the digits of the checksum are zeros.
pub(super) fn of_zeroed(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Whether `length`, and the checksum whose digits are at `digits`, are those of `bytes`.
pub(super) fn check(bytes: &[u8], length: u64, digits: Range<usize>) -> Sealed {
    if length != bytes.len() as u64 {
        return Sealed::Wrong;
    }
    let Some(stated) = value(&bytes[digits.clone()]) else {
        return Sealed::Wrong;
    };
    let mut hash = Xxh3Default::new();
    hash.update(&bytes[..digits.start]);
    hash.update(&ZEROS);
    hash.update(&bytes[digits.end..]);
    if hash.digest() == stated {
        Sealed::Right(stated)
    } else {
        Sealed::Wrong
    }
}

/// The number that 16 hexadecimal digits in lower case are.
pub(super) fn value(digits: &[u8]) -> Option<u64> {
    let text = str::from_utf8(digits).ok()?;
    if text.len() != DIGITS || !super::is_hex(text) {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
}

/// A number as 16 hexadecimal digits in lower case.
pub(super) fn digits(value: u64) -> [u8; DIGITS] {
    std::array::from_fn(|at| {
        let nibble = value >> (60 - 4 * at) & 0xf;
        b"0123456789abcdef"[nibble as usize]
    })
}
