use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::Invalid;

/// Says how a machine is reached.
///
/// An open vocabulary: a kind that this program does not know is kept and listed, and refused only
/// when a connection is asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// This machine itself.
    pub const LOCAL: Self = Self(Cow::Borrowed("local"));
    /// Through the system's `ssh`.
    pub const SSH: Self = Self(Cow::Borrowed("ssh"));
    /// The kinds to which this program can connect.
    pub const KNOWN: [Self; 2] = [Self::LOCAL, Self::SSH];

    /// Reads a kind: 1 to 32 of `a`–`z`, `0`–`9`, `_` and `-`, the first a letter.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text is not one.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let bytes = text.as_bytes();
        let valid = bytes.len() <= 32
            && bytes.first().is_some_and(u8::is_ascii_lowercase)
            && bytes
                .iter()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
        if valid {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(Invalid::new(
                "kind",
                text,
                "`local`, `ssh` or another kind of 1 to 32 of a-z, 0-9, `_`, `-`, beginning with a letter",
            ))
        }
    }

    /// Whether this program can connect to machines of this kind.
    #[must_use]
    pub fn is_known(&self) -> bool {
        Self::KNOWN.contains(self)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Kind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::new(text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
