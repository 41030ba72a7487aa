use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// Says which field of a machine has which value, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invalid {
    /// The field, as it is written in a document; an inner one with its path, `labels.gpu`.
    pub field: String,
    /// The value, shortened to 80 characters.
    pub value: String,
    /// What was expected.
    pub expected: Cow<'static, str>,
}

/// How much of a value is repeated in a message, in characters.
const SHOWN: usize = 80;

impl Invalid {
    pub(crate) fn new(
        field: impl Into<String>,
        value: &str,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut shown: String = value.chars().take(SHOWN).collect();
        if shown.len() < value.len() {
            shown.push('…');
        }
        Self {
            field: field.into(),
            value: shown,
            expected: expected.into(),
        }
    }

    /// One text for several.
    pub(crate) fn join(problems: &[Self]) -> String {
        let texts: Vec<_> = problems.iter().map(Self::to_string).collect();
        texts.join("; ")
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            value,
            expected,
        } = self;
        write!(f, "{field}: found {value:?}, expected {expected}")
    }
}

impl Error for Invalid {}
