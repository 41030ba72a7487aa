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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::parse;

    #[test]
    fn a_later_file_replaces_offerings_whole_and_fills_in_providers() {
        let models_dev = parse(
            "a",
            br#"{"p": {"name": "P", "doc": "d", "models": {
                "x": {"name": "old", "family": "f"}, "y": {"name": "kept"}}}}"#,
        );
        let litellm = parse(
            "b",
            br#"{"x": {"litellm_provider": "p", "mode": "chat"},
            "q/x": {"litellm_provider": "q"}}"#,
        );
        let again = parse(
            "c",
            br#"{"p": {"name": "P2", "models": {"y": {"name": "newest"}}}}"#,
        );
        let merged = merge([models_dev, litellm, again].map(Result::unwrap));
        let names: Vec<_> = merged
            .offerings
            .iter()
            .map(|offering| offering.key.name())
            .collect();
        assert_eq!(names, ["p/x", "p/y", "q/x"]);
        // Nothing of the earlier one is left, not even what the later one does not know.
        assert!(merged.offerings[0].name.is_unknown() && merged.offerings[0].family.is_unknown());
        assert_eq!(merged.offerings[1].name, Fact::Known("newest".to_owned()));
        assert_eq!(merged.replaced, 2);
        let ids: Vec<_> = merged
            .providers
            .iter()
            .map(|provider| provider.id.as_str())
            .collect();
        assert_eq!(ids, ["p", "q"]);
        assert_eq!(merged.providers[0].name, Fact::Known("P2".to_owned()));
        assert_eq!(merged.providers[0].doc, Fact::Known("d".to_owned()));
    }
}
