use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::Invalid;

/// The longest name, in bytes.
const MAX: usize = 63;

/// Names a machine: 1 to 63 of `a`–`z`, `0`–`9`, `.`, `_` and `-`, the first a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineName(Arc<str>);

impl MachineName {
    /// The name of this machine, which is always there.
    pub const LOCAL: &'static str = "local";

    /// Reads a name.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text is not one.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let valid = bytes.len() <= MAX
            && bytes.first().is_some_and(|&first| plain(first))
            && bytes
                .iter()
                .all(|&byte| plain(byte) || matches!(byte, b'.' | b'_' | b'-'));
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(Invalid::new(
                "name",
                text,
                "1 to 63 of a-z, 0-9, `.`, `_`, `-`, beginning with a letter or digit",
            ))
        }
    }

    /// Returns the name of this machine.
    #[must_use]
    pub fn local() -> Self {
        Self(Self::LOCAL.into())
    }

    /// Whether it is the name of this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        &*self.0 == Self::LOCAL
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MachineName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::new(text)
    }
}

impl Borrow<str> for MachineName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for MachineName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for MachineName {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for MachineName {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for MachineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for MachineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for MachineName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
