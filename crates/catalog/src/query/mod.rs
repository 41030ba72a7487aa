//! Asking a catalog for some of its offerings, a page at a time.

mod cursor;
mod text;

use std::num::NonZeroUsize;
use std::ops::Bound;

use byname_registry::Snapshot;

pub use self::cursor::{Cursor, CursorError};
use self::text::Needle;
use crate::model::{Offering, OfferingKey};

/// Which offerings to list, and how many at a time.
///
/// # Examples
///
/// ```
/// use byname_catalog::{Catalog, Offering, OfferingKey, Query};
///
/// let catalog: Catalog = [
///     Offering::new(OfferingKey::new("openai", "gpt-4o")?),
///     Offering::new(OfferingKey::new("openrouter", "openai/gpt-4o")?),
///     Offering::new(OfferingKey::new("openrouter", "x-ai/grok-4")?),
/// ]
/// .into_iter()
/// .collect();
///
/// let offerings = catalog.offerings();
/// let page = offerings.page(&Query::all().containing("GPT"), None);
/// let names: Vec<&str> = page.offerings.iter().map(|offering| offering.key.name()).collect();
/// assert_eq!(names, ["openai/gpt-4o", "openrouter/openai/gpt-4o"]);
/// assert_eq!(page.next, None);
/// # Ok::<(), byname_catalog::model::KeyError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Query {
    provider: Option<String>,
    text: Option<Needle>,
    limit: Option<NonZeroUsize>,
}

impl Query {
    /// Asks for everything on one page.
    pub fn all() -> Self {
        Self::default()
    }

    /// Asks only for what this provider offers; nothing if there is no such provider.
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// Asks only for what has `text` in its id or in its name, in upper or lower case.
    pub fn containing(mut self, text: &str) -> Self {
        self.text = Some(Needle::new(text));
        self
    }

    /// Asks for so many at a time.
    pub fn limit(mut self, limit: NonZeroUsize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Picks a page of a snapshot.
    pub(crate) fn page<'a>(
        &self,
        snapshot: &'a Snapshot<Offering>,
        after: Option<&Cursor>,
    ) -> Page<'a> {
        let after = after.map(Cursor::name);
        let first = after.map_or("", |name| split(name).0);
        let providers = match &self.provider {
            // No provider holds a `/`; as the beginning of a name `a/b` would find what `a` offers
            // as `b/…`.
            Some(provider) if provider.contains('/') => Vec::new(),
            Some(provider) => vec![provider.as_str()],
            None => providers(snapshot),
        };
        let limit = self.limit.map_or(usize::MAX, NonZeroUsize::get);
        let mut offerings: Vec<&Offering> = Vec::new();
        for provider in providers.into_iter().filter(|provider| *provider >= first) {
            // What a provider offers stands together, in order of id.
            let group = format!("{provider}/");
            let start = match after {
                Some(name) if provider == first => Bound::Excluded(name),
                _ => Bound::Included(group.as_str()),
            };
            let rows = snapshot
                .iter_from(start)
                .take_while(|(name, _)| name.starts_with(&group));
            for (_, offering) in rows.filter(|(_, offering)| self.asks_for(offering)) {
                if offerings.len() == limit {
                    // There is a next page only if there is something on it.
                    let next = offerings.last().map(|last| Cursor::after(last.key.name()));
                    return Page { offerings, next };
                }
                offerings.push(offering);
            }
        }
        Page {
            offerings,
            next: None,
        }
    }

    fn asks_for(&self, offering: &Offering) -> bool {
        self.text.as_ref().is_none_or(|text| {
            text.is_in(offering.key.id())
                || offering.name.known().is_some_and(|name| text.is_in(name))
        })
    }
}

/// The providers that offer something, ordered by id.
///
/// By name, what a provider offers stands together, but the providers do not stand in order of
/// their ids: `a-b/…` comes before `a/…`.
fn providers(snapshot: &Snapshot<Offering>) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut beyond = String::new();
    loop {
        let next = snapshot.iter_from(Bound::Included(&beyond)).next();
        let Some(provider) = next.map(|(name, _)| split(name).0) else {
            break;
        };
        found.push(provider);
        // The first text after every name that begins with `provider/`: `0` follows `/`.
        beyond = format!("{provider}0");
    }
    found.sort_unstable();
    found
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The offerings on it, ordered by provider and id, all from one revision.
    pub offerings: Vec<&'a Offering>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

/// The provider and the id of a name; a provider holds no `/`.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or((name, ""))
}

/// Finds the names of offerings that are most like one that was not found, the nearest first.
pub(crate) fn nearest<'a>(
    by_name: impl Iterator<Item = &'a Offering>,
    asked: &str,
    most: usize,
) -> Vec<&'a OfferingKey> {
    let asked = asked.to_lowercase();
    let mut found: Vec<(usize, &OfferingKey)> = by_name
        .filter_map(|offering| {
            let key = &offering.key;
            let apart = [key.name(), key.id(), last_part(key.id())]
                .into_iter()
                .filter_map(|candidate| apart(&asked, &candidate.to_lowercase()))
                .min()?;
            Some((apart, key))
        })
        .collect();
    found.sort_by(|a, b| (a.0, a.1.name().len(), a.1).cmp(&(b.0, b.1.name().len(), b.1)));
    found.truncate(most);
    found.into_iter().map(|(_, key)| key).collect()
}

fn last_part(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// How far a candidate is from what was asked for; `None` if it is not like it at all.
fn apart(asked: &str, candidate: &str) -> Option<usize> {
    if candidate.contains(asked) && !asked.is_empty() {
        return Some(1);
    }
    // A typed name has a slip in about every fourth character at worst.
    let most = asked.chars().count().div_ceil(4);
    distance(asked, candidate, most)
}

/// The number of characters to insert, delete or replace, if it is at most `most`.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
        if row.iter().all(|distance| *distance > most) {
            return None;
        }
    }
    Some(row[b.len()]).filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests;
