use super::*;

fn shown(field: &str) -> Option<String> {
    let Meaning {
        kind,
        unit,
        shift,
        when,
    } = meaning(field)?;
    let Conditions {
        above_tokens,
        service_tier,
        cache_ttl,
        variant,
    } = when;
    let conditions = [
        above_tokens.map(|tokens| format!(" >{tokens}")),
        service_tier.map(|tier| format!(" ~{tier}")),
        cache_ttl.map(|seconds| format!(" {seconds}s")),
        variant.map(|variant| format!(" {variant}")),
    ];
    let text = format!("{kind}/{unit}*{shift}");
    Some(
        conditions
            .into_iter()
            .flatten()
            .fold(text, |text, condition| text + &condition),
    )
}

#[test]
fn a_field_is_taken_apart_into_what_it_says() {
    for (field, meaning) in [
        ("input_cost_per_token", "input/million_tokens*6"),
        (
            "output_cost_per_token_above_200k_tokens",
            "output/million_tokens*6 >200000",
        ),
        (
            "cache_creation_input_token_cost_above_12hr_above_272k_tokens_priority",
            "cache_write/million_tokens*6 >272000 ~priority 43200s",
        ),
        (
            "cache_creation_input_token_cost_above_1hr",
            "cache_write/million_tokens*6 3600s",
        ),
        (
            "input_cost_per_audio_token_batches",
            "input_audio/million_tokens*6 ~batch",
        ),
        (
            "input_cost_per_token_ultrafast",
            "input/million_tokens*6 ~ultrafast",
        ),
        (
            "input_cost_per_token_cache_hit",
            "cache_read/million_tokens*6",
        ),
        (
            "explicit_cache_read_input_token_cost",
            "cache_read/million_tokens*6 explicit",
        ),
        ("output_cost_per_image", "output_image/image*0"),
        (
            "output_cost_per_image_token",
            "output_image/million_tokens*6",
        ),
        ("output_cost_per_image_0.5K", "output_image/image*0 0.5k"),
        ("output_cost_per_second_1080p", "output/second*0 1080p"),
        (
            "input_cost_per_video_per_second_above_15s_interval",
            "input_video/second*0 above_15s",
        ),
        ("ocr_cost_per_page_batches", "ocr/page*0 ~batch"),
        ("file_search_cost_per_1k_calls", "file_search/call*-3"),
    ] {
        assert_eq!(shown(field).as_deref(), Some(meaning), "{field}");
    }
}

#[test]
fn what_is_not_the_name_of_a_price_is_left_to_be_counted() {
    for field in [
        "",
        "input_dbu_cost_per_token",
        "input_cost_per_token_",
        "input_cost_per_token_above_k_tokens",
        "input_cost_per_token_above_9999999999k_tokens",
        "input_cost_per_token_flex_flex",
        "output_cost_per_image_",
        "output_cost_per_second_per_video",
        "output_vector_size",
    ] {
        assert_eq!(shown(field), None, "{field}");
    }
}

#[test]
fn the_names_in_our_own_tables_are_valid() {
    let source = include_str!("../prices.rs");
    let mut fixed = 0;
    for part in source.split("::fixed(\"").skip(1) {
        let (name, _) = part.split_once('"').unwrap();
        assert_eq!(PriceKind::new(name).unwrap(), name);
        fixed += 1;
    }
    assert!(fixed > 10);
}
