//! The commands of the README and of the reference find what they are about.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use server::byname;

// `cargo run -- serve` could not determine which program to run, as soon as an example was one too.
#[test]
fn what_cargo_runs_is_this_program_alone() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = metadata["workspace_default_members"].as_array().unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let targets = packages
        .filter(|package| run.contains(&package["id"]))
        .flat_map(|package| package["targets"].as_array().unwrap());
    let programs: Vec<&str> = targets
        .filter(|target| target["kind"][0] == "bin")
        .map(|target| target["name"].as_str().unwrap())
        .collect();
    assert_eq!(programs, ["byname"]);
}

/// What the reference says to set: on the command line, and in variables.
fn assignments(reference: &str) -> BTreeSet<&str> {
    let words = reference.split(|c: char| c.is_whitespace() || matches!(c, '`' | ';' | ','));
    let words = words.map(|word| word.trim_end_matches(['.', ':']));
    let named = words.filter_map(|word| Some((word, word.split_once('=')?.0)));
    let set = |path: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '-');
        path.starts_with("BYNAME__") || (path.contains('.') && path.chars().all(plain))
    };
    named
        .filter(|(_, path)| set(path))
        .map(|(word, _)| word)
        .collect()
}

// Each help had an assignment to a service that was there no more, and that nothing accepted.
#[test]
fn what_the_reference_says_to_set_can_be_set_and_counts() {
    let reference = include_str!("../../../docs/cli.md");
    let assignments = assignments(reference);
    let variables = assignments.iter().filter(|it| it.starts_with("BYNAME__"));
    assert!(
        variables.count() >= 1 && assignments.len() >= 3,
        "{assignments:?}"
    );
    for line in reference.lines().filter(|line| line.starts_with("byname ")) {
        if let Some((_, set)) = line.split_once("--set ") {
            let set = set.split_whitespace().next().unwrap();
            assert!(assignments.contains(set), "`{set}` is overlooked");
        }
    }
    let run = |command: &str, assignment: &str| {
        let mut run = byname([command]);
        match assignment.strip_prefix("BYNAME__") {
            Some(_) => {
                let (variable, value) = assignment.split_once('=').unwrap();
                run.env(variable, value)
            }
            None => run.args(["--set", assignment]),
        };
        let output = run.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{assignment}: {told}");
        String::from_utf8(output.stdout).unwrap()
    };
    for assignment in assignments {
        run("check", assignment);
        let (path, value) = assignment.split_once('=').unwrap();
        let key = path.rsplit(['.', '_']).next().unwrap().to_lowercase();
        let counts = run("config", assignment);
        assert!(
            counts.contains(&format!("{key}: {value}")),
            "{assignment}: {counts}"
        );
    }
}
