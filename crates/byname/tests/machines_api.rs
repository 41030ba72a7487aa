//! `GET /api/v1/machines`: the machines of the data folder, as they are at every moment.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod server;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use server::{Response, Server, byname};

/// A data folder of a test.
struct Data {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Data {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            path: folder.path().join("data"),
            _folder: folder,
        }
    }

    fn document(&self) -> PathBuf {
        self.path.join("machines.json")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.document()).unwrap()
    }

    /// Saves a text as an editor does.
    fn save(&self, text: &str) {
        let beside = self.path.join("machines.json~");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, self.document()).unwrap();
    }

    /// Runs the program in another process.
    fn machine(&self, arguments: &[&str]) {
        let output = byname(["machine"])
            .args(arguments)
            .env("BYNAME_DATA", &self.path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn serve(&self) -> Server {
        Server::with(&["--data", self.path.to_str().unwrap()])
    }
}

fn names(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().unwrap();
    let name = |machine: &Value| machine["name"].as_str().unwrap().to_owned();
    data.iter().map(name).collect()
}

fn all(server: &Server) -> Vec<String> {
    names(&server.json("/api/v1/machines?limit=1000"))
}

fn refusal(response: &Response) -> Value {
    assert_eq!(
        response.header("content-type"),
        Some("application/problem+json")
    );
    let problem = response.json();
    assert_eq!(problem["status"], response.status);
    problem
}

const LOCAL: &str = r#"{"name":"local","revision":0,"kind":"local"}"#;

#[test]
fn without_a_data_folder_there_is_this_machine() {
    let data = Data::new();
    let server = data.serve();
    let local: Value = serde_json::from_str(LOCAL).unwrap();
    let page = server.json("/api/v1/machines");
    assert_eq!(page, json!({"data": [local], "next_cursor": null}));
    assert_eq!(server.json("/api/v1/machines/local"), local);
    let ready = server.json("/readyz");
    assert_eq!(ready["status"], "ready");
    assert_eq!(
        ready["registries"],
        json!([{"name": "machines", "revision": 0, "entries": 0, "degraded": false}])
    );
    assert!(
        !data.path.exists(),
        "a server that only reads makes nothing"
    );
}

#[test]
fn without_a_home_there_is_this_machine_too() {
    // A variable that is no absolute path names no folder.
    let server = Server::in_environment(&[("HOME", "home"), ("XDG_STATE_HOME", "state")]);
    assert_eq!(all(&server), ["local"]);
    assert_eq!(server.json("/readyz")["degraded"], false);
}

#[test]
fn a_machine_is_served_without_its_key() {
    let data = Data::new();
    data.machine(&[
        "add",
        "gpu-1",
        "--host",
        "ops@10.0.0.7",
        "--key",
        "/keys/ops/id",
        "--label",
        "gpu=a100",
        "--memory",
        "64GiB",
        "--note",
        "rack 7",
    ]);
    let server = data.serve();
    let response = server.get("/api/v1/machines/gpu-1");
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("byname-revision"), Some("1"));
    let mut machine = response.json();
    let fields = machine.as_object_mut().unwrap();
    assert_eq!(fields.remove("created"), fields.remove("updated"));
    assert_eq!(
        machine,
        json!({
            "name": "gpu-1", "revision": 1, "kind": "ssh", "host": "ops@10.0.0.7",
            "labels": {"gpu": "a100"}, "capacity": {"memory_bytes": 64_u64 << 30},
            "notes": "rack 7",
        })
    );
    let listed = server.get("/api/v1/machines");
    assert!(!listed.body.contains(".ssh"), "{}", listed.body);
    assert_eq!(listed.json()["data"][0], response.json());
}

#[test]
fn changes_by_other_processes_are_in_the_next_answer() {
    let data = Data::new();
    // There is no folder yet.
    let server = data.serve();
    assert_eq!(all(&server), ["local"]);
    for number in 0..10 {
        let name = format!("m{number}");
        data.machine(&["add", &name, "--host", "first"]);
        assert_eq!(
            server.json(&format!("/api/v1/machines/{name}"))["host"],
            "first"
        );
        data.machine(&["update", &name, "--host", "second"]);
        assert_eq!(
            server.json(&format!("/api/v1/machines/{name}"))["host"],
            "second"
        );
        data.machine(&["remove", &name]);
        assert_eq!(server.get(&format!("/api/v1/machines/{name}")).status, 404);
        assert_eq!(all(&server), ["local"]);
    }
    assert_eq!(
        server.get("/api/v1/machines").header("byname-revision"),
        Some("30")
    );
}

#[test]
fn an_edit_by_hand_is_followed_and_a_broken_one_is_told() {
    let data = Data::new();
    data.machine(&["add", "m", "--host", "first"]);
    let server = data.serve();
    let host = || server.json("/api/v1/machines/m")["host"].clone();
    data.save(&data.text().replace("\"first\"", "\"second\""));
    // While an edit is being taken up, the registry says so.
    server
        .ready_when(|ready| ready["registries"][0]["revision"] == 2 && ready["degraded"] == false);
    assert_eq!(host(), "second");

    let broken = data.text().replace("\"second\"", "second");
    let line = 1 + broken[..broken.find(": second").unwrap()]
        .matches('\n')
        .count();
    data.save(&broken);
    let ready = server.ready_when(|ready| ready["degraded"] == true);
    assert_eq!(ready["status"], "ready");
    let reason = ready["reason"].as_str().unwrap();
    assert!(
        reason.starts_with(&format!("machines: machines.json:{line}:")),
        "{reason}"
    );
    assert!(
        reason.ends_with(": the edit cannot be read; the last good state stays"),
        "{reason}"
    );
    assert!(!ready.to_string().contains(data.path.to_str().unwrap()));
    assert_eq!(host(), "second");

    data.save(&broken.replace("second", "\"third\""));
    server
        .ready_when(|ready| ready["degraded"] == false && ready["registries"][0]["revision"] == 3);
    assert_eq!(host(), "third");
}

#[test]
fn a_registry_without_a_state_does_not_look_empty() {
    let data = Data::new();
    data.machine(&["add", "m", "--host", "h"]);
    let whole = data.text();
    fs::remove_dir_all(data.path.join("machines.json.d")).unwrap();
    data.save(&whole[..whole.len() / 2]);
    let server = data.serve();
    let inside = data.path.to_str().unwrap();
    for path in [
        "/api/v1/machines",
        "/api/v1/machines/m",
        "/api/v1/machines/local",
    ] {
        let response = server.get(path);
        assert_eq!(response.status, 503, "{path}");
        assert_eq!(refusal(&response)["title"], "Service Unavailable");
        assert!(!response.body.contains(inside), "{}", response.body);
    }
    let ready = server.get("/readyz");
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["status"], "not ready");
    assert!(!ready.body.contains(inside), "{}", ready.body);
    // What has nothing to do with it goes on.
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/api/v1/models").status, 200);
    // An operator brings a backup.
    data.save(&whole);
    let deadline = std::time::Instant::now() + server::PATIENCE;
    while server.get("/readyz").status != 200 {
        assert!(
            std::time::Instant::now() < deadline,
            "{}",
            server.get("/readyz").body
        );
    }
    assert_eq!(all(&server), ["local", "m"]);
}

#[test]
fn pages_of_every_size_hold_every_machine_once_and_in_order() {
    let data = Data::new();
    let list: Vec<Value> = (0..23)
        .map(|number| {
            json!({"name": format!("{}{number:02}", ["a", "m", "z"][number % 3]), "kind": "ssh",
                "host": "h", "labels": {"odd": (number % 2).to_string()}})
        })
        .collect();
    fs::create_dir_all(&data.path).unwrap();
    let file = data.path.join("fleet");
    fs::write(&file, Value::from(list).to_string()).unwrap();
    data.machine(&["import", file.to_str().unwrap()]);
    let server = data.serve();
    let whole = all(&server);
    assert_eq!(whole.len(), 24);
    assert!(whole.is_sorted());
    let paged = |limit: usize, label: &str| {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.json(&format!("/api/v1/machines?limit={limit}{label}{cursor}"));
            assert!(page["data"].as_array().unwrap().len() <= limit);
            found.extend(names(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    };
    let odd = paged(1000, "&label=odd=1");
    assert_eq!(odd.len(), 11);
    for limit in [1, 2, 11, 12, 23, 24, 25] {
        assert_eq!(paged(limit, ""), whole, "pages of {limit}");
        assert_eq!(paged(limit, "&label=odd%3D1"), odd, "pages of {limit}");
    }
    assert_eq!(paged(5, "&label=odd!=1,odd").len(), 12);
    // A cursor outlives what it came from.
    let page = server.json("/api/v1/machines?limit=3");
    data.machine(&["remove", names(&page).last().unwrap()]);
    let next = page["next_cursor"].as_str().unwrap();
    let rest = names(&server.json(&format!("/api/v1/machines?limit=1000&cursor={next}")));
    assert_eq!(rest, whole[3..]);
}

#[test]
fn what_is_not_understood_is_refused() {
    let data = Data::new();
    data.machine(&["add", "m", "--host", "h"]);
    let server = data.serve();
    let response = server.get("/api/v1/machines/n");
    assert_eq!(response.status, 404);
    assert_eq!(
        refusal(&response),
        json!({"type": "about:blank", "title": "Not Found", "status": 404,
            "detail": "there is no machine `n`"})
    );
    for (query, parameter) in [
        ("labels=x", "labels"),
        ("label=", "label"),
        ("label=a%20b", "label"),
        ("label=a&label=b", "label"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=+1", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=", "cursor"),
    ] {
        let response = server.get(&format!("/api/v1/machines?{query}"));
        assert_eq!(response.status, 422, "{query}");
        let errors = refusal(&response)["errors"].clone();
        assert_eq!(errors.as_array().map(Vec::len), Some(1), "{query}");
        assert_eq!(errors[0]["in"], "query", "{query}");
        assert_eq!(errors[0]["field"], parameter, "{query}");
    }
    let refused = refusal(&server.get("/api/v1/machines?label=a%20b"));
    assert_eq!(
        refused["errors"][0]["message"],
        "is a text of 3 characters; expected terms `key`, `!key`, `key=value` or `key!=value` with \
         commas between them"
    );
    assert_eq!(server.get("/api/v1/machines/m?verbose").status, 422);
    assert_eq!(server.get("/api/v1/machines/%ff").status, 400);
    for path in ["/api/v1/machines", "/api/v1/machines/m"] {
        let response = server.request("POST", path);
        assert_eq!(response.status, 405);
        assert_eq!(refusal(&response)["title"], "Method Not Allowed");
    }
    let response = server.get("/api/v1/nothing");
    assert_eq!(response.status, 404);
    assert_eq!(
        refusal(&response)["detail"],
        "there is nothing at this path"
    );
}

/// While processes add machines, every answer is one revision: exactly the machines that it counts,
/// and never fewer than an earlier one.
#[test]
fn concurrent_adds_are_seen_in_order_by_every_reader() {
    const EACH: usize = 20;
    let data = Data::new();
    let server = data.serve();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = || {
            let mut last = 0;
            while !done.load(Ordering::Acquire) {
                let response = server.get("/api/v1/machines?limit=1000");
                let revision: usize = response.header("byname-revision").unwrap().parse().unwrap();
                // Each revision adds one machine.
                assert_eq!(names(&response.json()).len(), revision + 1);
                assert!(revision >= last, "{revision} after {last}");
                last = revision;
            }
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (data, server) = (&data, &server);
                scope.spawn(move || {
                    for number in 0..EACH {
                        let name = format!("m{writer}-{number}");
                        data.machine(&["add", &name, "--host", "h", "--wait", "600"]);
                        // What was acknowledged is seen.
                        let path = format!("/api/v1/machines/{name}");
                        assert_eq!(server.get(&path).status, 200, "{name}");
                    }
                })
            })
            .collect();
        // The readers end even if a writer has failed.
        let written: Vec<_> = writers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        done.store(true, Ordering::Release);
        for writer in written {
            writer.unwrap();
        }
        for reader in readers {
            reader.join().unwrap();
        }
    });
    assert_eq!(all(&server).len(), 4 * EACH + 1);
}
