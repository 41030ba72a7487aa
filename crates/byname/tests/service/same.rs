//! Values that are awkward on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use crate::samples::{Colour, Day, Id, Sample, Shape, by_rest, by_rpc};

const AWKWARD: [&str; 40] = [
    "",
    ".",
    "..",
    "...",
    "~",
    "~~",
    "~.",
    "~..",
    "~~.",
    "~a",
    "a~",
    "/",
    "//",
    "a/b",
    "../..",
    "a/../../b",
    "%",
    "%2F",
    "%2f",
    "%252F",
    "%00",
    "\0",
    "\u{7f}",
    "\r\n",
    " ",
    "+",
    "a b",
    "?",
    "#",
    "&",
    "=",
    "a=b&c=d",
    "ä",
    "日本語",
    "\u{1f600}",
    "\u{202e}",
    "search",
    "~search",
    "by-number",
    "null",
];

#[tokio::test]
async fn a_text_is_the_same_in_a_path_a_query_and_a_body() {
    for samples in [by_rest().await, by_rpc().await] {
        let long = "a/ä".repeat(1000);
        for text in AWKWARD.into_iter().chain([&*long]) {
            let got = samples
                .agree(async |samples| samples.get_sample(Id(text.to_owned())).await)
                .await;
            assert_eq!(got.as_deref(), Ok(text));
            let got = samples
                .agree(async |samples| {
                    let (text, tags) = (text.to_owned(), vec![text.to_owned(); 2]);
                    let none = BTreeSet::new();
                    let text = Some(text);
                    samples
                        .search_samples(text, tags, none, None, None, None, None, None, None)
                        .await
                })
                .await
                .expect("an answer");
            assert_eq!(
                (got.0.as_deref(), got.1),
                (Some(text), vec![text.to_owned(); 2])
            );
            let got = samples
                .agree(async |samples| {
                    let counts = BTreeMap::from([(text.to_owned(), 1)]);
                    let any = serde_json::json!({ text: text });
                    let text = text.to_owned();
                    samples
                        .update_sample(text, None, counts, Vec::new(), None, any, 0.0)
                        .await
                })
                .await
                .expect("an answer");
            assert_eq!(got.0, format!("{text}!"));
        }
    }
}

#[tokio::test]
async fn what_is_left_out_is_not_what_is_empty() {
    for samples in [by_rest().await, by_rpc().await] {
        for text in [None, Some(String::new())] {
            for exact in [None, Some(false), Some(true)] {
                for colour in [None, Some(Colour::DarkBlue)] {
                    for day in [None, Some(Day(2024, 2, 29))] {
                        let got = samples
                            .agree(async |samples| {
                                let (text, day) = (text.clone(), day.clone());
                                let (tags, ids) = (Vec::new(), BTreeSet::from([7, u64::MAX]));
                                samples
                                    .search_samples(
                                        text, tags, ids, None, None, exact, colour, day, None,
                                    )
                                    .await
                            })
                            .await
                            .expect("an answer");
                        assert_eq!((&got.0, &got.5), (&text, &exact));
                        assert_eq!(got.6, (colour, day.clone(), None));
                    }
                }
            }
        }
        for which in [None, Some(None), Some(Some(0)), Some(Some(255))] {
            let got = samples
                .agree(async |samples| samples.nested(Colour::Green, which).await)
                .await;
            assert_eq!(got, Ok(which));
        }
    }
}

#[tokio::test]
async fn numbers_are_the_same_at_their_ends() {
    for samples in [by_rest().await, by_rpc().await] {
        for number in [0, -1, 1 << 53, (1 << 53) + 1, i64::MIN, i64::MAX] {
            let got = samples
                .agree(async |samples| samples.find_sample_by_number(number).await)
                .await;
            assert_eq!(got, Ok(number));
        }
        for ratio in [
            0.0,
            -0.0,
            0.1,
            1.0,
            1e300,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            1.0 / 3.0,
            9_007_199_254_740_993.0,
        ] {
            let got = samples
                .agree(async |samples| samples.find_sample_by_ratio(ratio).await)
                .await
                .expect("an answer");
            assert_eq!((got.0.to_bits(), got.1), (ratio.to_bits(), ratio.to_bits()));
        }
        for (least, largest) in [(i64::MIN, u64::MAX), (i64::MAX, 0)] {
            let got = samples
                .agree(async |samples| {
                    let (least, largest) = (Some(least), Some(largest));
                    let (tags, ids) = (Vec::new(), BTreeSet::new());
                    samples
                        .search_samples(
                            None,
                            tags,
                            ids,
                            least,
                            largest,
                            None,
                            None,
                            None,
                            Some('"'),
                        )
                        .await
                })
                .await
                .expect("an answer");
            assert_eq!(
                (got.3, got.4, got.6.2),
                (Some(least), Some(largest), Some('"'))
            );
        }
    }
}

pub(crate) fn sample() -> Sample {
    let inner = Sample {
        name: "a/ä\0\"".to_owned(),
        largest: u64::MAX,
        least: i64::MIN,
        ratio: -0.1,
        bytes: (0..=255).collect(),
        counts: BTreeMap::from([(String::new(), 0), ("a/b".to_owned(), i64::MAX)]),
        day: Some(Day(1, 2, 3)),
        at: SystemTime::UNIX_EPOCH + Duration::new(1, 1),
        took: Duration::new(u64::MAX, 999_999_999),
        shapes: vec![
            Shape::Nothing,
            Shape::Circle(1e-300),
            Shape::Box {
                width: 0.1,
                height: f32::MAX,
            },
        ],
        within: None,
    };
    Sample {
        within: Some(Box::new(inner.clone())),
        day: None,
        shapes: Vec::new(),
        ..inner
    }
}

#[tokio::test]
async fn a_structure_is_the_same_as_a_body_and_as_a_field() {
    for samples in [by_rest().await, by_rpc().await] {
        let got = samples
            .agree(async |samples| samples.create_sample(sample()).await)
            .await;
        assert_eq!(got, Ok(sample()));
        for nested in [None, Some(None), Some(Some(9))] {
            for given in [None, Some(sample())] {
                let got = samples
                    .agree(async |samples| {
                        let bytes = vec![0, 255];
                        let (id, given) = ("..".to_owned(), given.clone());
                        let (counts, any) = (BTreeMap::new(), serde_json::Value::Null);
                        samples
                            .update_sample(id, nested, counts, bytes, given, any, 0.1)
                            .await
                    })
                    .await
                    .expect("an answer");
                assert!(
                    got.1.starts_with(&format!("{nested:?} {{}} [0, 255]")),
                    "{}",
                    got.1
                );
            }
        }
    }
}

#[tokio::test]
async fn a_default_method_a_raw_name_and_a_large_answer_are_the_same() {
    for samples in [by_rest().await, by_rpc().await] {
        for count in 0..3 {
            let got = samples.agree(async |samples| samples.count().await).await;
            assert_eq!(got, Ok(count));
        }
        let got = samples
            .agree(async |samples| samples.r#type("a".to_owned(), 7).await)
            .await;
        assert_eq!(got.as_deref(), Ok("a 7"));
        let got = samples
            .agree(async |samples| samples.large(1 << 20, "y".repeat(1 << 20)).await)
            .await
            .expect("an answer");
        assert_eq!((got.0, got.1.len()), (1 << 20, 1 << 20));
    }
}
