use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Capability, Date, Fact, Modality, Mode, OfferingKey, Prices, Status};

/// Describes what one provider sells under one id.
///
/// # Examples
///
/// ```
/// use byname_catalog::{Offering, OfferingKey};
/// use byname_catalog::model::{Capability, Fact};
///
/// let mut offering = Offering::new(OfferingKey::new("openai", "gpt-4o")?);
/// offering.limits.context = Fact::Known(128_000);
/// offering.capabilities.set(Capability::TOOL_CALL, Fact::Known(true));
/// assert_eq!(offering.capabilities.get(&Capability::REASONING), Fact::Unknown);
/// # Ok::<(), byname_catalog::model::KeyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Offering {
    /// Names the offering: written as `provider` and `id`.
    #[serde(flatten)]
    pub key: OfferingKey,
    /// Is the name for people.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub name: Fact<String>,
    /// Is the family that the model belongs to.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub family: Fact<String>,
    /// Is the kind of request that it answers.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub mode: Fact<Mode>,
    /// Says where it stands in its life.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub status: Fact<Status>,
    /// Holds how much it takes and gives.
    #[serde(default, skip_serializing_if = "Limits::is_unknown")]
    pub limits: Limits,
    /// Holds what kinds of content it takes and gives.
    #[serde(default, skip_serializing_if = "Modalities::is_unknown")]
    pub modalities: Modalities,
    /// Holds what it can do.
    #[serde(default, skip_serializing_if = "Capabilities::is_empty")]
    pub capabilities: Capabilities,
    /// Holds when things happened to it.
    #[serde(default, skip_serializing_if = "Dates::is_unknown")]
    pub dates: Dates,
    /// Holds what it costs.
    #[serde(default, skip_serializing_if = "Prices::is_empty")]
    pub prices: Prices,
}

impl Offering {
    /// Returns an offering of which nothing but the key is known.
    #[must_use]
    pub fn new(key: OfferingKey) -> Self {
        Self {
            key,
            name: Fact::Unknown,
            family: Fact::Unknown,
            mode: Fact::Unknown,
            status: Fact::Unknown,
            limits: Limits::default(),
            modalities: Modalities::default(),
            capabilities: Capabilities::default(),
            dates: Dates::default(),
            prices: Prices::default(),
        }
    }
}

/// Holds how many tokens an offering takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Limits {
    /// Is how many tokens go in and come out together.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub context: Fact<u64>,
    /// Is how many tokens go in.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub input: Fact<u64>,
    /// Is how many tokens come out.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub output: Fact<u64>,
}

impl Limits {
    /// Tells whether nothing is known.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.context.is_unknown() && self.input.is_unknown() && self.output.is_unknown()
    }
}

/// Holds what kinds of content an offering takes and gives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Modalities {
    /// Is what goes in.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub input: Fact<ModalitySet>,
    /// Is what comes out.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub output: Fact<ModalitySet>,
}

impl Modalities {
    /// Tells whether nothing is known.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.input.is_unknown() && self.output.is_unknown()
    }
}

/// Holds a set of modalities, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("uniqueItems" = true))]
pub struct ModalitySet {
    // Sorted, without duplicates.
    members: Vec<Modality>,
}

impl ModalitySet {
    /// Tells whether the set holds a modality.
    #[must_use]
    pub fn contains(&self, modality: &Modality) -> bool {
        self.members.binary_search(modality).is_ok()
    }

    /// Visits the modalities in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Modality> {
        self.members.iter()
    }

    /// Counts the modalities.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Tells whether the set holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl FromIterator<Modality> for ModalitySet {
    fn from_iter<I: IntoIterator<Item = Modality>>(modalities: I) -> Self {
        let mut members: Vec<_> = modalities.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        Self { members }
    }
}

impl<'a> IntoIterator for &'a ModalitySet {
    type Item = &'a Modality;
    type IntoIter = std::slice::Iter<'a, Modality>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'de> Deserialize<'de> for ModalitySet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Modality>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}

/// Holds what an offering can do: a fact for each capability that a source speaks of.
///
/// A capability that is not in it is unknown, which is not the same as known to be missing
/// (`Known(false)`). Sorted by name; written as a map.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Capabilities {
    // Sorted by name, without duplicates, without unknown facts.
    facts: Vec<(Capability, Fact<bool>)>,
}

impl Capabilities {
    /// Returns what is known of a capability.
    #[must_use]
    pub fn get(&self, capability: &Capability) -> Fact<bool> {
        match self.place(capability) {
            Ok(found) => self.facts[found].1,
            Err(_) => Fact::Unknown,
        }
    }

    /// Tells whether the offering is known to have a capability.
    #[must_use]
    pub fn has(&self, capability: &Capability) -> bool {
        self.get(capability) == Fact::Known(true)
    }

    /// Sets what is known of a capability and returns what was; unknown takes it out.
    pub fn set(&mut self, capability: Capability, fact: Fact<bool>) -> Fact<bool> {
        match (self.place(&capability), fact) {
            (Ok(found), Fact::Unknown) => self.facts.remove(found).1,
            (Ok(found), _) => std::mem::replace(&mut self.facts[found].1, fact),
            (Err(_), Fact::Unknown) => Fact::Unknown,
            (Err(place), _) => {
                self.facts.insert(place, (capability, fact));
                Fact::Unknown
            }
        }
    }

    /// Visits the capabilities of which something is known, in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Capability, Fact<bool>)> {
        self.facts
            .iter()
            .map(|(capability, fact)| (capability, *fact))
    }

    /// Counts the capabilities of which something is known.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.facts.len()
    }

    /// Tells whether nothing is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    fn place(&self, capability: &Capability) -> Result<usize, usize> {
        // Capabilities mostly come in order.
        if self.facts.last().is_none_or(|(last, _)| last < capability) {
            return Err(self.facts.len());
        }
        self.facts
            .binary_search_by(|(other, _)| other.cmp(capability))
    }
}

impl FromIterator<(Capability, Fact<bool>)> for Capabilities {
    fn from_iter<I: IntoIterator<Item = (Capability, Fact<bool>)>>(facts: I) -> Self {
        let mut capabilities = Self::default();
        for (capability, fact) in facts {
            capabilities.set(capability, fact);
        }
        capabilities
    }
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let facts =
            std::collections::BTreeMap::<Capability, Fact<bool>>::deserialize(deserializer)?;
        Ok(facts.into_iter().collect())
    }
}

/// Holds when things happened to an offering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Dates {
    /// Is when the model was released.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub release: Fact<Date>,
    /// Is when the model was last changed.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub last_updated: Fact<Date>,
    /// Is up to when the model knows the world.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub knowledge: Fact<Date>,
    /// Is since when the provider lists the offering.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub listed: Fact<Date>,
    /// Is from when the offering must be expected to be gone.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub deprecation: Fact<Date>,
}

impl Dates {
    /// Tells whether nothing is known.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.release.is_unknown()
            && self.last_updated.is_unknown()
            && self.knowledge.is_unknown()
            && self.listed.is_unknown()
            && self.deprecation.is_unknown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Currency, Price, PriceKind, PriceLine, Unit};

    #[test]
    fn an_offering_is_written_in_one_order_and_reads_back() {
        let mut offering = Offering::new(OfferingKey::new("openai", "gpt-4o").unwrap());
        assert_eq!(
            serde_json::to_string(&offering).unwrap(),
            r#"{"provider":"openai","id":"gpt-4o"}"#
        );
        offering.name = Fact::Known("GPT-4o".to_owned());
        offering.family = Fact::Absent;
        offering.mode = Fact::Known(Mode::CHAT);
        offering.limits.context = Fact::Known(128_000);
        offering.limits.output = Fact::Absent;
        offering.modalities.input = Fact::Known(
            [Modality::TEXT, Modality::IMAGE, Modality::TEXT]
                .into_iter()
                .collect(),
        );
        offering
            .capabilities
            .set(Capability::TOOL_CALL, Fact::Known(true));
        offering
            .capabilities
            .set(Capability::REASONING, Fact::Known(false));
        offering
            .capabilities
            .set(Capability::WEB_SEARCH, Fact::Absent);
        offering.dates.knowledge = Fact::Known("2023-10".parse().unwrap());
        offering.dates.deprecation = Fact::Absent;
        offering.prices.insert(PriceLine::new(
            PriceKind::INPUT,
            Unit::MILLION_TOKENS,
            Price::of("2.5".parse().unwrap(), Currency::USD).unwrap(),
        ));
        let text = serde_json::to_string(&offering).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"provider":"openai","id":"gpt-4o","name":"GPT-4o","family":null,"mode":"chat","#,
                r#""limits":{"context":128000,"output":null},"modalities":{"input":["image","text"]},"#,
                r#""capabilities":{"reasoning":false,"tool_call":true,"web_search":null},"#,
                r#""dates":{"knowledge":"2023-10","deprecation":null},"#,
                r#""prices":[{"kind":"input","unit":"million_tokens","#,
                r#""price":{"amount":"2.5","currency":"USD"}}]}"#
            )
        );
        assert_eq!(serde_json::from_str::<Offering>(&text).unwrap(), offering);
    }

    #[test]
    fn a_capability_set_to_unknown_is_gone() {
        let mut capabilities = Capabilities::default();
        assert_eq!(
            capabilities.set(Capability::VISION, Fact::Known(true)),
            Fact::Unknown
        );
        assert!(capabilities.has(&Capability::VISION));
        assert_eq!(
            capabilities.set(Capability::VISION, Fact::Unknown),
            Fact::Known(true)
        );
        assert_eq!(capabilities, Capabilities::default());
    }
}
