//! Structs and maps: their keys, and what has none of its own.

use super::*;

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
