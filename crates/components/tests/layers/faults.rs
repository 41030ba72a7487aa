//! Faults that were shipped elsewhere.

use std::collections::BTreeMap;

use super::{expect, folder, layers, leaves, scalar, text, told};

/// All orders of some texts.
fn orders(texts: &[&'static str]) -> Vec<Vec<&'static str>> {
    let [first, rest @ ..] = texts else {
        return vec![Vec::new()];
    };
    let rest = orders(rest);
    let all = rest.iter().flat_map(|order| {
        (0..=order.len()).map(|at| {
            let mut order = order.clone();
            order.insert(at, *first);
            order
        })
    });
    all.collect()
}

/// Lokstra flattened nested values by iterating a map, and setting a map deleted what was nested in it:
/// of 60 starts 15 lost the override of `db.host`. Whichever way keys and variables come, what counts must
/// be the same, and of the higher layer.
#[test]
fn an_override_counts_in_whatever_order_keys_come() {
    let below = ["host: low", "port: 1", "tls: {on: no}", "name: low"];
    let above = ["host: high", "tls: {ca: x}", "port: 2"];
    let variables = [("BYNAME__DB__HOST", "top"), ("BYNAME__DB__TLS__CA", "y")];
    let mut seen: Option<BTreeMap<String, String>> = None;
    for below in orders(&below) {
        for above in orders(&above) {
            for variables in [variables, [variables[1], variables[0]]] {
                let config = text(&format!("db: {{{}}}", below.join(", ")))
                    .text("above", format!("db: {{{}}}", above.join(", ")))
                    .variables(variables)
                    .load()
                    .unwrap();
                let leaves = leaves(&config);
                assert_eq!(seen.get_or_insert_with(|| leaves.clone()), &leaves);
            }
        }
    }
    let expected = [
        (".db.host", "top"),
        (".db.name", "low"),
        (".db.port", "2"),
        (".db.tls.ca", "y"),
        (".db.tls.on", "no"),
    ];
    let expected = expected.map(|(path, text)| (path.to_owned(), text.to_owned()));
    assert_eq!(seen.unwrap(), BTreeMap::from(expected));
}

/// Lokstra applied the overrides of a deployment after references to values had been replaced, so that
/// services kept the base value. A reference must bring the value that counts, from whichever layer it
/// comes.
#[test]
fn a_reference_brings_the_overridden_value() {
    let base = text("values: {host: base}\nurl: http://${cfg:values.host}/");
    let config = base.clone().text("above", "values: {host: other}").load();
    assert_eq!(scalar(&config.unwrap(), "url").0, "http://other/");
    let config = base.clone().set("values.host=set").load().unwrap();
    assert_eq!(scalar(&config, "url").0, "http://set/");
    let config = base
        .variables([("BYNAME__VALUES__HOST", "variable")])
        .load();
    assert_eq!(scalar(&config.unwrap(), "url").0, "http://variable/");
}

/// Lokstra put values into the text of the YAML before reading it: `abc #def` became `abc`, `0123` the
/// number 83, a line end made new keys, and `a: b` did not parse at all. A value from outside must be that
/// value, whatever is in it.
#[test]
fn what_comes_from_outside_stays_a_value() {
    for value in [
        "abc #def",
        "0123",
        "1.10",
        "x\nadmin: true",
        "a: b",
        "\"'",
        "- [",
        "*a &b !c",
        "${SECOND}",
        "$${X}",
        "${cfg:a}",
        "",
        "null",
        " x ",
        "\u{feff}\t%",
    ] {
        let layers = text("a: ${V}\nb: <${V}>\nc: {d: [\"${V}\"]}").variables([("V", value)]);
        let spliced = format!("<{value}>");
        expect(&layers, &[("a", value), ("b", &spliced), ("c.d[0]", value)]);
        let layers = text("a: 1").variables([("BYNAME__A", value)]);
        expect(&layers, &[("a", value)]);
    }
    let layers = text("a: ${V}").variables([("V", "0123")]);
    assert_eq!(
        scalar(&layers.load().unwrap(), "a"),
        ("0123".to_owned(), true)
    );
}

/// Lokstra read a variable that was not set as an empty text. It must be a problem, with its place, and a
/// variable that is set to nothing must be just that.
#[test]
fn an_unset_variable_is_a_problem_and_an_empty_one_is_empty() {
    assert_eq!(
        told(&text("a: ok\nb: x${NOT_SET}y")),
        [(
            "environment variable NOT_SET is not set, and `${NOT_SET}` has no default".to_owned(),
            "text:2:4".to_owned()
        )]
    );
    expect(
        &text("b: x${SET}y").variables([("SET", "")]),
        &[("b", "xy")],
    );
}

/// `os.Expand`, which Lokstra used, takes `$word` for a variable too: `pa$word` became `pa`. And numbers
/// that went through a reference lost what stands behind the point: 3.75 became 3. Only `${` begins a
/// placeholder, and a reference must bring the very text.
#[test]
fn a_dollar_is_a_dollar_and_a_number_stays_whole() {
    let layers = text(
        "a: pa$word\nb: $1 $ $$ $(x)\nc: $${word}\nd: 3.75\ne: ${cfg:d}\nf: 1e400\ng: ${cfg:f}",
    )
    .variables([("word", "no")]);
    expect(
        &layers,
        &[
            ("a", "pa$word"),
            ("b", "$1 $ $$ $(x)"),
            ("c", "${word}"),
            ("d", "3.75"),
            ("e", "3.75"),
            ("f", "1e400"),
            ("g", "1e400"),
        ],
    );
    assert_eq!(
        scalar(&layers.load().unwrap(), "e"),
        ("3.75".to_owned(), true)
    );
}

/// In Lokstra a value that refers to itself made the start hang. It must be told, once, with its path.
#[test]
fn a_reference_to_itself_is_told_with_its_path() {
    let problem = "placeholders refer to themselves: ";
    for (yaml, path, place) in [
        ("a: ${cfg:a}", "a -> a", "text:1:4"),
        (
            "a: x${cfg:b}\nb: ${cfg:c}\nc: ${cfg:a}",
            "a -> b -> c -> a",
            "text:1:4",
        ),
        ("a: {b: '${cfg:a}'}", "a.b -> a.b", "text:1:8"),
        (
            "a: {b: '${cfg:c.d}'}\nc: ${cfg:a}",
            "a.b -> c -> a.b",
            "text:1:8",
        ),
        ("z: ${cfg:a}\na: ${cfg:a.b}", "a -> a", "text:2:4"),
    ] {
        let expected = [(format!("{problem}{path}"), place.to_owned())];
        assert_eq!(told(&text(yaml)), expected, "{yaml}");
    }
}

/// In Lokstra a placeholder of an unknown provider stayed in the value as it was written. It must be a
/// problem; so must one that is refused for another reason: none is ever left in a value.
#[test]
fn an_unknown_prefix_is_a_problem() {
    assert_eq!(
        told(&text("a: ${aws:key}\nb: '${@aws:key}'"))
            .iter()
            .map(|(message, _)| message.as_str())
            .collect::<Vec<_>>(),
        [
            "nothing is known that `${aws:…}` stands for",
            "nothing is known that `${@aws:…}` stands for",
        ]
    );
    let odd = text("a: ${A}\nb: ${cfg:a.x}").variables([("A", "${A}")]);
    assert_eq!(
        told(&odd)[0].0,
        "`${cfg:a.x}` leads nowhere: there is no `a.x`"
    );
}

/// Lokstra's merge of several files dropped all routers, and later merged only the top: of a deployment in
/// two files the last one won as a whole. Nothing may be lost; and where a list meets a map, so that one
/// of them has to go, that is told.
#[test]
fn files_are_merged_deep_and_nothing_is_dropped_silently() {
    let folder = folder(&[
        (
            "a.yaml",
            "routers: {r1: {prefix: /a}}\ndeployments: {main: {servers: {one: {url: a}}}}\nservices: {db: {}}",
        ),
        (
            "b.yaml",
            "routers: {r2: {prefix: /b}}\ndeployments: {main: {servers: {two: {url: b}}}}",
        ),
        ("c.yaml", "services: [{name: x}]"),
    ]);
    let two = layers(&folder).file("a.yaml").file("b.yaml");
    expect(
        &two,
        &[
            ("routers.r1.prefix", "/a"),
            ("routers.r2.prefix", "/b"),
            ("deployments.main.servers.one.url", "a"),
            ("deployments.main.servers.two.url", "b"),
        ],
    );
    let config = two.file("c.yaml").load().unwrap();
    assert_eq!(
        config.warnings().to_string(),
        "warning: `services` is a list that takes the place of a map as a whole\n  \
         c.yaml:1:11: a list\n  a.yaml:3:11: a map, no longer used"
    );
}

/// Modular's recommended provider of configuration never received what was loaded, and its "immutable"
/// one was changed in place by the next load. What is read must be what was loaded, for as long as it is
/// held.
#[test]
fn what_is_read_is_what_was_loaded() {
    let folder = folder(&[("app.yaml", "at: 2026-01-02T03:04:05Z\nn: {a: 1}")]);
    let layers = layers(&folder).file("app.yaml");
    let first = layers.load().unwrap();
    super::write(folder.path(), "app.yaml", "at: never\nn: {a: 2}");
    let second = layers.load().unwrap();
    let part = first.subtree("n").unwrap();
    assert_eq!(scalar(&first, "at").0, "2026-01-02T03:04:05Z");
    assert_eq!(
        (scalar(&first, "n.a").0, scalar(&part, "a").0),
        ("1".into(), "1".into())
    );
    assert_eq!(
        (scalar(&second, "at").0, scalar(&second, "n.a").0),
        ("never".into(), "2".into())
    );
}
