//! `byname catalog show`.

use std::io::{self, Write};

use byname_catalog::model::{Capabilities, Conditions, Fact, ModalitySet};
use byname_catalog::{Offering, OfferingKey, Offerings};

use super::fact;
use crate::cli::ShowArguments;
use crate::data;
use crate::failure::Failure;
use crate::output::{self, Align, Table, printable};

/// How many names an error lists.
const NAMES_SHOWN: usize = 10;

/// Shows one offering.
pub(crate) fn run(arguments: &ShowArguments) -> Result<(), Failure> {
    let catalog = data::read(&arguments.data)?;
    let offerings = catalog.offerings();
    let offering = find(
        &offerings,
        &arguments.offering,
        arguments.provider.as_deref(),
    )?;
    output::write(arguments.format, offering, |to| people(to, offering))
}

/// Finds what is meant by a name: `PROVIDER/ID` first, then an id alone.
fn find<'a>(
    offerings: &'a Offerings,
    asked: &str,
    provider: Option<&str>,
) -> Result<&'a Offering, Failure> {
    if let Some(provider) = provider {
        return offerings
            .get(provider, asked)
            .ok_or_else(|| unknown(offerings, &format!("{provider}/{asked}"), asked));
    }
    let exact = asked
        .split_once('/')
        .and_then(|(provider, id)| offerings.get(provider, id));
    if let Some(offering) = exact {
        return Ok(offering);
    }
    match offerings.with_id(asked).as_slice() {
        [] => Err(unknown(offerings, asked, asked)),
        [only] => Ok(only),
        several => Err(Failure::new(format!(
            "{} is offered by {} providers; name one of {}",
            printable(asked),
            several.len(),
            names(
                &several
                    .iter()
                    .map(|offering| &offering.key)
                    .collect::<Vec<_>>()
            ),
        ))),
    }
}

/// What is said of a name that names nothing; names that are like `part` are offered instead.
fn unknown(offerings: &Offerings, asked: &str, part: &str) -> Failure {
    let nearest = offerings.nearest(part, NAMES_SHOWN / 2);
    let hint = if nearest.is_empty() {
        "try byname catalog list -q with a part of its name".to_owned()
    } else {
        format!("did you mean {}", names(&nearest))
    };
    Failure::new(format!("there is no {}; {hint}", printable(asked)))
}

fn names(keys: &[&OfferingKey]) -> String {
    let shown: Vec<_> = keys
        .iter()
        .take(NAMES_SHOWN)
        .map(|key| printable(key.name()))
        .collect();
    let more = match keys.len().saturating_sub(NAMES_SHOWN) {
        0 => String::new(),
        left => format!(" and {left} more"),
    };
    shown.join(", ") + &more
}

fn people(to: &mut dyn Write, offering: &Offering) -> io::Result<()> {
    let limits = &offering.limits;
    let dates = &offering.dates;
    let mut rows = vec![
        ("provider", offering.key.provider().to_owned()),
        ("id", offering.key.id().to_owned()),
    ];
    let mut add = |label, text: Option<String>| rows.extend(text.map(|text| (label, text)));
    add("name", said(&offering.name));
    add("family", said(&offering.family));
    add("mode", said(&offering.mode));
    add("status", said(&offering.status));
    add("context", said(&limits.context));
    add("input limit", said(&limits.input));
    add("output limit", said(&limits.output));
    add(
        "input",
        said(&offering.modalities.input.as_ref().map(modalities)),
    );
    add(
        "output",
        said(&offering.modalities.output.as_ref().map(modalities)),
    );
    add("can", capabilities(&offering.capabilities, true));
    add("cannot", capabilities(&offering.capabilities, false));
    add("released", said(&dates.release));
    add("last updated", said(&dates.last_updated));
    add("knowledge", said(&dates.knowledge));
    add("listed", said(&dates.listed));
    add("deprecation", said(&dates.deprecation));

    let width = rows
        .iter()
        .map(|(label, _)| label.len())
        .max()
        .unwrap_or_default();
    for (label, text) in &rows {
        writeln!(to, "{label:width$}  {}", printable(text))?;
    }
    if offering.prices.is_empty() {
        return writeln!(to, "{:width$}  unpriced", "prices");
    }
    let mut prices = Table::new(vec![
        ("PRICE OF", Align::Left),
        ("PER", Align::Left),
        ("PRICE", Align::Right),
        ("WHEN", Align::Left),
    ]);
    for line in &offering.prices {
        prices.row(&[
            line.kind.to_string(),
            line.unit.to_string(),
            line.price.to_string(),
            when(&line.conditions),
        ]);
    }
    writeln!(to)?;
    prices.write(to)
}

/// A fact that somebody has stated; what is unknown is left out.
fn said<T: ToString>(stated: &Fact<T>) -> Option<String> {
    (!stated.is_unknown()).then(|| fact(stated))
}

fn modalities(set: &ModalitySet) -> String {
    set.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn capabilities(all: &Capabilities, has: bool) -> Option<String> {
    let names: Vec<&str> = all
        .iter()
        .filter(|(_, fact)| match fact {
            Fact::Known(known) => *known == has,
            Fact::Absent => !has,
            Fact::Unknown => false,
        })
        .map(|(capability, _)| capability.as_str())
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn when(conditions: &Conditions) -> String {
    let mut parts = Vec::new();
    if let Some(tokens) = conditions.above_tokens {
        parts.push(format!("above {tokens} tokens"));
    }
    if let Some(tier) = &conditions.service_tier {
        parts.push(format!("{tier} tier"));
    }
    if let Some(seconds) = conditions.cache_ttl {
        parts.push(format!("cached for {seconds} s"));
    }
    if let Some(variant) = &conditions.variant {
        parts.push(variant.to_string());
    }
    parts.join(", ")
}
