use proptest::prelude::*;

use super::*;

fn error(text: &str) -> (usize, &'static str) {
    let error = parse(text).unwrap_err();
    (error.at, error.message)
}

/// Writes a node as `serde_json` would hold it, for comparison.
fn convert(node: &Node<'_>) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(text) => serde_json::from_str(text).unwrap(),
        Value::Text(text) => text.as_ref().into(),
        Value::Array(items) => items.iter().map(convert).collect(),
        Value::Object(members) => serde_json::Value::Object(
            members
                .iter()
                .map(|m| (m.name.clone().into_owned(), convert(&m.value)))
                .collect(),
        ),
    }
}

#[test]
fn numbers_keep_their_text() {
    let node = parse("[1.5e-07, -0, 1E+3, 0.10]").unwrap();
    let texts: Vec<_> = node
        .as_array()
        .unwrap()
        .iter()
        .map(|item| match item.value {
            Value::Number(text) => text,
            _ => "",
        })
        .collect();
    assert_eq!(texts, ["1.5e-07", "-0", "1E+3", "0.10"]);
}

#[test]
fn a_value_knows_where_it_begins() {
    let node = parse(" {\"é\" : [ true ]}").unwrap();
    let member = &node.as_object().unwrap()[0];
    assert_eq!((node.at, member.at, member.value.at), (1, 2, 9));
    assert_eq!(member.value.as_array().unwrap()[0].at, 11);
}

#[test]
fn escapes_are_resolved() {
    let node = parse(r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z""#).unwrap();
    assert_eq!(node.as_text().unwrap(), "a\"\\/\u{8}\u{c}\n\r\té😀z");
}

#[test]
fn members_of_one_name_are_all_there_and_the_last_is_in_force() {
    for filler in [0, 40] {
        let many = (0..filler)
            .map(|n| format!("\"f{n}\":0,"))
            .collect::<Vec<_>>()
            .concat();
        let text = format!("{{\"a\":1,{many}\"a\":2,\"b\":3,\"a\":4}}");
        let node = parse(&text).unwrap();
        let superseded: Vec<_> = node
            .as_object()
            .unwrap()
            .iter()
            .filter(|m| m.superseded)
            .map(|m| m.name.as_ref())
            .collect();
        assert_eq!(superseded, ["a", "a"]);
        assert!(matches!(
            node.member("a").unwrap().value,
            Value::Number("4")
        ));
    }
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    for (text, at, message) in [
        ("", 0, "expected a JSON value, found the end of the file"),
        (
            "  \n",
            3,
            "expected a JSON value, found the end of the file",
        ),
        ("{", 1, "expected `\"` to begin the name of a member"),
        ("{\"a\"", 4, "expected `:` after the name of a member"),
        (
            "{\"a\":1",
            6,
            "expected `}` to end the object, found the end of the file",
        ),
        (
            "{\"a\":1;",
            6,
            "expected `,` or `}` after a member of an object",
        ),
        (
            "{\"a\":1,}",
            7,
            "expected `\"` to begin the name of a member",
        ),
        (
            "[1",
            2,
            "expected `]` to end the array, found the end of the file",
        ),
        ("[1 2]", 3, "expected `,` or `]` after an item of an array"),
        ("[1,]", 3, "expected a JSON value"),
        (
            "\"abc",
            4,
            "expected `\"` to end the string, found the end of the file",
        ),
        ("\"a\nb\"", 2, "expected no control character in a string"),
        ("\"a\\x\"", 2, "expected an escape such as \\n or \\u00e9"),
        ("\"\\u12g4\"", 5, "expected four hexadecimal digits"),
        ("\"\\ud800\"", 1, "expected both halves of a surrogate pair"),
        (
            "\"\\ud800\\u0041\"",
            1,
            "expected both halves of a surrogate pair",
        ),
        ("\"\\udc00\"", 1, "expected both halves of a surrogate pair"),
        ("01", 1, "expected no digit after a leading zero"),
        ("-", 1, "expected a digit"),
        ("1.", 2, "expected a digit"),
        ("1e+", 3, "expected a digit"),
        ("nul", 0, "expected a JSON value"),
        ("NaN", 0, "expected a JSON value"),
        ("{} {}", 3, "expected the end of the file after the value"),
    ] {
        assert_eq!(error(text), (at, message), "{text:?}");
    }
}

#[test]
fn depth_and_number_of_values_are_bounded() {
    assert!(parse(&format!("{}{}", "[".repeat(64), "]".repeat(64))).is_ok());
    assert_eq!(
        error(&"[".repeat(100_000)),
        (64, "expected at most 64 values inside one another")
    );
    let text = format!("[{}0]", "0,".repeat(4_000_000));
    assert_eq!(
        error(&text),
        (7_999_999, "expected at most 4,000,000 values in one file")
    );
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "\\PC{0,8}|[\\x00-\\x1f\"\\\\]{0,4}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map("\\PC{0,6}", inner, 0..24)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_another_parser_wrote_reads_back(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert_eq!(convert(&parse(&text).unwrap()), value);
    }

    #[test]
    fn any_text_is_judged_as_another_parser_does(text in "[\\[\\]{}:,\"0-9eE.+\\-\\\\untrfalse ]{0,24}") {
        let other = serde_json::from_str::<serde::de::IgnoredAny>(&text);
        prop_assert_eq!(parse(&text).is_ok(), other.is_ok(), "{:?}", other.err());
    }
}
