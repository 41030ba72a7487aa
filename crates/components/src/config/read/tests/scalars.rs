//! Texts, numbers and other single values.

use std::collections::HashMap;

use super::*;
use crate::config::parse_flow;

#[test]
fn a_text_is_what_stands_there() {
    for text in [
        "no",
        "0123",
        "1.10",
        "12:30",
        "1_000",
        "true",
        "0x1F",
        "1e3",
        "2026-01-01",
    ] {
        assert_eq!(read::<String>(text), text);
        assert_eq!(read::<Option<String>>(text).unwrap(), text);
    }
    assert_eq!(
        wrong::<String>("null"),
        ["1:1 the test must be a text, but is nothing (null)"]
    );
    assert_eq!(read::<String>("'null'"), "null");
}

#[test]
fn only_numbers_of_json_are_numbers() {
    for text in [
        "no", "0123", "12:30", "1_000", "'1'", "1.10", "1e3", "0x1F", "+1", "[]", "null",
    ] {
        assert_eq!(wrong::<u32>(text).len(), 1, "{text}");
    }
    for text in [
        "no", "0123", "12:30", "1_000", "'1'", "0x1F", "+1", ".5", ".inf", "1e999", "null",
    ] {
        assert_eq!(wrong::<f64>(text).len(), 1, "{text}");
    }
    assert_eq!(read::<f64>("1.10").to_bits(), 1.1_f64.to_bits());
    assert_eq!(
        wrong::<u8>("'10'"),
        [
            "1:1 the test must be a whole number from 0 to 255 without quotes, but is the text \"10\""
        ]
    );
    for text in ["yes", "True", "1", "'true'", "y"] {
        assert_eq!(wrong::<bool>(text).len(), 1, "{text}");
    }
}

/// A limit given as `10` was ignored without a word where the code asked for another width of integer,
/// and lists were taken for nothing where it asked for a list of texts; defaults took their place. Every
/// type of integer reads it, or the problem is told.
#[test]
fn a_number_is_read_as_any_type_of_integer_and_a_list_as_a_list() {
    macro_rules! each {
        ($($type:ty)*) => {$(
            #[derive(Deserialize)]
            struct Limits { max_size: $type }
            assert_eq!(read::<Limits>("max_size: 10").max_size, 10);
        )*};
    }
    {
        each!(u8);
    }
    {
        each!(u16);
    }
    {
        each!(u32);
    }
    {
        each!(u64);
    }
    {
        each!(u128);
    }
    {
        each!(usize);
    }
    {
        each!(i8);
    }
    {
        each!(i16);
    }
    {
        each!(i32);
    }
    {
        each!(i64);
    }
    {
        each!(i128);
    }
    {
        each!(isize);
    }
    let most = format!("[{}, {}]", u128::MAX, i128::MIN);
    assert_eq!(read::<(u128, i128)>(&most), (u128::MAX, i128::MIN));
    let origins = "allow_origins: ['https://a', https://b]";
    assert_eq!(
        read::<HashMap<String, Vec<String>>>(origins)["allow_origins"],
        ["https://a", "https://b"]
    );
    assert_eq!(read::<Vec<String>>("[1, yes]"), ["1", "yes"]);
}

/// Values were put into the text of the document before it was read: `abc #def` lost its end, `0123`
/// became 83, a newline brought in keys. What comes from outside is a scalar with exactly that text.
#[test]
fn a_value_from_outside_stays_what_it_is() {
    let source = Source::Environment("PASSWORD".into());
    for text in [
        "abc #def",
        "0123",
        "a: b",
        "x\ninjected: true",
        "'q\"",
        "",
        "*a",
        "!t",
        "{{ a",
    ] {
        let node = if text.starts_with('{') {
            Node::scalar(text, true, crate::config::Origin::of(source.clone()))
        } else {
            parse_flow(text, &source).unwrap()
        };
        let read = read_node::<String>(&node, &Path::root(), "the test").unwrap();
        assert_eq!(read.value, text);
    }
    let node = parse_flow("10", &source).unwrap();
    assert_eq!(
        read_node::<u64>(&node, &Path::root(), "").unwrap().value,
        10
    );
    let node = parse_flow("", &source).unwrap();
    assert_eq!(
        read_node::<Option<u8>>(&node, &Path::root(), "")
            .unwrap()
            .value,
        None
    );
}

#[test]
fn small_types_are_read() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Unit;
    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(u8);
    #[derive(Debug, PartialEq, Deserialize)]
    struct Two(u8, String);
    read::<()>("{}");
    read::<()>("null");
    assert_eq!(wrong::<()>("{a: 1}"), ["1:2 the test has no key `a`"]);
    assert_eq!(
        wrong::<()>("1"),
        ["1:1 the test must be nothing, but is `1`"]
    );
    assert_eq!(read::<Unit>(""), Unit);
    assert_eq!(read::<Wrapped>("3"), Wrapped(3));
    assert_eq!(wrong::<Wrapped>("300").len(), 1);
    assert_eq!(read::<Two>("[3, no]"), Two(3, "no".into()));
    assert_eq!(read::<char>("ü"), 'ü');
    assert_eq!(read::<[u8; 2]>("[1, 2]"), [1, 2]);
    assert_eq!(
        wrong::<[u8; 2]>("[1]"),
        ["1:1 the test must be a list of 2 (and not of 1), but is a list"]
    );
    assert_eq!(read::<Option<Option<u8>>>("1"), Some(Some(1)));
    assert_eq!(wrong::<u8>("").len(), 1);
}

#[test]
fn texts_are_borrowed_from_the_tree() {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        name: &'a str,
    }
    let tree = tree("name: no");
    let read = read_node::<Borrowed<'_>>(&tree, &Path::root(), "the test").unwrap();
    assert_eq!(read.value.name, "no");
}

#[test]
fn numbers_that_cannot_be_nothing_are_told_in_plain_words() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Limits {
        most: std::num::NonZeroUsize,
        shift: std::num::NonZeroI8,
    }
    let node = tree("most: 0\nshift: 0\n");
    let told = read_node::<Limits>(&node, &Path::root(), "limits")
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("`most` must be a whole number of at least 1, but is `0`"),
        "{told}"
    );
    assert!(
        told.contains("`shift` must be a whole number other than 0, but is `0`"),
        "{told}"
    );
}
