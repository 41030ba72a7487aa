//! Placeholders.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{covered, expect, folder, layers, origin, scalar, text, told};

#[test]
fn a_placeholder_alone_becomes_a_plain_value_and_in_a_text_a_text() {
    let layers = text("a: '${PORT}'\nb: ${PORT}\nc: 1${PORT}\nd: ${NONE:10}\ne: x$${PORT}\nf: ${EMPTY:x}\ng: ${lower}")
        .variables([("PORT", "80"), ("EMPTY", ""), ("lower", "null")]);
    let config = layers.load().unwrap();
    let value = |text: &str, plain| (text.to_owned(), plain);
    assert_eq!(scalar(&config, "a"), value("80", true));
    assert_eq!(scalar(&config, "b"), value("80", true));
    assert_eq!(scalar(&config, "c"), value("180", false));
    assert_eq!(scalar(&config, "d"), value("10", true));
    assert_eq!(scalar(&config, "e"), value("x${PORT}", true));
    assert_eq!(scalar(&config, "f"), value("", true));
    assert_eq!(scalar(&config, "g"), value("null", true));
    assert_eq!(
        origin(&config, "b"),
        "text:2:4 (${PORT}, from environment variable PORT)"
    );
    assert_eq!(
        origin(&config, "d"),
        "text:4:4 (${NONE:…}, from its default)"
    );
    assert_eq!(origin(&config, "e"), "text:5:4");
}

#[test]
fn cfg_brings_the_whole_value_that_counts() {
    let layers = text("a: {x: '${X}', l: [1, 2]}\nb: ${cfg:a}\nc: ${cfg:b.l[1]}-${cfg:a.x}\nd: ${cfg:e.x}\ne: ${cfg:a}\nn: ${cfg:z}\nz: null")
        .variables([("X", "7")])
        .set("a.l=[3, 4]");
    expect(
        &layers,
        &[
            ("a.x", "7"),
            ("a.l[0]", "3"),
            ("a.l[1]", "4"),
            ("b.x", "7"),
            ("b.l[0]", "3"),
            ("b.l[1]", "4"),
            ("c", "4-7"),
            ("d", "7"),
            ("e.x", "7"),
            ("e.l[0]", "3"),
            ("e.l[1]", "4"),
            ("n", "null"),
            ("z", "null"),
        ],
    );
    let config = layers.load().unwrap();
    assert_eq!(origin(&config, "b"), "text:2:4 (${cfg:a}, from text:1:4)");
    assert_eq!(origin(&config, "b.l[1]"), "--set a.l=…");
}

#[test]
fn every_kind_of_placeholder_without_a_value_is_told_with_its_place() {
    let layers = text(
        "a: ${UNSET}\nb: ${valt:key}\nc: ${cfg:other.kez}\nd: ${file:none}\ne: ${vault:lost}\nf: ${open\n\
         g: ${A B}\nh: x${cfg:other}\nother: {key: 1}\ni: '${cfg:a[}'\nj: ${Mixed:x}",
    )
    .resolver("vault", |key: &str| Err::<String, _>(format!("no {key}")));
    let told = told(&layers);
    let told: Vec<_> = told
        .iter()
        .map(|(message, place)| format!("{place} {message}"))
        .collect();
    assert_eq!(told.len(), 10, "{told:#?}");
    let unset = "text:1:4 environment variable UNSET is not set, and `${UNSET}` has no default";
    assert_eq!(told[0], unset);
    assert_eq!(
        told[1],
        "text:2:4 nothing is known that `${valt:…}` stands for; did you mean `vault`?"
    );
    assert_eq!(
        told[2],
        "text:3:4 `${cfg:other.kez}` leads nowhere: there is no `other.kez`; did you mean `other.key`?"
    );
    assert!(
        told[3].starts_with("text:4:4 `${file:none}` cannot be read: "),
        "{}",
        told[3]
    );
    assert_eq!(
        told[4],
        "text:5:4 `${vault:lost}` cannot be resolved: no lost"
    );
    assert!(
        told[5].starts_with("text:6:4 a placeholder has no `}`"),
        "{}",
        told[5]
    );
    assert!(
        told[6].starts_with("text:7:4 `${A B}` is no name"),
        "{}",
        told[6]
    );
    assert_eq!(
        told[7],
        "text:8:4 `${cfg:other}` stands in a text, but is a map"
    );
    assert!(
        told[8].starts_with("text:10:4 `${cfg:a[}` has no path: "),
        "{}",
        told[8]
    );
    assert!(
        told[9].starts_with("text:11:4 nothing is known that `${Mixed:…}`"),
        "{}",
        told[9]
    );
}

#[test]
fn a_file_is_a_secret_without_its_last_line_end_and_relative_to_where_it_is_named() {
    let folder = folder(&[
        ("app.yaml", "include: [x/a.yaml]\nb: ${file:secret}"),
        ("x/a.yaml", "a: ${file:secret}"),
        ("x/secret", "inner: #1\n\n"),
        ("secret", "outer ${X}\r\n"),
    ]);
    let layers = layers(&folder).file("app.yaml");
    expect(&layers, &[("a", "inner: #1\n"), ("b", "outer ${X}")]);
    let config = layers.load().unwrap();
    assert!(config.get("a").unwrap().origin.is_secret());
    assert_eq!(
        origin(&config, "a"),
        "x/a.yaml:1:4 (${file:secret}, from x/secret)"
    );
    assert!(config.files().contains(&folder.path().join("x/secret")));
    std::fs::write(folder.path().join("secret"), vec![b'x'; 1024 * 1024 + 1]).unwrap();
    assert_eq!(told(&layers).len(), 1);
}

#[test]
fn a_resolver_is_asked_once_for_each_key_and_may_panic() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let layers = text("a: ${vault:x:y}\nb: ${vault:x:y}/${vault:z}\nc: ${cfg:a}").resolver(
        "vault",
        move |key: &str| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::convert::Infallible>(format!("<{key}>${{HOME}}"))
        },
    );
    expect(
        &layers,
        &[
            ("a", "<x:y>${HOME}"),
            ("b", "<x:y>${HOME}/<z>${HOME}"),
            ("c", "<x:y>${HOME}"),
        ],
    );
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    let config = layers.load().unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    for path in ["a", "b", "c"] {
        assert!(config.get(path).unwrap().origin.is_secret(), "{path}");
    }
    let panicking = text("a: ${bad:x}").resolver("bad", |_: &str| -> Result<String, String> {
        panic!("of no interest")
    });
    assert_eq!(told(&panicking)[0].0, "the resolver of `${bad:x}` panicked");
    let taken = text("a: 1").resolver("cfg", |_: &str| Ok::<_, String>(String::new()));
    assert_eq!(
        told(&taken)[0].0,
        "`cfg` cannot be the prefix of a resolver"
    );
}

#[test]
fn references_are_bounded_in_number_and_depth() {
    let ten = |of: &str| vec![format!("\"${{cfg:{of}}}\""); 10].join(", ");
    let mut bomb = "a0: [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..9 {
        writeln!(bomb, "a{at}: [{}]", ten(&format!("a{}", at - 1))).unwrap();
    }
    let told_of_it = told(&text(&bomb));
    assert_eq!(told_of_it.len(), 1);
    assert_eq!(
        told_of_it[0].0,
        "`${cfg:…}` copies more than 1000000 values"
    );

    let link = |at: usize| format!("a{at}: {{x: \"${{cfg:a{}}}\"}}\n", at + 1);
    let up: String = (0..400).map(link).collect::<String>() + "a400: 1";
    let down: String = "a400: 1\n".to_owned() + &(0..400).rev().map(link).collect::<String>();
    for chain in [up, down] {
        let told = told(&text(&chain));
        assert!(!told.is_empty());
        for (message, _) in told {
            assert_eq!(message, "values and references are more than 150 deep");
        }
    }
}

#[test]
fn a_part_is_laid_over_another_below_what_comes_from_outside() {
    let layers =
        text("values: {a: 1, b: 1, c: 1}\ns: ${cfg:values.a}\nd: {values: {a: 2, b: 2, c: 2}}")
            .variables([("BYNAME__VALUES__B", "3"), ("BYNAME__D__VALUES__C", "4")]);
    let config = layers.load().unwrap();
    assert_eq!(scalar(&config, "s").0, "1");
    let pair = ("d.values".parse().unwrap(), "values".parse().unwrap());
    let none = ("e.values".parse().unwrap(), "values".parse().unwrap());
    let laid = config.lay(&[pair, none]).unwrap();
    for (path, expected) in [
        ("s", "2"),
        ("values.a", "2"),
        ("values.b", "3"),
        ("values.c", "4"),
    ] {
        assert_eq!(scalar(&laid, path).0, expected, "{path}");
    }
    assert_eq!(covered(&laid, "values.a"), ["text:1:13"]);
    assert_eq!(scalar(&config, "values.a").0, "1");
}
