use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Price, PriceKind, ServiceTier, Unit, Variant};

/// Says when a price applies; the default is always, unless a more specific one does.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[non_exhaustive]
pub struct Conditions {
    /// Applies when the prompt is longer than so many tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above_tokens: Option<u64>,
    /// Applies to requests in this tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<ServiceTier>,
    /// Applies to what is cached for so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_ttl: Option<u32>,
    /// Applies in this other circumstance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Variant>,
}

impl Conditions {
    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Says what one thing costs, per which unit and when.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct PriceLine {
    /// Says what is paid for.
    pub kind: PriceKind,
    /// Says what the price is per.
    pub unit: Unit,
    /// Says when the price applies.
    #[serde(flatten)]
    pub conditions: Conditions,
    /// Says what it costs.
    pub price: Price,
}

impl PriceLine {
    /// Returns a line that applies always.
    #[must_use]
    pub fn new(kind: PriceKind, unit: Unit, price: Price) -> Self {
        Self {
            kind,
            unit,
            conditions: Conditions::default(),
            price,
        }
    }

    /// Adds conditions.
    #[must_use]
    pub fn when(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    fn key(&self) -> (&PriceKind, &Unit, &Conditions) {
        (&self.kind, &self.unit, &self.conditions)
    }
}

/// Holds the prices of an offering, one line for each kind, unit and set of conditions.
///
/// The lines are sorted by kind, unit and conditions, so equal prices are written the same. A
/// list without lines says that nothing is known: the offering is unpriced, not free.
///
/// # Examples
///
/// ```
/// use byname_catalog::model::{Currency, Price, PriceKind, PriceLine, Prices, Unit};
///
/// let mut prices = Prices::default();
/// let price = Price::of("2.5".parse()?, Currency::USD).ok_or("below zero")?;
/// prices.insert(PriceLine::new(PriceKind::INPUT, Unit::MILLION_TOKENS, price));
/// assert_eq!(prices.price(&PriceKind::INPUT), Price::Amount(price.amount().ok_or("no amount")?));
/// assert_eq!(prices.price(&PriceKind::OUTPUT), Price::Unpriced);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Prices {
    // Sorted by `PriceLine::key`, without equal keys.
    lines: Vec<PriceLine>,
}

impl Prices {
    /// Adds a line and returns the one of the same kind, unit and conditions that it replaces.
    pub fn insert(&mut self, line: PriceLine) -> Option<PriceLine> {
        // Lines mostly come in order.
        if self.lines.last().is_none_or(|last| last.key() < line.key()) {
            self.lines.push(line);
            return None;
        }
        match self
            .lines
            .binary_search_by(|other| other.key().cmp(&line.key()))
        {
            Ok(found) => Some(std::mem::replace(&mut self.lines[found], line)),
            Err(place) => {
                self.lines.insert(place, line);
                None
            }
        }
    }

    /// Returns the line of exactly this kind, unit and conditions.
    #[must_use]
    pub fn get(&self, kind: &PriceKind, unit: &Unit, when: &Conditions) -> Option<&PriceLine> {
        let place = self
            .lines
            .binary_search_by(|line| line.key().cmp(&(kind, unit, when)))
            .ok()?;
        Some(&self.lines[place])
    }

    /// Returns the price of a kind per million tokens without conditions, [`Price::Unpriced`] if
    /// there is none.
    #[must_use]
    pub fn price(&self, kind: &PriceKind) -> Price {
        self.get(kind, &Unit::MILLION_TOKENS, &Conditions::default())
            .map_or(Price::Unpriced, |line| line.price)
    }

    /// Visits the lines in order.
    pub fn iter(&self) -> std::slice::Iter<'_, PriceLine> {
        self.lines.iter()
    }

    /// Returns the lines in order.
    #[must_use]
    pub fn lines(&self) -> &[PriceLine] {
        &self.lines
    }

    /// Counts the lines.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.lines.len()
    }

    /// Tells whether nothing is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl<'a> IntoIterator for &'a Prices {
    type Item = &'a PriceLine;
    type IntoIter = std::slice::Iter<'a, PriceLine>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<PriceLine> for Prices {
    /// Collects lines; of two with the same kind, unit and conditions the later one stays.
    fn from_iter<I: IntoIterator<Item = PriceLine>>(lines: I) -> Self {
        let mut prices = Self::default();
        for line in lines {
            prices.insert(line);
        }
        prices
    }
}

impl<'de> Deserialize<'de> for Prices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<PriceLine>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Currency;

    fn line(kind: PriceKind, above: Option<u64>, amount: &str) -> PriceLine {
        let price = Price::of(amount.parse().unwrap(), Currency::USD).unwrap();
        let when = Conditions {
            above_tokens: above,
            ..Conditions::default()
        };
        PriceLine::new(kind, Unit::MILLION_TOKENS, price).when(when)
    }

    #[test]
    fn lines_are_sorted_and_one_of_a_kind() {
        let mut prices: Prices = [
            line(PriceKind::OUTPUT, None, "8"),
            line(PriceKind::INPUT, Some(200_000), "4"),
            line(PriceKind::INPUT, None, "2"),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            prices
                .insert(line(PriceKind::INPUT, None, "0"))
                .unwrap()
                .price
                .to_string(),
            "2 USD"
        );
        assert_eq!(
            serde_json::to_string(&prices).unwrap(),
            concat!(
                r#"[{"kind":"input","unit":"million_tokens","price":"free"},"#,
                r#"{"kind":"input","unit":"million_tokens","above_tokens":200000,"#,
                r#""price":{"amount":"4","currency":"USD"}},"#,
                r#"{"kind":"output","unit":"million_tokens","price":{"amount":"8","currency":"USD"}}]"#
            )
        );
        let text = serde_json::to_string(&prices).unwrap();
        assert_eq!(serde_json::from_str::<Prices>(&text).unwrap(), prices);
        assert_eq!(prices.price(&PriceKind::INPUT), Price::Free);
        assert_eq!(prices.price(&PriceKind::REASONING), Price::Unpriced);
    }
}
