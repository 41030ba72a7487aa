use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Keeps a date of the Gregorian calendar, with or without its day.
///
/// Written `YYYY-MM-DD` or `YYYY-MM`. A month orders before its days.
///
/// # Examples
///
/// ```
/// use byname_catalog::model::Date;
///
/// let cutoff: Date = "2024-10".parse()?;
/// assert_eq!(cutoff.day(), None);
/// assert!(cutoff < "2024-10-01".parse()?);
/// assert!("2025-02-31".parse::<Date>().is_err());
/// # Ok::<(), byname_catalog::model::DateError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    // 0 where the day is not stated, so that the derived order is the documented one.
    day: u8,
}

/// Says why a text is not a [`Date`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DateError {
    /// The text is not of the form `YYYY-MM-DD` or `YYYY-MM`.
    Syntax,
    /// The calendar has no such day.
    NoSuchDay,
}

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not a date; expected YYYY-MM-DD or YYYY-MM",
            Self::NoSuchDay => "a day that the calendar does not have",
        })
    }
}

impl std::error::Error for DateError {}

impl Date {
    /// Returns the day of the given number in a month, or the month itself.
    ///
    /// # Errors
    ///
    /// [`DateError::NoSuchDay`] if the calendar has no such day or month; a year is 1 to 9999.
    pub const fn new(year: u16, month: u8, day: Option<u8>) -> Result<Self, DateError> {
        if year == 0 || year > 9999 || month == 0 || month > 12 {
            return Err(DateError::NoSuchDay);
        }
        let day = match day {
            None => 0,
            Some(day) if day >= 1 && day <= days_in(year, month) => day,
            Some(_) => return Err(DateError::NoSuchDay),
        };
        Ok(Self { year, month, day })
    }

    /// Returns the day in UTC that holds a time in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`DateError::NoSuchDay`] if the year is past 9999.
    pub fn from_unix(seconds: u64) -> Result<Self, DateError> {
        const DAYS_PER_400_YEARS: u64 = 146_097;
        let mut days = seconds / 86_400;
        let cycles = days / DAYS_PER_400_YEARS;
        days %= DAYS_PER_400_YEARS;
        let base = cycles
            .checked_mul(400)
            .and_then(|years| u16::try_from(years).ok());
        let mut year = base
            .and_then(|years| years.checked_add(1970))
            .ok_or(DateError::NoSuchDay)?;
        // At most 400 years remain, and then at most 12 months.
        while days >= 365 + u64::from(is_leap(year)) {
            days -= 365 + u64::from(is_leap(year));
            year += 1;
        }
        let mut month = 1;
        while days >= u64::from(days_in(year, month)) {
            days -= u64::from(days_in(year, month));
            month += 1;
        }
        let day = u8::try_from(days + 1).map_err(|_| DateError::NoSuchDay)?;
        Self::new(year, month, Some(day))
    }

    /// Returns the year.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// Returns the month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Returns the day of the month if it is stated.
    #[must_use]
    pub const fn day(self) -> Option<u8> {
        if self.day == 0 { None } else { Some(self.day) }
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let bytes = text.as_bytes();
        if !(bytes.len() == 7 || bytes.len() == 10) {
            return Err(DateError::Syntax);
        }
        let mut numbers = [0_u16; 3];
        let mut part = 0;
        for (index, byte) in bytes.iter().enumerate() {
            match (index, byte) {
                (4 | 7, b'-') => part += 1,
                (4 | 7, _) => return Err(DateError::Syntax),
                (_, b'0'..=b'9') => numbers[part] = numbers[part] * 10 + u16::from(byte - b'0'),
                _ => return Err(DateError::Syntax),
            }
        }
        // Two digits fit in a byte.
        let small = |number: u16| u8::try_from(number).map_err(|_| DateError::Syntax);
        let day = if bytes.len() == 10 {
            Some(small(numbers[2])?)
        } else {
            None
        };
        Self::new(numbers[0], small(numbers[1])?, day)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.day == 0 {
            write!(f, "{:04}-{:02}", self.year, self.month)
        } else {
            write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
        }
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_has_the_precision_of_a_day_or_of_a_month() {
        for text in [
            "2024-10-24",
            "2024-05",
            "2024-02-29",
            "2000-02-29",
            "0001-01-01",
        ] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2024",
            "2024-1",
            "2024/10",
            "2024-10-1",
            "24-10-2024",
            "2024-10-0x",
            "２024-10",
        ] {
            assert_eq!(text.parse::<Date>(), Err(DateError::Syntax), "{text:?}");
        }
        for text in [
            "2025-02-31",
            "2023-02-29",
            "1900-02-29",
            "2024-00",
            "2024-13",
            "2024-01-00",
            "0000-01",
        ] {
            assert_eq!(text.parse::<Date>(), Err(DateError::NoSuchDay), "{text:?}");
        }
    }

    #[test]
    fn a_unix_time_falls_on_its_day_in_utc() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_251_199, "2024-02-29"),
            (1_709_251_200, "2024-03-01"),
            (1_778_613_011, "2026-05-12"),
            (253_402_300_799, "9999-12-31"),
        ] {
            assert_eq!(Date::from_unix(seconds).unwrap().to_string(), day);
        }
        assert_eq!(Date::from_unix(253_402_300_800), Err(DateError::NoSuchDay));
        assert_eq!(Date::from_unix(u64::MAX), Err(DateError::NoSuchDay));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,12}|[0-9-]{6,11}") {
            if let Ok(date) = text.parse::<Date>() {
                prop_assert_eq!(date.to_string(), text);
            }
        }
    }
}
