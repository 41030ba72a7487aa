use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Write as _};

use crate::model::{Conditions, Currency, Fact, Offering, Price, PriceLine, Provider, Unit};

use super::fields::{OfferingField, ProviderField};
use super::{HEADER, Origin};

/// Writes facts in the compact format: the same facts as the same bytes, in whatever order they
/// are given.
///
/// Of two providers or two offerings with one key the later one is written. A provider that only
/// its offerings name is written with its id alone.
#[must_use]
pub fn write(origins: &[Origin], providers: &[Provider], offerings: &[Offering]) -> String {
    let mut text = format!("{HEADER}\n");
    let origins: BTreeSet<&Origin> = origins.iter().collect();
    for Origin {
        name,
        version,
        licence,
    } in origins
    {
        line(
            &mut text,
            format_args!(
                "source\t{}\t{}\t{}",
                Text(name),
                Text(version),
                Text(licence)
            ),
        );
    }
    let mut groups: BTreeMap<&str, (Option<&Provider>, BTreeMap<&str, &Offering>)> =
        BTreeMap::new();
    for provider in providers {
        groups.entry(provider.id.as_str()).or_default().0 = Some(provider);
    }
    for offering in offerings {
        let group = groups.entry(offering.key.provider()).or_default();
        group.1.insert(offering.key.id(), offering);
    }
    for (id, (provider, offerings)) in groups {
        line(
            &mut text,
            format_args!("p\t{}{}", Text(id), Fields(provider)),
        );
        for (id, offering) in offerings {
            line(
                &mut text,
                format_args!("o\t{}{}", Text(id), Fields(offering)),
            );
        }
    }
    let lines = text.lines().count();
    line(&mut text, format_args!("end\t{lines}"));
    text
}

fn line(text: &mut String, line: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}

/// Shows a text with what would end it escaped.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\t' => f.write_str("\\t"),
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            '\\' => f.write_str("\\\\"),
            other => f.write_char(other),
        })
    }
}

/// Shows an item of a list of texts.
struct Item<'a>(&'a str);

impl Display for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("\\e");
        }
        for (index, part) in self.0.split(',').enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { "\\c" }, Text(part))?;
        }
        Ok(())
    }
}

/// Shows items with commas between them.
struct List<I>(I);

impl<I: Iterator<Item: Display> + Clone> Display for List<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.clone().enumerate() {
            write!(f, "{}{item}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Shows one field, and nothing of it when it is unknown.
fn field<T>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    fact: &Fact<T>,
    show: impl FnOnce(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    match fact {
        Fact::Unknown => Ok(()),
        Fact::Absent => write!(f, "\t{name}!"),
        Fact::Known(value) => {
            write!(f, "\t{name}=")?;
            show(f, value)
        }
    }
}

fn text(f: &mut fmt::Formatter<'_>, text: &impl AsRef<str>) -> fmt::Result {
    Text(text.as_ref()).fmt(f)
}

struct Fields<T>(T);

impl Display for Fields<Option<&Provider>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(provider) = self.0 else {
            return Ok(());
        };
        for &(name, which) in ProviderField::ALL {
            match which {
                ProviderField::Name => field(f, name, &provider.name, text),
                ProviderField::Doc => field(f, name, &provider.doc, text),
                ProviderField::Api => field(f, name, &provider.api, text),
                ProviderField::Env => field(f, name, &provider.env, |f, names| {
                    List(names.iter().map(|name| Item(name))).fmt(f)
                }),
            }?;
        }
        Ok(())
    }
}

impl Display for Fields<&Offering> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Offering {
            name,
            family,
            mode,
            status,
            limits,
            modalities,
            dates,
            ..
        } = self.0;
        for &(key, which) in OfferingField::ALL {
            match which {
                OfferingField::Name => field(f, key, name, text),
                OfferingField::Family => field(f, key, family, text),
                OfferingField::Mode => field(f, key, mode, |f, mode| mode.fmt(f)),
                OfferingField::Status => field(f, key, status, |f, status| status.fmt(f)),
                OfferingField::Context => field(f, key, &limits.context, |f, limit| limit.fmt(f)),
                OfferingField::Input => field(f, key, &limits.input, |f, limit| limit.fmt(f)),
                OfferingField::Output => field(f, key, &limits.output, |f, limit| limit.fmt(f)),
                OfferingField::Takes => {
                    field(f, key, &modalities.input, |f, set| List(set.iter()).fmt(f))
                }
                OfferingField::Gives => {
                    field(f, key, &modalities.output, |f, set| List(set.iter()).fmt(f))
                }
                OfferingField::Can => self.capabilities(f, key),
                OfferingField::Release => field(f, key, &dates.release, |f, date| date.fmt(f)),
                OfferingField::Updated => field(f, key, &dates.last_updated, |f, date| date.fmt(f)),
                OfferingField::Knowledge => field(f, key, &dates.knowledge, |f, date| date.fmt(f)),
                OfferingField::Listed => field(f, key, &dates.listed, |f, date| date.fmt(f)),
                OfferingField::Deprecation => {
                    field(f, key, &dates.deprecation, |f, date| date.fmt(f))
                }
                OfferingField::Price => self.prices(f, key),
            }?;
        }
        Ok(())
    }
}

impl Fields<&Offering> {
    fn capabilities(&self, f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
        for (index, (capability, fact)) in self.0.capabilities.iter().enumerate() {
            let sign = match fact {
                Fact::Known(true) => '+',
                Fact::Known(false) => '-',
                Fact::Absent => '!',
                // Not in the set, which holds no unknown facts.
                Fact::Unknown => continue,
            };
            if index == 0 {
                write!(f, "\t{key}=")?;
            } else {
                f.write_char(',')?;
            }
            write!(f, "{sign}{capability}")?;
        }
        Ok(())
    }

    fn prices(&self, f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
        for (index, line) in self.0.prices.iter().enumerate() {
            if index == 0 {
                write!(f, "\t{key}=")?;
            } else {
                f.write_char(' ')?;
            }
            price_line(f, line)?;
        }
        Ok(())
    }
}

fn price_line(f: &mut fmt::Formatter<'_>, line: &PriceLine) -> fmt::Result {
    let PriceLine {
        kind,
        unit,
        conditions,
        price,
    } = line;
    let Conditions {
        above_tokens,
        service_tier,
        cache_ttl,
        variant,
    } = conditions;
    write!(f, "{kind}")?;
    if *unit != Unit::MILLION_TOKENS {
        write!(f, "/{unit}")?;
    }
    above_tokens
        .iter()
        .try_for_each(|tokens| write!(f, ">{tokens}"))?;
    service_tier
        .iter()
        .try_for_each(|tier| write!(f, "~{tier}"))?;
    cache_ttl
        .iter()
        .try_for_each(|seconds| write!(f, "%{seconds}"))?;
    variant
        .iter()
        .try_for_each(|variant| write!(f, "^{variant}"))?;
    match price {
        Price::Amount(money) if money.currency == Currency::USD => write!(f, "={}", money.amount),
        Price::Amount(money) => write!(f, "={}{}", money.amount, money.currency),
        other => write!(f, "={other}"),
    }
}
