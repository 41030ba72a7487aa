//! The whole published files are imported, every entry of them accounted for.
//!
//! They lie outside the repository; where they are missing this says so, and `golden.rs` checks
//! the excerpts that are always there.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it skips"
)]

use std::io::{self, Write as _};
use std::path::PathBuf;

use byname_catalog::import::{Format, Import, load, merge};
use byname_catalog::model::{Decimal, Price};

fn published(name: &str) -> Option<Import> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if path.exists() {
        return Some(load(&path).unwrap());
    }
    // Straight to standard error, which the harness does not hold back when a test passes.
    let path = path.display();
    let line = format!("skipped: {path} is missing; only the excerpts are checked\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

fn accounted_for(import: &Import) {
    let counts = &import.counts;
    assert_eq!(
        counts.entries,
        counts.loaded + counts.refused + counts.skipped
    );
    assert_eq!(counts.loaded, import.offerings.len() as u64);
    let reports = import.reports.kept().len() as u64 + import.reports.more();
    assert_eq!(
        reports,
        counts.refused + counts.fields_left_out + counts.duplicates
    );
    assert!(import.offerings.is_sorted_by(|a, b| a.key < b.key));
    assert!(import.providers.is_sorted_by(|a, b| a.id < b.id));
}

#[test]
fn models_dev() {
    let Some(import) = published("models.dev.json") else {
        return;
    };
    accounted_for(&import);
    assert_eq!(import.format, Format::ModelsDev);
    assert_eq!(import.providers.len(), 72);
    assert_eq!((import.counts.entries, import.counts.loaded), (2753, 2753));
    let reports: Vec<_> = import
        .reports
        .kept()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(reports.len(), 1);
    assert!(
        reports[0].ends_with(
            "models.dev.json:1:167625: azure.models.claude-haiku-4-5.knowledge: \
             \"2025-02-31\": a day that the calendar does not have; left out"
        ),
        "{}",
        reports[0]
    );
    let unknown: Vec<_> = import.counts.unknown_fields.into_iter().collect();
    assert_eq!(unknown, [("request".to_owned(), 1)]);
}

#[test]
fn litellm() {
    let Some(import) = published("litellm.json") else {
        return;
    };
    accounted_for(&import);
    assert_eq!(import.format, Format::LiteLlm);
    let counts = &import.counts;
    assert_eq!((counts.entries, counts.loaded), (4553, 4551));
    assert_eq!(
        (counts.skipped, counts.refused, counts.fields_left_out),
        (1, 1, 0)
    );
    assert_eq!(import.reports.kept().len(), 1);
    assert_eq!(import.reports.kept()[0].path, "fallback_generalizations");
    assert!(
        import
            .offerings
            .iter()
            .all(|offering| offering.key.id() != "sample_spec")
    );
}

#[test]
fn openrouter() {
    let Some(import) = published("openrouter.json") else {
        return;
    };
    accounted_for(&import);
    assert_eq!(import.format, Format::OpenRouter);
    assert_eq!((import.counts.entries, import.counts.loaded), (364, 364));
    assert!(import.reports.is_empty());
    assert!(import.counts.unknown_fields.is_empty());
    let varying = import.offerings.iter().filter(|offering| {
        !offering.prices.is_empty()
            && offering
                .prices
                .iter()
                .all(|line| line.price == Price::Varying)
    });
    assert_eq!(varying.count(), 3);
}

#[test]
fn together_they_are_more_than_seven_thousand_offerings_without_a_negative_price() {
    let imports: Option<Vec<_>> = ["models.dev.json", "litellm.json", "openrouter.json"]
        .into_iter()
        .map(published)
        .collect();
    let Some(imports) = imports else { return };
    let total: usize = imports.iter().map(|import| import.offerings.len()).sum();
    let merged = merge(imports);
    assert!(merged.offerings.len() > 7_000);
    assert_eq!(
        merged.offerings.len() as u64 + merged.replaced,
        total as u64
    );
    for line in merged
        .offerings
        .iter()
        .flat_map(|offering| &offering.prices)
    {
        if let Price::Amount(money) = line.price {
            assert!(money.amount > Decimal::ZERO);
        }
    }
}
