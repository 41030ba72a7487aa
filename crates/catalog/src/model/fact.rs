use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};

/// Holds what is known about one thing: a value, that there is none, or nothing at all.
///
/// The three are different in memory, in JSON and in YAML:
///
/// | fact | in a record | means |
/// |---|---|---|
/// | `Unknown` | the key is missing | nobody said anything |
/// | `Absent` | the key is there and `null` | somebody said that there is none |
/// | `Known(value)` | the key is there with the value | somebody said so |
///
/// A field of this type carries `#[serde(default, skip_serializing_if = "Fact::is_unknown")]`;
/// an unknown fact that is written all the same is an error, because it would read back as
/// another one.
///
/// # Examples
///
/// ```
/// use byname_catalog::model::Fact;
///
/// let context = Fact::Known(128_000_u64);
/// assert_eq!(context.known(), Some(&128_000));
/// assert_ne!(Fact::<u64>::Absent, Fact::Unknown);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Fact<T> {
    /// Says that nothing is known.
    #[default]
    Unknown,
    /// Says that it is known that there is no value.
    Absent,
    /// Holds the known value.
    Known(T),
}

impl<T> Fact<T> {
    /// Returns the value if it is known.
    #[must_use]
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown | Self::Absent => None,
        }
    }

    /// Turns the fact into its value if it is known.
    #[must_use]
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown | Self::Absent => None,
        }
    }

    /// Borrows the value inside, keeping unknown and absent as they are.
    #[must_use]
    pub const fn as_ref(&self) -> Fact<&T> {
        match self {
            Self::Known(value) => Fact::Known(value),
            Self::Absent => Fact::Absent,
            Self::Unknown => Fact::Unknown,
        }
    }

    /// Applies `f` to the value if it is known, keeping unknown and absent as they are.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(f(value)),
            Self::Absent => Fact::Absent,
            Self::Unknown => Fact::Unknown,
        }
    }

    /// Tells whether the value is known.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    /// Tells whether it is known that there is no value.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Tells whether nothing is known.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl<T> From<T> for Fact<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Absent => serializer.serialize_none(),
            Self::Unknown => Err(S::Error::custom(
                "an unknown fact has no written form; leave its key out",
            )),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fact<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::deserialize(deserializer)? {
            Some(value) => Self::Known(value),
            None => Self::Absent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        #[serde(default, skip_serializing_if = "Fact::is_unknown")]
        limit: Fact<u64>,
    }

    #[test]
    fn the_three_are_written_differently_and_read_back() {
        for (fact, text) in [
            (Fact::Unknown, "{}"),
            (Fact::Absent, r#"{"limit":null}"#),
            (Fact::Known(0), r#"{"limit":0}"#),
        ] {
            let record = Record { limit: fact };
            assert_eq!(serde_json::to_string(&record).unwrap(), text);
            assert_eq!(serde_json::from_str::<Record>(text).unwrap(), record);
        }
    }

    #[test]
    fn an_unknown_fact_is_never_written_as_another() {
        let error = serde_json::to_string(&Fact::<u64>::Unknown).unwrap_err();
        assert_eq!(
            error.to_string(),
            "an unknown fact has no written form; leave its key out"
        );
    }
}
