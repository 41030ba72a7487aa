//! Configuration values by dotted name.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use byname_components::config::{Node, Origin, Source, Value};
use byname_components::{Given, ValueError, Values};
use byname_testkit::together;

fn origin(line: u32) -> Origin {
    let file = std::path::Path::new("app.yaml");
    Origin::at(Source::File(file.into()), line, 3)
}

fn map<T: Given>(entries: impl IntoIterator<Item = (&'static str, T)>, line: u32) -> Node {
    let entries: BTreeMap<&str, T> = entries.into_iter().collect();
    entries.given(&origin(line))
}

fn told(error: &ValueError) -> String {
    error.to_string()
}

#[test]
fn absent_null_and_another_type_are_three_things() {
    let values = Values::of(&[&map(
        [
            ("null", ().given(&origin(2))),
            ("text", "ten".given(&origin(3))),
            ("number", 10.given(&origin(4))),
        ],
        1,
    )])
    .unwrap();
    assert_eq!(values.get::<u32>("absent"), Ok(None));
    assert_eq!(values.or("absent", 7), Ok(7));
    assert_eq!(
        told(&values.require::<u32>("numbre").unwrap_err()),
        "there is no configuration value `numbre`; did you mean `number`?"
    );

    assert_eq!(values.get::<Option<u32>>("null"), Ok(Some(None)));
    let null = values.get::<u32>("null").unwrap_err();
    assert_eq!(
        told(&null),
        "configuration value `null` is null, not a `u32` (app.yaml:2:3); leave it out, or read it as \
         an `Option`"
    );
    assert_eq!(values.or("null", 7_u32), Err(null.clone()));
    assert_eq!(values.require::<u32>("null"), Err(null));

    let wrong = values.get::<u32>("text").unwrap_err();
    assert!(matches!(&wrong, ValueError::Unreadable { name, .. } if &**name == "text"));
    assert!(told(&wrong).contains("app.yaml:3:3"), "{wrong}");
    assert_eq!(values.or("text", 7_u32), Err(wrong));
    assert_eq!(values.get::<u32>("number"), Ok(Some(10)));
    assert_eq!(values.get::<Option<u32>>("number"), Ok(Some(Some(10))));
}

/// The predecessor read the number 65 as the text "A", and panicked at a null.
#[test]
fn a_number_is_read_as_what_was_written_and_a_null_is_no_panic() {
    let values = Values::new();
    values.set("n", 65).unwrap();
    assert_eq!(values.get::<String>("n"), Ok(Some("65".into())));
    assert_eq!(values.get::<u64>("n"), Ok(Some(65)));
    assert!(values.get::<bool>("n").is_err());
    values.set("n", ()).unwrap();
    assert!(values.get::<Vec<u8>>("n").is_err());
    // An error is no reason to fall back to a default, as it was there.
    values.set("n", 2.75).unwrap();
    assert!(values.or::<u8>("n", 3).is_err());
    assert_eq!(values.get::<f64>("n"), Ok(Some(2.75)));
}

/// The predecessor kept `db.host` after `db` had become a text.
#[test]
fn what_is_set_leaves_nothing_of_what_was_under_it() {
    let values = Values::new();
    values.set("db.host", "a").unwrap();
    values.set("db.port", 1).unwrap();
    values.set("db.tls.on", true).unwrap();
    assert_eq!(values.names(), ["db.host", "db.port", "db.tls.on"]);

    values.set("db", map([("host", "b")], 1)).unwrap();
    assert_eq!(values.names(), ["db.host"]);
    assert_eq!(values.get::<u16>("db.port"), Ok(None));
    assert_eq!(values.get::<bool>("db.tls.on"), Ok(None));

    values.set("db", "postgres:///").unwrap();
    assert_eq!(values.names(), ["db"]);
    assert_eq!(values.get::<String>("db.host"), Ok(None));
    assert_eq!(values.get::<String>("db"), Ok(Some("postgres:///".into())));

    // The other way round nothing is thrown away unasked.
    let error = values.set("db.host", "c").unwrap_err();
    assert!(
        told(&error).starts_with(
            "configuration value `db.host` cannot be changed: `db` is a single value, which has \
             nothing of that name under it ("
        ),
        "{error}"
    );
    assert_eq!(values.get::<String>("db"), Ok(Some("postgres:///".into())));
    assert_eq!(values.remove("db"), Ok(true));
    assert_eq!(values.remove("db"), Ok(false));
    values.set("db.host", "c").unwrap();
    assert_eq!(values.names(), ["db.host"]);
}

/// The predecessor handed out its own maps: whoever changed one changed it for everybody.
#[test]
fn what_was_read_belongs_to_whoever_read_it() {
    let values = Values::new();
    values.set("db", map([("host", "a")], 1)).unwrap();
    let mut held: BTreeMap<String, String> = values.require("db").unwrap();
    let node = values.node("db").unwrap().unwrap();
    held.insert("port".into(), "1".into());
    values.set("db.host", "b").unwrap();
    assert_eq!(values.names(), ["db.host"]);
    assert_eq!(values.require::<String>("db.host"), Ok("b".into()));
    assert!(node.is_same(&map([("host", "a")], 1)));
    assert_eq!(held["host"], "a");
}

#[test]
fn each_set_is_one_revision_and_a_refused_one_is_none() {
    let values = Values::new();
    let revision = || values.registry().revision();
    assert_eq!(values.set("a.b.c", 1), Ok(1));
    assert_eq!(values.set("a", map([("x", 1), ("y", 2)], 1)), Ok(2));
    assert!(values.set("a.x.z", 1).is_err());
    assert!(values.set("a[0]", 1).is_err());
    assert_eq!(revision(), 2);
    assert_eq!(values.remove("a.x"), Ok(true));
    assert_eq!(values.remove("a.x"), Ok(false));
    values.load(&[&map([("b", 1), ("c", 2)], 1)]).unwrap();
    assert_eq!(values.names(), ["b", "c"]);
    values.registry().seal();
    assert_eq!(
        told(&values.set("b", 2).unwrap_err()),
        "the registry is sealed and does not change any more"
    );
    assert_eq!(values.get::<u8>("b"), Ok(Some(1)));
}

#[test]
fn a_name_leads_through_quoted_keys_and_lists() {
    let values = Values::new();
    values.set("labels.\"example.org/role\"", "db").unwrap();
    values.set("hosts", ["a", "b"]).unwrap();
    assert_eq!(
        values.get::<String>("labels.\"example.org/role\""),
        Ok(Some("db".into()))
    );
    assert_eq!(values.get::<String>("labels.example.org/role"), Ok(None));
    values.set("hosts[1]", "c").unwrap();
    assert_eq!(
        values.get("hosts"),
        Ok(Some(vec!["a".to_owned(), "c".into()]))
    );
    assert_eq!(values.get::<String>("hosts[2]"), Ok(None));
    assert!(values.set("hosts[2]", "d").is_err());
    assert!(values.remove("hosts[0]").is_err());
    assert_eq!(values.names(), ["hosts", "labels.\"example.org/role\""]);
    for (name, column) in [
        ("", 1),
        ("a..b", 3),
        (".a", 1),
        ("[0]", 1),
        ("a.", 3),
        ("a[x]", 3),
    ] {
        let found = values.get::<u8>(name).unwrap_err();
        assert!(
            matches!(&found, ValueError::Name { column: at, .. } if *at == column),
            "{name}: {found}"
        );
        assert_eq!(values.set(name, 1), Err(found));
    }
}

/// The predecessor laid layers over one another in the order in which a map happened to yield them.
#[test]
fn layers_are_merged_by_key_and_the_last_one_counts() {
    let inner = |entries: &[(&'static str, u8)], line| map(entries.iter().copied(), line);
    let below = map([("limits", inner(&[("max", 1), ("min", 0)], 2))], 1);
    let above = map([("limits", inner(&[("max", 9)], 12))], 11);
    let nothing = Node::new(Value::Null, origin(20));
    for _ in 0..60 {
        let values = Values::of(&[&below, &nothing, &above]).unwrap();
        assert_eq!(values.get::<u8>("limits.max"), Ok(Some(9)));
        assert_eq!(values.get::<u8>("limits.min"), Ok(Some(0)));
        let max = values.node("limits.max").unwrap().unwrap();
        assert_eq!((max.origin, max.overridden), (origin(12), vec![origin(2)]));
    }
    let problems = Values::of(&[&below, &5.given(&origin(30))]).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "error: configuration values are a single value; expected a map\n  app.yaml:30:3"
    );
}

#[test]
fn fifty_concurrent_writers_and_fifty_readers() {
    for prefix in ["", "all."] {
        let (values, read) = (Values::new(), AtomicUsize::new(0));
        let writers = AtomicUsize::new(50);
        let revisions = together(100, |at| {
            let own = at % 50;
            let name = format!("{prefix}key-{own}");
            if at < 50 {
                let (revision, found) = (values.set(&name, own), values.get::<usize>(&name));
                writers.fetch_sub(1, Ordering::Release);
                assert_eq!(found, Ok(Some(own)));
                return revision.unwrap();
            }
            loop {
                let over = writers.load(Ordering::Acquire) == 0;
                let value = values.get::<usize>(&name).unwrap();
                assert!(value.is_none() || value == Some(own));
                if over {
                    assert_eq!(value, Some(own));
                    read.fetch_add(1, Ordering::Relaxed);
                    return 0;
                }
            }
        });
        let mut revisions: Vec<_> = revisions.into_iter().filter(|at| *at > 0).collect();
        revisions.sort_unstable();
        assert_eq!(revisions, (1..=50).collect::<Vec<u64>>());
        assert_eq!(values.names().len(), 50);
        assert_eq!(read.into_inner(), 50);
    }
}

/// Of sets under one key at once, each keeps what the others have set.
#[test]
fn concurrent_writers_under_one_key_lose_nothing() {
    let values = Values::new();
    together(4, |writer| {
        for at in 0..100 {
            values.set(&format!("all.w{writer}-{at}"), at).unwrap();
        }
    });
    assert_eq!(values.registry().revision(), 400);
    let all: BTreeMap<String, usize> = values.require("all").unwrap();
    let expected =
        (0..4).flat_map(|writer| (0..100).map(move |at| (format!("w{writer}-{at}"), at)));
    assert_eq!(all, expected.collect());
}

/// A map is replaced as a whole: nobody sees a part of one and a part of the other.
#[test]
fn concurrent_readers_of_a_map_see_one_of_those_that_were_set() {
    let values = Values::new();
    let keys = ["a", "b", "c", "d"];
    let whole = |round: u32| map(keys.map(|key| (key, round)), 1);
    values.set("m", whole(0)).unwrap();
    together(8, |at| {
        for round in 1..=200 {
            if at == 0 {
                assert_eq!(values.set("m", whole(round)), Ok(u64::from(round) + 1));
            } else {
                let seen: BTreeMap<String, u32> = values.require("m").unwrap();
                assert_eq!(seen.len(), 4);
                assert!(seen.values().all(|value| *value == seen["a"]));
            }
        }
    });
    assert_eq!(values.require::<u32>("m.d"), Ok(200));
}
