//! The names of LiteLLM's price fields: what is paid for and per what, and then any of the
//! conditions, as in `cache_creation_input_token_cost_above_1hr_above_200k_tokens_batches`.

use crate::model::{Conditions, Decimal, PriceKind, Prices, ServiceTier, Unit, Variant};

use super::super::fields::number;
use super::super::json::{Member, Node};
use super::super::path::KeyPath;
use super::super::pricing::add_usd;
use super::super::report::Reporter;

/// Is what a field says: what is paid for, per what, how far the point moves, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Meaning {
    kind: PriceKind,
    unit: Unit,
    shift: i32,
    when: Conditions,
}

/// Adds what a field says and returns whether it is about prices.
pub(super) fn add(
    prices: &mut Prices,
    member: &Member<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) -> bool {
    let always = |kind, unit| Meaning {
        kind,
        unit,
        shift: 0,
        when: Conditions::default(),
    };
    match member.name.as_ref() {
        "search_context_cost_per_query" => {
            let meaning = always(PriceKind::WEB_SEARCH, Unit::QUERY);
            variants(
                prices,
                &meaning,
                "search_context_size_",
                "context_",
                member,
                path,
                reporter,
            );
        }
        "guardrail_cost_per_unit" => {
            let meaning = always(PriceKind::fixed("guardrail"), Unit::fixed("unit"));
            variants(prices, &meaning, "", "", member, path, reporter);
        }
        "off_peak_pricing" => {
            let fields = reporter.object(&member.value, path);
            for field in reporter.members(fields, path) {
                match meaning(&field.name) {
                    Some(mut meaning) => {
                        meaning.when.variant = Some(Variant::fixed("off_peak"));
                        put(
                            prices,
                            meaning,
                            &field.value,
                            &path.name(&field.name),
                            reporter,
                        );
                    }
                    None => reporter.unknown_field(&field.name),
                }
            }
        }
        "tiered_pricing" => {
            for (index, tier) in reporter.array(&member.value, path).iter().enumerate() {
                add_tier(prices, tier, &path.index(index), reporter);
            }
        }
        name => match meaning(name) {
            Some(meaning) => put(prices, meaning, &member.value, path, reporter),
            None => return false,
        },
    }
    true
}

fn put(
    prices: &mut Prices,
    meaning: Meaning,
    node: &Node<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) {
    let Meaning {
        kind,
        unit,
        shift,
        when,
    } = meaning;
    add_usd(prices, kind, unit, &when, shift, node, path, reporter);
}

/// Adds one price for each member of an object, whose name less `prefix` is the circumstance.
fn variants(
    prices: &mut Prices,
    meaning: &Meaning,
    prefix: &str,
    shown: &str,
    member: &Member<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) {
    let fields = reporter.object(&member.value, path);
    for field in reporter.members(fields, path) {
        let rest = field.name.strip_prefix(prefix);
        match rest.and_then(|rest| Variant::new(&format!("{shown}{}", snake(rest))).ok()) {
            Some(variant) => {
                let mut meaning = meaning.clone();
                meaning.when.variant = Some(variant);
                put(
                    prices,
                    meaning,
                    &field.value,
                    &path.name(&field.name),
                    reporter,
                );
            }
            None => reporter.unknown_field(&field.name),
        }
    }
}

/// Writes `contentPolicyUnits` as `content_policy_units`.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// Adds the prices of a tier, which holds for prompts or for numbers of results in its range.
fn add_tier(prices: &mut Prices, tier: &Node<'_>, path: &KeyPath<'_>, reporter: &mut Reporter<'_>) {
    let mut when = Conditions::default();
    if let Some((from, _)) = tier.member("range").and_then(range) {
        when.above_tokens = Some(from).filter(|from| *from > 0);
    } else if let Some((from, to)) = tier.member("max_results_range").and_then(range) {
        when.variant = Variant::new(&format!("results_{from}_{to}")).ok();
    } else {
        let message = "expected a tier with a `range` of two whole numbers; left out";
        reporter.leave_out(tier.at, path, &message);
        return;
    }
    let fields = reporter.object(tier, path);
    for field in reporter.members(fields, path) {
        match meaning(&field.name) {
            Some(mut meaning) => {
                meaning.when = when.clone();
                put(
                    prices,
                    meaning,
                    &field.value,
                    &path.name(&field.name),
                    reporter,
                );
            }
            None if field.name == "range" || field.name == "max_results_range" => {}
            None => reporter.unknown_field(&field.name),
        }
    }
}

fn range(node: &Node<'_>) -> Option<(u64, u64)> {
    let [from, to] = node.as_array()? else {
        return None;
    };
    let whole = |node| number(node).and_then(Decimal::to_u64);
    Some((whole(from)?, whole(to)?))
}

/// Takes the name of a field apart; none if it is not the name of a price.
fn meaning(field: &str) -> Option<Meaning> {
    let mut when = Conditions::default();
    let mut name = field;
    if let Some(rest) = name.strip_prefix("explicit_") {
        when.variant = Some(Variant::fixed("explicit"));
        name = rest;
    }
    // Each step cuts the name, so this ends.
    while let Some(rest) = strip_condition(name, &mut when) {
        name = rest;
    }
    if let Some((kind, unit, shift)) = paid_for(name) {
        return Some(Meaning {
            kind,
            unit,
            shift,
            when,
        });
    }
    // What is left after the unit, such as `1080p` or `4K`, is a circumstance of its own.
    let (unit, kind, rest) = [("image", Unit::IMAGE), ("second", Unit::SECOND)]
        .into_iter()
        .find_map(|(word, unit)| {
            let rest = name
                .strip_prefix("output_cost_per_")?
                .strip_prefix(word)?
                .strip_prefix('_')?;
            Some((unit, PriceKind::OUTPUT, rest))
        })?;
    let kind = if unit == Unit::IMAGE {
        PriceKind::OUTPUT_IMAGE
    } else {
        kind
    };
    if when.variant.is_some() || !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    when.variant = Some(Variant::new(rest).ok()?);
    Some(Meaning {
        kind,
        unit,
        shift: 0,
        when,
    })
}

/// Cuts one condition from the end of a name; none if there is none, or one of its kind before.
fn strip_condition<'n>(name: &'n str, when: &mut Conditions) -> Option<&'n str> {
    const TIERS: [(&str, ServiceTier); 6] = [
        ("_batches", ServiceTier::BATCH),
        ("_flex", ServiceTier::FLEX),
        ("_priority", ServiceTier::PRIORITY),
        ("_ultrafast", ServiceTier::fixed("ultrafast")),
        ("_balanced", ServiceTier::fixed("balanced")),
        ("_decisions", ServiceTier::fixed("decisions")),
    ];
    for (suffix, tier) in TIERS {
        if let Some(rest) = name.strip_suffix(suffix) {
            return when.service_tier.replace(tier).is_none().then_some(rest);
        }
    }
    let (rest, above) = name.rsplit_once("_above_")?;
    let digits = above.bytes().take_while(u8::is_ascii_digit).count();
    let (amount, unit) = above.split_at(digits);
    let amount: u32 = amount.parse().ok()?;
    let first = match unit {
        "k_tokens" => when
            .above_tokens
            .replace(u64::from(amount) * 1000)
            .is_none(),
        "hr" => when.cache_ttl.replace(amount.checked_mul(3600)?).is_none(),
        "s_interval" => when
            .variant
            .replace(Variant::new(&format!("above_{amount}s")).ok()?)
            .is_none(),
        _ => false,
    };
    first.then_some(rest)
}

/// Finds what is paid for, per what, and how far the point moves from the field to our unit.
fn paid_for(name: &str) -> Option<(PriceKind, Unit, i32)> {
    let tokens = |kind| Some((kind, Unit::MILLION_TOKENS, 6));
    let each = |kind, unit| Some((kind, unit, 0));
    match name {
        "input_cost_per_token" => tokens(PriceKind::INPUT),
        "output_cost_per_token" => tokens(PriceKind::OUTPUT),
        "output_cost_per_reasoning_token" => tokens(PriceKind::REASONING),
        "cache_read_input_token_cost" | "input_cost_per_token_cache_hit" => {
            tokens(PriceKind::CACHE_READ)
        }
        "cache_creation_input_token_cost" => tokens(PriceKind::CACHE_WRITE),
        "cache_read_input_audio_token_cost" => tokens(PriceKind::fixed("cache_read_audio")),
        "cache_creation_input_audio_token_cost" => tokens(PriceKind::fixed("cache_write_audio")),
        "cache_read_input_image_token_cost" => tokens(PriceKind::fixed("cache_read_image")),
        "input_cost_per_audio_token" => tokens(PriceKind::INPUT_AUDIO),
        "output_cost_per_audio_token" => tokens(PriceKind::OUTPUT_AUDIO),
        "input_cost_per_image_token" => tokens(PriceKind::INPUT_IMAGE),
        "output_cost_per_image_token" => tokens(PriceKind::OUTPUT_IMAGE),
        "input_cost_per_video_token" => tokens(PriceKind::INPUT_VIDEO),
        "output_cost_per_video_token" => tokens(PriceKind::OUTPUT_VIDEO),
        "citation_cost_per_token" => tokens(PriceKind::CITATION),
        "input_cost_per_image" => each(PriceKind::INPUT_IMAGE, Unit::IMAGE),
        "output_cost_per_image" => each(PriceKind::OUTPUT_IMAGE, Unit::IMAGE),
        "input_cost_per_pixel" => each(PriceKind::INPUT_IMAGE, Unit::PIXEL),
        "output_cost_per_pixel" => each(PriceKind::OUTPUT_IMAGE, Unit::PIXEL),
        "input_cost_per_character" => each(PriceKind::INPUT, Unit::CHARACTER),
        "output_cost_per_character" => each(PriceKind::OUTPUT, Unit::CHARACTER),
        "input_cost_per_second" => each(PriceKind::INPUT, Unit::SECOND),
        "output_cost_per_second" => each(PriceKind::OUTPUT, Unit::SECOND),
        "input_cost_per_audio_per_second" => each(PriceKind::INPUT_AUDIO, Unit::SECOND),
        "input_cost_per_video_per_second" => each(PriceKind::INPUT_VIDEO, Unit::SECOND),
        "output_cost_per_video_per_second" => each(PriceKind::OUTPUT_VIDEO, Unit::SECOND),
        // A machine of one's own, paid for by the time that it is there.
        "cost_per_second" => each(PriceKind::fixed("reservation"), Unit::SECOND),
        "input_cost_per_query" => each(PriceKind::INPUT, Unit::QUERY),
        "input_cost_per_request" => each(PriceKind::REQUEST, Unit::REQUEST),
        "input_cost_per_text_message" => each(PriceKind::INPUT, Unit::fixed("message")),
        "google_maps_grounding_cost_per_query" => {
            each(PriceKind::fixed("maps_grounding"), Unit::QUERY)
        }
        "ocr_cost_per_page" => each(PriceKind::fixed("ocr"), Unit::PAGE),
        "ocr_cost_per_credit" => each(PriceKind::fixed("ocr"), Unit::fixed("credit")),
        "annotation_cost_per_page" => each(PriceKind::fixed("annotation"), Unit::PAGE),
        "code_interpreter_cost_per_session" => {
            each(PriceKind::fixed("code_interpreter"), Unit::SESSION)
        }
        "file_search_cost_per_1k_calls" => {
            Some((PriceKind::fixed("file_search"), Unit::fixed("call"), -3))
        }
        "file_search_cost_per_gb_per_day" => {
            each(PriceKind::fixed("file_search"), Unit::fixed("gb_day"))
        }
        "vector_store_cost_per_gb_per_day" => {
            each(PriceKind::fixed("vector_store"), Unit::fixed("gb_day"))
        }
        "computer_use_input_cost_per_1k_tokens" => Some((
            PriceKind::fixed("computer_use_input"),
            Unit::MILLION_TOKENS,
            3,
        )),
        "computer_use_output_cost_per_1k_tokens" => Some((
            PriceKind::fixed("computer_use_output"),
            Unit::MILLION_TOKENS,
            3,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
