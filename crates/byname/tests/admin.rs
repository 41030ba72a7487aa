//! The admin pages of `byname serve`: what its services keep by name, and how that changes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod server;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use server::{PATIENCE, Response, byname};

/// What may be seen nowhere.
const SECRET: &str = "hunter2";

/// A running program whose second line tells where its admin pages are; it ends with the test.
struct Site {
    process: Child,
    admin: SocketAddr,
}

impl Site {
    fn new(arguments: &[&str]) -> Self {
        let mut process = byname(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let told = lines.take(2).last().expect("it starts").unwrap();
        let admin = told.strip_prefix("http://").unwrap().parse().unwrap();
        Self { process, admin }
    }

    fn get(&self, path: &str) -> Response {
        let mut stream = self.connect();
        let address = self.admin;
        let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let answer = Response::read(stream);
        assert!(!answer.body.contains(SECRET), "{path}: {}", answer.body);
        answer
    }

    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.admin).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The changes from now on, as they are told.
    fn changes(&self) -> impl Iterator<Item = Value> + use<> {
        let mut stream = self.connect();
        let head = format!("GET /changes HTTP/1.1\r\nhost: {}\r\n\r\n", self.admin);
        stream.write_all(head.as_bytes()).unwrap();
        let lines = BufReader::new(stream)
            .lines()
            .map(|line| line.expect("in time"));
        lines.filter_map(|line| {
            let data = line.strip_prefix("data: ")?;
            Some(serde_json::from_str(data).unwrap())
        })
    }

    fn entries(&self, registry: &str) -> Vec<Value> {
        let told = self.json(&format!("/registries/{registry}"));
        told["entries"].as_array().unwrap().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the program in another process.
fn machine(data: &Path, arguments: &[&str]) {
    let output = byname(["machine"])
        .args(arguments)
        .env("BYNAME_DATA", data)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_machine_that_another_process_adds_is_in_the_registry_and_among_the_changes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    machine(&data, &["add", "old", "--host", "ops@old.example"]);
    let site = Site::new(&["--data", data.to_str().unwrap()]);
    let told = site.json("/registries/machines/machines");
    assert_eq!(
        (&told["kind"], &told["count"]),
        (&json!("machine"), &json!(1))
    );
    let before = told["revision"].as_u64().unwrap();

    let mut changes = site.changes();
    let key = format!("~/.ssh/{SECRET}");
    let notes = format!("the password is {SECRET}");
    let url = format!("https://new.example/v1?key={SECRET}");
    machine(
        &data,
        &[
            "add",
            "new",
            "--host",
            "ops@new.example:2222",
            "--key",
            &key,
            "--label",
            "gpu=a100",
            "--note",
            &notes,
            "--url",
            &url,
        ],
    );
    let change = changes
        .find(|change| change["registry"] == "machines/machines")
        .unwrap();
    assert_eq!(
        (&change["name"], &change["kind"]),
        (&json!("new"), &json!("added"))
    );
    assert!(change["revision"].as_u64().unwrap() > before);

    let told = site.json("/registries/machines/machines");
    assert_eq!(
        (&told["revision"], &told["count"]),
        (&change["revision"], &json!(2))
    );
    let mut entry = told["entries"][0].clone();
    entry.as_object_mut().unwrap().remove("place");
    let expected = json!({
        "name": "new",
        "revision": change["revision"],
        "kind": "ssh",
        "host": "ops@new.example:2222",
        "labels": { "gpu": "a100" },
        "url": "https://new.example/v1",
    });
    assert_eq!(entry, expected);
    machine(&data, &["remove", "new"]);
    let change = changes
        .find(|change| change["registry"] == "machines/machines")
        .unwrap();
    assert_eq!(
        (&change["name"], &change["kind"]),
        (&json!("new"), &json!("removed"))
    );
    let metrics = site.get("/metrics").body;
    assert!(metrics.contains("byname_registry_entries{registry=\"machines/machines\"} 1\n"));
    let revision = format!(
        "byname_registry_revision{{registry=\"machines/machines\"}} {}\n",
        change["revision"]
    );
    assert!(metrics.contains(&revision), "{metrics}");
    site.get("/");
    site.get("/config");
}

#[test]
fn what_the_catalog_keeps_is_told_and_follows_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.json");
    let text = |name: &str| {
        let api = format!("https://me:{SECRET}@api.example/v1");
        json!({ "p": { "api": api, "models": { "m": { "name": name } } } }).to_string()
    };
    fs::write(&file, text("one")).unwrap();
    let data = folder.path().join("data");
    let site = Site::new(&[
        "--catalog",
        file.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
    ]);
    let told = site.json("/registries");
    let all = told["registries"].as_array().unwrap();
    let own: Vec<_> = all
        .iter()
        .filter(|one| one["name"].as_str().unwrap().contains('/'))
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["count"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("catalog/files", 1),
        ("catalog/offerings", 1),
        ("catalog/providers", 1),
        ("machines/machines", 0),
    ];
    assert_eq!(own, expected);
    assert_eq!(site.entries("catalog/offerings")[0]["name"], "p/m");
    assert_eq!(
        site.entries("catalog/providers")[0]["api"],
        "https://***@api.example/v1"
    );
    let files = site.entries("catalog/files");
    assert_eq!(
        (&files[0]["file"], &files[0]["state"]),
        (&json!("api.json"), &json!("good"))
    );

    let mut changes = site.changes();
    let beside = folder.path().join("new");
    fs::write(&beside, text("two")).unwrap();
    fs::rename(&beside, &file).unwrap();
    let change = changes
        .find(|change| change["registry"] == "catalog/offerings")
        .unwrap();
    assert_eq!(
        (&change["name"], &change["kind"]),
        (&json!("p/m"), &json!("replaced"))
    );
}
