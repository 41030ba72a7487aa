//! The registry of machines: every change, and what refuses it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use byname_machines::{Definition, Machine, Machines, MachinesError, Timestamp};
use byname_store::{Json, MemoryStore, Problem, Store, Transaction};

fn memory() -> (Machines, MemoryStore) {
    let store = MemoryStore::new();
    let machines = Machines::open(Arc::new(store.reopen())).unwrap();
    (machines, store)
}

fn ssh(host: &str) -> Definition {
    Definition::ssh(host.parse().unwrap())
}

fn names(machines: &[Machine]) -> Vec<&str> {
    machines
        .iter()
        .map(|machine| machine.name.as_str())
        .collect()
}

#[test]
fn local_is_always_there_and_cannot_be_touched() {
    let (machines, _) = memory();
    assert_eq!(machines.list().unwrap(), [Machine::local()]);
    assert_eq!(machines.get("local").unwrap(), Machine::local());
    for refused in [
        machines.add("local", Definition::local()).unwrap_err(),
        machines.update("local", None, |_| Ok(())).unwrap_err(),
        machines.remove("local", None).unwrap_err(),
    ] {
        assert!(matches!(refused, MachinesError::Protected), "{refused}");
    }
    machines.add("kilo", ssh("k")).unwrap();
    machines.add("mike", ssh("m")).unwrap();
    assert_eq!(names(&machines.list().unwrap()), ["kilo", "local", "mike"]);
    machines.remove("mike", None).unwrap();
    assert_eq!(names(&machines.list().unwrap()), ["kilo", "local"]);
}

#[test]
fn a_machine_is_added_once() {
    let (machines, _) = memory();
    let machines = machines.with_clock(|| Timestamp::from_seconds(1_000));
    let added = machines.add("alpha", ssh("a")).unwrap();
    assert_eq!(
        added.definition.created,
        Some(Timestamp::from_seconds(1_000))
    );
    assert_eq!(added.definition.updated, added.definition.created);
    assert_eq!(machines.get("alpha").unwrap(), added);
    match machines.add("alpha", ssh("b")).unwrap_err() {
        MachinesError::Exists { name, revision } => {
            assert_eq!((name.as_str(), revision), ("alpha", added.revision));
        }
        other => panic!("{other}"),
    }
    assert_eq!(machines.get("alpha").unwrap(), added);
}

#[test]
fn what_is_not_valid_is_not_added() {
    let (machines, store) = memory();
    for (name, definition, field) in [
        ("Alpha", ssh("a"), "name"),
        ("alpha", Definition::new(byname_machines::Kind::SSH), "host"),
    ] {
        match machines.add(name, definition).unwrap_err() {
            MachinesError::Invalid { name: of, problems } => {
                assert_eq!((of.as_str(), problems[0].field.as_str()), (name, field));
            }
            other => panic!("{other}"),
        }
    }
    assert!(store.mirror().is_empty());
}

#[test]
fn an_update_is_made_on_what_is_there() {
    let (machines, store) = memory();
    let machines = machines.with_clock(|| Timestamp::from_seconds(1_000));
    let added = machines.add("alpha", ssh("a")).unwrap();
    let machines = machines.with_clock(|| Timestamp::from_seconds(2_000));
    let updated = machines
        .update("alpha", Some(added.revision), |alpha| {
            alpha.labels.insert("gpu", "a100").map(|_| ())
        })
        .unwrap();
    assert!(updated.revision > added.revision);
    assert_eq!(
        updated.definition.created,
        Some(Timestamp::from_seconds(1_000))
    );
    assert_eq!(
        updated.definition.updated,
        Some(Timestamp::from_seconds(2_000))
    );
    assert_eq!(machines.get("alpha").unwrap(), updated);

    // What changes nothing is not written.
    let same = machines.update("alpha", None, |_| Ok(())).unwrap();
    assert_eq!(same, updated);
    assert_eq!(store.mirror().revision(), updated.revision);

    // What was expected has moved on.
    match machines
        .update("alpha", Some(added.revision), |_| Ok(()))
        .unwrap_err()
    {
        MachinesError::Moved {
            name,
            expected,
            found,
        } => {
            assert_eq!(
                (&*name, expected, found),
                ("alpha", added.revision, updated.revision)
            );
        }
        other => panic!("{other}"),
    }
    // What is made of it must be valid.
    let broken = machines.update("alpha", None, |alpha| {
        alpha.host = None;
        Ok(())
    });
    assert!(matches!(broken, Err(MachinesError::Invalid { .. })));
    let refused = machines.update("alpha", None, |alpha| {
        alpha.labels.insert("", "").map(|_| ())
    });
    assert!(matches!(refused, Err(MachinesError::Invalid { .. })));
    assert_eq!(machines.get("alpha").unwrap(), updated);
    let missing = machines.update("alhpa", None, |_| Ok(())).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "there is no machine `alhpa`; did you mean `alpha`?"
    );
}

#[test]
fn a_machine_is_removed_once_and_at_the_revision_that_was_expected() {
    let (machines, _) = memory();
    let added = machines.add("alpha", ssh("a")).unwrap();
    let moved = machines
        .remove("alpha", Some(added.revision + 1))
        .unwrap_err();
    assert_eq!(
        moved.to_string(),
        format!(
            "machine `alpha` is at revision {}, not {}; read it again and decide anew",
            added.revision,
            added.revision + 1
        )
    );
    machines.remove("alpha", Some(added.revision)).unwrap();
    for missing in [
        machines.get("alpha").unwrap_err(),
        machines.remove("alpha", None).unwrap_err(),
        machines.remove("alpha", Some(added.revision)).unwrap_err(),
        machines.remove("", None).unwrap_err(),
    ] {
        assert!(
            matches!(missing, MachinesError::NotFound { .. }),
            "{missing}"
        );
    }
}

#[test]
fn machines_are_selected_by_label() {
    let (machines, _) = memory();
    for (name, gpu) in [("b", "a100"), ("a", "a100"), ("c", "h100")] {
        let mut machine = ssh(name);
        machine.labels.insert("gpu", gpu).unwrap();
        machines.add(name, machine).unwrap();
    }
    let selected = |text: &str| machines.select(&text.parse().unwrap()).unwrap();
    assert_eq!(names(&selected("gpu=a100")), ["a", "b"]);
    assert_eq!(names(&selected("gpu!=a100")), ["c", "local"]);
    assert_eq!(names(&selected("!gpu")), ["local"]);
}

#[test]
fn fields_that_are_not_known_are_kept() {
    let (machines, store) = memory();
    let text = r#"{"kind":"ssh","host":"a","rack":7,"capacity":{"cores":2,"numa":[1,1]}}"#;
    let add = Transaction::new().put("alpha", Json::new(text).unwrap());
    store.submit(add).wait().unwrap();
    machines
        .update("alpha", None, |alpha| {
            alpha.capacity.cores = Some(4);
            Ok(())
        })
        .unwrap();
    let record = store.mirror().get_owned("alpha").unwrap();
    let kept: serde_json::Value = record.value.read().unwrap();
    assert_eq!(
        (&kept["rack"], &kept["capacity"]["numa"][1]),
        (&7.into(), &1.into())
    );
    assert_eq!(kept["capacity"]["cores"], 4);
}

#[test]
fn what_a_hand_wrote_wrongly_is_told_and_not_used() {
    let (machines, store) = memory();
    let json = |text: &str| Json::new(text).unwrap();
    let write = Transaction::new()
        .put("local", json(r#"{"kind":"ssh","host":"evil"}"#))
        .put("Upper", json(r#"{"kind":"local"}"#))
        .put("broken", json(r#"{"kind":"ssh","host":"-x"}"#))
        .put("fine", json(r#"{"kind":"pod","image":"x"}"#));
    store.submit(write).wait().unwrap();
    assert_eq!(names(&machines.list().unwrap()), ["fine", "local"]);
    assert_eq!(machines.get("local").unwrap(), Machine::local());
    let unusable = machines.latest().unwrap().unusable();
    let of: Vec<_> = unusable.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(of, ["Upper", "local"]);
    let problems = machines.health().problems;
    let unreadable = problems.iter().find_map(|problem| match problem {
        Problem::Unreadable { name, reason } => Some((name.as_str(), reason.as_str())),
        _ => None,
    });
    let (name, reason) = unreadable.unwrap();
    assert_eq!(name, "broken");
    assert!(
        reason.contains("host: found \"-x\", expected [user@]host[:port]"),
        "{reason}"
    );
    // It stands in the way of a new one until it is removed.
    let exists = machines.add("broken", ssh("b")).unwrap_err();
    assert!(matches!(exists, MachinesError::Exists { .. }));
    machines.remove("broken", None).unwrap();
    machines.remove("Upper", None).unwrap();
    machines.add("broken", ssh("b")).unwrap();
}

#[test]
fn concurrent_updates_lose_nothing() {
    let (machines, store) = memory();
    machines.add("alpha", ssh("a")).unwrap();
    thread::scope(|scope| {
        for writer in 0..4 {
            let store = store.reopen();
            scope.spawn(move || {
                let machines = Machines::open(Arc::new(store)).unwrap();
                for n in 0..12 {
                    let label = format!("w{writer}-{n}");
                    loop {
                        let done = machines.update("alpha", None, |alpha| {
                            alpha.labels.insert(&label, "").map(|_| ())
                        });
                        match done {
                            Err(MachinesError::Conflict { .. }) => {}
                            done => break drop(done.unwrap()),
                        }
                    }
                }
            });
        }
    });
    assert_eq!(machines.get("alpha").unwrap().definition.labels.len(), 48);
}

#[test]
fn a_data_folder_is_shared() {
    let folder = tempfile::tempdir().unwrap();
    let one = Machines::open_file(folder.path()).unwrap();
    let other = Machines::open_file(folder.path()).unwrap();
    let added = one.add("alpha", ssh("ops@alpha")).unwrap();
    assert_eq!(other.get("alpha").unwrap(), added);
    other.remove("alpha", Some(added.revision)).unwrap();
    assert_eq!(one.list().unwrap(), [Machine::local()]);
    drop((one, other));
    assert_eq!(
        Machines::open_file(folder.path()).unwrap().list().unwrap(),
        [Machine::local()]
    );
}

#[test]
fn an_edit_by_hand_that_is_not_valid_is_refused_with_its_place_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let machines = Machines::open_file(folder.path()).unwrap();
    let added = machines.add("alpha", ssh("ops@alpha")).unwrap();
    let path = folder.path().join(Machines::FILE);
    let text = fs::read_to_string(&path).unwrap();
    let broken = text.replace("ops@alpha", "-oProxyCommand=id");
    assert_ne!(text, broken);
    fs::write(&path, broken).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let message = loop {
        let problems = machines.health().problems;
        let broken = problems.iter().find_map(|problem| match problem {
            Problem::BrokenEdit { message, .. } => Some(message.clone()),
            _ => None,
        });
        if let Some(message) = broken {
            break message;
        }
        assert!(Instant::now() < deadline, "{problems:?}");
        thread::sleep(Duration::from_millis(20));
    };
    assert!(
        message.contains("host: found \"-oProxyCommand=id\", expected [user@]host"),
        "{message}"
    );
    assert_eq!(machines.cached().get("alpha").unwrap(), added);
}

#[test]
fn the_check_of_edits_knows_names_and_values() {
    let json = |text: &str| Json::new(text).unwrap();
    let good = json(r#"{"kind":"local"}"#);
    assert_eq!(Machines::check("alpha", &good), Ok(()));
    assert!(
        Machines::check("local", &good)
            .unwrap_err()
            .starts_with("`local` is this machine")
    );
    assert!(
        Machines::check("A", &good)
            .unwrap_err()
            .starts_with("name: found \"A\"")
    );
    let bad = Machines::check("alpha", &json(r#"{"kind":"ssh"}"#)).unwrap_err();
    assert_eq!(
        bad,
        "host: found \"\", expected [user@]host[:port], because the kind is `ssh`"
    );
    assert!(Machines::check("alpha", &json("[]")).is_err());
}
