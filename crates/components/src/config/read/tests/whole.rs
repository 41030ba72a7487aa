//! Everything that is right is read, and everything that is wrong is told at once.

use super::*;

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

/// Right as far as its parts are; nothing is said of it before they are.
#[derive(Debug)]
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            #[serde(default)]
            list: Vec<u8>,
        }
        let parts = Parts::deserialize(deserializer)?;
        if parts.list.is_empty() {
            return Err(serde::de::Error::custom("the list is empty"));
        }
        Ok(Self)
    }
}

/// A check was told that had seen what stood in for a part that was wrong.
#[test]
fn what_checks_a_whole_says_nothing_while_a_part_is_wrong() {
    assert_eq!(
        wrong::<Checked>("list: []"),
        ["1:1 the test: the list is empty"]
    );
    assert_eq!(
        wrong::<Checked>("list: x"),
        ["1:7 `list` must be a list, but is `x`"]
    );
    assert_eq!(
        wrong::<Checked>("lits: [1]"),
        ["1:1 the test has no key `lits`; did you mean `list`?"]
    );
    // What is beside it is told all the same, and so is a check whose parts are right.
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Around {
        one: Checked,
        two: Checked,
        last: u8,
    }
    assert_eq!(
        wrong::<Around>("one: { list: [x] }\ntwo: {}\nlast: y\n"),
        [
            "1:15 `one.list[0]` must be a whole number from 0 to 255, but is `x`",
            "2:6 `two`: the list is empty",
            "3:7 `last` must be a whole number from 0 to 255, but is `y`",
        ]
    );
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
