//! Where the next page of a list begins.

use std::fmt;

use crate::model::MachineName;

/// The place in a list of machines that comes right after a name, whether or not that is there still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    after: MachineName,
}

impl Cursor {
    pub(super) fn after(name: &MachineName) -> Self {
        Self {
            after: name.clone(),
        }
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sum, name) = text.split_once('-')?;
        let after = MachineName::new(name).ok()?;
        (sum == format!("{:08x}", checksum(name.as_bytes()))).then_some(Self { after })
    }

    pub(super) fn name(&self) -> &str {
        self.after.as_str()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        write!(f, "{:08x}-{name}", checksum(name.as_bytes()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_anything_else_is_refused() {
        for name in ["local", "gpu-1", "0.a_b-", "a"] {
            let cursor = Cursor::after(&MachineName::new(name).unwrap());
            let text = cursor.to_string();
            assert_eq!(Cursor::parse(&text), Some(cursor));
            assert!(
                text.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
            );
            assert_eq!(Cursor::parse(&text[..text.len() - 1]), None, "{text}");
            assert_eq!(Cursor::parse(&format!("{text}x")), None, "{text}");
        }
        for wrong in ["", "-", "gpu-1", "00000000-gpu-1", "00000000-", "é"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
    }
}
