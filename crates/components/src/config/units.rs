//! Settings that are written with their unit.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::time::Duration as StdDuration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// From the largest to the smallest, in nanoseconds.
const TIMES: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// In the order in which one is chosen to write a number of bytes.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// A length of time: `30s`, `1m30s`, `250ms`, `2h`, `0s`.
///
/// Whole numbers, each with a unit of `d`, `h`, `m`, `s`, `ms`, `us` and `ns`, the larger one first and
/// none twice. A number without a unit is an error. It is written in the same way, as short as it can be:
/// `90s` as `1m30s`.
///
/// # Examples
///
/// ```
/// use byname_components::config::units::Duration;
///
/// let within: Duration = "90s".parse()?;
/// assert_eq!(within.as_secs(), 90);
/// assert_eq!(within.to_string(), "1m30s");
/// # Ok::<(), byname_components::config::units::UnitError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(StdDuration);

/// A number of bytes: `10MiB`, `1kB`, `512B`, `0B`.
///
/// One whole number with a unit of `B`, `kB`, `MB`, `GB`, `TB` (powers of 1000), `KiB`, `MiB`, `GiB` and
/// `TiB` (powers of 1024). A number without a unit is an error. It is written in the same way, with the
/// largest unit that leaves a whole number, those of 1024 before those of 1000.
///
/// # Examples
///
/// ```
/// use byname_components::config::units::Bytes;
///
/// let most: Bytes = "10MiB".parse()?;
/// assert_eq!(most.get(), 10 * 1024 * 1024);
/// # Ok::<(), byname_components::config::units::UnitError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(u64);

/// Why a text is no [`Duration`] or no [`Bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitError {
    message: String,
}

impl UnitError {
    fn new(message: String) -> Self {
        Self { message }
    }
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for UnitError {}

const TIME: &str = "a length of time with units (d, h, m, s, ms, us, ns), as `30s` or `1m30s`";
const SIZE: &str =
    "a number of bytes with its unit (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB), as `10MiB`";

impl Duration {
    /// Makes it from the standard one.
    #[must_use]
    pub const fn new(duration: StdDuration) -> Self {
        Self(duration)
    }

    /// Returns the standard one.
    #[must_use]
    pub const fn get(self) -> StdDuration {
        self.0
    }
}

impl Bytes {
    /// Makes it from a number of bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Returns the number of bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Takes a whole number and the letters behind it off the beginning of a text.
fn part(text: &str) -> (&str, &str, &str) {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let letters = rest
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(letters);
    (number, unit, rest)
}

impl FromStr for Duration {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = |why: &str| UnitError::new(format!("expected {TIME}, found `{text}`{why}"));
        let mut rest = text;
        let mut nanos: u128 = 0;
        let mut units = TIMES.iter();
        loop {
            let (number, unit, after) = part(rest);
            if number.is_empty() {
                return Err(wrong(""));
            }
            if unit.is_empty() {
                return Err(wrong(&format!(": `{number}` has no unit")));
            }
            let Some((_, each)) = units.find(|(name, _)| *name == unit) else {
                let known = TIMES.iter().any(|(name, _)| *name == unit);
                let why = if known {
                    format!(": `{unit}` comes twice or behind a smaller unit")
                } else {
                    format!(": `{unit}` is no unit")
                };
                return Err(wrong(&why));
            };
            nanos = number
                .parse::<u128>()
                .ok()
                .and_then(|number| number.checked_mul(*each))
                .and_then(|more| nanos.checked_add(more))
                .ok_or_else(|| wrong(": that is too long"))?;
            if after.is_empty() {
                break;
            }
            rest = after;
        }
        let seconds = u64::try_from(nanos / 1_000_000_000);
        let seconds = seconds.map_err(|_| wrong(": that is too long"))?;
        #[allow(clippy::cast_possible_truncation, reason = "below 10^9")]
        let below = (nanos % 1_000_000_000) as u32;
        Ok(Self(StdDuration::new(seconds, below)))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0.as_nanos();
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, each) in TIMES {
            if left >= each {
                write!(f, "{}{unit}", left / each)?;
                left %= each;
            }
        }
        Ok(())
    }
}

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = |why: &str| UnitError::new(format!("expected {SIZE}, found `{text}`{why}"));
        let (number, unit, rest) = part(text);
        if number.is_empty() || !rest.is_empty() {
            return Err(wrong(""));
        }
        if unit.is_empty() {
            return Err(wrong(&format!(": `{number}` has no unit")));
        }
        let each = SIZES.iter().find(|(name, _)| *name == unit);
        let (_, each) = each.ok_or_else(|| wrong(&format!(": `{unit}` is no unit")))?;
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*each))
            .map(Self)
            .ok_or_else(|| wrong(": that is too much"))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |each: u64| self.0 > 0 && self.0.is_multiple_of(each);
        let found = SIZES.iter().find(|(_, each)| fits(*each));
        let (unit, each) = found.unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / each)
    }
}

macro_rules! written {
    ($type:ident, $std:ty, $expected:expr, $pattern:expr) => {
        impl Deref for $type {
            type Target = $std;

            fn deref(&self) -> &$std {
                &self.0
            }
        }

        impl From<$std> for $type {
            fn from(value: $std) -> Self {
                Self(value)
            }
        }

        impl From<$type> for $std {
            fn from(value: $type) -> Self {
                value.0
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Written;

                impl Visitor<'_> for Written {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Written)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($type)).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": $expected,
                    "pattern": $pattern,
                })
            }
        }
    };
}

written!(
    Duration,
    StdDuration,
    TIME,
    "^(?=.)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?(\\d+us)?(\\d+ns)?$"
);
written!(Bytes, u64, SIZE, "^\\d+(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, nanos, canonical) in [
            ("30s", 30_000_000_000_u128, "30s"),
            ("1m30s", 90_000_000_000, "1m30s"),
            ("90s", 90_000_000_000, "1m30s"),
            ("250ms", 250_000_000, "250ms"),
            ("2h", 7_200_000_000_000, "2h"),
            ("0s", 0, "0s"),
            ("0d", 0, "0s"),
            ("36h", 129_600_000_000_000, "1d12h"),
            ("1us1ns", 1001, "1us1ns"),
        ] {
            let time: Duration = text.parse().unwrap();
            assert_eq!(time.as_nanos(), nanos, "{text}");
            assert_eq!(time.to_string(), canonical);
        }
    }

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes, canonical) in [
            ("10MiB", 10 << 20, "10MiB"),
            ("1kB", 1000, "1kB"),
            ("512B", 512, "512B"),
            ("0B", 0, "0B"),
            ("0GiB", 0, "0B"),
            ("2048B", 2048, "2KiB"),
            ("18446744073709551615B", u64::MAX, "18446744073709551615B"),
        ] {
            let size: Bytes = text.parse().unwrap();
            assert_eq!(size.get(), bytes, "{text}");
            assert_eq!(size.to_string(), canonical);
        }
    }

    #[test]
    fn what_is_wrong_says_why_and_names_the_units() {
        for (text, why) in [
            ("30", "`30` has no unit"),
            ("1m30", "`30` has no unit"),
            ("1s1m", "`m` comes twice or behind a smaller unit"),
            ("1s1s", "`s` comes twice or behind a smaller unit"),
            ("1S", "`S` is no unit"),
            ("1.5s", "`.` is no unit"),
            ("1 s", "` s` is no unit"),
            ("99999999999999999999999d", "that is too long"),
            (
                "9999999999999999999999999999999999999999d",
                "that is too long",
            ),
            ("", "found ``"),
            ("s", "found `s`"),
            ("-1s", "found `-1s`"),
            ("١s", "found `١s`"),
        ] {
            let error = text.parse::<Duration>().unwrap_err().to_string();
            assert!(error.contains(TIME) && error.ends_with(why), "{error}");
        }
        for (text, why) in [
            ("10", "`10` has no unit"),
            ("1KB", "`KB` is no unit"),
            ("1Mi", "`Mi` is no unit"),
            ("1MB1B", "found `1MB1B`"),
            ("99999999TiB", "that is too much"),
        ] {
            let error = text.parse::<Bytes>().unwrap_err().to_string();
            assert!(error.contains(SIZE) && error.ends_with(why), "{error}");
        }
        let error = serde_json::from_str::<Duration>("30").unwrap_err();
        assert!(error.to_string().contains(TIME), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos in any::<u64>(), seconds in any::<u64>(), bytes in any::<u64>()) {
            for time in [StdDuration::from_nanos(nanos), StdDuration::from_secs(seconds)] {
                let time = Duration::from(time);
                let json = serde_json::to_string(&time).unwrap();
                prop_assert_eq!(serde_json::from_str::<Duration>(&json).unwrap(), time);
            }
            let bytes = Bytes::from(bytes);
            let json = serde_json::to_string(&bytes).unwrap();
            prop_assert_eq!(serde_json::from_str::<Bytes>(&json).unwrap(), bytes);
        }

        #[test]
        fn no_text_panics(text in any::<String>(), likely in "[0-9a-zA-Z.]{0,12}") {
            for text in [text, likely] {
                let _ = text.parse::<Duration>();
                let _ = text.parse::<Bytes>();
            }
        }
    }
}
