//! Many commands on one data folder at once.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::rig::{Data, stderr, stdout};
use crate::server::byname;

#[test]
fn who_waits_for_the_lock_learns_who_has_it() {
    let data = Data::new();
    data.said(&["add", "m", "--host", "h"]);
    let path = data.path().join("machines.json.d/lock");
    let note = r#"{"pid":4294967295,"host":"h","program":"p","since":"2026-01-02T03:04:05Z"}"#;
    fs::write(&path, note).unwrap();
    let lock = fs::File::open(&path).unwrap();
    lock.lock().unwrap();
    for change in [
        ["add", "n", "--host=h", "--wait=0"].as_slice(),
        &["update", "m", "--cores=1", "--wait=0"],
        &["remove", "m", "--wait=0"],
    ] {
        let said = data.refused(change);
        let holder = "; p (pid 4294967295 on h) since 2026-01-02T03:04:05Z has it\n";
        assert!(said.ends_with(holder), "{said}");
    }
    assert_eq!(data.names(), ["local", "m"], "reading waits for nobody");
    drop(lock);
    data.said(&["add", "n", "--host", "h", "--wait", "0"]);
    assert_eq!(data.names(), ["local", "m", "n"]);
}

#[test]
fn a_hundred_concurrent_adds_of_a_shell_script_are_all_there() {
    let data = Data::new();
    let script = r#"
        pids=
        for i in $(seq 1 100); do
            "$BYNAME" machine add "m$i" --host "h$i" --wait 600 &
            pids="$pids $!"
        done
        failed=0
        for pid in $pids; do wait "$pid" || failed=$((failed + 1)); done
        exit $failed
    "#;
    let output = Command::new("sh")
        .args(["-c", script])
        .env("BYNAME", env!("CARGO_BIN_EXE_byname"))
        .env("BYNAME_DATA", data.path())
        .env_remove("BYNAME_LOG")
        .output()
        .unwrap();
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(0));
    // Each is a revision of its own.
    let mut said: Vec<(u64, String)> = stdout(&output)
        .lines()
        .map(|line| {
            let words: Vec<_> = line.split(' ').collect();
            (words[5].parse().unwrap(), words[1].to_owned())
        })
        .collect();
    said.sort();
    let revisions: Vec<u64> = said.iter().map(|(revision, _)| *revision).collect();
    assert_eq!(revisions, (1..=100).collect::<Vec<_>>());

    let list = data.json(&["list"]);
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 101);
    for (revision, name) in &said {
        let machine = list
            .iter()
            .find(|machine| machine["name"] == **name)
            .unwrap();
        assert_eq!(machine["revision"], *revision);
        assert_eq!(machine["host"], format!("h{}", &name[1..]));
    }
    let verdict = byname(["store", "verify"])
        .env("BYNAME_DATA", data.path())
        .output()
        .unwrap();
    assert_eq!(verdict.status.code(), Some(0), "{verdict:?}");
}

#[test]
fn concurrent_updates_of_one_machine_lose_none() {
    let data = Data::new();
    data.said(&["add", "m", "--host", "h"]);
    let processes: Vec<_> = (0..24)
        .map(|number| {
            let label = format!("l{number}={number}");
            data.command(&["update", "m", "--label", &label, "--wait", "600"])
                .stderr(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut expected = serde_json::Map::new();
    for (number, process) in processes.into_iter().enumerate() {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        expected.insert(format!("l{number}"), number.to_string().into());
    }
    let machine = data.json(&["show", "m"]);
    assert_eq!(machine["labels"], Value::Object(expected.clone()));
    assert_eq!(machine["revision"], expected.len() + 1);
}
