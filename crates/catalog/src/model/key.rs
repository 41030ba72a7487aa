use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeStruct,
};

/// Says why a text is not the id of a provider or of an offering.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The id of the provider cannot be one; holds the id and why.
    Provider(String, &'static str),
    /// The id of the offering cannot be one; holds the id and why.
    Offering(String, &'static str),
    /// The name holds no `/` between provider and id; holds the name.
    NoSlash(String),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(id, why) => write!(f, "{id:?} cannot be the id of a provider: {why}"),
            Self::Offering(id, why) => write!(f, "{id:?} cannot be the id of an offering: {why}"),
            Self::NoSlash(name) => {
                write!(
                    f,
                    "{name:?} names no offering; expected PROVIDER/ID, such as openai/gpt-4o"
                )
            }
        }
    }
}

impl std::error::Error for KeyError {}

const MAX_PROVIDER: usize = 64;
const MAX_ID: usize = 256;

fn check(id: &str, max: usize, too_long: &'static str) -> Result<(), &'static str> {
    if id.is_empty() {
        Err("it is empty")
    } else if id.len() > max {
        Err(too_long)
    } else if id.chars().any(char::is_control) {
        Err("it holds a control character")
    } else if id.trim().len() != id.len() {
        Err("it begins or ends with a space")
    } else {
        Ok(())
    }
}

fn check_provider(id: &str) -> Result<(), KeyError> {
    let refuse = |why| KeyError::Provider(shown(id), why);
    check(id, MAX_PROVIDER, "it is longer than 64 bytes").map_err(refuse)?;
    if id.contains('/') {
        Err(refuse("it holds a `/`"))
    } else {
        Ok(())
    }
}

fn check_id(id: &str) -> Result<(), KeyError> {
    check(id, MAX_ID, "it is longer than 256 bytes")
        .map_err(|why| KeyError::Offering(shown(id), why))
}

/// Cuts what an error quotes, since a refused id may be of any length.
fn shown(id: &str) -> String {
    id.chars().take(80).collect()
}

/// Names a provider: 1 to 64 bytes without `/`, control characters or spaces at the edges.
///
/// # Examples
///
/// ```
/// use byname_catalog::ProviderId;
///
/// assert_eq!(ProviderId::new("fireworks-ai")?.as_str(), "fireworks-ai");
/// assert!(ProviderId::new("a/b").is_err());
/// # Ok::<(), byname_catalog::model::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(Box<str>);

impl ProviderId {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// [`KeyError::Provider`] if the id is empty, longer than 64 bytes, or holds a `/`, a control
    /// character, or a space at an edge.
    pub fn new(id: &str) -> Result<Self, KeyError> {
        check_provider(id)?;
        Ok(Self(id.into()))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names an offering: the provider and the id that the provider gives it.
///
/// The same id at two providers is two offerings. An id is 1 to 256 bytes without control
/// characters or spaces at the edges; it may hold `/`, `:` and `@`. As a provider's id holds no
/// `/`, the name `provider/id` is read back in one way only. Keys order as their names do.
///
/// # Examples
///
/// ```
/// use byname_catalog::OfferingKey;
///
/// let key = OfferingKey::new("openrouter", "openai/gpt-4o:free")?;
/// assert_eq!(key.name(), "openrouter/openai/gpt-4o:free");
/// assert_eq!(key.name().parse::<OfferingKey>()?, key);
/// # Ok::<(), byname_catalog::model::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferingKey {
    // `provider/id`; both parts are valid, so the first `/` is the one between them.
    name: Box<str>,
}

impl OfferingKey {
    /// Checks and joins the id of a provider and of its offering.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if one of them cannot be an id.
    pub fn new(provider: &str, id: &str) -> Result<Self, KeyError> {
        check_provider(provider)?;
        check_id(id)?;
        let mut name = String::with_capacity(provider.len() + 1 + id.len());
        name.push_str(provider);
        name.push('/');
        name.push_str(id);
        Ok(Self {
            name: name.into_boxed_str(),
        })
    }

    /// Returns `provider/id`, the name in a registry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the id of the provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.parts().0
    }

    /// Returns the id that the provider gives the offering.
    #[must_use]
    pub fn id(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.name.split_once('/').unwrap_or((&self.name, ""))
    }
}

impl FromStr for OfferingKey {
    type Err = KeyError;

    /// Reads `provider/id`, divided at the first `/`.
    fn from_str(name: &str) -> Result<Self, KeyError> {
        let (provider, id) = name
            .split_once('/')
            .ok_or_else(|| KeyError::NoSlash(shown(name)))?;
        Self::new(provider, id)
    }
}

impl fmt::Display for OfferingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

impl fmt::Debug for OfferingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.name, f)
    }
}

// `Ord`, `Eq` and `Hash` are those of the name, as `Borrow` demands.
impl Borrow<str> for OfferingKey {
    fn borrow(&self) -> &str {
        &self.name
    }
}

impl Serialize for OfferingKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut record = serializer.serialize_struct("OfferingKey", 2)?;
        record.serialize_field("provider", self.provider())?;
        record.serialize_field("id", self.id())?;
        record.end()
    }
}

impl<'de> Deserialize<'de> for OfferingKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename = "OfferingKey")]
        struct Parts {
            provider: String,
            id: String,
        }
        let parts = Parts::deserialize(deserializer)?;
        Self::new(&parts.provider, &parts.id).map_err(D::Error::custom)
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for ProviderId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderId {
    type Err = KeyError;

    fn from_str(id: &str) -> Result<Self, KeyError> {
        Self::new(id)
    }
}

impl Serialize for ProviderId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProviderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_hold_slashes_colons_and_at_signs() {
        let key = OfferingKey::new("cloudflare", "@cf/meta/llama-2:free@1").unwrap();
        assert_eq!(key.provider(), "cloudflare");
        assert_eq!(key.id(), "@cf/meta/llama-2:free@1");
        assert_eq!(key.name(), "cloudflare/@cf/meta/llama-2:free@1");
        let key = OfferingKey::new("a", "/b").unwrap();
        assert_eq!(key.name().parse::<OfferingKey>().unwrap().id(), "/b");
    }

    #[test]
    fn what_cannot_be_an_id_is_refused_with_a_reason() {
        let long = "x".repeat(257);
        for (provider, id, message) in [
            ("", "a", r#""" cannot be the id of a provider: it is empty"#),
            (
                "a/b",
                "c",
                r#""a/b" cannot be the id of a provider: it holds a `/`"#,
            ),
            (
                " a",
                "c",
                r#"" a" cannot be the id of a provider: it begins or ends with a space"#,
            ),
            (
                "a",
                "",
                r#""" cannot be the id of an offering: it is empty"#,
            ),
            (
                "a",
                "b\u{7f}",
                r#""b\u{7f}" cannot be the id of an offering: it holds a control character"#,
            ),
            (
                "a",
                "b\u{a0}",
                r#""b\u{a0}" cannot be the id of an offering: it begins or ends with a space"#,
            ),
            (
                &long[..65],
                "a",
                &format!(
                    "{:?} cannot be the id of a provider: it is longer than 64 bytes",
                    &long[..65]
                ),
            ),
            (
                "a",
                &long,
                &format!(
                    "{:?} cannot be the id of an offering: it is longer than 256 bytes",
                    &long[..80]
                ),
            ),
        ] {
            assert_eq!(
                OfferingKey::new(provider, id).unwrap_err().to_string(),
                message
            );
        }
        assert_eq!(
            "gpt-4o".parse::<OfferingKey>().unwrap_err().to_string(),
            r#""gpt-4o" names no offering; expected PROVIDER/ID, such as openai/gpt-4o"#
        );
        assert!(OfferingKey::new(&long[..64], &long[..256]).is_ok());
    }

    #[test]
    fn it_is_written_as_provider_and_id() {
        let key = OfferingKey::new("a", "b/c").unwrap();
        let text = r#"{"provider":"a","id":"b/c"}"#;
        assert_eq!(serde_json::to_string(&key).unwrap(), text);
        assert_eq!(serde_json::from_str::<OfferingKey>(text).unwrap(), key);
        assert!(serde_json::from_str::<OfferingKey>(r#"{"provider":"a/b","id":"c"}"#).is_err());
    }
}
