//! Whatever is asked.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use crate::same::sample;
use crate::samples::{Colour, Id, Sample, Shape, by_rest, by_rpc};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(any::<char>(), 0..12)
            .prop_map(|letters| letters.into_iter().collect::<String>()),
        "[~./%\\\\&=+# a]{0,6}",
        "(~{0,2})(search|by-number|by-ratio|count)?",
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    let finite = any::<f64>().prop_filter("JSON has no others", |float| float.is_finite());
    let small = any::<f32>().prop_filter("JSON has no others", |float| float.is_finite());
    prop_oneof![
        Just(Shape::Nothing),
        finite.prop_map(Shape::Circle),
        (small, Just(1.5)).prop_map(|(width, height)| Shape::Box { width, height }),
    ]
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let counts = proptest::collection::btree_map(text(), any::<i64>(), 0..4);
    let shapes = proptest::collection::vec(shape(), 0..4);
    let bytes = any::<Vec<u8>>();
    let one = (text(), any::<(u64, i64)>(), bytes, counts, shapes);
    one.prop_map(|(name, (largest, least), bytes, counts, shapes)| Sample {
        name,
        largest,
        least,
        bytes,
        counts,
        shapes,
        ..sample()
    })
}

#[test]
fn whatever_is_asked_the_answers_are_equal() {
    let runtime = Runtime::new().expect("a runtime");
    let both = [runtime.block_on(by_rest()), runtime.block_on(by_rpc())];
    let mut runner = TestRunner::new(Config::with_cases(96));
    let lists = (
        proptest::collection::vec(text(), 0..4),
        any::<BTreeSet<u64>>(),
    );
    let few = any::<(Option<i64>, Option<bool>, Option<Option<u8>>, Option<char>)>();
    let asked = (text(), lists, few, any_sample());
    let asking = |(text, (tags, ids), (least, exact, nested, letter), given): (
        String,
        (Vec<String>, BTreeSet<u64>),
        (Option<i64>, Option<bool>, Option<Option<u8>>, Option<char>),
        Sample,
    )| {
        for samples in &both {
            runtime.block_on(async {
                let got = samples
                    .agree(async |samples| samples.get_sample(Id(text.clone())).await)
                    .await;
                assert_eq!(got.as_ref(), Ok(&text));
                let got = samples
                    .agree(async |samples| {
                        let (some, tags, ids) = (Some(text.clone()), tags.clone(), ids.clone());
                        samples
                            .search_samples(some, tags, ids, least, None, exact, None, None, letter)
                            .await
                    })
                    .await
                    .expect("an answer");
                assert_eq!((&got.1, &got.2, got.6.2), (&tags, &ids, letter));
                let got = samples
                    .agree(async |samples| samples.nested(Colour::Green, nested).await)
                    .await;
                assert_eq!(got, Ok(nested));
                let got = samples
                    .agree(async |samples| samples.create_sample(given.clone()).await)
                    .await;
                assert_eq!(got.as_ref(), Ok(&given));
                samples
                    .agree(async |samples| {
                        let (text, bytes) = (text.clone(), given.bytes.clone());
                        let any = serde_json::json!([text, given]);
                        let (counts, given) = (BTreeMap::new(), Some(given.clone()));
                        samples
                            .update_sample(text, nested, counts, bytes, given, any, -0.0)
                            .await
                    })
                    .await
                    .expect("an answer");
            });
        }
        Ok(())
    };
    runner.run(&asked, asking).expect("equal answers");
}
