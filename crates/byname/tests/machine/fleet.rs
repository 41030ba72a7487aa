//! A command on many machines, and the check of all of them.

use serde_json::{Value, json};

use crate::rig::{Data, stderr, stdout};

/// Three machines that are this one, and one to which this program cannot connect.
fn fleet() -> Data {
    let data = Data::new();
    for name in ["a", "bb", "c"] {
        let label = format!("n={name}");
        data.said(&[
            "add", name, "--kind", "local", "--label", "here=yes", "--label", &label,
        ]);
    }
    data.said(&["add", "far", "--kind", "pigeon", "--label", "here=no"]);
    data
}

#[test]
fn a_command_runs_on_every_machine_and_its_lines_are_told_apart() {
    let data = fleet();
    assert_eq!(
        data.said(&["exec", "bb", "--", "printf", "%s|%s\n", "$(id)", "*"]),
        "bb | $(id)|*\n"
    );
    let text = data.said(&[
        "exec",
        "--label",
        "here=yes",
        "--jobs",
        "1",
        "--",
        "sh",
        "-c",
        "echo one; printf two",
    ]);
    assert_eq!(
        text,
        "a  | one\na  | two\nbb | one\nbb | two\nc  | one\nc  | two\n"
    );
    // A name counts once, in whatever order they come.
    assert_eq!(
        data.said(&["exec", "c", "a", "c", "--jobs", "1", "--", "echo", "x"]),
        "a | x\nc | x\n"
    );
}

#[test]
fn a_machine_that_fails_does_not_stop_the_others() {
    let data = fleet();
    let line = "echo out; echo err >&2; exit 3";
    let output = data.run(&["exec", "bb", "far", "--", "sh", "-c", line]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "bb  | out\n");
    let said = stderr(&output);
    let mut said: Vec<_> = said.lines().collect();
    said.sort_unstable();
    assert_eq!(
        said,
        [
            "bb  | ended with code 3",
            "bb  | err",
            "error: it failed on 2 of 2 machines",
            "far | cannot connect to a machine of kind `pigeon`; the kinds that are known here are \
             `local` and `ssh`",
        ]
    );
    let output = data.run(&["exec", "--all", "--json", "--", "sh", "-c", line]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "error: it failed on 5 of 5 machines\n");
    let ran = |name: &str| json!({"name": name, "code": 3, "stdout": "out\n", "stderr": "err\n", "truncated": false});
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        reports,
        json!([
            ran("a"), ran("bb"), ran("c"),
            {"name": "far", "code": null, "stdout": "", "stderr": "", "truncated": false,
             "error": "cannot connect to a machine of kind `pigeon`; the kinds that are known here are \
                       `local` and `ssh`"},
            ran("local"),
        ])
    );
    // One succeeds, one does not.
    let output = data.run(&["exec", "a", "far", "--", "echo", "x"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "a   | x\n");
}

#[test]
fn a_command_that_takes_too_long_is_given_up() {
    let data = fleet();
    // It would go on for an hour.
    let output = data.run(&["exec", "a", "--timeout", "0.2", "--", "sleep", "3600"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("not done within"), "{said}");
    assert!(
        said.ends_with("error: it failed on the one machine\n"),
        "{said}"
    );
}

#[test]
fn whoever_asks_for_a_machine_that_is_not_there_runs_nothing() {
    let data = fleet();
    assert_eq!(
        data.refused(&["exec", "a", "b", "--", "touch", "made"]),
        "error: there is no machine `b`; did you mean `a` or `bb` or `c`?\n"
    );
    assert_eq!(
        data.refused(&["exec", "--label", "here=maybe", "--", "touch", "made"]),
        "error: no machine has these labels\n"
    );
    for wrong in [
        ["exec", "--", "touch", "made"].as_slice(),
        &["exec", "a"],
        &["exec", "a", "--all", "--", "touch", "made"],
        &["exec", "a", "--jobs", "0", "--", "touch", "made"],
        &["check", "a", "--label", "here"],
    ] {
        assert_eq!(data.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
    assert!(!data.folder.path().join("made").exists());
}

#[test]
fn every_machine_is_checked_whatever_the_others_do() {
    let data = fleet();
    data.said(&[
        "add",
        "nowhere",
        "--kind",
        "local",
        "--folder",
        "/there/is/no/such/folder",
    ]);
    let output = data.run(&["check", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "error: it failed on 2 of 6 machines\n");
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    let reports: Vec<_> = reports
        .as_array()
        .unwrap()
        .iter()
        .map(|report| {
            assert!(report["milliseconds"].is_u64());
            assert_eq!(report["ok"], report.get("problem").is_none());
            (
                report["name"].as_str().unwrap(),
                report["ok"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        reports,
        [
            ("a", true),
            ("bb", true),
            ("c", true),
            ("far", false),
            ("local", true),
            ("nowhere", false)
        ]
    );
    let text = data.said(&["check", "--label", "here=yes"]);
    let names: Vec<_> = text
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(names, ["NAME", "a", "bb", "c"]);
    assert_eq!(data.run(&["check", "a", "local"]).status.code(), Some(0));
    assert_eq!(data.run(&["check", "far"]).status.code(), Some(1));
}
