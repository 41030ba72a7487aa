#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::items_after_statements,
    reason = "a type stands where it is read"
)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::net::SocketAddr;
use std::num::NonZeroU16;

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::config::units::{Bytes, Duration};
use crate::config::{Secret, Source, parse, parse_flow};

fn tree(text: &str) -> Node {
    let source = Source::File(std::path::Path::new("app.yaml").into());
    parse(text, &source).unwrap()
}

fn read<T: DeserializeOwned>(text: &str) -> T {
    match read_node(&tree(text), &Path::root(), "the test") {
        Ok(read) => read.value,
        Err(problems) => panic!("{problems}"),
    }
}

/// What is told, each as `line:column message`.
fn wrong<T: DeserializeOwned + Debug>(text: &str) -> Vec<String> {
    let problems = read_node::<T>(&tree(text), &Path::root(), "the test").unwrap_err();
    problems
        .iter()
        .map(|problem| {
            let (place, _) = problem.places().next().unwrap();
            let place = place.to_string();
            format!(
                "{} {}",
                place.strip_prefix("app.yaml:").unwrap(),
                problem.message()
            )
        })
        .collect()
}

fn secrets<T: DeserializeOwned>(text: &str) -> Vec<String> {
    let read = read_node::<T>(&tree(text), &"a.b".parse().unwrap(), "the test");
    read.unwrap()
        .secrets
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[derive(Debug, PartialEq, Deserialize)]
struct Settings {
    name: String,
    port: u16,
    ratio: f64,
    on: bool,
    #[serde(default)]
    within: Duration,
    size: Bytes,
    level: Level,
    tags: Vec<String>,
    limits: BTreeMap<String, u64>,
    maybe: Option<i8>,
    inner: Inner,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Inner {
    address: SocketAddr,
    at_least: NonZeroU16,
    pair: (u8, char),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Debug,
    Info,
    Custom(u8),
    Pair(u8, String),
    Named { value: u8 },
}

const RIGHT: &str = "\
name: no
port: 8080
ratio: 1
on: true
within: 1m30s
size: 10MiB
level: info
tags: [a, 'b', 0123]
limits: {a: 1, b: 18446744073709551615}
maybe: -128
inner: { address: '127.0.0.1:80', at_least: 1, pair: [255, x] }
";

#[test]
fn everything_right_is_read() {
    let settings: Settings = read(RIGHT);
    assert_eq!(settings.name, "no");
    assert_eq!(settings.within.as_secs(), 90);
    assert_eq!(settings.size.get(), 10 << 20);
    assert_eq!(settings.tags, ["a", "b", "0123"]);
    assert_eq!(settings.limits["b"], u64::MAX);
    assert_eq!(settings.maybe, Some(-128));
    assert_eq!(settings.inner.pair, (255, 'x'));
}

#[test]
fn everything_wrong_is_told_at_once() {
    let text = "\
name: [x]
prot: 8080
ratio: x
on: no
within: 30
size: 10
level: inof
tags: a
limits: {a: -1, b: x, c: 1}
maybe: 128
inner:
  address: nowhere
  at_leats: 1
  pair: [256, xy]
nothing_like_it: 1
";
    assert_eq!(
        wrong::<Settings>(text),
        [
            "2:1 the test has no key `prot`; did you mean `port`?",
            "15:1 the test has no key `nothing_like_it`",
            "1:7 `name` must be a text, but is a list",
            "3:8 `ratio` must be a number, but is `x`",
            "4:5 `on` must be `true` or `false` (`yes`, `no`, `on` and `off` are texts), but is `no`",
            "5:9 `within`: expected a length of time with units (d, h, m, s, ms, us, ns), as `30s` or \
             `1m30s`, found `30`: `30` has no unit",
            "6:7 `size`: expected a number of bytes with its unit (B, kB, MB, GB, TB, KiB, MiB, GiB, \
             TiB), as `10MiB`, found `10`: `10` has no unit",
            "7:8 `level` must be one of `debug`, `info`, `custom`, `pair`, `named`, but is `inof`; did \
             you mean `info`?",
            "8:7 `tags` must be a list, but is `a`",
            "9:13 `limits.a` must be a whole number from 0 to 18446744073709551615, but is `-1`",
            "9:20 `limits.b` must be a whole number from 0 to 18446744073709551615, but is `x`",
            "10:8 `maybe` must be a whole number from -128 to 127, but is `128`",
            "13:3 `inner` has no key `at_leats`; did you mean `at_least`?",
            "12:12 `inner.address`: invalid socket address syntax",
            "14:10 `inner.pair[0]` must be a whole number from 0 to 255, but is `256`",
            "14:15 `inner.pair[1]` must be a single character, but is `xy`",
            "12:3 `inner` lacks the key `at_least`",
            "1:1 the test lacks the key `port`",
        ]
    );
}

#[test]
fn every_missing_key_is_told_whatever_its_type() {
    assert_eq!(
        wrong::<Settings>("{}"),
        [
            "name", "port", "ratio", "on", "size", "level", "tags", "limits", "inner"
        ]
        .map(|key| format!("1:1 the test lacks the key `{key}`"))
    );
    assert_eq!(
        wrong::<Inner>("{}"),
        ["address", "at_least", "pair"].map(|key| format!("1:1 the test lacks the key `{key}`"))
    );
}

/// Nothing stands in for it.
#[derive(Debug)]
struct Never;

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?;
        Err(serde::de::Error::custom("never right"))
    }
}

#[test]
fn what_nothing_can_stand_in_for_does_not_hide_the_rest() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Outer {
        list: Vec<Part>,
        other: Never,
        last: u8,
    }
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Part {
        never: Never,
        port: u8,
    }
    let text = "list:\n  - {never: a, port: x}\n  - {never: b, port: y}\nother: c\nlast: z\n";
    let mut told = wrong::<Outer>(text);
    told.sort();
    assert_eq!(
        told,
        [
            "2:13 `list[0].never`: never right",
            "2:22 `list[0].port` must be a whole number from 0 to 255, but is `x`",
            "3:13 `list[1].never`: never right",
            "3:22 `list[1].port` must be a whole number from 0 to 255, but is `y`",
            "4:8 `other`: never right",
            "5:7 `last` must be a whole number from 0 to 255, but is `z`",
        ]
    );
}

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
fn enums_are_read_in_all_their_forms() {
    assert_eq!(read::<Level>("debug"), Level::Debug);
    assert_eq!(read::<Level>("debug:"), Level::Debug);
    assert_eq!(read::<Level>("custom: 3"), Level::Custom(3));
    assert_eq!(read::<Level>("pair: [3, no]"), Level::Pair(3, "no".into()));
    assert_eq!(
        read::<Level>("named: {value: 3}"),
        Level::Named { value: 3 }
    );
    assert_eq!(
        wrong::<Level>("named: {valeu: 3}"),
        [
            "1:9 `named` has no key `valeu`; did you mean `value`?",
            "1:8 `named` lacks the key `value`"
        ]
    );
    assert_eq!(
        wrong::<Level>("debug: 1"),
        ["1:1 the test: `debug` takes no value: write it alone"]
    );
    assert_eq!(
        wrong::<Level>("custom"),
        ["1:1 the test: `custom` needs a value: write a map, `custom: …`"]
    );
    assert_eq!(wrong::<Level>("[debug]").len(), 1);
    assert_eq!(wrong::<Level>("{debug: , info: }").len(), 1);
    assert_eq!(
        wrong::<Level>("pair: [300, a, b]"),
        ["1:7 `pair` must be a list of 2 (and not of 3), but is a list"]
    );
    assert_eq!(wrong::<Vec<Level>>("[debgu, {custom: x}]").len(), 2);
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Tagged {
    File {
        path: String,
        mode: Option<String>,
        within: Option<Duration>,
    },
    Tcp {
        port: u16,
        inner: Option<Small>,
    },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Small {
    size: u8,
}

#[test]
fn tagged_enums_keep_texts_and_find_unknown_keys() {
    let file = |path: &str, mode: &str| Tagged::File {
        path: path.into(),
        mode: Some(mode.into()),
        within: None,
    };
    for text in ["no", "0123", "1.10", "10", "true"] {
        let yaml = format!("{{type: file, path: {text}, mode: {text}}}");
        assert_eq!(read::<Tagged>(&yaml), file(text, text));
    }
    assert_eq!(
        read::<Tagged>("{type: tcp, port: 80, inner: {size: 80}}"),
        Tagged::Tcp {
            port: 80,
            inner: Some(Small { size: 80 })
        }
    );
    assert_eq!(
        wrong::<Tagged>("{type: tcp, port: 80, prot: 1, inner: {size: 1, sice: 2}}"),
        [
            "1:23 the test has no key `prot`",
            "1:49 `inner` has no key `sice`"
        ]
    );
    assert_eq!(
        wrong::<Tagged>("{type: tpc, port: 80}"),
        ["1:8 `type` must be one of `file`, `tcp`, but is `tpc`; did you mean `tcp`?"]
    );
    assert_eq!(
        wrong::<Tagged>("{port: 80}"),
        ["1:1 the test lacks the key `type`"]
    );
    assert_eq!(
        wrong::<Tagged>("{type: tcp}"),
        ["1:1 the test lacks the key `port`"]
    );
    let told = wrong::<Tagged>("{type: tcp, port: x, inner: {size: 300}}");
    assert_eq!(
        told,
        [
            "1:19 `port` must be u16, but is `x`",
            "1:36 `inner.size` must be u8, but is `300`"
        ]
    );
    let told = wrong::<Tagged>("{type: file, path: a, within: 30}");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("1:31 `within`: expected a length of time"),
        "{told:?}"
    );
    let told = wrong::<Tagged>("{type: file, path: a, within: 30x}");
    assert!(
        told[0].starts_with("1:31 `within`: expected a length of time"),
        "{told:?}"
    );
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Text(String),
    Both { host: String, port: u16 },
    Host { host: String },
    Many(Vec<Either>),
}

#[test]
fn untagged_enums_are_read() {
    assert_eq!(read::<Either>("10"), Either::Number(10));
    for text in ["no", "0123", "1.10", "true", "'10'"] {
        assert_eq!(
            read::<Either>(text),
            Either::Text(text.trim_matches('\'').into())
        );
    }
    let both = Either::Both {
        host: "a".into(),
        port: 1,
    };
    assert_eq!(read::<Either>("{host: a, port: 1}"), both);
    assert_eq!(
        read::<Either>("[1, {host: no}]"),
        Either::Many(vec![Either::Number(1), Either::Host { host: "no".into() },])
    );
    assert_eq!(
        wrong::<Either>("{host: a, prot: 1}"),
        ["1:11 the test has no key `prot`"]
    );
    assert_eq!(
        wrong::<Vec<Either>>("[{}, 1, null]"),
        [
            "1:2 `[0]`: data did not match any variant of untagged enum Either",
            "1:9 `[2]`: data did not match any variant of untagged enum Either",
        ]
    );
}

#[test]
fn flattened_structs_are_read_and_know_their_keys() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        name: String,
        #[serde(flatten)]
        inner: Flat,
        #[serde(default, alias = "colour")]
        color: String,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        host: String,
        port: u16,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Open {
        name: String,
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }
    let outer: Outer = read("{name: 1, host: 0123, port: 1, colour: no}");
    assert_eq!(
        outer.inner,
        Flat {
            host: "0123".into(),
            port: 1
        }
    );
    assert_eq!((&*outer.name, &*outer.color), ("1", "no"));
    let outer: Outer = read("{name: 1, host: 1.10, port: 1}");
    assert_eq!(outer.inner.host, "1.10");
    assert_eq!(
        wrong::<Outer>("{name: 1, host: a, port: 1, prot: 2}"),
        ["1:29 the test has no key `prot`"]
    );
    assert_eq!(
        wrong::<Outer>("{name: [], host: a}"),
        [
            "1:8 `name` must be a text, but is a list",
            "1:1 the test lacks the key `port`"
        ]
    );
    let open: Open = read("{name: a, b: 1, c: no}");
    assert_eq!(open.rest["b"], "1");
    assert_eq!(open.rest.len(), 2);
}

#[test]
fn aliases_of_keys_are_known_and_a_key_may_not_come_twice() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        #[serde(alias = "colour")]
        color: String,
    }
    assert_eq!(read::<Named>("colour: red").color, "red");
    let told = wrong::<Named>("{colour: red, color: blue, x: 1}");
    assert!(
        told.contains(&"1:1 the test has the key `color` twice, once by another name".to_owned()),
        "{told:?}"
    );
    assert!(
        told.contains(&"1:28 the test has no key `x`".to_owned()),
        "{told:?}"
    );
}

#[test]
fn untyped_values_are_read_as_json() {
    use serde_json::json;
    let value: serde_json::Value = read(
        "{a: null, b: ~, c: , d: true, e: 1, f: -1, g: 1e3, h: 0123, i: no, j: '1', k: [12:30]}",
    );
    assert_eq!(
        value,
        json!({
            "a": null, "b": null, "c": null, "d": true, "e": 1, "f": -1, "g": 1000.0, "h": "0123",
            "i": "no", "j": "1", "k": ["12:30"],
        })
    );
}

#[test]
fn keys_of_maps_have_types() {
    assert_eq!(read::<BTreeMap<u8, bool>>("{1: true, 2: false}").len(), 2);
    assert_eq!(
        wrong::<BTreeMap<u8, bool>>("{1: true, x: false, 300: maybe}"),
        [
            "1:11 `x`: the key must be a number that fits u8",
            "1:21 `300`: the key must be a number that fits u8",
        ]
    );
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    enum Color {
        Red,
        Blue,
    }
    assert_eq!(
        read::<BTreeMap<Color, u8>>("{Red: 1, Blue: 2}")[&Color::Blue],
        2
    );
    assert_eq!(wrong::<BTreeMap<Color, u8>>("{Rde: 1}").len(), 1);
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
fn secrets_tell_where_they_stand() {
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Login {
        name: String,
        password: Secret<String>,
        more: Option<Vec<Secret<u8>>>,
    }
    assert_eq!(
        secrets::<Login>("{name: a, password: no, more: [1, 2]}"),
        ["a.b.password", "a.b.more[0]", "a.b.more[1]"]
    );
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    #[allow(dead_code, reason = "only read")]
    enum Way {
        Login { password: Secret<String> },
        None {},
    }
    assert_eq!(
        secrets::<Vec<Way>>("[{type: None}, {type: Login, password: x}]"),
        ["a.b[1]"]
    );
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Flat {
        host: String,
        #[serde(flatten)]
        login: Login,
    }
    assert_eq!(
        secrets::<Flat>("{host: a, name: a, password: b}"),
        ["a.b.name", "a.b.password"]
    );
}

#[test]
fn a_secret_of_digits_is_a_text_in_a_tagged_enum_too() {
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    enum Way {
        Login { pin: Secret<String>, port: u16 },
    }
    let Way::Login { pin, port } = read("{type: Login, pin: 0815, port: 80}");
    assert_eq!((&**pin.expose(), port), ("0815", 80));
    let Way::Login { pin, port } = read("{type: Login, pin: 4711, port: 80}");
    assert_eq!((&**pin.expose(), port), ("4711", 80));
}

#[test]
fn messages_do_not_show_secrets() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Login {
        pin: Secret<u16>,
        within: Secret<Duration>,
        level: Secret<Level>,
    }
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code, reason = "only read")]
    enum Way {
        Login(Login),
    }
    #[derive(Debug, Deserialize)]
    #[serde(tag = "type")]
    #[allow(dead_code, reason = "only read")]
    enum Tagged {
        Login(Login),
    }
    let text = "{type: Login, pin: hunter2, within: hunter2, level: hunter2}";
    for told in [
        wrong::<Login>(text),
        wrong::<Way>(text),
        wrong::<Tagged>(text),
    ] {
        assert!(!told.is_empty());
        assert!(
            told.iter().all(|message| !message.contains("hunter2")),
            "{told:?}"
        );
    }
    let mut node = tree("hunter2");
    node.origin = node.origin.secret();
    let problems = read_node::<u8>(&node, &Path::root(), "the test").unwrap_err();
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

#[test]
fn messages_name_the_whole_path() {
    let node = tree("port: x");
    let path = "services.web.settings".parse().unwrap();
    let problems = read_node::<Wrong>(&node, &path, "settings of web").unwrap_err();
    assert_eq!(
        problems.to_string(),
        "error: `services.web.settings.port` must be a whole number from 0 to 255, but is `x`\n  \
         app.yaml:1:7: settings of web\n\
         error: `services.web.settings` lacks the key `host`\n  \
         app.yaml:1:1: settings of web"
    );
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Wrong {
        port: u8,
        host: String,
    }
}

#[test]
fn types_that_contain_themselves_end() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    enum Tree {
        Both(Box<Tree>, Box<Tree>),
        Leaf,
    }
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Holder {
        tree: Tree,
        port: u8,
    }
    assert_eq!(
        wrong::<Holder>("{}"),
        [
            "1:1 the test lacks the key `tree`",
            "1:1 the test lacks the key `port`"
        ]
    );
}

proptest! {
    #[test]
    fn no_document_panics(text in "[a-c0-9 :#,'\"\\[\\]{}~\n-]{0,60}", names in "(name|port|level|inner|tags|type): ?[a-z0-9\\[\\]{}]{0,6}\n") {
        let source = Source::CommandLine("x".into());
        for text in [text, names] {
            let Ok(node) = parse(&text, &source) else { continue };
            let _ = read_node::<Settings>(&node, &Path::root(), "x");
            let _ = read_node::<Tagged>(&node, &Path::root(), "x");
            let _ = read_node::<Vec<Either>>(&node, &Path::root(), "x");
            let _ = read_node::<Level>(&node, &Path::root(), "x");
            prop_assert!(read_node::<serde_json::Value>(&node, &Path::root(), "x").is_ok());
        }
    }
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
