use std::{borrow::Cow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::Decimal;

/// Names a currency by its three-letter code of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Says that a text is not the code of a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyError;

impl fmt::Display for CurrencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not the code of a currency; expected three capital letters of ISO 4217, such as USD",
        )
    }
}

impl std::error::Error for CurrencyError {}

/// The codes of ISO 4217 that money is in, sorted; funds, metals and tests are left out.
const CODES: &str = "\
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD \
CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD \
GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD \
KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO \
NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE \
SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV \
WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

impl Currency {
    /// Is the euro.
    pub const EUR: Self = Self(*b"EUR");
    /// Is the US dollar.
    pub const USD: Self = Self(*b"USD");
    /// Is the yuan renminbi.
    pub const CNY: Self = Self(*b"CNY");

    /// Returns the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The three bytes are capital ASCII letters; `from_str` and the constants see to it.
        std::str::from_utf8(&self.0).unwrap_or("USD")
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| CurrencyError)?;
        if code == Self::USD.0 || CODES.as_bytes().chunks(4).any(|entry| entry[..3] == code) {
            Ok(Self(code))
        } else {
            Err(CurrencyError)
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// Holds an exact amount in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Money {
    /// Says how much.
    pub amount: Decimal,
    /// Says of what.
    pub currency: Currency,
}

impl fmt::Display for Money {
    /// Writes the amount and the currency: `0.15 USD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// Says what something costs: an amount, nothing, nobody knows, or it varies.
///
/// In JSON and YAML an amount is `{"amount": "0.15", "currency": "USD"}`, and the others are the
/// strings `free`, `unpriced` and `varying`.
///
/// # Examples
///
/// ```
/// use byname_catalog::model::{Currency, Decimal, Price};
///
/// assert_eq!(Price::of(Decimal::ZERO, Currency::USD), Some(Price::Free));
/// assert_eq!(Price::of("-1".parse()?, Currency::USD), None);
/// assert_ne!(Price::Free, Price::Unpriced);
/// # Ok::<(), byname_catalog::model::DecimalError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Price {
    /// Costs so much, more than nothing.
    Amount(Money),
    /// Costs nothing.
    Free,
    /// Has no known price. This is not the same as costing nothing.
    #[default]
    Unpriced,
    /// Has a price that is only known when it is used, as that of a router to other models.
    Varying,
}

impl Price {
    /// Returns the price of an amount: free if it is zero, none if it is below.
    #[must_use]
    pub fn of(amount: Decimal, currency: Currency) -> Option<Self> {
        if amount.is_negative() {
            None
        } else if amount.is_zero() {
            Some(Self::Free)
        } else {
            Some(Self::Amount(Money { amount, currency }))
        }
    }

    /// Returns the amount if there is one above zero.
    #[must_use]
    pub const fn amount(&self) -> Option<Money> {
        match self {
            Self::Amount(money) => Some(*money),
            Self::Free | Self::Unpriced | Self::Varying => None,
        }
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amount(money) => fmt::Display::fmt(money, f),
            Self::Free => f.pad("free"),
            Self::Unpriced => f.pad("unpriced"),
            Self::Varying => f.pad("varying"),
        }
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Amount(money) => money.serialize(serializer),
            Self::Free => serializer.serialize_str("free"),
            Self::Unpriced => serializer.serialize_str("unpriced"),
            Self::Varying => serializer.serialize_str("varying"),
        }
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Amount(Money),
            Word(String),
        }
        const EXPECTED: &str =
            "expected an amount above zero with its currency, `free`, `unpriced` or `varying`";
        match Written::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))? {
            Written::Amount(money) => match Self::of(money.amount, money.currency) {
                Some(price @ Self::Amount(_)) => Ok(price),
                _ => Err(D::Error::custom(EXPECTED)),
            },
            Written::Word(word) => match word.as_str() {
                "free" => Ok(Self::Free),
                "unpriced" => Ok(Self::Unpriced),
                "varying" => Ok(Self::Varying),
                _ => Err(D::Error::custom(EXPECTED)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_those_of_iso_4217() {
        for code in CODES.split(' ') {
            assert_eq!(code.parse::<Currency>().unwrap().as_str(), code);
        }
        assert!(CODES.split(' ').is_sorted());
        for text in ["", "usd", "DBU", "XXX", "US", "USDT", "€"] {
            assert_eq!(text.parse::<Currency>(), Err(CurrencyError), "{text:?}");
        }
    }

    #[test]
    fn the_four_kinds_of_price_are_written_differently_and_read_back() {
        let amount = Price::of("1.5e-7".parse().unwrap(), Currency::CNY).unwrap();
        for (price, text) in [
            (amount, r#"{"amount":"0.00000015","currency":"CNY"}"#),
            (Price::Free, r#""free""#),
            (Price::Unpriced, r#""unpriced""#),
            (Price::Varying, r#""varying""#),
        ] {
            assert_eq!(serde_json::to_string(&price).unwrap(), text);
            assert_eq!(serde_json::from_str::<Price>(text).unwrap(), price);
        }
    }

    #[test]
    fn an_amount_of_nothing_or_less_is_never_read() {
        for text in [
            r#"{"amount":"0","currency":"USD"}"#,
            r#"{"amount":"-1","currency":"USD"}"#,
            r#"{"amount":"1","currency":"XXX"}"#,
            r#""cheap""#,
            "0.15",
        ] {
            let error = serde_json::from_str::<Price>(text).unwrap_err().to_string();
            assert!(
                error.contains("expected an amount above zero"),
                "{text}: {error}"
            );
        }
    }
}
