//! What real files get wrong is read where its meaning is clear, and reported with its place where
//! it is not; the rest of the file is loaded.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it skips"
)]

use byname_catalog::Offering;
use byname_catalog::import::{Import, ReportKind, Reports, compact, parse};
use byname_catalog::model::{Capability, Fact, Price, PriceKind};

fn import(text: &str) -> Import {
    parse("f", text.as_bytes()).unwrap()
}

fn reports(import: &Import) -> Vec<String> {
    import
        .reports
        .kept()
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Returns the line of the first offering, without its id.
fn facts(import: &Import) -> String {
    let text = compact::write(&[], &[], &import.offerings);
    let line = text.lines().find(|line| line.starts_with("o\t")).unwrap();
    line.split('\t').skip(2).collect::<Vec<_>>().join(" ")
}

fn first(import: &Import) -> &Offering {
    &import.offerings[0]
}

fn models_dev(model: &str) -> Import {
    import(&format!("{{\"p\":{{\"models\":{{\"m\":\n{model}}}}}}}"))
}

fn litellm(entry: &str) -> Import {
    import(&format!(
        "{{\"m\":\n{{\"litellm_provider\":\"p\",{entry}}}}}"
    ))
}

fn openrouter(model: &str) -> Import {
    import(&format!("{{\"data\":[\n{{\"id\":\"a/m\",{model}}}]}}"))
}

#[test]
fn a_number_may_be_written_in_any_way() {
    for (text, tokens) in [
        ("128000", Fact::Known(128_000)),
        ("\"128000\"", Fact::Known(128_000)),
        ("\" 128000 \"", Fact::Known(128_000)),
        ("1e6", Fact::Known(1_000_000)),
        ("4096.0", Fact::Known(4096)),
        ("0", Fact::Absent),
        ("null", Fact::Unknown),
    ] {
        let import = litellm(&format!("\"max_input_tokens\":{text}"));
        assert_eq!(first(&import).limits.input, tokens, "{text}");
        assert!(import.reports.is_empty());
    }
    for (text, found) in [
        ("\"128k\"", "\"128k\""),
        ("\"\"", "\"\""),
        ("-1", "-1"),
        ("0.5", "0.5"),
        ("1e30", "1e30"),
        ("true", "true"),
        ("[]", "an array"),
    ] {
        let import = litellm(&format!("\"max_input_tokens\":{text}"));
        assert_eq!(first(&import).limits.input, Fact::Unknown);
        assert_eq!(
            reports(&import),
            [format!(
                "f:2:44: m.max_input_tokens: expected a whole number of tokens, found {found}; left out"
            )]
        );
        assert_eq!(import.reports.kept()[0].kind, ReportKind::Field);
        assert_eq!(import.counts.fields_left_out, 1);
        assert_eq!(import.counts.loaded, 1);
    }
}

#[test]
fn a_price_is_exact_free_unpriced_or_refused() {
    let input = |text: &str| {
        let import = litellm(&format!("\"input_cost_per_token\":{text}"));
        (first(&import).prices.get_price(), reports(&import))
    };
    for (text, price) in [
        ("1.5e-07", "0.15 USD"),
        ("\"0.00000015\"", "0.15 USD"),
        ("0.1", "100000 USD"),
        ("3.0000000000000004e-06", "3.0000000000000004 USD"),
        ("0", "free"),
        ("0.0", "free"),
        ("-0", "free"),
        ("null", "unpriced"),
    ] {
        assert_eq!(input(text), (Some(price.to_owned()), vec![]), "{text}");
    }
    for (text, message) in [
        (
            "-1",
            "the price -1 is below zero; expected 0 or more; left out",
        ),
        (
            "-1e-7",
            "the price -0.0000001 is below zero; expected 0 or more; left out",
        ),
        (
            "\"cheap\"",
            "expected a price: a number of at most 38 digits, found \"cheap\"; left out",
        ),
        (
            "1e99",
            "expected a price: a number of at most 38 digits, found 1e99; left out",
        ),
        ("1e35", "expected a price of at most 38 digits; left out"),
        (
            "{}",
            "expected a price: a number of at most 38 digits, found an object; left out",
        ),
    ] {
        let report = format!("f:2:48: m.input_cost_per_token: {message}");
        assert_eq!(input(text), (None, vec![report]), "{text}");
    }
}

trait InputPrice {
    fn get_price(&self) -> Option<String>;
}

impl InputPrice for byname_catalog::model::Prices {
    fn get_price(&self) -> Option<String> {
        self.lines().first().map(|line| line.price.to_string())
    }
}

#[test]
fn only_openrouter_says_minus_one_for_a_price_that_varies() {
    for text in ["\"-1\"", "-1", "\"-1.0\""] {
        let import = openrouter(&format!("\"pricing\":{{\"prompt\":{text}}}"));
        assert_eq!(
            first(&import).prices.price(&PriceKind::INPUT),
            Price::Varying
        );
        assert!(import.reports.is_empty());
    }
    let import = openrouter("\"pricing\":{\"prompt\":\"-2\",\"completion\":\"0\"}");
    assert_eq!(
        first(&import).prices.price(&PriceKind::INPUT),
        Price::Unpriced
    );
    assert_eq!(first(&import).prices.price(&PriceKind::OUTPUT), Price::Free);
    assert_eq!(
        reports(&import),
        [
            "f:2:33: data[0].pricing.prompt: the price -2 is below zero; expected 0 or more; left out"
        ]
    );
    let import = models_dev("{\"cost\":{\"input\":-1}}");
    assert_eq!(
        reports(&import),
        ["f:2:18: p.models.m.cost.input: the price -1 is below zero; expected 0 or more; left out"]
    );
}

#[test]
fn legacy_names_of_prices_are_understood_and_yield_to_the_right_ones() {
    for (cost, expected) in [
        ("{\"cache_input\":1}", "price=cache_read=1"),
        ("{\"cached_input\":1}", "price=cache_read=1"),
        ("{\"cached_write\":\"1.50\"}", "price=cache_write=1.5"),
    ] {
        let import = models_dev(&format!("{{\"cost\":{cost}}}"));
        assert_eq!(facts(&import), expected);
        assert!(import.reports.is_empty());
    }
    let import = models_dev("{\"cost\":{\"cached_input\":1,\"cache_read\":2}}");
    assert_eq!(facts(&import), "price=cache_read=2");
    assert_eq!(
        reports(&import),
        [
            "f:2:10: p.models.m.cost.cached_input: another name for cache_read, which is given as well; left out"
        ]
    );
}

#[test]
fn two_prices_for_one_thing_that_differ_are_reported() {
    let import =
        litellm("\"cache_read_input_token_cost\":1e-6,\"input_cost_per_token_cache_hit\":2e-6");
    assert_eq!(facts(&import), "price=cache_read=1");
    assert_eq!(
        reports(&import),
        [
            "f:2:93: m.input_cost_per_token_cache_hit: 2 USD differs from 1 USD, given before for the same thing; left out"
        ]
    );
}

#[test]
fn tiers_are_lines_with_conditions() {
    let import = models_dev(
        "{\"cost\":{\"input\":1,\"tiers\":[{\"input\":2,\"tier\":{\"size\":\"200000\"}},\
         {\"input\":3,\"tier\":{\"type\":\"time\",\"size\":1}},{\"input\":4}],\
         \"context_over_128k\":{\"input\":1.5}},\
         \"experimental\":{\"modes\":{\"fast\":{\"cost\":{\"input\":9}}}}}",
    );
    assert_eq!(
        facts(&import),
        "price=input=1 input~fast=9 input>128000=1.5 input>200000=2"
    );
    let expected =
        "expected a tier by context with a whole number of tokens as `tier.size`; left out";
    assert_eq!(
        reports(&import),
        [
            format!("f:2:66: p.models.m.cost.tiers[1]: {expected}"),
            format!("f:2:110: p.models.m.cost.tiers[2]: {expected}"),
        ]
    );
    let import =
        litellm("\"tiered_pricing\":[{\"range\":[0,1],\"input_cost_per_token\":1e-6},{\"x\":1}]");
    assert_eq!(facts(&import), "price=input=1");
    assert_eq!(
        reports(&import),
        [
            "f:2:87: m.tiered_pricing[1]: expected a tier with a `range` of two whole numbers; left out"
        ]
    );
}

#[test]
fn a_date_has_a_day_or_a_month_or_is_reported() {
    let import = models_dev(
        "{\"knowledge\":\"2024-10\",\"release_date\":\"2024-10-24\",\"last_updated\":\"2024\"}",
    );
    assert_eq!(facts(&import), "release=2024-10-24 knowledge=2024-10");
    assert_eq!(
        reports(&import),
        [
            "f:2:67: p.models.m.last_updated: \"2024\": not a date; expected YYYY-MM-DD or YYYY-MM; left out"
        ]
    );
    let import = litellm("\"deprecation_date\":20240101");
    assert_eq!(
        reports(&import),
        [
            "f:2:44: m.deprecation_date: expected a date such as 2024-10-24 or 2024-10, found 20240101; left out"
        ]
    );
    let import = openrouter("\"pricing\":{},\"created\":1e300,\"expiration_date\":null");
    assert_eq!(first(&import).dates.deprecation, Fact::Absent);
    assert_eq!(
        reports(&import),
        [
            "f:2:36: data[0].created: expected a time in whole seconds since 1970, before the year 10000; left out"
        ]
    );
}

#[test]
fn an_unknown_modality_capability_or_status_is_kept() {
    let import = models_dev(
        "{\"modalities\":{\"input\":[\"Text\",\"smell\",\"a b\",7],\"output\":[]},\"status\":\"retired\"}",
    );
    assert_eq!(facts(&import), "status=retired takes=smell,text");
    assert_eq!(
        reports(&import),
        [
            "f:2:40: p.models.m.modalities.input[2]: expected the name of a modality such as text, found \"a b\"; left out",
            "f:2:46: p.models.m.modalities.input[3]: expected the name of a modality such as text, found 7; left out",
        ]
    );
    let import =
        litellm("\"supports_levitation\":true,\"supports_vision\":\"yes\",\"supports_a b\":true");
    assert_eq!(facts(&import), "can=+levitation");
    assert_eq!(
        reports(&import),
        ["f:2:70: m.supports_vision: expected true or false, found \"yes\"; left out"]
    );
    assert_eq!(
        import.counts.unknown_fields.into_iter().collect::<Vec<_>>(),
        [("supports_a b".to_owned(), 1)]
    );
    let import = models_dev("{\"status\":\"in a while\",\"interleaved\":{\"field\":\"x\"}}");
    assert_eq!(facts(&import), "can=+interleaved");
    assert_eq!(
        reports(&import),
        [
            "f:2:11: p.models.m.status: \"in a while\" is not a name; expected 1 to 64 letters, digits, `_`, `-` or `.`; left out"
        ]
    );
}

#[test]
fn a_list_of_parameters_says_what_is_not_supported() {
    let import = openrouter("\"pricing\":{},\"supported_parameters\":[\"tools\",\"top_p\"]");
    assert_eq!(
        facts(&import),
        "can=-reasoning,-structured_output,-temperature,+tool_call,+top_p"
    );
    for nothing in ["[]", "null"] {
        let import = openrouter(&format!(
            "\"pricing\":{{}},\"supported_parameters\":{nothing}"
        ));
        assert_eq!(
            first(&import).capabilities.get(&Capability::TOOL_CALL),
            Fact::Unknown
        );
    }
}

#[test]
fn the_legacy_limit_is_the_output_or_where_nothing_comes_out_the_input() {
    assert_eq!(
        facts(&litellm("\"mode\":\"chat\",\"max_tokens\":\"4096\"")),
        "mode=chat output=4096"
    );
    assert_eq!(
        facts(&litellm("\"mode\":\"embedding\",\"max_tokens\":512")),
        "mode=embedding input=512"
    );
    assert_eq!(
        facts(&litellm("\"max_tokens\":1,\"max_output_tokens\":2")),
        "output=2"
    );
}

#[test]
fn a_name_that_stands_twice_is_reported_and_the_last_one_counts() {
    let import = models_dev("{\"name\":\"a\",\n\"name\":\"b\"}");
    assert_eq!(facts(&import), "name=b");
    assert_eq!(
        reports(&import),
        ["f:2:2: p.models.m.name: stands more than once; the last one counts"]
    );
    assert_eq!(import.counts.duplicates, 1);

    let again = "the same name stands again further down; the last one counts; refused";
    let text = "{\"p\":{\"models\":{\"m\":{\"name\":\"a\"},\"m\":{\"name\":\"b\"}}}}";
    let models = import_counts(text, &[format!("f:1:17: p.models.m: {again}")], 2, 1, 1);
    assert_eq!(facts(&models), "name=b");

    let text = "{\"m\":{\"litellm_provider\":\"p\",\"mode\":\"a\"},\"m\":{\"litellm_provider\":\"p\",\"mode\":\"b\"}}";
    let table = import_counts(text, &[format!("f:1:2: m: {again}")], 2, 1, 1);
    assert_eq!(facts(&table), "mode=b");

    let text = "{\"p\":{\"models\":{\"m\":{}}},\"p\":{\"models\":{\"m\":{},\"n\":{}}}}";
    let expected = [
        format!("f:1:17: p.models.m: {again}"),
        "f:1:2: p: stands more than once; the last one counts".to_owned(),
    ];
    import_counts(text, &expected, 3, 2, 1);

    let text =
        "{\"data\":[{\"id\":\"a\",\"pricing\":{},\"name\":\"x\"},\n{\"id\":\"a\",\"pricing\":{}}]}";
    let expected =
        ["f:2:1: data[1]: a model with the id \"a\" stands before it; refused".to_owned()];
    assert_eq!(facts(&import_counts(text, &expected, 2, 1, 1)), "name=x");
}

fn import_counts(
    text: &str,
    expected: &[String],
    entries: u64,
    loaded: u64,
    refused: u64,
) -> Import {
    let import = import(text);
    assert_eq!(reports(&import), expected);
    let counts = &import.counts;
    assert_eq!(
        (counts.entries, counts.loaded, counts.refused),
        (entries, loaded, refused)
    );
    assert_eq!(import.offerings.len() as u64, loaded);
    import
}

#[test]
fn an_entry_that_cannot_be_understood_is_refused_and_the_others_load() {
    let import = import_counts(
        "{\n\"p\": {\"models\": {\"good\": {}, \"bad\": 7, \" edge\": {}}},\n\"q\": [],\n\"a/b\": {\"models\": {}}\n}",
        &[
            "f:2:37: p.models.bad: expected a model: an object, found a number; refused".to_owned(),
            "f:2:40: p.models[\" edge\"]: \" edge\" cannot be the id of an offering: it begins or ends with a space; refused".to_owned(),
            "f:3:6: q: expected a provider: an object with an object `models`; refused".to_owned(),
            "f:4:1: [\"a/b\"]: \"a/b\" cannot be the id of a provider: it holds a `/`; refused".to_owned(),
        ],
        5,
        1,
        4,
    );
    assert_eq!(first(&import).key.name(), "p/good");
    assert_eq!(import.reports.kept()[0].kind, ReportKind::Entry);

    let import = import_counts(
        "{\"last_updated\":\"2026-07-01\",\"sample_spec\":{\"litellm_provider\":\"one of\"},\n\
         \"a\":{\"mode\":\"chat\"},\n\"b\":null,\n\"c\":{\"litellm_provider\":\"x/y\"},\n\"x/d:1@2\":{\"litellm_provider\":\"x\"}}",
        &[
            "f:2:5: a: expected a string `litellm_provider`, which names the provider; refused"
                .to_owned(),
            "f:3:5: b: expected an entry: an object, found null; refused".to_owned(),
            "f:4:5: c: \"x/y\" cannot be the id of a provider: it holds a `/`; refused".to_owned(),
        ],
        6,
        1,
        3,
    );
    assert_eq!(import.counts.skipped, 2);
    assert_eq!(first(&import).key.name(), "x/d:1@2");

    import_counts(
        "{\"data\":[{\"id\":\"a\",\"pricing\":{}},\n7,\n{\"pricing\":{}},\n{\"id\":\"\",\"pricing\":{}}]}",
        &[
            "f:2:1: data[1]: expected a model: an object, found a number; refused".to_owned(),
            "f:3:1: data[2]: expected a model with a string `id`; refused".to_owned(),
            "f:4:7: data[3].id: \"\" cannot be the id of an offering: it is empty; refused"
                .to_owned(),
        ],
        4,
        1,
        3,
    );
}

#[test]
fn an_id_that_differs_from_the_name_it_stands_under_is_reported() {
    let import = import("{\"p\":{\"id\":\"other\",\"models\":{\"m\":{\"id\":\"n\"}}}}");
    assert_eq!(first(&import).key.name(), "p/m");
    assert_eq!(
        reports(&import),
        [
            "f:1:12: p.id: differs from \"p\", the name under which it stands; left out",
            "f:1:40: p.models.m.id: differs from \"m\", the name under which it stands; left out",
        ]
    );
}

#[test]
fn only_so_many_reports_are_kept_and_the_rest_is_counted() {
    let entries: Vec<_> = (0..250).map(|n| format!("\"{n}\":0")).collect();
    let import = import(&format!(
        "{{\"ok\":{{\"litellm_provider\":\"p\"}},{}}}",
        entries.join(",")
    ));
    assert_eq!(import.reports.kept().len(), Reports::KEPT);
    assert_eq!(import.reports.more(), 250 - Reports::KEPT as u64);
    assert_eq!((import.counts.refused, import.counts.loaded), (250, 1));
}

#[test]
fn unknown_fields_are_counted_by_name_and_the_names_are_bounded() {
    let fields: Vec<_> = (0..600).map(|n| format!("\"f{n}\":0")).collect();
    let long = format!("\"{}\":0", "x".repeat(100));
    let import = litellm(&format!("{long},{}", fields.join(",")));
    let unknown = import.counts.unknown_fields;
    assert_eq!(unknown.len(), 501);
    assert_eq!(unknown["..."], 101);
    assert_eq!(unknown[&"x".repeat(80)], 1);
}
