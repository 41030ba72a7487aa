//! What is loaded, read as the types of a program.

use std::collections::BTreeMap;

use byname_components::config::{Path, PrintOptions, Secret};
use serde::Deserialize;

use super::text;

#[derive(Debug, Deserialize, PartialEq)]
struct Db {
    url: String,
    port: u16,
    #[serde(default)]
    tls: bool,
    note: Option<String>,
}

/// What stood in quotes to protect a placeholder is a number again, and nothing else becomes one.
#[test]
fn types_come_from_the_program_whatever_layer_a_value_is_of() {
    let config = text("db: {url: \"${URL}\", port: '${PORT}', note: null}")
        .variables([
            ("URL", "0123"),
            ("PORT", "5432"),
            ("BYNAME__DB__TLS", "true"),
        ])
        .set("extra=[1, '2', x]")
        .load()
        .unwrap();
    let expected = Db {
        url: "0123".into(),
        port: 5432,
        tls: true,
        note: None,
    };
    assert_eq!(config.read::<Db>("db").unwrap(), expected);
    assert_eq!(
        config.read::<Db>(&Path::root().key("db")).unwrap(),
        expected
    );
    assert_eq!(
        config.read::<Vec<String>>("extra").unwrap(),
        ["1", "2", "x"]
    );
    let part = config.subtree("db").unwrap();
    assert_eq!(part.read::<u16>("port").unwrap(), 5432);
    assert_eq!(part.read::<Db>("").unwrap(), expected);
}

#[test]
fn absent_null_and_a_wrong_type_stay_apart() {
    let config = text("a: {some: 1, none: null, wrong: x}").load().unwrap();
    assert_eq!(config.read::<Option<u8>>("a.some").unwrap(), Some(1));
    assert_eq!(config.read::<Option<u8>>("a.none").unwrap(), None);
    assert_eq!(
        config.read::<Option<u8>>("a.soma").unwrap_err().to_string(),
        "error: the configuration has no `a.soma`; did you mean `a.some`?\n  \
         text:1:4: it would be in here"
    );
    let part = config.subtree("a").unwrap();
    assert_eq!(
        part.read::<u8>("soma").unwrap_err().to_string(),
        "error: the configuration has no `a.soma`; did you mean `a.some`?\n  \
         text:1:4: it would be in here"
    );
    let wrong = config.read::<u8>("a.wrong").unwrap_err();
    assert_eq!(wrong.errors(), 1);
    let place = wrong.iter().next().unwrap().places().next().unwrap();
    assert_eq!(place.0.to_string(), "text:1:33");
    let path = config.read::<u8>("a..b").unwrap_err().to_string();
    assert_eq!(
        path,
        "error: a path of the configuration is none: expected a key at column 3"
    );
}

/// A variable that was mistyped must not do nothing: it makes a key that nobody knows, and its own name
/// is where to look.
#[test]
fn a_variable_that_nobody_knows_is_told_by_its_name() {
    let config = text("db: {url: x, port: 1}")
        .variables([("BYNAME__DB__PROT", "2")])
        .load()
        .unwrap();
    let problems = config.read::<Db>("db").unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!(problems.errors(), 1);
    assert!(
        problem.message().contains("`prot`; did you mean `port`?"),
        "{problem}"
    );
    let place = problem.places().next().unwrap().0.to_string();
    assert_eq!(place, "environment variable BYNAME__DB__PROT");
}

#[test]
fn secrets_that_readers_find_are_not_printed() {
    let config = text("pw: {main: '${PW}', other: x}\nopen: 1\ncopy: ${cfg:pw.main}")
        .variables([("PW", "hunter2")])
        .load()
        .unwrap();
    let read = config
        .subtree("pw")
        .unwrap()
        .read_with_secrets::<BTreeMap<String, Secret<String>>>("")
        .unwrap();
    assert_eq!(read.value["main"].expose(), "hunter2");
    let marked = config.with_secrets(read.secrets);
    assert_eq!(
        marked.print(&PrintOptions { origins: false }),
        "pw:\n  main: \"***\"\n  other: \"***\"\nopen: 1\ncopy: \"***\"\n"
    );
}
