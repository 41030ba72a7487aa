//! The excerpts of real files are read to exactly the facts, reports and counts beside them.
//!
//! `UPDATE_EXPECT=1 cargo test -p byname-catalog --test golden` writes them anew.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it skips"
)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use byname_catalog::import::{Format, Import, compact, parse};
use byname_catalog::model::{Capability, Fact, Price, PriceKind};

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn import(name: &str) -> Import {
    parse(name, &fs::read(data(name)).unwrap()).unwrap()
}

fn check(name: &str, format: Format) -> Import {
    let import = import(name);
    assert_eq!(import.format, format);
    let mut actual = compact::write(&import.origins, &import.providers, &import.offerings);
    writeln!(actual).unwrap();
    for report in import.reports.kept() {
        writeln!(actual, "{report}").unwrap();
    }
    writeln!(actual, "{:#?}", import.counts).unwrap();
    let path = data(&name.replace(".json", ".expected"));
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (number, (actual, expected)) in actual.lines().zip(expected.lines()).enumerate() {
        assert_eq!(actual, expected, "{}:{}", path.display(), number + 1);
    }
    assert_eq!(actual, expected);
    import
}

fn offering<'i>(import: &'i Import, name: &str) -> &'i byname_catalog::Offering {
    import
        .offerings
        .iter()
        .find(|offering| offering.key.name() == name)
        .unwrap()
}

fn amounts(import: &Import, name: &str, kind: &PriceKind) -> Vec<String> {
    let lines = offering(import, name)
        .prices
        .iter()
        .filter(|line| line.kind == *kind);
    lines
        .map(|line| {
            let when = serde_json::to_string(&line.conditions).unwrap();
            format!("{} per {} {when}", line.price, line.unit)
        })
        .collect()
}

#[test]
fn models_dev() {
    let import = check("models-dev.json", Format::ModelsDev);
    // The calendar has no 2025-02-31.
    let haiku = offering(&import, "azure/claude-haiku-4-5");
    assert_eq!(haiku.dates.knowledge, Fact::Unknown);
    assert_eq!(haiku.prices.price(&PriceKind::INPUT).to_string(), "1 USD");
    // `cache_input` and `cached_write` are legacy names.
    assert_eq!(
        amounts(
            &import,
            "siliconflow/MiniMaxAI/MiniMax-M2.5",
            &PriceKind::CACHE_READ
        ),
        ["0.03 USD per million_tokens {}"]
    );
    assert_eq!(
        amounts(&import, "merge-gateway/openai/gpt-5.4", &PriceKind::INPUT),
        [
            "2.5 USD per million_tokens {}",
            r#"5 USD per million_tokens {"service_tier":"fast"}"#,
            r#"5 USD per million_tokens {"above_tokens":272000}"#
        ]
    );
    // A name with a tab at its end.
    let turbo = offering(&import, "novita-ai/deepseek/deepseek-r1-turbo");
    assert_eq!(turbo.name, Fact::Known("DeepSeek R1 (Turbo)".to_owned()));
    // A limit of 0 tokens is none.
    let image = offering(&import, "azure/gpt-image-1");
    assert_eq!(image.limits.context, Fact::Absent);
}

#[test]
fn litellm() {
    let import = check("litellm.json", Format::LiteLlm);
    // Exactly what 8.39233e-08 says, and no float near it.
    assert_eq!(
        amounts(
            &import,
            "azure/hd/1024-x-1024/dall-e-3",
            &PriceKind::INPUT_IMAGE
        ),
        ["0.0000000839233 USD per pixel {}"]
    );
    // The table has this model of this provider under two names; both are there.
    assert!(offering(&import, "deepseek/deepseek-chat").prices.len() > 2);
    assert!(
        offering(&import, "deepseek/deepseek/deepseek-chat")
            .prices
            .len()
            > 2
    );
    // The group of its models is no part of a provider.
    assert_eq!(
        offering(&import, "vertex_ai/claude-3-5-haiku")
            .key
            .provider(),
        "vertex_ai"
    );
    // Tiers by context.
    assert_eq!(
        amounts(&import, "dashscope/qwen-flash", &PriceKind::INPUT),
        [
            "0.05 USD per million_tokens {}",
            r#"0.25 USD per million_tokens {"above_tokens":256000}"#
        ]
    );
    // A price of zero is free, which is known; one that is not there is unpriced.
    let embedding = offering(&import, "openai/text-embedding-3-small");
    assert_eq!(embedding.prices.price(&PriceKind::OUTPUT), Price::Free);
    assert_eq!(
        embedding.prices.price(&PriceKind::REASONING),
        Price::Unpriced
    );
    assert!(
        offering(&import, "cloudflare/@cf/meta/llama-2-7b-chat-fp16")
            .limits
            .output
            .is_known()
    );
}

#[test]
fn openrouter() {
    let import = check("openrouter.json", Format::OpenRouter);
    let router = offering(&import, "openrouter/openrouter/auto");
    assert_eq!(router.prices.price(&PriceKind::INPUT), Price::Varying);
    assert_eq!(router.prices.price(&PriceKind::OUTPUT), Price::Varying);
    let flash = offering(&import, "openrouter/google/gemini-3.1-flash-lite");
    assert_eq!(
        amounts(
            &import,
            "openrouter/google/gemini-3.1-flash-lite",
            &PriceKind::CACHE_WRITE
        ),
        ["0.08333333333333334 USD per million_tokens {}"]
    );
    assert_eq!(
        flash.capabilities.get(&Capability::TOOL_CALL),
        Fact::Known(true)
    );
    assert_eq!(flash.dates.deprecation, Fact::Absent);
    let opus = offering(&import, "openrouter/anthropic/claude-opus-4.7-fast");
    assert_eq!(
        opus.dates.listed,
        Fact::Known("2026-05-12".parse().unwrap())
    );
    assert_eq!(
        opus.capabilities.get(&Capability::TEMPERATURE),
        Fact::Known(false)
    );
    assert_eq!(
        amounts(
            &import,
            "openrouter/anthropic/claude-opus-4.7-fast",
            &PriceKind::WEB_SEARCH
        ),
        ["0.01 USD per query {}"]
    );
}
