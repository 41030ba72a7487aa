use std::collections::BTreeMap;

use crate::model::{Fact, Offering, Provider};

use super::Import;

/// Holds what several files say together, sorted by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Merged {
    /// Holds the offerings, one for each key, in the order of their names.
    pub offerings: Vec<Offering>,
    /// Holds the providers, one for each id, in the order of their ids.
    pub providers: Vec<Provider>,
    /// Counts the offerings of earlier files that a later one replaced.
    pub replaced: u64,
}

/// Merges files: where two have an offering of the same provider and id, the later file's is taken
/// whole and the earlier one's is counted as replaced.
///
/// Of a provider, a later file's facts replace earlier ones, and what it does not know stays, since
/// some files know no more of a provider than its id.
///
/// # Examples
///
/// ```
/// use byname_catalog::import::{merge, parse};
///
/// let first = parse("a", br#"{"p": {"models": {"m": {"name": "one"}, "n": {}}}}"#)?;
/// let second = parse("b", br#"{"p": {"models": {"m": {"name": "two"}}}}"#)?;
/// let merged = merge([first, second]);
/// assert_eq!(merged.offerings.len(), 2);
/// assert_eq!(merged.offerings[0].name.known().map(String::as_str), Some("two"));
/// assert_eq!(merged.replaced, 1);
/// # Ok::<(), byname_catalog::import::ImportError>(())
/// ```
#[must_use]
pub fn merge(imports: impl IntoIterator<Item = Import>) -> Merged {
    let mut offerings = BTreeMap::new();
    let mut providers = BTreeMap::<_, Provider>::new();
    let mut replaced = 0;
    for import in imports {
        for offering in import.offerings {
            replaced += u64::from(offerings.insert(offering.key.clone(), offering).is_some());
        }
        for provider in import.providers {
            match providers.get_mut(&provider.id) {
                Some(earlier) => fill(earlier, provider),
                None => {
                    providers.insert(provider.id.clone(), provider);
                }
            }
        }
    }
    Merged {
        offerings: offerings.into_values().collect(),
        providers: providers.into_values().collect(),
        replaced,
    }
}

fn fill(earlier: &mut Provider, later: Provider) {
    fn take<T>(earlier: &mut Fact<T>, later: Fact<T>) {
        if !later.is_unknown() {
            *earlier = later;
        }
    }
    let Provider {
        id: _,
        name,
        doc,
        api,
        env,
    } = later;
    take(&mut earlier.name, name);
    take(&mut earlier.doc, doc);
    take(&mut earlier.api, api);
    take(&mut earlier.env, env);
}
