//! `byname machine`: the machines of a data folder, changed by commands, by many of them at once, and
//! by hand.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod server;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use server::byname;

/// A data folder of a test.
struct Data {
    folder: tempfile::TempDir,
}

impl Data {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn document(&self) -> PathBuf {
        self.path().join("machines.json")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.document()).unwrap()
    }

    /// Saves a text as an editor does.
    fn save(&self, text: &str) {
        let beside = self.path().join("machines.json~");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, self.document()).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = byname(["machine"]);
        command
            .args(arguments)
            .env("BYNAME_DATA", self.path())
            .current_dir(&self.folder);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command says that must succeed, and say nothing else.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(stderr(&output), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        stdout(&output)
    }

    /// What a command says that must fail with 1.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        stderr(&output)
    }

    /// The JSON of a command that must succeed, without when it was done.
    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.said(&[arguments, &["--json"]].concat());
        timeless(serde_json::from_str(&text).unwrap())
    }

    fn names(&self) -> Vec<String> {
        let list = self.json(&["list"]);
        let name = |machine: &Value| machine["name"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect()
    }
}

/// The same without the times, which are none of a test's.
fn timeless(mut value: Value) -> Value {
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

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn this_machine_is_always_there_and_stays_as_it_is() {
    let data = Data::new();
    let local = json!({"name": "local", "revision": 0, "kind": "local"});
    assert_eq!(data.json(&["list"]), json!([local]));
    assert_eq!(data.json(&["show", "local"]), local);
    let protected = "error: `local` is this machine: it is always there, and cannot be added, \
                     changed or removed; add a machine of kind `local` under another name to say more \
                     of it\n";
    assert_eq!(
        data.refused(&["add", "local", "--kind", "local"]),
        protected
    );
    assert_eq!(
        data.refused(&["update", "local", "--cores", "1"]),
        protected
    );
    assert_eq!(data.refused(&["remove", "local"]), protected);
    assert!(!data.path().exists(), "only a commit makes the folder");
}

#[test]
fn a_machine_is_added_with_everything_and_shown() {
    let data = Data::new();
    let added = data.json(&[
        "add",
        "gpu-1",
        "--host",
        "ops@10.0.0.7:2222",
        "--key",
        "~/.ssh/fleet",
        "--folder",
        "/srv/work",
        "--label",
        "gpu=a100",
        "--label",
        "zone=b",
        "--cores",
        "64",
        "--memory",
        "512GiB",
        "--accelerator",
        "nvidia-a100:8:80GiB",
        "--accelerator",
        "tpu",
        "--model",
        "org/m-2",
        "--model",
        "m-1",
        "--url",
        "https://gpu-1.internal/v1",
        "--note",
        "rack 7\nleft",
    ]);
    let expected = json!({
        "name": "gpu-1", "revision": 1, "kind": "ssh", "host": "ops@10.0.0.7:2222",
        "key": "~/.ssh/fleet", "folder": "/srv/work",
        "labels": {"gpu": "a100", "zone": "b"},
        "capacity": {
            "cores": 64, "memory_bytes": 512_u64 << 30,
            "accelerators": [
                {"kind": "nvidia-a100", "count": 8, "memory_bytes": 80_u64 << 30},
                {"kind": "tpu", "count": 1},
            ],
        },
        "models": ["m-1", "org/m-2"], "url": "https://gpu-1.internal/v1", "notes": "rack 7\nleft",
    });
    assert_eq!(added, expected);
    assert_eq!(data.json(&["show", "gpu-1"]), expected);
    assert_eq!(
        data.said(&["add", "a", "--kind", "local"]),
        "machine a added at revision 2\n"
    );
    assert_eq!(
        data.said(&["list"]),
        "NAME   KIND   HOST               CORES  MEMORY  ACCELERATORS               MODELS  LABELS\n\
         a      local                         ?       ?  ?                               0\n\
         gpu-1  ssh    ops@10.0.0.7:2222     64  512GiB  nvidia-a100:8:80GiB,tpu:1       2  gpu=a100,zone=b\n\
         local  local                         ?       ?  ?                               0\n"
    );
    let shown = data.said(&["show", "gpu-1"]);
    let shown: Vec<_> = shown
        .lines()
        .filter(|line| !line.starts_with("created ") && !line.starts_with("updated "))
        .collect();
    assert_eq!(
        shown,
        [
            "name          gpu-1",
            "revision      1",
            "kind          ssh",
            "host          ops@10.0.0.7:2222",
            "key           ~/.ssh/fleet",
            "folder        /srv/work",
            "labels        gpu=a100,zone=b",
            "cores         64",
            "memory        512GiB",
            "accelerators  nvidia-a100:8:80GiB,tpu:1",
            "models        m-1, org/m-2",
            "url           https://gpu-1.internal/v1",
            "note          rack 7",
            "              left",
        ]
    );
    assert_eq!(
        data.refused(&["add", "gpu-1", "--host", "other"]),
        "error: there is a machine `gpu-1` already, at revision 1; update it, or choose another name\n"
    );
    assert_eq!(data.json(&["show", "gpu-1"]), expected);
}

#[test]
fn the_path_of_a_key_is_that_of_whoever_gave_it() {
    let data = Data::new();
    data.said(&["add", "a", "--host", "h", "--key", "keys/id"]);
    let key = data.json(&["show", "a"])["key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(key.starts_with('/') && key.ends_with("/keys/id"), "{key}");
}

#[test]
fn what_is_not_named_in_an_update_stays() {
    let data = Data::new();
    data.said(&[
        "add",
        "m",
        "--host",
        "h",
        "--label",
        "a=1",
        "--label",
        "b=2",
        "--cores",
        "4",
        "--memory",
        "1GiB",
        "--accelerator",
        "x:2",
        "--accelerator",
        "y",
        "--model",
        "m1",
        "--model",
        "m2",
        "--note",
        "n",
        "--url",
        "http://h",
    ]);
    assert_eq!(
        data.said(&[
            "update", "m", "--host", "h2", "--label", "b=3", "--label", "c=4"
        ]),
        "machine m is now at revision 2\n"
    );
    let capacity = json!({
        "cores": 4, "memory_bytes": 1 << 30,
        "accelerators": [{"kind": "x", "count": 2}, {"kind": "y", "count": 1}],
    });
    assert_eq!(
        data.json(&["show", "m"]),
        json!({
            "name": "m", "revision": 2, "kind": "ssh", "host": "h2",
            "labels": {"a": "1", "b": "3", "c": "4"}, "capacity": capacity,
            "models": ["m1", "m2"], "url": "http://h", "notes": "n",
        })
    );
    // Forgetting comes before setting.
    let updated = data.json(&[
        "update",
        "m",
        "--unset",
        "labels",
        "--label",
        "d=5",
        "--unset",
        "accelerators.x",
        "--accelerator",
        "y:7",
        "--unset",
        "models.m1",
        "--unset",
        "note",
        "--unset",
        "url",
        "--unset",
        "cores",
    ]);
    let expected = json!({
        "name": "m", "revision": 3, "kind": "ssh", "host": "h2", "labels": {"d": "5"},
        "capacity": {"memory_bytes": 1 << 30, "accelerators": [{"kind": "y", "count": 7}]},
        "models": ["m2"],
    });
    assert_eq!(updated, expected);
    assert_eq!(data.json(&["show", "m"]), expected);
    // What changes nothing is no revision.
    assert_eq!(
        data.said(&["update", "m", "--host", "h2"]),
        "machine m is now at revision 3\n"
    );
    assert_eq!(
        data.refused(&["update", "m", "--unset", "host"]),
        "error: machine `m`: host: found \"\", expected [user@]host[:port], because the kind is \
         `ssh`\n"
    );
    assert_eq!(data.json(&["show", "m"]), expected);
}

#[test]
fn a_change_that_expects_a_revision_is_made_at_that_revision_only() {
    let data = Data::new();
    data.said(&["add", "m", "--host", "h"]);
    data.said(&["add", "other", "--host", "h"]);
    assert_eq!(
        data.said(&["update", "m", "--cores", "2", "--if-revision", "1"]),
        "machine m is now at revision 3\n"
    );
    for refused in [
        ["update", "m", "--cores=3", "--if-revision=1"].as_slice(),
        &["remove", "m", "--if-revision", "1"],
    ] {
        assert_eq!(
            data.refused(refused),
            "error: machine `m` is at revision 3, not 1; read it again and decide anew\n"
        );
    }
    assert_eq!(data.json(&["show", "m"])["capacity"]["cores"], 2);
    assert_eq!(
        data.said(&["remove", "m", "--if-revision", "3"]),
        "machine m removed at revision 4\n"
    );
    assert_eq!(data.names(), ["local", "other"]);
}

#[test]
fn a_name_that_is_not_there_is_answered_with_those_that_are_like_it() {
    let data = Data::new();
    data.said(&["add", "gpu-1", "--host", "h"]);
    for verb in [
        ["show", "gpu-2"].as_slice(),
        &["update", "gpu-2", "--cores", "1"],
        &["remove", "gpu-2"],
    ] {
        assert_eq!(
            data.refused(verb),
            "error: there is no machine `gpu-2`; did you mean `gpu-1`?\n"
        );
    }
    assert_eq!(
        data.refused(&["show", "something-else"]),
        "error: there is no machine `something-else`\n"
    );
}

#[test]
fn machines_are_selected_by_their_labels() {
    let data = Data::new();
    data.said(&[
        "add", "a", "--host", "h", "--label", "gpu=a100", "--label", "zone=x",
    ]);
    data.said(&["add", "b", "--host", "h", "--label", "gpu=h100"]);
    data.said(&["add", "c", "--host", "h"]);
    let names = |selector: &str| {
        let list = data.json(&["list", "--label", selector]);
        let names = list
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["name"].as_str().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("gpu=a100"), "a");
    assert_eq!(names("gpu"), "a b");
    assert_eq!(names("gpu,!zone"), "b");
    assert_eq!(names("gpu!=a100"), "b c local");
    assert_eq!(names("zone=nowhere"), "");
}

#[test]
fn what_is_asked_the_wrong_way_is_exit_code_2() {
    let data = Data::new();
    for wrong in [
        ["add"].as_slice(),
        &["add", "UPPER", "--host", "h"],
        &["add", "-m", "--host", "h"],
        &["add", "m", "--host", "-oProxyCommand=x"],
        &["add", "m", "--host", "h", "--kind", "SSH"],
        &["add", "m", "--host", "h", "--label", "novalue"],
        &["add", "m", "--host", "h", "--cores", "0"],
        &["add", "m", "--host", "h", "--memory", "much"],
        &["add", "m", "--host", "h", "--accelerator", "x:none"],
        &["add", "m", "--host", "h", "--wait", "soon"],
        &["update", "m"],
        &["update", "m", "--unset", "name"],
        &["update", "m", "--cores", "1", "--if-revision", "0"],
        &["list", "--label", "=x"],
        &["list", "--json", "--yaml"],
        &["import", "f", "--existing", "merge"],
        &["forget", "m"],
    ] {
        let output = data.run(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert_eq!(stdout(&output), "", "{wrong:?}");
        assert_eq!(stderr(&output).lines().count(), 1, "{wrong:?}");
    }
    assert!(!data.path().exists());
    for (wrong, field) in [
        (
            ["add", "m", "--host", "h", "--url", "ftp://h"].as_slice(),
            "url",
        ),
        (&["add", "m", "--host", "h", "--folder", "work"], "folder"),
        (&["add", "m", "--host", "h", "--label", "k=a b"], "labels.k"),
        (&["add", "m"], "host"),
        (&["add", "m", "--kind", "local", "--host", "h"], "host"),
    ] {
        let said = data.refused(wrong);
        assert!(
            said.starts_with(&format!("error: machine `m`: {field}: found ")),
            "{said}"
        );
    }
    assert_eq!(data.names(), ["local"]);
}

#[test]
fn machines_are_exported_and_imported_whole_or_not_at_all() {
    let (data, other) = (Data::new(), Data::new());
    data.said(&["add", "a", "--host", "h", "--label", "x=1", "--note", "n"]);
    data.said(&["add", "b", "--host", "h2"]);
    let text = data.said(&["export"]);
    let file = other.folder.path().join("fleet.json");
    fs::write(&file, &text).unwrap();

    let summary = |added: &[&str], replaced: &[&str], skipped: &[&str], revision: u64| json!({"added": added, "replaced": replaced, "skipped": skipped, "revision": revision});
    assert_eq!(
        other.json(&["import", "fleet.json"]),
        summary(&["a", "b"], &[], &[], 1)
    );
    // Times are part of what is exported.
    let exported =
        |data: &Data| -> Value { serde_json::from_str(&data.said(&["export"])).unwrap() };
    let (mut here, mut there) = (exported(&data), exported(&other));
    for list in [&mut here, &mut there] {
        for machine in list.as_array_mut().unwrap() {
            machine.as_object_mut().unwrap().remove("revision");
        }
    }
    assert_eq!(here, there);

    let said = other.refused(&["import", "fleet.json"]);
    assert!(
        said.starts_with("error: nothing was imported: 2 problems\n"),
        "{said}"
    );
    other.said(&["update", "a", "--cores", "8"]);
    other.said(&["remove", "b"]);
    assert_eq!(
        other.json(&["import", "fleet.json", "--existing", "skip"]),
        summary(&["b"], &[], &["a"], 4)
    );
    assert_eq!(other.json(&["show", "a"])["capacity"]["cores"], 8);
    assert_eq!(
        other.said(&["import", "fleet.json", "--existing", "replace"]),
        "0 added, 1 replaced, 1 left as they were, at revision 5\n"
    );
    assert_eq!(other.json(&["show", "a"]).get("capacity"), None);
    assert_eq!(data.said(&["export", "--label", "x=2"]), "[]\n");

    // One machine of a list is wrong: none is taken.
    let before = other.text();
    let wrong = r#"[{"name":"c","kind":"ssh","host":"h"},{"name":"d","kind":"ssh"}]"#;
    fs::write(&file, wrong).unwrap();
    assert_eq!(
        other.refused(&["import", "fleet.json"]),
        "error: nothing was imported: 1 problems\n  machine 2 `d`: host: found \"\", expected \
         [user@]host[:port], because the kind is `ssh`\n"
    );
    let said = other.refused(&["import", "missing.json"]);
    assert!(
        said.starts_with("error: missing.json: cannot be read: "),
        "{said}"
    );
    assert_eq!(other.text(), before);

    let mut process = Data::command(&other, &["import", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let one = br#"[{"name":"e","kind":"local"}]"#;
    process.stdin.take().unwrap().write_all(one).unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(
        stdout(&output),
        "1 added, 0 replaced, 0 left as they were, at revision 6\n"
    );
    assert_eq!(other.names(), ["a", "b", "e", "local"]);
}

#[test]
fn an_edit_by_hand_is_taken_up_by_the_command_that_comes_next() {
    let data = Data::new();
    data.said(&["add", "m", "--host", "first"]);
    data.save(&data.text().replace("\"first\"", "\"second\""));
    assert_eq!(data.json(&["show", "m"])["host"], "second");
    assert_eq!(data.json(&["show", "m"])["revision"], 2);
    data.save(&data.text().replace("\"second\"", "\"third\""));
    data.said(&["add", "n", "--host", "h"]);
    assert_eq!(data.json(&["show", "m"])["host"], "third");
    assert_eq!(data.names(), ["local", "m", "n"]);
}

#[test]
fn an_edit_that_cannot_be_taken_up_is_told_by_its_place_and_changes_nothing() {
    let data = Data::new();
    data.said(&["add", "m", "--host", "good"]);
    let good = data.text();
    let document = data.document().display().to_string();
    for (broken, place) in [
        (good.replace("\"good\"", "good"), "host"),
        (good.replace("\"good\"", "\"-oProxyCommand=x\""), "m"),
    ] {
        data.save(&broken);
        let at = format!("\"{place}\":");
        let line = 1 + broken[..broken.find(&at).unwrap()].matches('\n').count();
        let output = data.run(&["show", "m", "--json"]);
        assert_eq!(output.status.code(), Some(0));
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(shown["host"], "good");
        let said = stderr(&output);
        let warning = format!("warning: {document}:{line}:");
        assert!(said.starts_with(&warning), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(data.text(), broken, "nobody touches the operator's text");
    }
    // A commit goes on over it, and keeps it.
    let broken = data.text();
    let output = data.run(&["add", "n", "--host", "h"]);
    assert_eq!(output.status.code(), Some(0));
    let said = stderr(&output);
    assert!(said.starts_with("warning: set aside as "), "{said}");
    let aside = said
        .split(": ")
        .nth(1)
        .unwrap()
        .trim_start_matches("set aside as ");
    assert_eq!(fs::read_to_string(aside).unwrap(), broken);
    assert_eq!(data.names(), ["local", "m", "n"]);
    assert_eq!(data.json(&["show", "m"])["host"], "good");
}

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
