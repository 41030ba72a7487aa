//! A data folder, and commands on it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::server::byname;

/// A data folder of a test.
pub(crate) struct Data {
    pub(crate) folder: tempfile::TempDir,
}

impl Data {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn document(&self) -> PathBuf {
        self.path().join("machines.json")
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.document()).unwrap()
    }

    /// Saves a text as an editor does.
    pub(crate) fn save(&self, text: &str) {
        let beside = self.path().join("machines.json~");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, self.document()).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = byname(["machine"]);
        command
            .args(arguments)
            .env("BYNAME_DATA", self.path())
            .current_dir(&self.folder);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command says that must succeed, and say nothing else.
    pub(crate) fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(stderr(&output), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        stdout(&output)
    }

    /// What a command says that must fail with 1.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        stderr(&output)
    }

    /// The JSON of a command that must succeed, without when it was done.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.said(&[arguments, &["--json"]].concat());
        timeless(serde_json::from_str(&text).unwrap())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let list = self.json(&["list"]);
        let name = |machine: &Value| machine["name"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect()
    }
}

/// The same without the times, which are none of a test's.
pub(crate) fn timeless(mut value: Value) -> Value {
    let machines = match &mut value {
        Value::Array(machines) => machines.as_mut_slice(),
        machine => std::slice::from_mut(machine),
    };
    for machine in machines {
        if machine["name"] != "local" && machine.get("kind").is_some() {
            let machine = machine.as_object_mut().unwrap();
            for time in ["created", "updated"] {
                let time = machine.remove(time).unwrap();
                let time = time.as_str().unwrap().as_bytes();
                assert_eq!((time.len(), time[10], time[19]), (20, b'T', b'Z'));
            }
        }
    }
    value
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
