//! A catalog file that changes while it is served, in every way in which files change.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod server;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};
use server::Server;

/// A catalog of one provider with these models; each has its id as its name too.
fn catalog(models: &[&str]) -> String {
    let models: Vec<String> = models
        .iter()
        .map(|id| format!(r#""{id}":{{"name":"{id}"}}"#))
        .collect();
    format!(r#"{{"p":{{"models":{{{}}}}}}}"#, models.join(","))
}

/// Saves as an editor does: a new file beside the old one, renamed over it.
fn save(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}

fn ids(server: &Server) -> Vec<String> {
    server.names(1000).into_iter().map(|(_, id)| id).collect()
}

/// Serves one file of a new folder, without a poll: only what is heard is found.
fn serving(text: &str) -> (tempfile::TempDir, std::path::PathBuf, Server) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.json");
    fs::write(&file, text).unwrap();
    let server = Server::with(&["--poll", "0", "--catalog", file.to_str().unwrap()]);
    (folder, file, server)
}

#[test]
fn a_file_that_is_renamed_over_is_one_revision() {
    let (_folder, file, server) = serving(&catalog(&["a", "b", "c"]));
    save(&file, &catalog(&["b", "c", "d", "e"]));
    let ready = server.taken_over(0, 2);
    assert_eq!(ready["revision"], 2);
    assert_eq!(ready["entries"], 4);
    assert_eq!(ids(&server), ["b", "c", "d", "e"]);
    save(&file, &catalog(&["a"]));
    assert_eq!(server.taken_over(0, 3)["revision"], 3);
    assert_eq!(ids(&server), ["a"]);
}

#[test]
fn a_file_that_is_written_in_place_is_taken_over() {
    let (_folder, file, server) = serving(&catalog(&["a"]));
    fs::write(&file, catalog(&["b"])).unwrap();
    server.ready_when(|ready| ready["revision"] == 2);
    assert_eq!(ids(&server), ["b"]);
}

#[test]
fn the_same_content_again_is_no_revision() {
    let (folder, file, server) = serving(&catalog(&["a"]));
    save(&file, &catalog(&["a"]));
    // Other bytes, the same offerings.
    save(&file, &format!("{}\n", catalog(&["a"])));
    let other = folder.path().join("other.json");
    fs::write(&other, "not a catalog").unwrap();
    save(&file, &catalog(&["b"]));
    assert_eq!(
        server.ready_when(|ready| ready["revision"] != 1)["revision"],
        2
    );
}

#[test]
fn a_swapped_symlink_is_followed_as_kubernetes_swaps_it() {
    // A ConfigMap is mounted as `api.json -> ..data/api.json`, `..data -> ..1`; a change makes
    // `..2`, renames a new `..data` over the old one, and removes `..1`. The file itself is never
    // touched.
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let put = |name: &str, text: &str| {
        fs::create_dir(at(name)).unwrap();
        fs::write(at(name).join("api.json"), text).unwrap();
    };
    put("..1", &catalog(&["one"]));
    symlink("..1", at("..data")).unwrap();
    symlink("..data/api.json", at("api.json")).unwrap();
    let file = at("api.json");
    let server = Server::with(&["--poll", "0", "--catalog", file.to_str().unwrap()]);
    assert_eq!(ids(&server), ["one"]);
    let mut revision = 1;
    for (old, new, model) in [
        ("..1", "..2", "two"),
        ("..2", "..3", "three"),
        ("..3", "..1", "one"),
    ] {
        put(new, &catalog(&[model]));
        symlink(new, at("..tmp")).unwrap();
        fs::rename(at("..tmp"), at("..data")).unwrap();
        fs::remove_dir_all(at(old)).unwrap();
        revision += 1;
        server.taken_over(0, revision);
        assert_eq!(ids(&server), [model]);
    }
}

#[test]
fn a_swapped_folder_further_up_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (release, model) in [("1", "one"), ("2", "two")] {
        let release = at("releases").join(release);
        fs::create_dir_all(&release).unwrap();
        fs::write(release.join("api.json"), catalog(&[model])).unwrap();
    }
    symlink(at("releases/1"), at("current")).unwrap();
    let file = at("current").join("api.json");
    let server = Server::with(&["--poll", "0", "--catalog", file.to_str().unwrap()]);
    assert_eq!(ids(&server), ["one"]);
    symlink(at("releases/2"), at("next")).unwrap();
    fs::rename(at("next"), at("current")).unwrap();
    server.taken_over(0, 2);
    assert_eq!(ids(&server), ["two"]);
}

#[test]
fn a_broken_file_leaves_the_last_good_revision_and_says_so() {
    let (_folder, file, server) = serving(&catalog(&["a"]));
    save(&file, "{\n  \"p\": {");
    let ready = server.ready_when(|ready| ready["degraded"] == true);
    let error = "line 2, column 9: not JSON: expected `\"` to begin the name of a member";
    let expected = json!({
        "status": "ready", "degraded": true, "reason": format!("api.json: {error}"),
        "revision": 1, "entries": 1,
        "files": [{"position": 1, "file": "api.json", "state": "broken", "good_revision": 1,
                   "offerings": 1, "refused": 0, "error": error}],
        "registries": [{"name": "machines", "revision": 0, "entries": 0, "degraded": false}],
    });
    assert_eq!(ready, expected);
    assert_eq!(ids(&server), ["a"]);

    save(&file, &catalog(&["b"]));
    let ready = server.taken_over(0, 2);
    assert_eq!(ready["degraded"], false);
    assert_eq!(ready.get("reason"), None);
    assert_eq!(ids(&server), ["b"]);

    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0));
    let told: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains(file.to_str().unwrap()), "{log}");
    assert!(told[0].contains(error), "{log}");
}

#[test]
fn a_file_that_goes_and_comes_back_leaves_the_last_good_revision() {
    let (_folder, file, server) = serving(&catalog(&["a"]));
    fs::remove_file(&file).unwrap();
    let ready = server.ready_when(|ready| ready["degraded"] == true);
    assert_eq!(ready["files"][0]["state"], "unreadable");
    assert_eq!(ready["reason"], "api.json: there is no such file");
    assert_eq!(ready["revision"], 1);
    assert_eq!(ids(&server), ["a"]);

    // The same content again: good again, and no new revision.
    fs::write(&file, catalog(&["a"])).unwrap();
    let ready = server.ready_when(|ready| ready["degraded"] == false);
    assert_eq!(ready["revision"], 1);
    fs::remove_file(&file).unwrap();
    server.ready_when(|ready| ready["degraded"] == true);
    save(&file, &catalog(&["a", "b"]));
    server.taken_over(0, 2);
    assert_eq!(ids(&server), ["a", "b"]);
}

#[test]
fn a_folder_that_goes_and_comes_back_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("deep/inner");
    fs::create_dir_all(&inner).unwrap();
    let file = inner.join("api.json");
    fs::write(&file, catalog(&["a"])).unwrap();
    let server = Server::with(&["--poll", "0", "--catalog", file.to_str().unwrap()]);
    fs::remove_dir_all(folder.path().join("deep")).unwrap();
    server.ready_when(|ready| ready["degraded"] == true);
    fs::create_dir_all(&inner).unwrap();
    fs::write(&file, catalog(&["b"])).unwrap();
    server.taken_over(0, 2);
    assert_eq!(ids(&server), ["b"]);
}

#[test]
fn a_change_that_no_event_reports_is_found_by_the_poll() {
    // The file has a second name in a folder that nobody watches; writing through that name is
    // reported for that folder only.
    let folder = tempfile::tempdir().unwrap();
    let (watched, unwatched) = (
        folder.path().join("watched"),
        folder.path().join("unwatched"),
    );
    fs::create_dir(&watched).unwrap();
    fs::create_dir(&unwatched).unwrap();
    let (file, other) = (watched.join("api.json"), unwatched.join("other.json"));
    fs::write(&file, catalog(&["a"])).unwrap();
    fs::hard_link(&file, &other).unwrap();
    let server = Server::with(&["--poll", "0.05", "--catalog", file.to_str().unwrap()]);
    fs::write(&other, catalog(&["b"])).unwrap();
    server.ready_when(|ready| ready["revision"] == 2);
    assert_eq!(ids(&server), ["b"]);
}

#[test]
fn of_two_files_the_later_wins_and_each_follows_its_own_way() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (
        folder.path().join("first.json"),
        folder.path().join("second.json"),
    );
    let one =
        |id: &str, name: &str| format!(r#"{{"p":{{"models":{{"{id}":{{"name":"{name}"}}}}}}}}"#);
    fs::write(
        &first,
        r#"{"p":{"models":{"a":{"name":"first"},"b":{"name":"first"}}}}"#,
    )
    .unwrap();
    fs::write(&second, one("b", "second")).unwrap();
    let server = Server::serving(&[&first, &second]);
    let names = || -> Vec<(String, Value)> {
        let all = server.json("/api/v1/models");
        let data = all["data"].as_array().unwrap();
        data.iter()
            .map(|item| (item["id"].as_str().unwrap().into(), item["name"].clone()))
            .collect()
    };
    let pair = |id: &str, name: &str| (id.to_owned(), json!(name));
    assert_eq!(names(), [pair("a", "first"), pair("b", "second")]);
    assert_eq!(
        server.json("/readyz")["revision"],
        1,
        "all files are one revision at the start"
    );

    // The later file no longer has `b`: the earlier one's shows.
    save(&second, &one("c", "second"));
    server.taken_over(1, 2);
    assert_eq!(
        names(),
        [pair("a", "first"), pair("b", "first"), pair("c", "second")]
    );

    // A broken second file keeps what it said, and the first one still follows.
    save(&second, "broken");
    server.ready_when(|ready| ready["degraded"] == true);
    save(&first, &one("d", "first"));
    let ready = server.taken_over(0, 3);
    assert_eq!(names(), [pair("c", "second"), pair("d", "first")]);
    assert_eq!(ready["files"][1]["state"], "broken");
    assert_eq!(ready["files"][1]["good_revision"], 2);
    assert_eq!(ready["files"][0]["good_revision"], 3);
}

#[test]
fn an_entry_that_is_not_understood_is_counted_and_the_others_load() {
    let (_folder, file, server) = serving(&catalog(&["a"]));
    save(&file, r#"{"p":{"models":{"a":{},"b":[],"c":{}}}}"#);
    let ready = server.taken_over(0, 2);
    assert_eq!(ids(&server), ["a", "c"]);
    assert_eq!(ready["files"][0]["offerings"], 2);
    assert_eq!(ready["files"][0]["refused"], 1);
    assert_eq!(ready["degraded"], false);
}

#[test]
fn what_comes_through_a_pipe_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::write(pipe, catalog(&["a"])).unwrap())
    };
    let server = Server::with(&["--poll", "0.01", "--catalog", pipe.to_str().unwrap()]);
    writer.join().unwrap();
    assert_eq!(ids(&server), ["a"]);
    assert_eq!(server.json("/readyz")["degraded"], false);
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}
