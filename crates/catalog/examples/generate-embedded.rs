//! Writes the data that is embedded in the program to standard output, in the compact format.
//!
//! ```text
//! generate-embedded NAME VERSION LICENCE FILE [NAME VERSION LICENCE FILE]...
//! ```
//!
//! Each file is in one of the published shapes. Where several describe the same offering, the
//! first one counts and a later one only fills in what the first does not know; prices are taken
//! whole from one file. `scripts/update-embedded-data` fetches the files and calls this.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write as _};

use byname_catalog::import::compact::{self, Origin};
use byname_catalog::import::load;
use byname_catalog::model::Fact;
use byname_catalog::{Offering, Provider};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() || !arguments.len().is_multiple_of(4) {
        return Err("usage: generate-embedded NAME VERSION LICENCE FILE [...]".into());
    }
    let mut origins = Vec::new();
    let mut offerings = BTreeMap::<_, Offering>::new();
    let mut providers = BTreeMap::<_, Provider>::new();
    let mut log = io::stderr().lock();
    for source in arguments.chunks_exact(4) {
        let [name, version, licence, file] = source else {
            continue;
        };
        let (name, version, licence) = (name.clone(), version.clone(), licence.clone());
        let import = load(file)?;
        for report in import.reports.kept() {
            writeln!(log, "{report}")?;
        }
        writeln!(log, "{name} {version}: {:?}", import.counts)?;
        origins.push(Origin {
            name,
            version,
            licence,
        });
        for offering in import.offerings {
            match offerings.get_mut(&offering.key) {
                Some(first) => fill_offering(first, offering),
                None => {
                    offerings.insert(offering.key.clone(), offering);
                }
            }
        }
        for provider in import.providers {
            match providers.get_mut(&provider.id) {
                Some(first) => fill_provider(first, provider),
                None => {
                    providers.insert(provider.id.clone(), provider);
                }
            }
        }
    }
    let offerings: Vec<_> = offerings.into_values().collect();
    let providers: Vec<_> = providers.into_values().collect();
    writeln!(
        log,
        "{} offerings of {} providers",
        offerings.len(),
        providers.len()
    )?;
    io::stdout().write_all(compact::write(&origins, &providers, &offerings).as_bytes())?;
    Ok(())
}

fn fill<T>(first: &mut Fact<T>, later: Fact<T>) {
    if first.is_unknown() {
        *first = later;
    }
}

fn fill_offering(first: &mut Offering, later: Offering) {
    fill(&mut first.name, later.name);
    fill(&mut first.family, later.family);
    fill(&mut first.mode, later.mode);
    fill(&mut first.status, later.status);
    fill(&mut first.limits.context, later.limits.context);
    fill(&mut first.limits.input, later.limits.input);
    fill(&mut first.limits.output, later.limits.output);
    fill(&mut first.modalities.input, later.modalities.input);
    fill(&mut first.modalities.output, later.modalities.output);
    for (capability, fact) in later.capabilities.iter() {
        if first.capabilities.get(capability).is_unknown() {
            first.capabilities.set(capability.clone(), fact);
        }
    }
    fill(&mut first.dates.release, later.dates.release);
    fill(&mut first.dates.last_updated, later.dates.last_updated);
    fill(&mut first.dates.knowledge, later.dates.knowledge);
    fill(&mut first.dates.listed, later.dates.listed);
    fill(&mut first.dates.deprecation, later.dates.deprecation);
    if first.prices.is_empty() {
        first.prices = later.prices;
    }
}

fn fill_provider(first: &mut Provider, later: Provider) {
    fill(&mut first.name, later.name);
    fill(&mut first.doc, later.doc);
    fill(&mut first.api, later.api);
    fill(&mut first.env, later.env);
}
