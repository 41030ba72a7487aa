use crate::model::{Capability, Fact, Mode, Offering, OfferingKey};

use super::super::json::{Member, Node};
use super::super::path::KeyPath;
use super::super::report::Reporter;
use super::prices;

pub(super) fn offering(
    key: OfferingKey,
    node: &Node<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) -> Offering {
    let mut offering = Offering::new(key);
    let mut legacy_limit = Fact::Unknown;
    for member in reporter.members(node.as_object().unwrap_or_default(), path) {
        let (value, path) = (&member.value, &path.name(&member.name));
        match member.name.as_ref() {
            "mode" => offering.mode = reporter.word(value, path, Mode::new),
            "max_input_tokens" => offering.limits.input = reporter.limit(value, path),
            "max_output_tokens" => offering.limits.output = reporter.limit(value, path),
            "max_tokens" => legacy_limit = reporter.limit(value, path),
            "deprecation_date" => offering.dates.deprecation = reporter.date(value, path),
            "supported_modalities" => offering.modalities.input = reporter.modalities(value, path),
            "supported_output_modalities" => {
                offering.modalities.output = reporter.modalities(value, path);
            }
            // The provider is in the key; the rest is prose, or how a client has to ask.
            "litellm_provider"
            | "source"
            | "metadata"
            | "comment"
            | "supported_endpoints"
            | "supported_regions"
            | "provider_specific_entry" => {}
            _ => other(&mut offering, member, path, reporter),
        }
    }
    // `max_tokens` is the older name of one of the two, whichever is missing; for what gives no
    // tokens it can only be the input.
    if !legacy_limit.is_unknown() {
        let gives_none = matches!(&offering.mode, Fact::Known(mode) if *mode == Mode::EMBEDDING || *mode == Mode::RERANK);
        let limit = if gives_none {
            &mut offering.limits.input
        } else {
            &mut offering.limits.output
        };
        if limit.is_unknown() {
            *limit = legacy_limit;
        }
    }
    offering
}

fn other(
    offering: &mut Offering,
    member: &Member<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) {
    let name = member.name.as_ref();
    if let Some(supported) = name.strip_prefix("supports_") {
        let Some(capability) = capability(supported) else {
            return reporter.unknown_field(name);
        };
        let fact = reporter.flag(&member.value, path);
        // Two names may say the same; yes outweighs no, whichever comes first.
        if !offering.capabilities.has(&capability) && !fact.is_unknown() {
            offering.capabilities.set(capability, fact);
        }
    } else if !prices::add(&mut offering.prices, member, path, reporter) {
        reporter.unknown_field(name);
    }
}

/// Names a capability as the catalog does; one that the catalog has no name for keeps its own.
fn capability(supported: &str) -> Option<Capability> {
    Some(match supported {
        "function_calling" => Capability::TOOL_CALL,
        "parallel_function_calling" => Capability::PARALLEL_TOOL_CALL,
        "response_schema" => Capability::STRUCTURED_OUTPUT,
        other => return Capability::new(other).ok(),
    })
}
