//! A place in a list, in a form that a client hands back.

use std::error::Error;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The first byte of every cursor: how the rest is written.
const VERSION: u8 = 1;
/// Bytes of the version and the checksum before the key.
const HEAD: usize = 5;
/// No key is longer; what is, was not made here.
const LONGEST: usize = 8 * 1024;

/// The place in the list after one key, whether or not that key is still there.
///
/// It holds the key itself and nothing of a revision, so it means the same in every later one:
/// a client that pages through a changing catalog sees each key that was there throughout
/// exactly once, and none twice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cursor {
    name: String,
}

impl Cursor {
    /// The place right after a registry name.
    pub(super) fn after(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// The registry name after which the list goes on.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    ///
    /// # Errors
    ///
    /// [`CursorError`] for everything else.
    pub fn parse(text: &str) -> Result<Self, CursorError> {
        if text.len() > LONGEST {
            return Err(CursorError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
        let (head, name) = bytes.split_at_checked(HEAD).ok_or(CursorError)?;
        if head[0] != VERSION || head[1..] != checksum(name).to_le_bytes() {
            return Err(CursorError);
        }
        let name = std::str::from_utf8(name).map_err(|_| CursorError)?;
        Ok(Self::after(name))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_bytes();
        let mut bytes = Vec::with_capacity(HEAD + name.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&checksum(name).to_le_bytes());
        bytes.extend_from_slice(name);
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// Tells a cursor that was cut or mistyped from one that was made here (FNV-1a, 32 bits).
///
/// It keeps nobody from making one: a cursor gives access to nothing.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// Says that a text is no cursor that this program made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CursorError;

impl fmt::Display for CursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a cursor from an earlier answer; leave it out to begin anew")
    }
}

impl Error for CursorError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        for name in ["openai gpt-4o", "x a/b:c@d%e", "é 模型", ""] {
            let cursor = Cursor::after(name);
            assert_eq!(Cursor::parse(&cursor.to_string()), Ok(cursor));
        }
    }

    #[test]
    fn it_needs_no_encoding_in_a_url() {
        let text = Cursor::after("é a?b&c=d/e+f~~~ÿ").to_string();
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
            "{text}"
        );
    }

    #[test]
    fn anything_else_is_refused() {
        let good = Cursor::after("openai gpt-4o").to_string();
        let mut cut = good.clone();
        cut.pop();
        let mut swapped = good.clone().into_bytes();
        swapped.swap(10, 11);
        let swapped = String::from_utf8(swapped).unwrap();
        let long = "A".repeat(LONGEST + 1);
        for wrong in [
            "",
            "abc",
            "%%%",
            "0",
            &cut,
            &swapped,
            &format!("{good}="),
            &long,
        ] {
            assert_eq!(Cursor::parse(wrong), Err(CursorError), "{wrong}");
        }
    }
}
