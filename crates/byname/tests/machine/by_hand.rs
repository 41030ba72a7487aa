//! Machines as a text: exported and imported, and edited by hand.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::rig::{Data, stderr, stdout};

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
