use crate::import::{Import, parse};
use crate::model::{
    Capability, Conditions, Currency, Fact, Modality, ModalitySet, Mode, Offering, OfferingKey,
    Price, PriceKind, PriceLine, Provider, ProviderId, ServiceTier, Unit, Variant,
};

use super::{Origin, write};

fn read(lines: &str) -> Import {
    let count = 1 + lines.lines().count();
    parse(
        "f",
        format!("byname-catalog 1\n{lines}end\t{count}\n").as_bytes(),
    )
    .unwrap()
}

fn origin(name: &str) -> Origin {
    Origin {
        name: name.to_owned(),
        version: "1".to_owned(),
        licence: "MIT".to_owned(),
    }
}

#[test]
fn every_fact_is_written_and_reads_back() {
    let mut provider = Provider::new(ProviderId::new("p").unwrap());
    provider.name = Fact::Known("a\tb\\c\nd\r, e".to_owned());
    provider.doc = Fact::Absent;
    provider.api = Fact::Known(String::new());
    provider.env = Fact::Known(vec!["A,B".to_owned(), String::new(), "\\e".to_owned()]);
    let mut empty = Provider::new(ProviderId::new("empty").unwrap());
    empty.env = Fact::Known(vec![]);

    let mut offering = Offering::new(OfferingKey::new("p", "a/b:c@1").unwrap());
    offering.name = Fact::Known("=x!".to_owned());
    offering.family = Fact::Absent;
    offering.mode = Fact::Known(Mode::CHAT);
    offering.limits.context = Fact::Known(u64::MAX);
    offering.limits.input = Fact::Absent;
    offering.modalities.input =
        Fact::Known([Modality::TEXT, Modality::IMAGE].into_iter().collect());
    offering.modalities.output = Fact::Known(ModalitySet::default());
    offering
        .capabilities
        .set(Capability::VISION, Fact::Known(true));
    offering
        .capabilities
        .set(Capability::REASONING, Fact::Known(false));
    offering
        .capabilities
        .set(Capability::WEB_SEARCH, Fact::Absent);
    offering.dates.release = Fact::Known("2024-10".parse().unwrap());
    offering.dates.deprecation = Fact::Absent;
    let line = |kind, unit, price| PriceLine::new(kind, unit, price);
    let of = |text: &str, currency| Price::of(text.parse().unwrap(), currency).unwrap();
    offering.prices = [
        line(
            PriceKind::INPUT,
            Unit::MILLION_TOKENS,
            of("2.5", Currency::USD),
        ),
        line(
            PriceKind::OUTPUT,
            Unit::MILLION_TOKENS,
            of("18", Currency::CNY),
        ),
        line(PriceKind::REASONING, Unit::MILLION_TOKENS, Price::Free),
        line(PriceKind::WEB_SEARCH, Unit::QUERY, Price::Varying),
        line(PriceKind::IMAGE, Unit::IMAGE, Price::Unpriced),
        line(
            PriceKind::CACHE_WRITE,
            Unit::MILLION_TOKENS,
            of("6", Currency::EUR),
        )
        .when(Conditions {
            above_tokens: Some(200_000),
            service_tier: Some(ServiceTier::BATCH),
            cache_ttl: Some(3600),
            variant: Some(Variant::new("off_peak").unwrap()),
        }),
    ]
    .into_iter()
    .collect();

    let origins = [origin("z"), origin("a")];
    let text = write(
        &origins,
        &[provider.clone(), empty.clone()],
        std::slice::from_ref(&offering),
    );
    assert_eq!(
        text,
        concat!(
            "byname-catalog 1\n",
            "source\ta\t1\tMIT\n",
            "source\tz\t1\tMIT\n",
            "p\tempty\tenv=\n",
            "p\tp\tname=a\\tb\\\\c\\nd\\r, e\tdoc!\tapi=\tenv=A\\cB,\\e,\\\\e\n",
            "o\ta/b:c@1\tname==x!\tfamily!\tmode=chat\tcontext=18446744073709551615\tinput!\t",
            "takes=image,text\tgives=\tcan=-reasoning,+vision,!web_search\trelease=2024-10\tdeprecation!\t",
            "price=cache_write>200000~batch%3600^off_peak=6EUR image/image=unpriced input=2.5 ",
            "output=18CNY reasoning=free web_search/query=varying\n",
            "end\t6\n",
        )
    );
    let import = parse("f", text.as_bytes()).unwrap();
    assert!(import.reports.is_empty(), "{:?}", import.reports);
    assert_eq!(import.offerings, [offering]);
    assert_eq!(import.providers, [empty, provider]);
    assert_eq!(import.origins, [origin("a"), origin("z")]);
}

#[test]
fn the_same_facts_are_the_same_bytes_in_whatever_order() {
    let offerings: Vec<_> = ["a/x", "a-b/x", "a/b", "c/x"]
        .map(|name| Offering::new(name.parse().unwrap()))
        .into_iter()
        .collect();
    let reversed: Vec<_> = offerings.iter().rev().cloned().collect();
    let text = write(&[], &[], &offerings);
    assert_eq!(
        text,
        "byname-catalog 1\np\ta\no\tb\no\tx\np\ta-b\no\tx\np\tc\no\tx\nend\t8\n"
    );
    assert_eq!(write(&[], &[], &reversed), text);
}

#[test]
fn a_line_that_cannot_be_understood_is_refused_with_its_place() {
    for (line, column, message) in [
        (
            "x\ty",
            1,
            "expected a line that begins with `source`, `p` or `o` and a tab",
        ),
        (
            "",
            1,
            "expected a line that begins with `source`, `p` or `o` and a tab",
        ),
        ("o\tm\tcolour=red", 5, "\"colour\" is no field of this line"),
        (
            "o\tm\tmode=a\tname=b",
            12,
            "the field \"name\" is out of order",
        ),
        (
            "o\tm\tname=a\tname=b",
            12,
            "the field \"name\" is out of order",
        ),
        (
            "o\tm\tname",
            9,
            "expected `=` and a value, or `!` at the end",
        ),
        (
            "o\tm\tname!x",
            9,
            "expected `=` and a value, or `!` at the end",
        ),
        (
            "o\tm\tname=a\\x",
            11,
            "expected an escape: \\t, \\n, \\r, \\c or \\\\",
        ),
        (
            "o\tm\tcontext=1k",
            13,
            "\"1k\": invalid digit found in string",
        ),
        (
            "o\tm\trelease=2024",
            13,
            "\"2024\": not a date; expected YYYY-MM-DD or YYYY-MM",
        ),
        (
            "o\tm\tcan=+vision,reasoning",
            17,
            "expected `+`, `-` or `!` before the name of a capability",
        ),
        (
            "o\tm\ttakes=text,a b",
            16,
            "\"a b\": \"a b\" is not a name; expected 1 to 64 letters, digits, `_`, `-` or `.`",
        ),
        (
            "o\tm\tprice=input=1 input=2",
            19,
            "the same price stands twice",
        ),
        (
            "o\tm\tprice=input=0",
            17,
            "expected a price above zero, `free`, `unpriced` or `varying`",
        ),
        (
            "o\tm\tprice=input=-1",
            17,
            "expected a price above zero, `free`, `unpriced` or `varying`",
        ),
        (
            "o\tm\tprice=input=1XXX",
            18,
            "\"XXX\": not the code of a currency; expected three capital letters of ISO 4217, such as USD",
        ),
        (
            "o\tm\tprice=input=x",
            17,
            "\"x\": not a decimal number; expected one like 0.15 or 1.5e-07",
        ),
        (
            "o\tm\tprice=input%x=1",
            17,
            "\"x\": invalid digit found in string",
        ),
        (
            "o\t",
            3,
            "\"\" cannot be the id of an offering: it is empty",
        ),
        (
            "source\ta\tb",
            11,
            "expected the name, version and licence of a source",
        ),
        ("p\tp", 3, "the provider p stands before it"),
        ("o\tok", 3, "p/ok stands before it"),
    ] {
        let import = read(&format!("p\tp\no\tok\n{line}\no\tlast\n"));
        let reports: Vec<_> = import
            .reports
            .kept()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            reports,
            [format!("f:4:{column}: [4]: {message}; refused")],
            "{line:?}"
        );
        assert_eq!(import.offerings.len(), 2, "{line:?}");
        assert_eq!(import.counts.entries, 3);
    }
}

#[test]
fn offerings_without_a_provider_above_are_refused() {
    let import = read("o\tm\np\ta/b\no\tm\n");
    let reports: Vec<_> = import
        .reports
        .kept()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        reports,
        [
            "f:2:3: [2]: expected the line of a provider above the offering; refused",
            "f:3:3: [3]: \"a/b\" cannot be the id of a provider: it holds a `/`; refused",
            "f:4:3: [4]: expected the line of a provider above the offering; refused",
        ]
    );
    assert_eq!(import.counts.refused, 3);
}
