//! The effective configuration and differences, as they are shown.

use byname_components::config::{Change, Config, PrintOptions, Source, parse};
use proptest::prelude::*;

use super::{folder, layers, scalar, text};

const BARE: PrintOptions = PrintOptions { origins: false };

#[test]
fn each_value_is_printed_with_where_it_comes_from() {
    let folder = folder(&[
        (
            "app.yaml",
            "name: shop\ndb: {url: \"${URL}\", password: \"${file:pw}\"}\nlist:\n  - a: 1\n    b: [x, []]\n  - {}\ncopy: ${cfg:db}\nnote: \"two\\nlines: #\"\n",
        ),
        ("app.prod.yaml", "name: store"),
        ("pw", "hunter2"),
    ]);
    let config = layers(&folder)
        .file("app.yaml")
        .environment(Some("prod"))
        .variables([("URL", "a: b # c")])
        .load()
        .unwrap();
    let expected = "\
name: store  # app.prod.yaml:1:7, over app.yaml:1:7
db:
  url: \"a: b # c\"  # app.yaml:2:11 (${URL}, from environment variable URL)
  password: \"***\"  # app.yaml:2:31 (${file:pw}, from pw)
list:  # app.yaml:4:3
  -
    a: 1  # app.yaml:4:8
    b:  # app.yaml:5:8
      - x  # app.yaml:5:9
      - []  # app.yaml:5:12
  - {}  # app.yaml:6:5
copy:  # app.yaml:7:7 (${cfg:db}, from app.yaml:2:5)
  url: \"a: b # c\"  # app.yaml:2:11 (${URL}, from environment variable URL)
  password: \"***\"  # app.yaml:2:31 (${file:pw}, from pw)
note: \"two\\nlines: #\"  # app.yaml:8:7
";
    assert_eq!(config.print(&PrintOptions::default()), expected);
    assert!(!format!("{config:?}").contains("hunter2"));
    let part = config.subtree("list[0]").unwrap();
    assert_eq!(part.print(&BARE), "a: 1\nb:\n  - x\n  - []\n");
    assert_eq!(part.part().to_string(), "list[0]");
}

#[test]
fn a_secret_is_masked_wherever_it_was_copied_from_and_to() {
    let layers = text("values: {pw: hunter2, other: 1}\ns: {db: {password: '${cfg:values.pw}', x: 1}}\nt: ${cfg:s}\nurl: pg://${cfg:values.pw}@h\nu: ${PW:hunter2}")
        .set("extra=hunter2");
    let config = layers.load().unwrap();
    let paths = ["s.db.password", "u", "extra"].map(|path| path.parse().unwrap());
    let marked = config.with_secrets(paths);
    let printed = marked.print(&PrintOptions::default());
    assert!(!printed.contains("hunter2"), "{printed}");
    assert_eq!(
        marked.print(&BARE),
        "values:\n  pw: \"***\"\n  other: 1\ns:\n  db:\n    password: \"***\"\n    x: 1\n\
         t:\n  db:\n    password: \"***\"\n    x: 1\nurl: \"***\"\nu: \"***\"\nextra: \"***\"\n"
    );
    assert!(config.print(&BARE).contains("hunter2"));
}

#[test]
fn differences_are_told_by_path_and_never_show_a_secret() {
    let old = text(
        "a: 1\nb: {x: 1, y: 2}\nl: [1, 2]\nm: [1, 2]\npw: hunter1\ngone: {k: v, s: hunter2}\nsame: [{z: 1}]\nq: 10",
    );
    let new = text(
        "same: [{z: 1}]\na: 2\nb: {y: 2, x: 1}\nl: [1, 3]\nm: [1]\npw: hunter3\nnew: {k: [1], o: '#', p: 'a,b'}\nq: '10'",
    );
    let old = old.load().unwrap();
    let new = new.load().unwrap();
    let old = old.with_secrets(["gone.s".parse().unwrap()]);
    let new = new.with_secrets(["pw".parse().unwrap()]);
    let diff = Config::diff(&old, &new);
    let shown: Vec<_> = diff.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "~ a: 1 -> 2",
            "- gone: {k: v, s: \"***\"}",
            "~ l[1]: 2 -> 3",
            "~ m: [1, 2] -> [1]",
            "+ new: {k: [1], o: \"#\", p: \"a,b\"}",
            "~ pw: \"***\" -> \"***\"",
            "~ q: 10 -> \"10\"",
        ]
    );
    assert_eq!(diff[0].kind, Change::Changed);
    assert_eq!(diff[1].kind, Change::Removed);
    assert_eq!(diff[4].kind, Change::Added);
    assert_eq!(diff[0].old.as_ref().unwrap().1.to_string(), "text:1:4");
    assert!(!format!("{diff:?}").contains("hunter"));
    assert_eq!(Config::diff(&old, &old), []);
}

#[test]
fn what_came_from_outside_is_printed_so_that_it_reads_as_the_same_text() {
    for value in [
        "null",
        "~",
        "",
        " x",
        "x ",
        "a #b",
        "a: b",
        "a:",
        "- a",
        "-",
        "# a",
        "[a]",
        "{a}",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'a",
        "\"a",
        "? a",
        "---",
        "...",
        "a\tb",
        "a\r\nb",
        "\u{feff}a",
        "\u{85}\u{2028}\0\u{10ffff}",
        "true",
        "12",
        "a:b",
        "a#b",
    ] {
        let config = text("a: ${V}\nl: [{k: '${V}'}]").variables([("V", value)]);
        let config = config.load().unwrap();
        let again = text(&config.print(&PrintOptions::default()));
        let again = again.load().unwrap();
        assert_eq!(scalar(&again, "a").0, value, "{value:?}");
        assert_eq!(scalar(&again, "l[0].k").0, value, "{value:?}");
    }
    for root in ["...", "--- a"] {
        let config = text("a: ${V}").variables([("V", root)]).load().unwrap();
        let printed = config.subtree("a").unwrap().print(&BARE);
        assert_eq!(printed, format!("\"{root}\"\n"));
    }
    let config = text("a: ${V}").variables([("V", "12")]).load().unwrap();
    assert_eq!(config.print(&BARE), "a: 12\n");
}

/// Text of YAML values; whether a text stands in quotes is part of the tree.
fn yaml() -> impl Strategy<Value = String> {
    let quoted = any::<String>().prop_map(|text| {
        let escaped = text.chars().map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            ' '..='~' => c.to_string(),
            c => format!("\\U{:08X}", u32::from(c)),
        });
        format!("\"{}\"", escaped.collect::<String>())
    });
    let plain = "[a-zA-Z0-9~./=+-][a-zA-Z0-9_./=+ -]{0,8}".prop_filter("a value", |text| {
        !text.starts_with(['-']) && !text.contains(" #")
    });
    let odd = prop_oneof![
        Just("null"),
        Just("~"),
        Just("''"),
        Just("'null'"),
        Just("'- a'"),
        Just("no"),
        Just("0123"),
        Just("1e3"),
        Just("-1"),
        Just("'a: b # c'"),
        Just("'<<'"),
        Just("[]"),
        Just("{}"),
        Just("-a"),
        Just("a:b"),
        Just("a#b"),
        Just("..."),
        Just("'---'"),
    ];
    let leaf = prop_oneof![quoted.clone(), plain, odd.prop_map(str::to_owned)];
    // What differs from a plain key in its quotes alone would be the same key twice.
    let is_plain = |quoted: &str| {
        let text = quoted.trim_matches('"');
        (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let key = prop_oneof![
        "[a-z]{1,3}",
        quoted.prop_filter("no plain key", move |quoted| !is_plain(quoted)),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|list| format!("[{}]", list.join(", "))),
            prop::collection::btree_map(key.clone(), inner, 0..5).prop_map(|map| {
                let map = map.iter().map(|(key, value)| format!("{key}: {value}"));
                format!("{{{}}}", map.collect::<Vec<_>>().join(", "))
            }),
        ]
    })
}

proptest! {
    // What is printed of a configuration without secrets is the same configuration again.
    #[test]
    fn what_is_printed_reads_as_the_same_tree(value in yaml(), other in yaml()) {
        let text = format!("a: {value}\nb: {other}\n").replace("${", "$${");
        let config = super::text(&text).load().unwrap();
        for origins in [true, false] {
            let printed = config.print(&PrintOptions { origins });
            let source = Source::Code("printed".into());
            let again = parse(&printed, &source);
            prop_assert!(again.as_ref().is_ok_and(|again| again.is_same(config.root())), "{printed}\n{again:?}");
        }
    }
}
