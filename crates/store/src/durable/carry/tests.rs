#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use serde::de::DeserializeOwned;

use super::carry;
use crate::json::Json;

#[derive(Serialize, Deserialize)]
struct Machine {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default)]
    at: Place,
}

#[derive(Default, Serialize, Deserialize)]
struct Place {
    #[serde(alias = "hostname")]
    host: String,
    port: u16,
}

fn json(text: &str) -> Json {
    Json::new(text).unwrap()
}

/// What is written when a program that read `old` as a `V` writes `new`.
fn rewrite<V: Serialize + DeserializeOwned>(old: &str, new: &V) -> Option<String> {
    let old = json(old);
    let known = Json::of(&old.read::<V>().unwrap()).unwrap();
    let carried = carry::<V>(&old, &known, &Json::of(new).unwrap())?;
    Some(carried.as_str().to_owned())
}

fn machine(kind: &str) -> Machine {
    Machine {
        kind: kind.to_owned(),
        note: None,
        at: Place::default(),
    }
}

#[test]
fn unknown_fields_are_kept_after_the_known_ones_with_their_digits() {
    let old = r#"{"size": 1.00, "kind":"ssh","at":{"zone":"a","host":"h","port":1}, "tags":[1, {"x": 2}]}"#;
    assert_eq!(
        rewrite(old, &machine("local")).unwrap(),
        r#"{"kind":"local","at":{"host":"","port":0,"zone":"a"},"size":1.00,"tags":[1, {"x": 2}]}"#
    );
}

#[test]
fn a_known_field_that_is_not_written_any_more_goes() {
    let old = r#"{"kind":"ssh","note":"old","more":1}"#;
    assert_eq!(
        rewrite(old, &machine("ssh")).unwrap(),
        r#"{"kind":"ssh","at":{"host":"","port":0},"more":1}"#
    );
}

#[test]
fn without_unknown_fields_there_is_nothing_to_keep() {
    let old = r#"{"kind":"ssh","at":{"host":"h","port":1}}"#;
    assert_eq!(rewrite(old, &machine("local")), None);
    assert_eq!(rewrite("3", &4), None);
    assert_eq!(
        rewrite(
            r#"{"a":1}"#,
            &HashMap::from([("b", 2)].map(|(k, v)| (k.to_owned(), v)))
        ),
        None
    );
}

/// A field that is read under another name than it is written looks unknown; kept, it would stand
/// beside the new one.
#[test]
fn what_would_be_in_the_way_of_the_new_value_is_left_out_alone() {
    let old = r#"{"kind":"ssh","at":{"hostname":"h","port":1,"zone":"a"},"more":1}"#;
    assert_eq!(
        rewrite(old, &machine("local")).unwrap(),
        r#"{"kind":"local","at":{"host":"","port":0,"zone":"a"},"more":1}"#
    );
}

#[test]
fn what_is_hashed_may_be_written_in_any_order() {
    #[derive(Serialize, Deserialize)]
    struct Hashed {
        set: HashSet<u32>,
        map: HashMap<u32, u32>,
    }
    let all: Vec<u32> = (0..50).collect();
    let hashed = Hashed {
        set: all.iter().copied().collect(),
        map: all.iter().map(|&n| (n, n)).collect(),
    };
    for _ in 0..20 {
        let carried = rewrite(r#"{"set":[],"map":{},"more":1}"#, &hashed).unwrap();
        assert!(carried.ends_with(r#","more":1}"#));
    }
}

#[test]
fn a_field_of_another_kind_takes_the_place_of_the_known_one() {
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Shape {
        Named { name: String },
        Plain(u32),
    }
    #[derive(Serialize, Deserialize)]
    struct Holder {
        shape: Shape,
    }
    let old = r#"{"shape":{"name":"a","more":1},"other":2}"#;
    let new = Holder {
        shape: Shape::Plain(3),
    };
    assert_eq!(rewrite(old, &new).unwrap(), r#"{"shape":3,"other":2}"#);
}

#[test]
fn keys_are_written_as_json() {
    let old = "{\"kind\":\"ssh\",\"a\\\"\\u0001\u{e9}\":1}";
    let carried = rewrite(old, &machine("ssh")).unwrap();
    assert!(carried.ends_with(",\"a\\\"\\u0001\u{e9}\":1}"), "{carried}");
}
