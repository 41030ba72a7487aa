//! Variables of the environment and the command line.

use byname_components::config::Value;

use super::{expect, origin, scalar, text, told};

#[test]
fn a_variable_finds_its_key_whatever_the_case_and_the_dashes() {
    let layers = text("services: {Main-DB: {pool_size: 1, url: x}}").variables([
        ("BYNAME__SERVICES__MAIN_DB__POOL_SIZE", "2"),
        ("byname__services__main_db__Url", "a: b # c"),
        ("BYNAME__SERVICES__OTHER_DB__MAX_OPEN", "3"),
        ("BYNAME_LOG", "debug"),
        ("OTHER__SERVICES", "x"),
    ]);
    expect(
        &layers,
        &[
            ("services.Main-DB.pool_size", "2"),
            ("services.Main-DB.url", "a: b # c"),
            ("services.other-db.max-open", "3"),
        ],
    );
    let config = layers.load().unwrap();
    let (key, _) = config
        .get("services")
        .unwrap()
        .as_map()
        .unwrap()
        .entry("other-db")
        .unwrap();
    assert_eq!(
        key.origin.to_string(),
        "environment variable BYNAME__SERVICES__OTHER_DB__MAX_OPEN"
    );
    assert_eq!(origin(&config, "services"), "text:1:11");
}

#[test]
fn a_variable_that_may_mean_two_keys_or_cannot_be_set_is_a_problem() {
    let layers = text("a: {x-y: 1, x_y: 2}\nl: [1]\nm: {k: 1}").variables([
        ("BYNAME__A__X_Y", "3"),
        ("BYNAME__L__0", "3"),
        ("BYNAME__M", "3"),
        ("BYNAME__", "3"),
        ("BYNAME__B____C", "3"),
        ("BYNAME__N", "3"),
        ("BYNAME__n", "4"),
        ("BYNAME__O", "3"),
        ("BYNAME__O__P", "3"),
    ]);
    let empty = "the name of a variable has an empty key: keys are separated by `__`";
    let expected = [
        (empty, "environment variable BYNAME__"),
        ("`X_Y` may be both `x-y` and `x_y` of `a`", "text:1:5"),
        (empty, "environment variable BYNAME__B____C"),
        (
            "`l` is a list: a variable cannot set an element of it",
            "environment variable BYNAME__L__0",
        ),
        ("`m` is a map: a variable sets a single value", "text:3:4"),
        ("two variables set `n`", "environment variable BYNAME__N"),
        (
            "one variable sets `o` to a single value and another sets `o.p` in it",
            "environment variable BYNAME__O",
        ),
    ];
    let told = told(&layers);
    let told: Vec<_> = told
        .iter()
        .map(|(message, place)| (message.as_str(), place.as_str()))
        .collect();
    assert_eq!(told, expected);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_unicode_is_a_problem_only_if_it_is_meant() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    let odd = || OsString::from_vec(vec![0xff]);
    let name = |name: &str| OsString::from(name);
    expect(
        &text("a: 1").variables([(name("OTHER"), odd()), (odd(), odd())]),
        &[("a", "1")],
    );
    let layers =
        text("a: 1\nb: ${OTHER}").variables([(name("BYNAME__A"), odd()), (name("OTHER"), odd())]);
    let messages: Vec<_> = told(&layers)
        .into_iter()
        .map(|(message, _)| message)
        .collect();
    assert_eq!(
        messages,
        [
            "name and value of a variable must be Unicode",
            "variable OTHER is not Unicode"
        ]
    );
}

#[test]
fn an_argument_sets_a_text_a_list_a_map_or_null() {
    let layers = text("a: {b: 1, c: 2}\nl: [1, 2, 3]")
        .set("a.b=x=y: z # ${HOME}")
        .set("l=[4, 'x y']")
        .set("a.d={e: 1}")
        .set("a.\"f.g\"=")
        .set("h=null")
        .set("i=no");
    expect(
        &layers,
        &[
            ("a.b", "x=y: z # ${HOME}"),
            ("a.c", "2"),
            ("l[0]", "4"),
            ("l[1]", "x y"),
            ("a.d.e", "1"),
            ("a.f.g", ""),
            ("h", "null"),
            ("i", "no"),
        ],
    );
    let config = layers.load().unwrap();
    assert_eq!(scalar(&config, "i"), ("no".to_owned(), true));
    assert!(matches!(config.get("h").unwrap().value, Value::Null));
    assert_eq!(origin(&config, "a.b"), "--set a.b=…");
}

#[test]
fn an_argument_that_cannot_be_read_is_a_problem_that_shows_no_value() {
    let layers = text("a: 1")
        .set("password:hunter2")
        .set("=hunter2")
        .set("a..b=hunter2")
        .set("a[0]=hunter2")
        .set("l=[hunter2");
    let problems = super::problems(&layers);
    assert_eq!(problems.errors(), 5);
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
    let told = told(&layers);
    let places: Vec<_> = told.iter().map(|(_, place)| place.as_str()).collect();
    assert_eq!(
        places[..4],
        [
            "--set password…",
            "--set =…",
            "--set a..b=…",
            "--set a[0]=…"
        ]
    );
    assert!(places[4].starts_with("--set l=…"), "{places:?}");
}
