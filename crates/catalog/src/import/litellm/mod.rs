//! The shape of LiteLLM's price and context-window table: one flat object of entries; prices are
//! USD per token, picture, second and so on.
//!
//! An entry belongs to the provider in its `litellm_provider`, less a group such as the
//! `-anthropic_models` of `vertex_ai-anthropic_models`. Its id is its name in the table, less
//! `PROVIDER/` at the beginning; where the table also has the shorter name for the same provider,
//! the longer one is kept whole, so that both are there.

mod entry;
mod prices;

use std::collections::HashSet;

use crate::model::{Offering, OfferingKey, Provider, ProviderId};

use super::json::{Node, Value};
use super::path::KeyPath;
use super::report::Reporter;

/// Tells whether a value of the top object has this shape.
pub(crate) fn looks_like(entry: &Node<'_>) -> bool {
    provider_of(entry).is_some()
}

pub(crate) fn import(
    top: &Node<'_>,
    reporter: &mut Reporter<'_>,
    offerings: &mut Vec<Offering>,
    providers: &mut Vec<Provider>,
) {
    let members = top.as_object().unwrap_or_default();
    let whole: HashSet<(&str, &str)> = members
        .iter()
        .filter_map(|member| Some((provider_of(&member.value)?, member.name.as_ref())))
        .collect();
    for member in members {
        let path = &KeyPath::TOP.name(&member.name);
        let refused = reporter.counts.refused;
        reporter.counts.entries += 1;
        let text = matches!(member.value.value, Value::Text(_));
        if member.name == "sample_spec" || (text && member.name == "last_updated") {
            reporter.counts.skipped += 1;
        } else if member.superseded {
            let message = "the same name stands again further down; the last one counts; refused";
            reporter.refuse(member.at, path, &message);
        } else if member.value.as_object().is_none() {
            let found = member.value.value.kind();
            let message = format_args!("expected an entry: an object, found {found}; refused");
            reporter.refuse(member.value.at, path, &message);
        } else if let Some(provider) = provider_of(&member.value) {
            match key(provider, &member.name, &whole) {
                Ok(key) => {
                    reporter.counts.loaded += 1;
                    offerings.push(entry::offering(key, &member.value, path, reporter));
                }
                Err(error) => {
                    reporter.refuse(member.value.at, path, &format_args!("{error}; refused"));
                }
            }
        } else {
            let message = "expected a string `litellm_provider`, which names the provider; refused";
            reporter.refuse(member.value.at, path, &message);
        }
        debug_assert!(
            reporter.counts.refused - refused <= 1,
            "an entry is refused once"
        );
    }
    let mut ids: Vec<&str> = offerings
        .iter()
        .map(|offering| offering.key.provider())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    providers.extend(
        ids.into_iter()
            .filter_map(|id| ProviderId::new(id).ok())
            .map(Provider::new),
    );
}

/// Returns the provider of an entry, without the group of its models.
fn provider_of<'n>(entry: &'n Node<'_>) -> Option<&'n str> {
    let provider = entry.member("litellm_provider")?.as_text()?;
    Some(match provider.split_once('-') {
        Some((before, group)) if group.ends_with("models") && !before.is_empty() => before,
        _ => provider,
    })
}

fn key(
    provider: &str,
    name: &str,
    whole: &HashSet<(&str, &str)>,
) -> Result<OfferingKey, crate::model::KeyError> {
    let short = name
        .strip_prefix(provider)
        .and_then(|rest| rest.strip_prefix('/'));
    match short {
        Some(short) if !whole.contains(&(provider, short)) => OfferingKey::new(provider, short),
        _ => OfferingKey::new(provider, name),
    }
}
