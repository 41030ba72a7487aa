//! Reading a document as anybody would who has only its description.

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

/// A document whose seal is right.
pub(crate) struct Sealed {
    pub(crate) revision: u64,
    pub(crate) entries: serde_json::Map<String, Value>,
}

/// Reads a document.
///
/// # Panics
///
/// When it does not parse, or its length or checksum is wrong.
pub(crate) fn read(bytes: &[u8]) -> Sealed {
    let mut document: Value = serde_json::from_slice(bytes).unwrap();
    let header = document["byname"].clone();
    assert_eq!(header["format"], "1.0");
    assert_eq!(header["length"], bytes.len());
    let sum = header["checksum"].as_str().unwrap();
    let digits = sum.strip_prefix("xxh3:").unwrap();
    assert_eq!(digits.len(), 16);
    let at = bytes
        .windows(sum.len())
        .position(|window| window == sum.as_bytes());
    let at = at.unwrap() + "xxh3:".len();
    let mut unsealed = bytes.to_vec();
    unsealed[at..at + 16].fill(b'0');
    assert_eq!(digits, format!("{:016x}", xxh3_64(&unsealed)));
    let Value::Object(entries) = document["entries"].take() else {
        panic!("`entries` is no object");
    };
    Sealed {
        revision: header["revision"].as_u64().unwrap(),
        entries,
    }
}
