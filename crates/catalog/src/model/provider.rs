use serde::{Deserialize, Serialize};

use super::{Fact, ProviderId};

/// Describes who sells offerings and how to reach them.
///
/// # Examples
///
/// ```
/// use byname_catalog::{Provider, ProviderId};
///
/// let mut provider = Provider::new(ProviderId::new("openai")?);
/// provider.env = vec!["OPENAI_API_KEY".to_owned()].into();
/// assert!(provider.name.is_unknown());
/// # Ok::<(), byname_catalog::model::KeyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provider {
    /// Is the id, the first part of the key of its offerings.
    pub id: ProviderId,
    /// Is the name for people.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub name: Fact<String>,
    /// Is the URL of the documentation.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub doc: Fact<String>,
    /// Is the base URL of the API.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub api: Fact<String>,
    /// Holds the names of the environment variables that hold its keys, in the source's order.
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pub env: Fact<Vec<String>>,
}

impl Provider {
    /// Returns a provider of which nothing but the id is known.
    #[must_use]
    pub const fn new(id: ProviderId) -> Self {
        Self {
            id,
            name: Fact::Unknown,
            doc: Fact::Unknown,
            api: Fact::Unknown,
            env: Fact::Unknown,
        }
    }
}
