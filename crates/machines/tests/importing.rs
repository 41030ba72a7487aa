//! Import and export.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use byname_machines::{Definition, ImportError, Machines, OnExisting, Timestamp};
use byname_store::MemoryStore;

fn empty() -> Machines {
    let machines = Machines::open(Arc::new(MemoryStore::new())).unwrap();
    machines.with_clock(|| Timestamp::from_seconds(5_000))
}

fn problems(machines: &Machines, text: &str) -> Vec<String> {
    match machines.import(text, OnExisting::Refuse).unwrap_err() {
        ImportError::Problems(problems) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other}"),
    }
}

fn names(names: &[byname_machines::MachineName]) -> Vec<&str> {
    names
        .iter()
        .map(byname_machines::MachineName::as_str)
        .collect()
}

#[test]
fn what_is_exported_is_imported_again() {
    let from = empty();
    let mut alpha = Definition::ssh("ops@alpha".parse().unwrap());
    alpha.labels.insert("gpu", "a100").unwrap();
    from.add("alpha", alpha).unwrap();
    from.add("beta", Definition::local()).unwrap();
    let text = from.latest().unwrap().export();
    assert!(
        text.starts_with("[\n  {\n    \"name\": \"alpha\",\n    \"revision\": "),
        "{text}"
    );
    let to = empty().with_clock(|| Timestamp::from_seconds(9_000));
    let imported = to.import(&text, OnExisting::Refuse).unwrap();
    assert_eq!(names(&imported.added), ["alpha", "beta"]);
    assert_eq!(imported.revision, to.latest().unwrap().revision());
    let definitions = |machines: &Machines| -> Vec<_> {
        machines
            .list()
            .unwrap()
            .into_iter()
            .map(|m| (m.name, m.definition))
            .collect()
    };
    assert_eq!(definitions(&from), definitions(&to));
    // A list of all machines has `local` in it.
    let all = serde_json::to_string(&from.list().unwrap()).unwrap();
    assert_eq!(
        empty()
            .import(&all, OnExisting::Refuse)
            .unwrap()
            .added
            .len(),
        2
    );
}

#[test]
fn the_shape_of_an_earlier_registry_is_read() {
    let machines = empty();
    let text = r#"{"version": 1, "machines": {
        "local": {"name": "local", "type": "local", "host": "", "key_path": "", "town_path": ""},
        "gpu-1": {"name": "gpu-1", "type": "ssh", "host": "ops@gpu-1", "key_path": "/k", "town_path": "/gt"},
        "bare": {"type": "ssh", "host": "b"}
    }}"#;
    let imported = machines.import(text, OnExisting::Refuse).unwrap();
    assert_eq!(names(&imported.added), ["bare", "gpu-1"]);
    let gpu = machines.get("gpu-1").unwrap().definition;
    assert_eq!(gpu.host.unwrap().to_string(), "ops@gpu-1");
    assert_eq!(
        (gpu.key.as_deref(), gpu.folder.as_deref()),
        (Some("/k"), Some("/gt"))
    );
    assert_eq!(gpu.created, Some(Timestamp::from_seconds(5_000)));
}

#[test]
fn all_of_it_or_none_and_every_fault_is_told() {
    let machines = empty();
    machines.add("there", Definition::local()).unwrap();
    let text = r#"[
        {"name": "fine", "kind": "local"},
        {"name": "fine", "kind": "local"},
        {"name": "A", "kind": "ssh", "host": "-x"},
        {"name": "typo", "kind": "local", "lables": {}},
        {"name": "local", "kind": "ssh", "host": "evil"},
        {"kind": "local"},
        7
    ]"#;
    let found = problems(&machines, text);
    let beginnings = [
        "machine 2 `fine`: the name is that of machine 1 `fine` too",
        "machine 3 `A`: name: found \"A\"",
        "machine 3 `A`: host: found \"-x\"",
        "machine 4 `typo`: there is no field `lables`; did you mean `labels`?",
        "machine 5 `local`: `local` is this machine",
        "machine 6: name: expected a string",
        "machine 7: expected an object with `name`",
    ];
    assert_eq!(found.len(), beginnings.len(), "{found:#?}");
    for (found, beginning) in found.iter().zip(beginnings) {
        assert!(found.starts_with(beginning), "{found}");
    }
    // A null entry and a name that says otherwise were what an earlier registry fell over.
    let old = r#"{"version": 1, "machines": {"a": null, "b": {"name": "c", "type": "local"}, "d": {"type": ""}}}"#;
    assert_eq!(
        problems(&machines, old),
        [
            "machine `a`: expected an object with `type`",
            "machine `b`: name: found \"c\", expected \"b\", under which it stands, or nothing",
            "machine `d`: kind: found \"\", expected `local`, `ssh` or another kind",
        ]
    );
    assert_eq!(machines.list().unwrap().len(), 2);
}

#[test]
fn what_is_there_already_is_refused_left_or_replaced() {
    let machines = empty();
    machines.add("a", Definition::local()).unwrap();
    machines.add("b", Definition::local()).unwrap();
    let machines = machines.with_clock(|| Timestamp::from_seconds(7_000));
    let text = r#"[{"name": "a", "kind": "local", "notes": "new"}, {"name": "b", "kind": "local"},
        {"name": "c", "kind": "local"}]"#;
    let found = problems(&machines, text);
    assert_eq!(found.len(), 2);
    assert!(
        found[0].starts_with("machine 1 `a`: there is a machine `a` already"),
        "{found:?}"
    );
    assert_eq!(machines.list().unwrap().len(), 3);

    let skipped = machines.import(text, OnExisting::Skip).unwrap();
    assert_eq!(
        (names(&skipped.added), names(&skipped.skipped)),
        (vec!["c"], vec!["a", "b"])
    );
    assert_eq!(machines.get("a").unwrap().definition.notes, "");

    let replaced = machines.import(text, OnExisting::Replace).unwrap();
    // What is the same already is left alone.
    assert_eq!(names(&replaced.replaced), ["a"]);
    assert_eq!(names(&replaced.skipped), ["b", "c"]);
    let a = machines.get("a").unwrap().definition;
    assert_eq!(a.notes, "new");
    assert_eq!(a.created, Some(Timestamp::from_seconds(5_000)));
    assert_eq!(a.updated, Some(Timestamp::from_seconds(7_000)));
}

#[test]
fn what_is_neither_shape_is_refused() {
    let machines = empty();
    for (text, message) in [
        ("", "EOF while parsing"),
        ("{", "EOF while parsing"),
        ("7", "expected a list of objects with `name`"),
        ("{}", "expected a list of objects with `name`"),
        (
            r#"{"version": 2, "machines": {}}"#,
            "version: found 2, expected 1",
        ),
    ] {
        match machines.import(text, OnExisting::Refuse).unwrap_err() {
            ImportError::Text { message: found } => assert!(found.starts_with(message), "{found}"),
            other => panic!("{other}"),
        }
    }
    assert!(
        machines
            .import("[]", OnExisting::Refuse)
            .unwrap()
            .added
            .is_empty()
    );
}
