//! The shape of OpenRouter's `GET /api/v1/models`: a list of models; prices are decimal strings,
//! USD per token, request, picture or search, and `-1` where the price varies.

use std::collections::HashSet;

use crate::model::{
    Capability, Conditions, Date, Decimal, Fact, Offering, OfferingKey, Price, PriceKind,
    PriceLine, Prices, Provider, ProviderId, Unit,
};

use super::fields::number;
use super::json::{Node, Value};
use super::path::KeyPath;
use super::pricing::{add, add_usd};
use super::report::Reporter;

const PROVIDER: &str = "openrouter";

/// Tells whether an item of `data` has this shape.
pub(crate) fn looks_like(entry: &Node<'_>) -> bool {
    entry.member("id").is_some() && entry.member("pricing").is_some()
}

pub(crate) fn import(
    top: &Node<'_>,
    reporter: &mut Reporter<'_>,
    offerings: &mut Vec<Offering>,
    providers: &mut Vec<Provider>,
) {
    let path = &KeyPath::TOP;
    if let Ok(id) = ProviderId::new(PROVIDER) {
        let mut provider = Provider::new(id);
        provider.name = Fact::Known("OpenRouter".to_owned());
        providers.push(provider);
    }
    for member in reporter.members(top.as_object().unwrap_or_default(), path) {
        let path = &path.name(&member.name);
        if member.name != "data" {
            reporter.unknown_field(&member.name);
            continue;
        }
        let mut seen = HashSet::new();
        for (index, item) in member
            .value
            .as_array()
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            entry(item, &path.index(index), &mut seen, reporter, offerings);
        }
    }
}

fn entry<'n>(
    node: &'n Node<'_>,
    path: &KeyPath<'_>,
    seen: &mut HashSet<&'n str>,
    reporter: &mut Reporter<'_>,
    offerings: &mut Vec<Offering>,
) {
    reporter.counts.entries += 1;
    if node.as_object().is_none() {
        let message = format_args!(
            "expected a model: an object, found {}; refused",
            node.value.kind()
        );
        return reporter.refuse(node.at, path, &message);
    }
    let id = node.member("id");
    let Some(text) = id.and_then(Node::as_text) else {
        let at = id.map_or(node.at, |id| id.at);
        return reporter.refuse(at, path, &"expected a model with a string `id`; refused");
    };
    match OfferingKey::new(PROVIDER, text) {
        Err(error) => {
            let at = id.map_or(node.at, |id| id.at);
            reporter.refuse(at, &path.name("id"), &format_args!("{error}; refused"));
        }
        Ok(_) if !seen.insert(text) => {
            let message = format_args!("a model with the id {text:?} stands before it; refused");
            reporter.refuse(node.at, path, &message);
        }
        Ok(key) => {
            reporter.counts.loaded += 1;
            offerings.push(offering(key, node, path, reporter));
        }
    }
}

fn offering(
    key: OfferingKey,
    node: &Node<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) -> Offering {
    let mut offering = Offering::new(key);
    for member in reporter.members(node.as_object().unwrap_or_default(), path) {
        let (value, path) = (&member.value, &path.name(&member.name));
        match member.name.as_ref() {
            "name" => offering.name = reporter.text(value, path),
            "created" => offering.dates.listed = created(value, path, reporter),
            "knowledge_cutoff" => offering.dates.knowledge = reporter.date(value, path),
            // Here `null` says that no end is planned.
            "expiration_date" if matches!(value.value, Value::Null) => {
                offering.dates.deprecation = Fact::Absent;
            }
            "expiration_date" => offering.dates.deprecation = reporter.date(value, path),
            "context_length" => offering.limits.context = reporter.limit(value, path),
            "architecture" => {
                let fields = reporter.object(value, path);
                for field in reporter.members(fields, path) {
                    let (value, path) = (&field.value, &path.name(&field.name));
                    match field.name.as_ref() {
                        "input_modalities" => {
                            offering.modalities.input = reporter.modalities(value, path);
                        }
                        "output_modalities" => {
                            offering.modalities.output = reporter.modalities(value, path);
                        }
                        "modality" | "tokenizer" | "instruct_type" => {}
                        name => reporter.unknown_field(name),
                    }
                }
            }
            "top_provider" => {
                let fields = reporter.object(value, path);
                for field in reporter.members(fields, path) {
                    let (value, path) = (&field.value, &path.name(&field.name));
                    match field.name.as_ref() {
                        "max_completion_tokens" => {
                            offering.limits.output = reporter.limit(value, path);
                        }
                        // The router's own limit is `context_length` above.
                        "context_length" | "is_moderated" => {}
                        name => reporter.unknown_field(name),
                    }
                }
            }
            "supported_parameters" => parameters(&mut offering, value, path, reporter),
            "pricing" => {
                let fields = reporter.object(value, path);
                for field in reporter.members(fields, path) {
                    let path = &path.name(&field.name);
                    price(
                        &mut offering.prices,
                        &field.name,
                        &field.value,
                        path,
                        reporter,
                    );
                }
            }
            // The id is the key; the rest is prose, links, and how a client has to ask.
            "id" | "canonical_slug" | "hugging_face_id" | "description" | "links"
            | "per_request_limits" | "default_parameters" | "supported_voices" => {}
            name => reporter.unknown_field(name),
        }
    }
    offering
}

fn created(node: &Node<'_>, path: &KeyPath<'_>, reporter: &mut Reporter<'_>) -> Fact<Date> {
    if matches!(node.value, Value::Null) {
        return Fact::Unknown;
    }
    let seconds = number(node).and_then(Decimal::to_u64);
    if let Some(date) = seconds.and_then(|seconds| Date::from_unix(seconds).ok()) {
        Fact::Known(date)
    } else {
        let message =
            "expected a time in whole seconds since 1970, before the year 10000; left out";
        reporter.leave_out(node.at, path, &message);
        Fact::Unknown
    }
}

/// Reads the list of parameters, which is complete where there is one: what these four are called
/// in it and is not in it is known to be missing.
fn parameters(
    offering: &mut Offering,
    node: &Node<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) {
    const ALWAYS: [(&str, Capability); 4] = [
        ("reasoning", Capability::REASONING),
        ("structured_outputs", Capability::STRUCTURED_OUTPUT),
        ("temperature", Capability::TEMPERATURE),
        ("tools", Capability::TOOL_CALL),
    ];
    let items = reporter.array(node, path);
    if items.is_empty() {
        return;
    }
    for (name, capability) in ALWAYS {
        let listed = items.iter().any(|item| item.as_text() == Some(name));
        offering.capabilities.set(capability, Fact::Known(listed));
    }
    for (index, item) in items.iter().enumerate() {
        let path = &path.index(index);
        match item.as_text() {
            Some(name) if ALWAYS.iter().any(|(known, _)| *known == name) => {}
            Some("parallel_tool_calls") => {
                offering
                    .capabilities
                    .set(Capability::PARALLEL_TOOL_CALL, Fact::Known(true));
            }
            _ => {
                if let Fact::Known(capability) = reporter.word(item, path, Capability::new) {
                    offering.capabilities.set(capability, Fact::Known(true));
                }
            }
        }
    }
}

fn price(
    prices: &mut Prices,
    name: &str,
    node: &Node<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) {
    const PER_TOKEN: i32 = 6;
    let (kind, unit, shift) = match name {
        "prompt" => (PriceKind::INPUT, Unit::MILLION_TOKENS, PER_TOKEN),
        "completion" => (PriceKind::OUTPUT, Unit::MILLION_TOKENS, PER_TOKEN),
        "internal_reasoning" => (PriceKind::REASONING, Unit::MILLION_TOKENS, PER_TOKEN),
        "input_cache_read" => (PriceKind::CACHE_READ, Unit::MILLION_TOKENS, PER_TOKEN),
        "input_cache_write" => (PriceKind::CACHE_WRITE, Unit::MILLION_TOKENS, PER_TOKEN),
        "audio" => (PriceKind::INPUT_AUDIO, Unit::MILLION_TOKENS, PER_TOKEN),
        "audio_output" => (PriceKind::OUTPUT_AUDIO, Unit::MILLION_TOKENS, PER_TOKEN),
        "image_token" => (PriceKind::INPUT_IMAGE, Unit::MILLION_TOKENS, PER_TOKEN),
        "image_output" => (PriceKind::OUTPUT_IMAGE, Unit::MILLION_TOKENS, PER_TOKEN),
        "image" => (PriceKind::INPUT_IMAGE, Unit::IMAGE, 0),
        "request" => (PriceKind::REQUEST, Unit::REQUEST, 0),
        "web_search" => (PriceKind::WEB_SEARCH, Unit::QUERY, 0),
        name => return reporter.unknown_field(name),
    };
    let when = Conditions::default();
    if number(node) == Decimal::new(-1, 0).ok() {
        add(
            prices,
            PriceLine::new(kind, unit, Price::Varying),
            node.at,
            path,
            reporter,
        );
    } else {
        add_usd(prices, kind, unit, &when, shift, node, path, reporter);
    }
}
