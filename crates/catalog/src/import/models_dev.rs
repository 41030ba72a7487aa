//! The shape of models.dev's `api.json`: providers by id, each with its models by id; prices are
//! USD per million tokens.

use crate::model::{
    Capability, Conditions, Fact, ModalitySet, Offering, OfferingKey, PriceKind, Prices, Provider,
    ProviderId, ServiceTier, Status, Unit,
};

use super::fields::number;
use super::json::{Node, Value};
use super::path::KeyPath;
use super::pricing::add_usd;
use super::report::Reporter;

/// Tells whether a value of the top object has this shape.
pub(crate) fn looks_like(entry: &Node<'_>) -> bool {
    entry
        .member("models")
        .is_some_and(|models| models.as_object().is_some())
}

pub(crate) fn import(
    top: &Node<'_>,
    reporter: &mut Reporter<'_>,
    offerings: &mut Vec<Offering>,
    providers: &mut Vec<Provider>,
) {
    let path = KeyPath::TOP;
    for member in top.as_object().unwrap_or_default() {
        let path = path.name(&member.name);
        if member.superseded {
            let models = member.value.member("models").and_then(Node::as_object);
            for model in models.unwrap_or_default() {
                reporter.counts.entries += 1;
                let models = path.name("models");
                reporter.refuse(model.at, &models.name(&model.name), &AGAIN);
            }
            reporter.duplicate(member.at, &path);
            continue;
        }
        let id = match ProviderId::new(&member.name) {
            Ok(id) if looks_like(&member.value) => id,
            Ok(_) => {
                reporter.counts.entries += 1;
                let message = "expected a provider: an object with an object `models`; refused";
                reporter.refuse(member.value.at, &path, &message);
                continue;
            }
            Err(error) => {
                reporter.counts.entries += 1;
                reporter.refuse(member.at, &path, &format_args!("{error}; refused"));
                continue;
            }
        };
        providers.push(provider(id, &member.value, &path, reporter, offerings));
    }
}

const AGAIN: &str = "the same name stands again further down; the last one counts; refused";

fn provider(
    id: ProviderId,
    node: &Node<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
    offerings: &mut Vec<Offering>,
) -> Provider {
    let mut provider = Provider::new(id);
    for member in reporter.members(node.as_object().unwrap_or_default(), path) {
        let (value, path) = (&member.value, &path.name(&member.name));
        match member.name.as_ref() {
            "id" => same_id(value, path, provider.id.as_str(), reporter),
            "name" => provider.name = reporter.text(value, path),
            "doc" => provider.doc = reporter.text(value, path),
            "api" => provider.api = reporter.text(value, path),
            "env" => {
                let names = reporter.array(value, path).iter().enumerate();
                let names: Vec<String> = names
                    .filter_map(|(index, item)| {
                        reporter.text(item, &path.index(index)).into_known()
                    })
                    .collect();
                provider.env = if names.is_empty() {
                    Fact::Unknown
                } else {
                    Fact::Known(names)
                };
            }
            "models" => {
                for model in value.as_object().unwrap_or_default() {
                    let path = &path.name(&model.name);
                    reporter.counts.entries += 1;
                    if model.superseded {
                        reporter.refuse(model.at, path, &AGAIN);
                        continue;
                    }
                    match OfferingKey::new(provider.id.as_str(), &model.name) {
                        Err(error) => {
                            reporter.refuse(model.at, path, &format_args!("{error}; refused"));
                        }
                        Ok(_) if model.value.as_object().is_none() => {
                            let found = model.value.value.kind();
                            reporter.refuse(
                                model.value.at,
                                path,
                                &format_args!(
                                    "expected a model: an object, found {found}; refused"
                                ),
                            );
                        }
                        Ok(key) => {
                            reporter.counts.loaded += 1;
                            offerings.push(offering(key, &model.value, path, reporter));
                        }
                    }
                }
            }
            // The package that speaks to the provider: nothing that a catalog needs.
            "npm" => {}
            name => reporter.unknown_field(name),
        }
    }
    provider
}

fn same_id(node: &Node<'_>, path: &KeyPath<'_>, id: &str, reporter: &mut Reporter<'_>) {
    if node.as_text().is_some_and(|other| other != id) {
        let message = format_args!("differs from {id:?}, the name under which it stands; left out");
        reporter.leave_out(node.at, path, &message);
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
        let mut flag = |capability| {
            let fact = reporter.flag(value, path);
            offering.capabilities.set(capability, fact);
        };
        match member.name.as_ref() {
            "attachment" => flag(Capability::ATTACHMENT),
            "reasoning" => flag(Capability::REASONING),
            "tool_call" => flag(Capability::TOOL_CALL),
            "structured_output" => flag(Capability::STRUCTURED_OUTPUT),
            "temperature" => flag(Capability::TEMPERATURE),
            "open_weights" => flag(Capability::OPEN_WEIGHTS),
            // Either a flag, or an object that says in which field, which implies yes.
            "interleaved" if matches!(value.value, Value::Object(_)) => {
                offering
                    .capabilities
                    .set(Capability::INTERLEAVED, Fact::Known(true));
            }
            "interleaved" => flag(Capability::INTERLEAVED),
            "id" => same_id(value, path, offering.key.id(), reporter),
            "name" => offering.name = reporter.text(value, path),
            "family" => offering.family = reporter.text(value, path),
            "status" => offering.status = reporter.word(value, path, Status::new),
            "knowledge" => offering.dates.knowledge = reporter.date(value, path),
            "release_date" => offering.dates.release = reporter.date(value, path),
            "last_updated" => offering.dates.last_updated = reporter.date(value, path),
            "modalities" => {
                let (input, output) = modalities(value, path, reporter);
                offering.modalities.input = input;
                offering.modalities.output = output;
            }
            "limit" => limits(&mut offering, value, path, reporter),
            "cost" => cost(
                &mut offering.prices,
                value,
                path,
                &Conditions::default(),
                reporter,
            ),
            "experimental" => modes(&mut offering.prices, value, path, reporter),
            // Prose, opinions, and how a client has to ask: known and not kept.
            "description" | "benchmarks" | "links" | "weights" | "provider"
            | "reasoning_options" => {}
            name => reporter.unknown_field(name),
        }
    }
    offering
}

fn modalities(
    node: &Node<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) -> (Fact<ModalitySet>, Fact<ModalitySet>) {
    let (mut input, mut output) = (Fact::Unknown, Fact::Unknown);
    let members = reporter.object(node, path);
    for member in reporter.members(members, path) {
        let (value, path) = (&member.value, &path.name(&member.name));
        match member.name.as_ref() {
            "input" => input = reporter.modalities(value, path),
            "output" => output = reporter.modalities(value, path),
            name => reporter.unknown_field(name),
        }
    }
    (input, output)
}

fn limits(
    offering: &mut Offering,
    node: &Node<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) {
    let members = reporter.object(node, path);
    for member in reporter.members(members, path) {
        let (value, path) = (&member.value, &path.name(&member.name));
        match member.name.as_ref() {
            "context" => offering.limits.context = reporter.limit(value, path),
            "input" => offering.limits.input = reporter.limit(value, path),
            "output" => offering.limits.output = reporter.limit(value, path),
            name => reporter.unknown_field(name),
        }
    }
}

/// Names what a field of `cost` is the price of; the second is true for a name that is only found
/// in some files and yields to the right one.
fn kind(field: &str) -> Option<(PriceKind, bool)> {
    Some(match field {
        "input" => (PriceKind::INPUT, false),
        "output" => (PriceKind::OUTPUT, false),
        "reasoning" => (PriceKind::REASONING, false),
        "cache_read" => (PriceKind::CACHE_READ, false),
        "cache_write" => (PriceKind::CACHE_WRITE, false),
        "input_audio" => (PriceKind::INPUT_AUDIO, false),
        "output_audio" => (PriceKind::OUTPUT_AUDIO, false),
        "image" => (PriceKind::IMAGE, false),
        "citation" => (PriceKind::CITATION, false),
        "cache_input" | "cached_input" => (PriceKind::CACHE_READ, true),
        "cached_write" => (PriceKind::CACHE_WRITE, true),
        _ => return None,
    })
}

fn cost(
    prices: &mut Prices,
    node: &Node<'_>,
    path: &KeyPath<'_>,
    when: &Conditions,
    reporter: &mut Reporter<'_>,
) {
    let members = reporter.object(node, path);
    let mut late = Vec::new();
    for member in reporter.members(members, path) {
        let (value, below) = (&member.value, &path.name(&member.name));
        match (kind(&member.name), member.name.as_ref()) {
            (Some((kind, false)), _) => {
                add_usd(
                    prices,
                    kind,
                    Unit::MILLION_TOKENS,
                    when,
                    0,
                    value,
                    below,
                    reporter,
                );
            }
            (Some((kind, true)), _) => late.push((kind, member)),
            (None, "tiers") => tiers(prices, value, below, when, reporter),
            (None, "tier") => {}
            (None, name) => match above(name) {
                Some(tokens) => {
                    let when = Conditions {
                        above_tokens: Some(tokens),
                        ..when.clone()
                    };
                    cost(prices, value, below, &when, reporter);
                }
                None => reporter.unknown_field(name),
            },
        }
    }
    for (kind, member) in late {
        if prices.get(&kind, &Unit::MILLION_TOKENS, when).is_some() {
            let message = format_args!("another name for {kind}, which is given as well; left out");
            reporter.leave_out(member.at, &path.name(&member.name), &message);
        } else {
            let (value, below) = (&member.value, &path.name(&member.name));
            add_usd(
                prices,
                kind,
                Unit::MILLION_TOKENS,
                when,
                0,
                value,
                below,
                reporter,
            );
        }
    }
}

/// Reads the number of tokens from a name such as `context_over_200k`.
fn above(name: &str) -> Option<u64> {
    let thousands = name.strip_prefix("context_over_")?.strip_suffix('k')?;
    thousands.parse::<u64>().ok()?.checked_mul(1000)
}

fn tiers(
    prices: &mut Prices,
    node: &Node<'_>,
    path: &KeyPath<'_>,
    when: &Conditions,
    reporter: &mut Reporter<'_>,
) {
    for (index, item) in reporter.array(node, path).iter().enumerate() {
        let path = &path.index(index);
        let tier = item.member("tier");
        let by_context = tier
            .and_then(|tier| tier.member("type"))
            .is_none_or(|kind| kind.as_text() == Some("context"));
        let size = tier.and_then(|tier| tier.member("size")).and_then(number);
        match size.and_then(crate::model::Decimal::to_u64) {
            Some(tokens) if by_context => {
                let when = Conditions {
                    above_tokens: Some(tokens),
                    ..when.clone()
                };
                cost(prices, item, path, &when, reporter);
            }
            _ => {
                let message = "expected a tier by context with a whole number of tokens as `tier.size`; left out";
                reporter.leave_out(item.at, path, &message);
            }
        }
    }
}

fn modes(prices: &mut Prices, node: &Node<'_>, path: &KeyPath<'_>, reporter: &mut Reporter<'_>) {
    let members = reporter.object(node, path);
    for member in reporter.members(members, path) {
        let path = &path.name(&member.name);
        if member.name != "modes" {
            reporter.unknown_field(&member.name);
            continue;
        }
        let modes = reporter.object(&member.value, path);
        for mode in reporter.members(modes, path) {
            let path = &path.name(&mode.name);
            let Ok(tier) = ServiceTier::new(&mode.name) else {
                reporter.leave_out(
                    mode.at,
                    path,
                    &"expected the name of a service tier; left out",
                );
                continue;
            };
            let when = Conditions {
                service_tier: Some(tier),
                ..Conditions::default()
            };
            let fields = reporter.object(&mode.value, path);
            for field in reporter.members(fields, path) {
                match field.name.as_ref() {
                    "cost" => cost(prices, &field.value, &path.name("cost"), &when, reporter),
                    // How a client has to ask for the mode.
                    "provider" => {}
                    name => reporter.unknown_field(name),
                }
            }
        }
    }
}
