//! `byname store`: what it says of a registry's file, and how it brings one back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod server;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};

use byname_store::{FileOptions, FileStore, Json, Store as _, Transaction};
use serde_json::{Value, json};
use server::byname;

/// A data folder with the registry `machines`.
struct Data {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Data {
    /// There is no folder yet.
    fn none() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            path: folder.path().join("data"),
            _folder: folder,
        }
    }

    /// With one revision for each of `names`, which adds it.
    fn of(names: &[&str]) -> Self {
        let data = Self::none();
        data.add(names);
        data
    }

    fn add(&self, names: &[&str]) {
        let store = FileStore::open(self.document(), FileOptions::new().watch(false)).unwrap();
        for name in names {
            let value = Json::new(format!(r#"{{"kind":"{name}"}}"#)).unwrap();
            let put = Transaction::new().put(*name, value);
            store.submit(put).wait().unwrap();
        }
    }

    fn document(&self) -> PathBuf {
        self.path.join("machines.json")
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.path.join("machines.json.d").join(name)
    }

    fn kept(&self, revision: u64) -> PathBuf {
        self.beside(&format!("revisions/{revision:020}.json"))
    }

    fn text(&self) -> String {
        fs::read_to_string(self.document()).unwrap()
    }

    /// Saves a text as an editor does.
    fn save(&self, text: impl AsRef<[u8]>) {
        let beside = self.path.join("machines.json~");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, self.document()).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        byname(["store"])
            .args(arguments)
            .arg("--data")
            .arg(&self.path)
            .output()
            .unwrap()
    }

    /// The JSON of a command that must succeed and say nothing else.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn state(&self) -> String {
        self.json(&["status"])["state"].as_str().unwrap().to_owned()
    }

    /// The names of the entries, as the next program that opens the registry finds them.
    fn names(&self) -> Vec<String> {
        let options = FileOptions::new().read_only(true).watch(false);
        let store = FileStore::open(self.document(), options).unwrap();
        let snapshot = store.mirror().snapshot();
        snapshot.names().map(str::to_owned).collect()
    }

    /// Everything about every file and folder that a write would change.
    fn everything(&self) -> BTreeMap<PathBuf, (u64, u64, i64, i64, Vec<u8>)> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let stat = fs::metadata(&path).unwrap();
                let content = if stat.is_dir() {
                    folders.push(path.clone());
                    Vec::new()
                } else {
                    fs::read(&path).unwrap()
                };
                let facts = (
                    stat.ino(),
                    stat.size(),
                    stat.mtime(),
                    stat.mtime_nsec(),
                    content,
                );
                found.insert(path, facts);
            }
        }
        found
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn where_nothing_is_nothing_is_said_to_be_and_nothing_is_made() {
    let data = Data::none();
    let document = data.document().display().to_string();
    let lock = format!("{document}.d/lock");
    assert_eq!(
        data.json(&["status"]),
        json!({
            "document": document, "id": null, "state": "fresh", "problem": null, "revision": null,
            "committed": 0, "entries": null, "kept": [], "set_aside": [],
            "lock": {"file": lock, "held": false, "holder": null, "leftovers": []},
        })
    );
    assert_eq!(data.json(&["verify"])["good"], true);
    assert_eq!(data.json(&["locks"])["held"], false);
    assert_eq!(
        data.json(&["clean"]),
        json!({"document": document, "removed": [], "set_aside": []})
    );
    for (verb, why) in [
        ("restore", "there is nothing there, and no kept revision"),
        ("adopt", "there is nothing there to adopt"),
    ] {
        let output = data.run(&[verb]);
        assert_eq!(stderr(&output), format!("error: {document}: {why}\n"));
        assert_eq!(output.status.code(), Some(1));
    }
    assert!(!data.path.exists(), "only a commit makes the folder");
}

#[test]
fn a_registry_is_described() {
    let data = Data::of(&["a", "b"]);
    let status = data.json(&["status"]);
    let id = status["id"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    let bytes = |revision| fs::metadata(data.kept(revision)).unwrap().len();
    let document = data.document().display().to_string();
    assert_eq!(
        status,
        json!({
            "document": document, "id": id, "state": "whole", "problem": null, "revision": 2,
            "committed": 2, "entries": 2,
            "kept": [
                {"revision": 1, "bytes": bytes(1), "entries": 1},
                {"revision": 2, "bytes": bytes(2), "entries": 2},
            ],
            "set_aside": [],
            "lock": {"file": format!("{document}.d/lock"), "held": false, "holder": null,
                "leftovers": []},
        })
    );
    let output = data.run(&["status"]);
    assert_eq!(
        stdout(&output),
        format!(
            "document    {document}\nstate       whole\nrevision    2\ncommitted   2\nentries     2\n\
             id          {id}\nlock        free\n\n\
             KEPT REVISION  ENTRIES  BYTES\n            1        1  {:>5}\n            2        2  {:>5}\n",
            bytes(1),
            bytes(2)
        )
    );
    assert_eq!(
        data.json(&["verify"]),
        json!({
            "document": document, "good": true,
            "checks": [
                {"what": "document", "good": true, "state": "whole", "revision": 2, "entries": 2},
                {"what": "kept", "good": true, "state": "whole", "revision": 1, "entries": 1},
                {"what": "kept", "good": true, "state": "whole", "revision": 2, "entries": 2},
            ],
        })
    );
}

#[test]
fn the_folder_of_the_first_commit_is_for_its_user_alone() {
    let data = Data::of(&["a"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.path), 0o700);
    assert_eq!(mode(&data.document()), 0o600);
    assert_eq!(mode(&data.beside("")), 0o700);
    assert_eq!(mode(&data.kept(1)), 0o600);
}

#[test]
fn a_registry_is_found_by_name_by_path_and_by_the_environment() {
    let data = Data::of(&["a"]);
    let found = |arguments: &[&str], set: &[(&str, &Path)]| {
        let output = byname(["store", "status", "--json"])
            .args(arguments)
            .envs(set.iter().copied())
            .current_dir(&data.path)
            .output()
            .unwrap();
        assert_eq!(stderr(&output), "");
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        (
            PathBuf::from(status["document"].as_str().unwrap()),
            status["committed"].as_u64().unwrap(),
        )
    };
    let there = (data.document(), 1);
    let path = data.path.to_str().unwrap();
    assert_eq!(found(&["--data", path], &[]), there);
    assert_eq!(found(&["machines", "--data", path], &[]), there);
    assert_eq!(found(&[], &[("BYNAME_DATA", &data.path)]), there);
    assert_eq!(found(&[data.document().to_str().unwrap()], &[]), there);
    assert_eq!(found(&["machines.json"], &[]).1, 1);
    assert_eq!(found(&["./machines.json"], &[]).1, 1);
    // The command line goes before the environment.
    assert_eq!(
        found(&["--data", path], &[("BYNAME_DATA", Path::new("/nowhere"))]),
        there
    );
    assert_eq!(
        found(&["other", "--data", path], &[]),
        (data.path.join("other.json"), 0)
    );
    if cfg!(not(target_os = "macos")) {
        let home = ("HOME", Path::new("/nowhere/home"));
        let by_state = found(
            &[],
            &[("XDG_STATE_HOME", Path::new("/nowhere/state")), home],
        );
        assert_eq!(by_state, ("/nowhere/state/byname/machines.json".into(), 0));
        // What the specification calls invalid does not count.
        for invalid in ["", "state", "./state"] {
            let by_home = found(&[], &[("XDG_STATE_HOME", Path::new(invalid)), home]);
            assert_eq!(
                by_home,
                ("/nowhere/home/.local/state/byname/machines.json".into(), 0),
                "{invalid:?}"
            );
        }
    }
}

#[test]
fn looking_writes_nothing_whatever_is_there() {
    let data = Data::of(&["a", "b"]);
    let whole = data.text();
    let edited = whole.replace(r#""kind": "a""#, r#""kind": "A""#);
    let broken = whole.replace("\"entries\"", "entries");
    let texts = [
        whole.as_str(),
        &edited,
        &broken,
        "",
        &whole[..whole.len() / 2],
    ];
    for (text, state) in texts
        .iter()
        .zip(["whole", "edited", "broken", "damaged", "damaged"])
    {
        if *text != whole {
            data.save(text);
        }
        let before = data.everything();
        assert_eq!(data.state(), state);
        for verb in ["status", "verify", "locks"] {
            data.run(&[verb]);
        }
        let mut changed = data.everything();
        changed.retain(|path, facts| before.get(path) != Some(facts));
        assert_eq!(
            changed.into_keys().collect::<Vec<_>>(),
            Vec::<PathBuf>::new(),
            "{state}"
        );
    }
}

#[test]
fn a_document_that_is_cut_short_is_told_and_brought_back() {
    let data = Data::of(&["a", "b", "c"]);
    let whole = data.text();
    let cut = &whole[..whole.len() / 2];
    fs::write(data.document(), cut).unwrap();
    let document = data.document().display().to_string();

    let status = data.json(&["status"]);
    assert_eq!(status["state"], "damaged");
    assert_eq!(status["committed"], 3);
    assert_eq!(status["revision"], Value::Null);
    assert_eq!(
        status["problem"]["message"],
        format!(
            "{document}: is cut short after {} bytes; `byname store restore` brings a kept revision \
             back, `byname store adopt` takes what is there",
            cut.len()
        )
    );
    let output = data.run(&["verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        format!("error: {document}: 1 of 4 checks failed\n")
    );
    let output = data.run(&["adopt"]);
    assert_eq!(output.status.code(), Some(1), "half a document is none");

    let restored = data.json(&["restore"]);
    assert_eq!(restored["revision"], 4);
    let aside = restored["set_aside"].as_array().unwrap();
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read_to_string(aside[0].as_str().unwrap()).unwrap(), cut);
    assert_eq!(data.names(), ["a", "b", "c"]);
    let status = data.json(&["status"]);
    assert_eq!(
        (&status["state"], &status["revision"]),
        (&json!("whole"), &json!(4))
    );
    assert_eq!(status["set_aside"], restored["set_aside"]);
    assert_eq!(data.json(&["verify"])["good"], true);
}

#[test]
fn a_document_that_is_gone_is_not_an_empty_registry() {
    let data = Data::of(&["a", "b"]);
    fs::remove_file(data.document()).unwrap();
    assert_eq!(data.state(), "damaged");
    assert_eq!(data.run(&["verify"]).status.code(), Some(1));
    assert_eq!(data.json(&["restore"])["revision"], 3);
    assert_eq!(data.names(), ["a", "b"]);
}

#[test]
fn an_edit_that_cannot_be_read_is_told_by_line_and_column() {
    let data = Data::of(&["a"]);
    let text = data.text();
    let broken = text.replace(r#""kind": "a""#, r#""kind": a"#);
    let line = 1 + broken[..broken.find(": a\n").unwrap()]
        .matches('\n')
        .count();
    data.save(&broken);
    let status = data.json(&["status"]);
    assert_eq!(status["state"], "broken");
    assert_eq!(status["problem"]["line"], line);
    let column = status["problem"]["column"].as_u64().unwrap();
    let place = format!("{}:{line}:{column}: ", data.document().display());
    let message = status["problem"]["message"].as_str().unwrap();
    assert!(message.starts_with(&place), "{message}");
    let output = data.run(&["verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains(&place), "{}", stdout(&output));
    // The last good state is what programs go on with, and it can be brought back.
    assert_eq!(data.names(), ["a"]);
    assert_eq!(data.json(&["restore"])["revision"], 2);
    assert_eq!(data.text().matches("\"kind\": \"a\"").count(), 1);
}

#[test]
fn an_edit_that_can_be_taken_up_is_in_order() {
    let data = Data::of(&["a"]);
    data.save(data.text().replace(r#""kind": "a""#, r#""kind": "other""#));
    assert_eq!(data.state(), "edited");
    let verdict = data.json(&["verify"]);
    assert_eq!(verdict["good"], true);
    assert_eq!(verdict["checks"][0]["state"], "edited");
    // The next commit takes it up.
    data.add(&["b"]);
    assert_eq!(data.state(), "whole");
    assert!(data.text().contains(r#""kind": "other""#));
    assert_eq!(data.names(), ["a", "b"]);
}

#[test]
fn any_kept_revision_can_be_brought_back() {
    let data = Data::of(&["a", "b", "c"]);
    let output = data.run(&["restore", "--revision", "1"]);
    let document = data.document().display().to_string();
    assert_eq!(stderr(&output), "");
    assert_eq!(
        stdout(&output),
        format!("{document}: revision 1 restored as revision 4\n")
    );
    assert_eq!(data.names(), ["a"]);
    assert_eq!(data.json(&["restore", "--revision", "3"])["revision"], 5);
    assert_eq!(data.names(), ["a", "b", "c"]);

    let output = data.run(&["restore", "--revision", "99"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        format!(
            "error: {}: revision 99 is not kept, or its copy is damaged; kept are [1, 2, 3, 4, 5]\n",
            data.kept(99).display()
        )
    );
    assert_eq!(data.names(), ["a", "b", "c"]);
}

#[test]
fn an_older_copy_in_the_documents_place_is_applied_by_restore_only() {
    let data = Data::of(&["a", "b", "c"]);
    data.save(fs::read(data.kept(1)).unwrap());
    assert_eq!(data.state(), "damaged");
    assert_eq!(data.names(), ["a", "b", "c"], "nobody has asked for it");
    assert_eq!(data.json(&["restore"])["revision"], 4);
    assert_eq!(data.names(), ["a"]);
    assert_eq!(data.state(), "whole");
}

#[test]
fn the_document_of_another_registry_counts_once_it_is_adopted() {
    let data = Data::of(&["a"]);
    let other = Data::of(&["x", "y"]);
    data.save(other.text());
    assert_eq!(data.state(), "damaged");
    assert_eq!(data.names(), ["a"]);
    let output = data.run(&["adopt"]);
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(data.names(), ["x", "y"]);
    assert_eq!(data.state(), "whole");
    assert_eq!(data.run(&["verify"]).status.code(), Some(0));
}

#[test]
fn a_kept_revision_that_is_damaged_is_found_and_cleaned_away() {
    let data = Data::of(&["a", "b"]);
    let mut bytes = fs::read(data.kept(1)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(data.kept(1), bytes).unwrap();
    let output = data.run(&["verify", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        verdict["checks"][1],
        json!({"what": "kept", "good": false, "state": "damaged", "revision": 1, "entries": null})
    );
    assert!(stdout(&data.run(&["status"])).contains("            1  damaged  "));
    assert_eq!(
        data.json(&["clean"]),
        json!({
            "document": data.document(), "removed": [data.kept(1)], "set_aside": [],
        })
    );
    assert_eq!(data.run(&["verify"]).status.code(), Some(0));
    assert_eq!(stdout(&data.run(&["clean"])), "nothing to remove\n");
}

#[test]
fn what_killed_writers_left_is_shown_and_removed_and_what_hands_wrote_is_not() {
    let data = Data::of(&["a", "b"]);
    let whole = data.text();
    // No process has such a number.
    let cut = data.path.join(".machines.json.4294967295-0.tmp");
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let hand = data.path.join(".machines.json.4294967295-1.tmp");
    let by_hand = whole.replace(r#""kind": "a""#, r#""kind": "hand""#);
    fs::write(&hand, &by_hand).unwrap();
    let other = data.path.join(".machines.json.swp");
    fs::write(&other, "an editor's").unwrap();

    assert_eq!(
        data.json(&["locks"])["leftovers"],
        json!([
            {"file": cut, "bytes": whole.len() / 2},
            {"file": hand, "bytes": by_hand.len()},
        ])
    );
    assert!(
        stdout(&data.run(&["status"])).contains("left behind 2 files; see byname store locks\n")
    );
    let cleaned = data.json(&["clean"]);
    assert_eq!(cleaned["removed"], json!([cut]));
    let aside = cleaned["set_aside"].as_array().unwrap();
    assert_eq!(aside.len(), 1);
    assert_eq!(
        fs::read_to_string(aside[0].as_str().unwrap()).unwrap(),
        by_hand
    );
    assert_eq!(data.json(&["locks"])["leftovers"], json!([]));
    assert!(other.exists());
    assert_eq!(data.names(), ["a", "b"]);
}

#[test]
fn who_holds_the_lock_is_named() {
    let data = Data::of(&["a"]);
    let path = data.beside("lock");
    let note = r#"{"pid":4294967295,"host":"h","program":"p","since":"2026-01-02T03:04:05Z"}"#;
    let holder = json!({
        "pid": 4_294_967_295_u32, "host": "h", "program": "p", "since": "2026-01-02T03:04:05Z",
    });
    fs::write(&path, note).unwrap();
    let lock = fs::File::open(&path).unwrap();
    lock.lock().unwrap();
    let locks = data.json(&["locks"]);
    assert_eq!(locks["holder"], holder);
    let tells = Path::new("/proc/locks").exists();
    if tells {
        assert_eq!(locks["held"], true);
        assert_eq!(
            stdout(&data.run(&["locks"])),
            format!(
                "{}\nheld by p (pid 4294967295 on h) since 2026-01-02T03:04:05Z\n",
                path.display()
            )
        );
    }
    for verb in ["restore", "adopt", "clean"] {
        let output = data.run(&[verb, "--wait", "0"]);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(
            said.starts_with("error: the right to write was not free within "),
            "{said}"
        );
        let holder = "; p (pid 4294967295 on h) since 2026-01-02T03:04:05Z has it\n";
        assert!(said.ends_with(holder), "{said}");
    }
    drop(lock);
    let locks = data.json(&["locks"]);
    if tells {
        assert_eq!((&locks["held"], &locks["holder"]), (&json!(false), &holder));
    }
    assert_eq!(data.json(&["clean", "--wait", "0"])["removed"], json!([]));
    assert_eq!(data.json(&["locks"])["holder"], Value::Null);
}

#[test]
fn a_later_format_is_refused_and_told() {
    let data = Data::of(&["a"]);
    data.save(
        data.text()
            .replace(r#""format": "1.0""#, r#""format": "2.0""#),
    );
    assert_eq!(data.state(), "later-format");
    let output = data.run(&["verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("has format 2.0, which is newer than this program"));
}

#[test]
fn what_is_asked_the_wrong_way_is_exit_code_2() {
    let data = Data::none();
    for wrong in [
        &["status", "a b"] as &[&str],
        &["status", ".."],
        &["restore", "--revision", "0"],
        &["restore", "--revision", "x"],
        &["adopt", "--wait", "-1"],
        &["verify", "--json", "--yaml"],
        &["forget"],
    ] {
        let output = data.run(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert_eq!(stdout(&output), "", "{wrong:?}");
        assert_eq!(stderr(&output).lines().count(), 1, "{wrong:?}");
    }
}

/// A look must not take a commit in the making for damage, nor may cleaning take anything that a
/// writer needs.
#[test]
fn concurrent_commits_are_neither_damage_nor_leftovers() {
    const COMMITS: usize = 300;
    let data = Data::of(&["start"]);
    let done = AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        for thread in 0..2 {
            let (data, done) = (&data, &done);
            scope.spawn(move || {
                // The first is done when the looks are, the second when its commits are.
                for number in 0.. {
                    if number >= COMMITS && (thread == 1 || done.load(Ordering::Acquire)) {
                        break;
                    }
                    data.add(&[&format!("{thread}-{}", number % COMMITS)]);
                }
            });
        }
        let mut looks = 0;
        for _ in 0..10 {
            let status = data.json(&["status"]);
            assert_eq!(
                (&status["state"], &status["problem"]),
                (&json!("whole"), &Value::Null)
            );
            assert_eq!(data.json(&["verify"])["good"], true);
            data.json(&["clean"]);
            looks += 1;
        }
        done.store(true, Ordering::Release);
        looks
    });
    assert_eq!(looks, 10);
    assert_eq!(data.names().len(), 2 * COMMITS + 1);
    assert_eq!(data.json(&["verify"])["good"], true);
}
