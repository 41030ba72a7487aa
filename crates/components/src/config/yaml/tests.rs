#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "documents are written piece by piece"
)]

use proptest::prelude::*;

use super::*;
use crate::config::Path;

fn source() -> Source {
    Source::File(std::path::Path::new("app.yaml").into())
}

fn read(text: &str) -> Node {
    parse(text, &source()).unwrap()
}

/// Texts of all problems: message, then places.
fn wrong(text: &str) -> Vec<String> {
    let problems = parse(text, &source()).unwrap_err();
    problems
        .iter()
        .map(|problem| {
            let places: Vec<_> = problem
                .places()
                .map(|(place, _)| place.to_string())
                .collect();
            format!("{} @ {}", problem.message(), places.join(", "))
        })
        .collect()
}

fn at<'a>(node: &'a Node, path: &str) -> &'a Node {
    node.at(&path.parse::<Path>().unwrap()).unwrap()
}

fn scalar(node: &Node) -> (&str, bool) {
    match &node.value {
        Value::Scalar(scalar) => (&scalar.text, scalar.plain),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_value_and_key_knows_where_it_stands() {
    let text = "\
# a comment
name: shop
list:
  - one
  - { a: b, \"ü\": [x,  y] }
text: |
  first
  second
quoted:   'q'
empty:
next: ~
";
    let tree = read(text);
    let positions = [
        ("", (2, 1)),
        ("name", (2, 7)),
        ("list", (4, 3)),
        ("list[0]", (4, 5)),
        ("list[1]", (5, 5)),
        ("list[1].a", (5, 10)),
        ("list[1].ü", (5, 18)),
        ("list[1].ü[0]", (5, 19)),
        ("list[1].ü[1]", (5, 23)),
        ("text", (7, 3)),
        ("quoted", (9, 11)),
        ("next", (11, 7)),
    ];
    for (path, position) in positions {
        assert_eq!(at(&tree, path).origin.position(), Some(position), "{path}");
    }
    assert_eq!(at(&tree, "empty").origin.position().unwrap().0, 10);
    assert_eq!(at(&tree, "name").origin.to_string(), "app.yaml:2:7");
    let (key, _) = at(&tree, "list[1]").as_map().unwrap().entry("ü").unwrap();
    assert_eq!(key.origin.position(), Some((5, 13)));
    assert_eq!(scalar(at(&tree, "text")), ("first\nsecond\n", false));
    assert!(matches!(at(&tree, "empty").value, Value::Null));
    assert!(matches!(at(&tree, "next").value, Value::Null));
}

#[test]
fn plain_scalars_keep_their_text() {
    for text in [
        "no",
        "0123",
        "1.10",
        "12:30",
        "1_000",
        "0x1F",
        "1e3",
        "yes",
        "Null",
        "2026-01-01",
        ".inf",
    ] {
        let tree = read(&format!("a: {text}\n"));
        assert_eq!(scalar(at(&tree, "a")), (text, true));
        let tree = read(&format!("a: '{text}'\n"));
        assert_eq!(scalar(at(&tree, "a")), (text, false));
    }
    for text in ["null", "~", ""] {
        assert!(matches!(
            at(&read(&format!("a: {text}\n")), "a").value,
            Value::Null
        ));
        assert_eq!(
            scalar(at(&read(&format!("a: '{text}'\n")), "a")),
            (text, false)
        );
    }
}

#[test]
fn a_text_without_a_value_is_null() {
    for text in ["", "\n", "# only a comment\n", "---\n", "\u{feff}"] {
        assert!(matches!(read(text).value, Value::Null), "{text:?}");
    }
}

#[test]
fn all_duplicate_keys_are_told_with_both_places() {
    let text = "a: 1\nb:\n  c: 1\n  c: {d: 1}\na: [2]\n\"a\": 3\n";
    assert_eq!(
        wrong(text),
        [
            "the key `c` is there twice @ app.yaml:4:3, app.yaml:3:3",
            "the key `a` is there twice @ app.yaml:5:1, app.yaml:1:1",
            "the key `a` is there twice @ app.yaml:6:1, app.yaml:1:1",
        ]
    );
}

#[test]
fn what_is_not_read_is_refused_with_its_place() {
    let start = |text: &str| {
        let all = wrong(text);
        let one = all.into_iter().next().unwrap();
        let (message, place) = one.split_once(" @ ").unwrap();
        (message.to_owned(), place.to_owned())
    };
    for (text, message, place) in [
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            "merge keys (`<<`)",
            "app.yaml:3:3",
        ),
        ("a: !!str 1\n", "a tag (`!…`)", "app.yaml:1:4"),
        ("a: ! 1\n", "a tag (`!…`)", "app.yaml:1:4"),
        ("a: !env [X]\n", "a tag (`!…`)", "app.yaml:1:4"),
        ("[a, b]: 1\n", "a list cannot be a key", "app.yaml:1:1"),
        ("? {a: b}\n: 1\n", "a map cannot be a key", "app.yaml:1:3"),
        (
            "a: &x y\n*x : 1\n",
            "an alias cannot be a key",
            "app.yaml:2:1",
        ),
        ("a: *x\n", "no anchor `&x` stands before", "app.yaml:1:4"),
        ("a: &x [*x]\n", "this alias stands inside", "app.yaml:1:8"),
        (
            "a: 1\n---\nb: 2\n",
            "a second document begins",
            "app.yaml:2:1",
        ),
        (
            "%YAML 1.1\n---\na: 1\n",
            "this is said to be YAML 1.1",
            "app.yaml:",
        ),
        (": 1\n", "a key is missing", "app.yaml:1:1"),
        ("a:\n\tb: 1\n", "this is not YAML", "app.yaml:2:"),
        ("a:\n    b: 1\n  c: 2\n", "this is not YAML", "app.yaml:3:"),
        ("a: 'x\n", "this is not YAML", "app.yaml:"),
        ("a: [1, 2\n", "this is not YAML", "app.yaml:"),
        ("a: b: c\n", "this is not YAML", "app.yaml:1:"),
    ] {
        let (said, stands) = start(text);
        assert!(said.starts_with(message), "{text:?}: {said}");
        assert!(stands.starts_with(place), "{text:?}: {stands}");
    }
    assert!(read("'<<': 1\n").get("<<").is_some());
    // What follows a refused key is read on.
    assert_eq!(wrong("<<: {a: 1}\nb: !x 1\n").len(), 2);
    assert_eq!(wrong("*x : {a: 1}\nb: !x 1\n").len(), 2);
}

#[test]
fn an_alias_stands_for_a_copy_that_keeps_its_origins() {
    let tree = read("a: &x { b: [1] }\nc: *x\nd: &y t\ne: [*y, *y]\n");
    assert!(at(&tree, "a").is_same(at(&tree, "c")));
    assert_eq!(at(&tree, "c.b[0]").origin.position(), Some((1, 13)));
    assert_eq!(scalar(at(&tree, "e[1]")), ("t", true));
}

#[test]
fn aliases_have_a_budget() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let names = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{names}]\n"));
    }
    let all = wrong(&bomb);
    assert_eq!(all.len(), 1);
    assert!(
        all[0].starts_with("there are more than 1000000 values"),
        "{all:?}"
    );
}

#[test]
fn depth_is_bounded_with_aliases_too() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    read(&nested(100));
    assert_eq!(
        wrong(&nested(101)),
        ["lists and maps stand in each other more than 100 deep @ app.yaml:1:101"]
    );
    assert!(wrong(&nested(100_000))[0].contains("more than 100 deep"));
    let by_alias = format!("a: &x {}\nb: [[[*x]]]\n", nested(98));
    assert!(wrong(&by_alias)[0].contains("more than 100 deep @ app.yaml:2:7"));
    let block: String = (0..200)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    assert!(wrong(&block)[0].contains("more than 100 deep @ app.yaml:101:101"));
}

#[test]
fn too_long_a_text_is_refused() {
    let text = "a".repeat(MOST_BYTES + 1);
    assert_eq!(
        wrong(&text),
        ["the text has 10485761 bytes, more than 10485760 (10 MiB) @ app.yaml"]
    );
}

#[test]
fn an_argument_is_a_text_unless_it_is_a_list_or_a_map() {
    let source = Source::CommandLine("a.b=…".into());
    for text in [
        "x #y",
        "a: b",
        "0123",
        "'q'",
        "\"",
        "&x",
        "*x",
        "line\nline",
        "",
        "!t",
        "- a",
    ] {
        let node = parse_flow(text, &source).unwrap();
        assert_eq!(scalar(&node), (text, true));
        assert_eq!(node.origin.to_string(), "--set a.b=…");
    }
    let node = parse_flow(" [1, {a: 'b #'}]", &source).unwrap();
    assert_eq!(scalar(at(&node, "[1].a")), ("b #", false));
    assert_eq!(at(&node, "[1].a").origin.to_string(), "--set a.b=…");
    let problems = parse_flow("[1, !x 2]", &source).unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert!(problem.message().ends_with("(at column 5 of the value)"));
    parse_flow("[1", &source).unwrap_err();
    parse_flow("[1] x", &source).unwrap_err();
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e9_f64..1e9).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[ #:,'\"\\[\\]{}&*!|>%@`\n\t~nul-]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn same(node: &Node, json: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (&node.value, json) {
        (Value::Null, Json::Null) => true,
        (Value::Scalar(scalar), Json::String(text)) => !scalar.plain && *scalar.text == **text,
        (Value::Scalar(scalar), Json::Bool(_) | Json::Number(_)) => {
            scalar.plain && *scalar.text == *json.to_string()
        }
        (Value::List(list), Json::Array(array)) => {
            list.len() == array.len() && list.iter().zip(array).all(|(a, b)| same(a, b))
        }
        (Value::Map(map), Json::Object(object)) => {
            map.len() == object.len()
                && map
                    .iter()
                    .all(|(key, node)| object.get(&*key.name).is_some_and(|json| same(node, json)))
        }
        _ => false,
    }
}

/// JSON whose texts have only characters that YAML allows; the others are escaped.
fn flow(json: &serde_json::Value) -> String {
    let text = json.to_string();
    let mut flow = String::new();
    for c in text.chars() {
        if matches!(
            c,
            '\u{7f}'..='\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        ) {
            flow.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            flow.push(c);
        }
    }
    flow
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text, &source());
        let _ = parse_flow(&text, &source());
    }

    #[test]
    fn no_text_of_yaml_characters_panics(text in "[a-c0-9 :#,'\"\\[\\]{}&*!|>%@`?<~.\n\t-]{0,60}") {
        if let Err(problems) = parse(&text, &source()) {
            prop_assert!(problems.is_fatal());
        }
    }

    #[test]
    fn json_reads_back_equal(json in json()) {
        let tree = parse(&flow(&json), &source()).unwrap();
        prop_assert!(same(&tree, &json), "{json} {tree:?}");
    }
}
