use std::collections::HashSet;
use std::str::FromStr;

use crate::model::{
    Capabilities, Capability, Fact, ModalitySet, Offering, OfferingKey, Provider, ProviderId,
};

use super::super::path::KeyPath;
use super::super::report::Reporter;
use super::fields::{OfferingField, ProviderField};
use super::price::prices;
use super::{HEADER, Origin};

/// Tells whether a text is in this format, of whatever version.
pub(crate) fn looks_like(text: &str) -> bool {
    text.starts_with("byname-catalog ")
}

/// Says that a file is refused: where and why.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) at: usize,
    pub(crate) message: String,
}

pub(crate) fn import(
    text: &str,
    reporter: &mut Reporter<'_>,
    offerings: &mut Vec<Offering>,
    providers: &mut Vec<Provider>,
    origins: &mut Vec<Origin>,
) -> Result<(), Refused> {
    let body = body(text)?;
    let mut provider: Option<&str> = None;
    let (mut provider_ids, mut keys) = (HashSet::new(), HashSet::new());
    let mut at = HEADER.len() + 1;
    for (number, line) in body.split_terminator('\n').enumerate() {
        // The header is line 1.
        let path = &KeyPath::TOP.index(number + 2);
        let (kind, rest) = line.split_once('\t').unwrap_or((line, ""));
        let rest = Parts {
            text: rest,
            at: at + kind.len() + 1,
        };
        match kind {
            "source" => match origin(rest) {
                Ok(origin) => origins.push(origin),
                Err(wrong) => {
                    reporter.counts.entries += 1;
                    reporter.refuse(wrong.at, path, &wrong.message);
                }
            },
            "p" => match read_provider(rest) {
                Ok(read) => {
                    provider = line.split('\t').nth(1);
                    if provider_ids.insert(read.id.clone()) {
                        providers.push(read);
                    } else {
                        reporter.counts.entries += 1;
                        let message =
                            format_args!("the provider {} stands before it; refused", read.id);
                        reporter.refuse(rest.at, path, &message);
                    }
                }
                Err(wrong) => {
                    provider = None;
                    reporter.counts.entries += 1;
                    reporter.refuse(wrong.at, path, &wrong.message);
                }
            },
            "o" => {
                reporter.counts.entries += 1;
                match read_offering(provider, rest) {
                    Ok(offering) if !keys.insert(offering.key.clone()) => {
                        let message = format_args!("{} stands before it; refused", offering.key);
                        reporter.refuse(rest.at, path, &message);
                    }
                    Ok(offering) => {
                        reporter.counts.loaded += 1;
                        offerings.push(offering);
                    }
                    Err(wrong) => reporter.refuse(wrong.at, path, &wrong.message),
                }
            }
            _ => {
                reporter.counts.entries += 1;
                let message =
                    "expected a line that begins with `source`, `p` or `o` and a tab; refused";
                reporter.refuse(at, path, &message);
            }
        }
        at += line.len() + 1;
    }
    Ok(())
}

/// Checks the first and the last line and returns what is between them.
fn body(text: &str) -> Result<&str, Refused> {
    let Some(rest) = text
        .strip_prefix(HEADER)
        .and_then(|rest| rest.strip_prefix('\n'))
    else {
        let message = format!(
            "a version of the compact format that this program does not read; expected `{HEADER}`; \
             use a newer program, or write the file again"
        );
        return Err(Refused { at: 0, message });
    };
    let broken = |message: &str| Refused {
        at: text.len(),
        message: message.to_owned(),
    };
    let Some(rest) = rest.strip_suffix('\n') else {
        return Err(broken(
            "the file breaks off within a line; expected a last line `end`",
        ));
    };
    let start = rest.rfind('\n').map_or(0, |before| before + 1);
    let Some(count) = rest[start..].strip_prefix("end\t") else {
        return Err(broken("the file breaks off; expected a last line `end`"));
    };
    let lines = 1 + rest[..start].bytes().filter(|byte| *byte == b'\n').count();
    if count != lines.to_string() {
        let at = HEADER.len() + 1 + start;
        let message = format!("the last line counts {count:?} lines above it; expected {lines}");
        return Err(Refused { at, message });
    }
    Ok(&rest[..start])
}

pub(super) type Wrong = Refused;

pub(super) fn wrong<T>(at: usize, message: &str) -> Result<T, Wrong> {
    Err(Wrong {
        at,
        message: format!("{message}; refused"),
    })
}

/// Is what is left of a line, and where that is in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
}

impl<'t> Parts<'t> {
    /// Cuts off the part before the next `separator`.
    pub(super) fn next(&mut self, separator: char) -> Parts<'t> {
        let (text, rest) = self.text.split_once(separator).unwrap_or((self.text, ""));
        let part = Parts { text, at: self.at };
        self.at += self.text.len() - rest.len();
        self.text = rest;
        part
    }

    pub(super) fn split(mut self, separator: char) -> impl Iterator<Item = Parts<'t>> {
        std::iter::from_fn(move || (!self.text.is_empty()).then(|| self.next(separator)))
    }

    pub(super) fn read<T: FromStr<Err: std::fmt::Display>>(self) -> Result<T, Wrong> {
        self.text
            .parse()
            .or_else(|error| wrong(self.at, &format!("{:?}: {error}", self.text)))
    }

    fn unescape(self) -> Result<String, Wrong> {
        let mut text = String::with_capacity(self.text.len());
        let mut characters = self.text.char_indices();
        while let Some((offset, character)) = characters.next() {
            text.push(match character {
                '\\' => match characters.next() {
                    Some((_, 't')) => '\t',
                    Some((_, 'n')) => '\n',
                    Some((_, 'r')) => '\r',
                    Some((_, 'c')) => ',',
                    Some((_, '\\')) => '\\',
                    Some((_, 'e')) if self.text.len() == 2 => continue,
                    _ => {
                        return wrong(
                            self.at + offset,
                            "expected an escape: \\t, \\n, \\r, \\c or \\\\",
                        );
                    }
                },
                other => other,
            });
        }
        Ok(text)
    }
}

fn origin(mut parts: Parts<'_>) -> Result<Origin, Wrong> {
    let name = parts.next('\t').unescape()?;
    let version = parts.next('\t').unescape()?;
    let licence = parts.next('\t').unescape()?;
    if licence.is_empty() || !parts.text.is_empty() {
        return wrong(
            parts.at,
            "expected the name, version and licence of a source",
        );
    }
    Ok(Origin {
        name,
        version,
        licence,
    })
}

/// Reads the fields of a line, which must stand in the order of `named`.
fn fields<'t, F: Copy + PartialOrd>(
    parts: Parts<'t>,
    named: impl Fn(&str) -> Option<F>,
    mut set: impl FnMut(F, Fact<Parts<'t>>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let mut last = None;
    for part in parts.split('\t') {
        let end = part.text.find(['=', '!']).unwrap_or(part.text.len());
        let (name, rest) = part.text.split_at(end);
        let Some(field) = named(name) else {
            return wrong(part.at, &format!("{name:?} is no field of this line"));
        };
        if last.is_some_and(|last| last >= field) {
            return wrong(part.at, &format!("the field {name:?} is out of order"));
        }
        last = Some(field);
        let value = match rest.strip_prefix('=') {
            Some(text) => Fact::Known(Parts {
                text,
                at: part.at + end + 1,
            }),
            None if rest == "!" => Fact::Absent,
            None => return wrong(part.at + end, "expected `=` and a value, or `!` at the end"),
        };
        set(field, value)?;
    }
    Ok(())
}

fn fact<'t, T>(
    value: Fact<Parts<'t>>,
    read: impl FnOnce(Parts<'t>) -> Result<T, Wrong>,
) -> Result<Fact<T>, Wrong> {
    Ok(match value {
        Fact::Known(parts) => Fact::Known(read(parts)?),
        Fact::Absent => Fact::Absent,
        Fact::Unknown => Fact::Unknown,
    })
}

fn read_provider(mut parts: Parts<'_>) -> Result<Provider, Wrong> {
    let id = parts.next('\t');
    let name = id.unescape()?;
    let name = ProviderId::new(&name).or_else(|error| wrong(id.at, &error.to_string()))?;
    let mut provider = Provider::new(name);
    fields(parts, ProviderField::named, |field, value| {
        match field {
            ProviderField::Name => provider.name = fact(value, Parts::unescape)?,
            ProviderField::Doc => provider.doc = fact(value, Parts::unescape)?,
            ProviderField::Api => provider.api = fact(value, Parts::unescape)?,
            ProviderField::Env => {
                provider.env = fact(value, |list| list.split(',').map(Parts::unescape).collect())?;
            }
        }
        Ok(())
    })?;
    Ok(provider)
}

fn read_offering(provider: Option<&str>, mut parts: Parts<'_>) -> Result<Offering, Wrong> {
    let id = parts.next('\t');
    let Some(provider) = provider else {
        return wrong(id.at, "expected the line of a provider above the offering");
    };
    // The provider's own line was read from the same text before.
    let provider = Parts {
        text: provider,
        at: id.at,
    }
    .unescape()?;
    let key = OfferingKey::new(&provider, &id.unescape()?);
    let mut offering = Offering::new(key.or_else(|error| wrong(id.at, &error.to_string()))?);
    fields(parts, OfferingField::named, |field, value| {
        let Offering {
            name,
            family,
            mode,
            status,
            limits,
            modalities,
            dates,
            ..
        } = &mut offering;
        match field {
            OfferingField::Name => *name = fact(value, Parts::unescape)?,
            OfferingField::Family => *family = fact(value, Parts::unescape)?,
            OfferingField::Mode => *mode = fact(value, Parts::read)?,
            OfferingField::Status => *status = fact(value, Parts::read)?,
            OfferingField::Context => limits.context = fact(value, Parts::read)?,
            OfferingField::Input => limits.input = fact(value, Parts::read)?,
            OfferingField::Output => limits.output = fact(value, Parts::read)?,
            OfferingField::Takes => modalities.input = fact(value, modality_set)?,
            OfferingField::Gives => modalities.output = fact(value, modality_set)?,
            OfferingField::Can => offering.capabilities = list(value, capabilities)?,
            OfferingField::Release => dates.release = fact(value, Parts::read)?,
            OfferingField::Updated => dates.last_updated = fact(value, Parts::read)?,
            OfferingField::Knowledge => dates.knowledge = fact(value, Parts::read)?,
            OfferingField::Listed => dates.listed = fact(value, Parts::read)?,
            OfferingField::Deprecation => dates.deprecation = fact(value, Parts::read)?,
            OfferingField::Price => offering.prices = list(value, prices)?,
        }
        Ok(())
    })?;
    Ok(offering)
}

/// Reads a field whose list says of each item whether it is known, so that it has no `!` itself.
fn list<'t, T: Default>(
    value: Fact<Parts<'t>>,
    read: impl FnOnce(Parts<'t>) -> Result<T, Wrong>,
) -> Result<T, Wrong> {
    value
        .known()
        .map_or_else(|| Ok(T::default()), |parts| read(*parts))
}

fn modality_set(list: Parts<'_>) -> Result<ModalitySet, Wrong> {
    list.split(',').map(Parts::read).collect()
}

fn capabilities(list: Parts<'_>) -> Result<Capabilities, Wrong> {
    list.split(',')
        .map(|item| {
            let (sign, name) = item.text.split_at_checked(1).unwrap_or_default();
            let fact = match sign {
                "+" => Fact::Known(true),
                "-" => Fact::Known(false),
                "!" => Fact::Absent,
                _ => {
                    return wrong(
                        item.at,
                        "expected `+`, `-` or `!` before the name of a capability",
                    );
                }
            };
            let name: Capability = Parts {
                text: name,
                at: item.at + 1,
            }
            .read()?;
            Ok((name, fact))
        })
        .collect()
}
