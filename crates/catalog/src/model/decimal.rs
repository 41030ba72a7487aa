use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Keeps an exact decimal number: an integer of up to 38 digits and a power of ten.
///
/// A number is read from its text and never passes through a floating-point type, so `1.5e-07`
/// is exactly that. Equal numbers have one representation: `1.50` and `1.5` are the same value
/// with the same hash and print as `1.5`. In JSON and YAML it is written as a string.
///
/// # Examples
///
/// ```
/// use byname_catalog::model::Decimal;
///
/// let per_token: Decimal = "1.5e-07".parse()?;
/// let per_million = per_token.shift(6)?;
/// assert_eq!(per_million.to_string(), "0.15");
/// assert!(per_token < per_million);
/// # Ok::<(), byname_catalog::model::DecimalError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    // The value is mantissa / 10^scale. Invariants, which make equality structural:
    // |mantissa| < 10^38; scale <= 38; scale > 0 implies mantissa % 10 != 0.
    mantissa: i128,
    scale: u8,
}

const MAX_DIGITS: u32 = 38;
const LIMIT: i128 = 10_i128.pow(MAX_DIGITS);

/// Says why a text is not a [`Decimal`] or why a result does not fit in one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecimalError {
    /// The text is not a decimal number such as `0.15`, `-3` or `1.5e-07`.
    Syntax,
    /// The number needs more than 38 digits before or after the point.
    TooLarge,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not a decimal number; expected one like 0.15 or 1.5e-07",
            Self::TooLarge => "a number of more than 38 digits; expected at most 38",
        })
    }
}

impl std::error::Error for DecimalError {}

impl Decimal {
    /// Is zero.
    pub const ZERO: Self = Self {
        mantissa: 0,
        scale: 0,
    };

    /// Returns `mantissa / 10^scale`.
    ///
    /// # Errors
    ///
    /// [`DecimalError::TooLarge`] if the number needs more than 38 digits before or after the
    /// point.
    pub const fn new(mantissa: i128, scale: u8) -> Result<Self, DecimalError> {
        let mut mantissa = mantissa;
        let mut scale = scale;
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        // `LIMIT` itself is excluded, and so is `i128::MIN`, whose absolute value does not exist.
        if mantissa >= LIMIT || mantissa <= -LIMIT || scale as u32 > MAX_DIGITS {
            return Err(DecimalError::TooLarge);
        }
        Ok(Self { mantissa, scale })
    }

    /// Multiplies by ten to the power of `power`, exactly.
    ///
    /// # Errors
    ///
    /// [`DecimalError::TooLarge`] if the result needs more than 38 digits before or after the
    /// point.
    pub fn shift(self, power: i32) -> Result<Self, DecimalError> {
        Self::from_parts(self.mantissa, i64::from(power) - i64::from(self.scale))
    }

    /// Tells whether the number is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Tells whether the number is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Returns the number if it is a whole one from 0 to `u64::MAX`.
    #[must_use]
    pub fn to_u64(self) -> Option<u64> {
        if self.scale == 0 {
            u64::try_from(self.mantissa).ok()
        } else {
            None
        }
    }

    fn from_parts(mantissa: i128, exponent: i64) -> Result<Self, DecimalError> {
        if mantissa == 0 {
            return Ok(Self::ZERO);
        }
        let mut mantissa = mantissa;
        let mut exponent = exponent;
        // A trailing zero moves into the exponent; at most 38 steps, since |mantissa| < 2^127.
        while exponent < 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            exponent += 1;
        }
        if exponent > i64::from(MAX_DIGITS) || exponent < -i64::from(MAX_DIGITS) {
            return Err(DecimalError::TooLarge);
        }
        let size = u32::try_from(exponent.unsigned_abs()).map_err(|_| DecimalError::TooLarge)?;
        if exponent >= 0 {
            let factor = 10_i128.checked_pow(size).ok_or(DecimalError::TooLarge)?;
            let mantissa = mantissa.checked_mul(factor).ok_or(DecimalError::TooLarge)?;
            Self::new(mantissa, 0)
        } else {
            let scale = u8::try_from(size).map_err(|_| DecimalError::TooLarge)?;
            Self::new(mantissa, scale)
        }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads `-?digits[.digits][(e|E)[+-]digits]`, where one of the two groups of digits may be
    /// empty.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (number, exponent) = match rest.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, read_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return Err(DecimalError::Syntax),
            Some(parts) => parts,
            None => (number, ""),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(DecimalError::Syntax);
        }
        if !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
        {
            return Err(DecimalError::Syntax);
        }
        // Zeros at the end of a fraction do not count against the 38 digits.
        let fraction = fraction.trim_end_matches('0');
        let mut mantissa: i128 = 0;
        let mut digits = whole
            .bytes()
            .chain(fraction.bytes())
            .map(|byte| byte - b'0');
        // 18 digits at a time fit in a u64, whose arithmetic is an order of magnitude faster.
        loop {
            let (mut chunk, mut factor) = (0_u64, 1_u64);
            for digit in digits.by_ref().take(18) {
                chunk = chunk * 10 + u64::from(digit);
                factor *= 10;
            }
            if factor == 1 {
                break;
            }
            mantissa = mantissa
                .checked_mul(i128::from(factor))
                .and_then(|high| high.checked_add(i128::from(chunk)))
                .ok_or(DecimalError::TooLarge)?;
        }
        let places = i64::try_from(fraction.len()).map_err(|_| DecimalError::TooLarge)?;
        if negative {
            mantissa = -mantissa;
        }
        Self::from_parts(mantissa, exponent.saturating_sub(places))
    }
}

fn read_exponent(text: &str) -> Result<i64, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecimalError::Syntax);
    }
    // An exponent too long for an i64 is out of range all the more.
    text.parse().map_err(|_| DecimalError::TooLarge)
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (
            10_i128.pow(u32::from(self.scale)),
            10_i128.pow(u32::from(other.scale)),
        );
        // Truncating division keeps the sign on both parts, so whole parts decide first. A
        // fraction is below 10^scale, so brought to the larger scale it is below 10^38.
        (self.mantissa / a)
            .cmp(&(other.mantissa / b))
            .then_with(|| {
                let scale = self.scale.max(other.scale);
                let lift = |part: i128, from: u8| part * 10_i128.pow(u32::from(scale - from));
                lift(self.mantissa % a, self.scale).cmp(&lift(other.mantissa % b, other.scale))
            })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Self {
            mantissa: i128::from(value),
            scale: 0,
        }
    }
}

impl fmt::Display for Decimal {
    /// Writes the digits in full, without an exponent and without zeros at the end of a fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let text = if scale == 0 {
            digits
        } else {
            let padded = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = padded.split_at(padded.len() - scale);
            format!("{whole}.{fraction}")
        };
        f.pad_integral(self.mantissa >= 0, "", &text)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
