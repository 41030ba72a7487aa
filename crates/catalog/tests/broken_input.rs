//! No file, however broken, makes the importers panic, and every entry stays accounted for.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it skips"
)]

use std::fs;

use byname_catalog::import::{Import, compact, parse};
use proptest::prelude::*;

fn excerpt(name: &str) -> Vec<u8> {
    fs::read(format!(
        "{}/tests/data/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

fn compact_excerpt() -> Vec<u8> {
    let import = parse("f", &excerpt("litellm")).unwrap();
    compact::write(&import.origins, &import.providers, &import.offerings).into_bytes()
}

fn accounted_for(import: &Import) {
    let counts = &import.counts;
    assert_eq!(
        counts.entries,
        counts.loaded + counts.refused + counts.skipped
    );
    assert_eq!(counts.loaded, import.offerings.len() as u64);
    assert!(import.offerings.is_sorted_by(|a, b| a.key < b.key));
    assert!(import.providers.is_sorted_by(|a, b| a.id < b.id));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for name in ["models-dev", "litellm", "openrouter"] {
        let bytes = excerpt(name);
        let whole = bytes.trim_ascii_end().len();
        // Of the smallest every byte, of the others every byte at both ends and every 13th
        // between them: each cut reads the file up to there.
        let every = |n: &usize| {
            name == "openrouter" || *n < 1500 || *n + 500 > whole || n.is_multiple_of(13)
        };
        for length in (0..whole).filter(every) {
            let error = parse("f", &bytes[..length]).unwrap_err();
            assert!(
                error.line().is_some() && error.column().is_some(),
                "{name} cut at {length}: {error}"
            );
        }
        assert!(parse("f", &bytes[..whole]).is_ok());
    }
    let bytes = compact_excerpt();
    for length in 0..bytes.len() {
        assert!(parse("f", &bytes[..length]).is_err(), "cut at {length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn changed_bytes_never_panic(
        file in 0_usize..4,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ascii in any::<bool>(),
    ) {
        let names = ["models-dev", "litellm", "openrouter"];
        let mut bytes = names.get(file).map_or_else(compact_excerpt, |name| excerpt(name));
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            // Half of the time a character that means something, so that more of it still parses.
            bytes[place] = if ascii { b"0123456789-.eE\"{}[]:,\t\n\\ "[usize::from(byte) % 25] } else { byte };
        }
        if let Ok(import) = parse("f", &bytes) {
            accounted_for(&import);
        }
    }

    #[test]
    fn any_value_of_a_field_never_panics(
        field in "(input|output|cache_read|cache_creation)_(cost_per_token|input_token_cost|cost_per_image)(_above_[0-9]{0,12}(k_tokens|hr|s_interval))?(_batches|_flex)?|cost|limit|modalities|name|status|mode|max_tokens|supports_[a-z]{0,4}|pricing|created|architecture|top_provider|supported_parameters|tiered_pricing|knowledge|experimental|interleaved|env|doc",
        value in "-?[0-9]{1,45}(\\.[0-9]{1,45})?([eE][-+]?[0-9]{1,20})?|\"[ -!#-\\[\\]-~]{0,8}\"|null|true|\\[\\]|\\{\\}|\\[(\\{\\}|1|\"a\"|null)\\]|\\{\"(input|output|modes|prompt|range|tiers)\":(-1|\\[1\\]|\"x\"|null|\\{\\}|\\[\\{\\}\\])\\}",
    ) {
        for text in [
            format!("{{\"p\":{{\"models\":{{\"m\":{{\"{field}\":{value}}}}},\"{field}\":{value}}}}}"),
            format!("{{\"m\":{{\"litellm_provider\":\"p\",\"{field}\":{value}}}}}"),
            format!("{{\"data\":[{{\"id\":\"m\",\"pricing\":{{\"prompt\":{value}}},\"{field}\":{value}}}]}}"),
        ] {
            if let Ok(import) = parse("f", text.as_bytes()) {
                accounted_for(&import);
                let written = compact::write(&import.origins, &import.providers, &import.offerings);
                let read = parse("g", written.as_bytes()).unwrap();
                prop_assert_eq!(&read.offerings, &import.offerings);
                prop_assert_eq!(&read.providers, &import.providers);
            }
        }
    }

    #[test]
    fn any_line_of_the_compact_format_never_panics(line in "(o|p|source)\t[a-z/,=+!-~\\\\]{0,20}(\t(name|can|price|takes|context|release)[=!][ -~]{0,24}){0,3}") {
        let text = format!("byname-catalog 1\np\tx\n{line}\nend\t3\n");
        let import = parse("f", text.as_bytes()).unwrap();
        accounted_for(&import);
        let written = compact::write(&import.origins, &import.providers, &import.offerings);
        prop_assert_eq!(parse("g", written.as_bytes()).unwrap().offerings, import.offerings);
    }
}
