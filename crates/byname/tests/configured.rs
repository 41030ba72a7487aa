//! A server that a file declares: what runs, what lies over the file, what is said of a wrong one, and
//! what a changed one does.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use server::{Server, byname, ended};

/// The file inside the program.
const DEFAULT: &str = include_str!("../src/serve/default.yaml");

/// A folder with a file `app.yaml`.
struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { folder };
        this.save(text);
        this
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("app.yaml")
    }

    /// Saves as an editor does: a new file beside the old one, renamed over it.
    fn save(&self, text: &str) {
        let beside = self.folder.path().join("new");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, self.file()).unwrap();
    }

    /// `byname serve --config app.yaml`, in the folder.
    fn serve(&self, further: &[&str]) -> Command {
        let mut command = byname(["serve", "--config", "app.yaml"]);
        command.args(further).current_dir(self.folder.path());
        command
    }
}

/// A server of one service more than it needs, on a free port.
const SHOP: &str = "\
services:
  models: { type: catalog }
  fleet: { type: machines }
  spare: { type: catalog, lazy: true }
routers:
  all:
    routes:
      - { router: health, needs: { catalog: models, machines: fleet } }
      - prefix: /api/v1
        routes:
          - { router: catalog, needs: { catalog: models } }
          - { router: components }
servers:
  main:
    listeners:
      web: { address: 127.0.0.1:0, routers: [all], limits: { connections: 1 } }
";

/// What a command that fails writes to stderr.
fn error(command: Command, code: i32) -> String {
    let output = ended(command);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    error
}

#[test]
fn the_file_inside_the_program_is_printed_and_can_be_served() {
    let output = byname(["serve", "--print-config"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), DEFAULT);
    let folder = Folder::with(DEFAULT);
    let server = Server::of(folder.serve(&["--listen", "127.0.0.1:0"]));
    assert_eq!(server.json("/readyz")["status"], "ready");
}

#[test]
fn the_file_of_a_user_can_be_named_as_for_a_check() {
    let folder = Folder::with(SHOP);
    let mut command = byname(["serve", "app.yaml"]);
    command.current_dir(folder.folder.path());
    let server = Server::of(command);
    assert_eq!(server.get("/api/v1/components").status, 200);
    let told = error(folder.serve(&["app.yaml"]), 2);
    assert!(told.contains("cannot be used with"), "{told}");
}

#[test]
fn the_file_of_a_user_says_what_runs() {
    let folder = Folder::with(SHOP);
    let server = Server::of(folder.serve(&[]));
    assert_eq!(
        server.json("/api/v1/components"),
        json!({"data": [
            {"name": "fleet", "factory": "machines", "state": "running", "lazy": false, "needs": []},
            {"name": "models", "factory": "catalog", "state": "running", "lazy": false, "needs": []},
            {"name": "routers.all.routes[0]", "factory": "health", "state": "running", "lazy": false,
             "needs": [
                {"service": "models", "kind": "optional", "name": "catalog"},
                {"service": "fleet", "kind": "optional", "name": "machines"},
            ]},
            {"name": "routers.all.routes[1].routes[0]", "factory": "catalog", "state": "running",
             "lazy": false, "needs": [
                {"service": "models", "kind": "required", "name": "catalog"},
            ]},
            {"name": "routers.components", "factory": "components", "state": "running", "lazy": false,
             "needs": []},
            {"name": "servers.main.listeners.web", "factory": "listener", "state": "running",
             "lazy": false, "needs": [
                {"service": "routers.all.routes[0]", "kind": "required"},
                {"service": "routers.all.routes[1].routes[0]", "kind": "required"},
                {"service": "routers.components", "kind": "required"},
            ]},
            {"name": "spare", "factory": "catalog", "state": "waiting", "lazy": true, "needs": []},
        ]})
    );
    let refused = server.get("/api/v1/components?verbose");
    assert_eq!(refused.status, 422);
    assert_eq!(
        refused.json()["errors"],
        json!([{"in": "query", "field": "verbose", "message": "is not known; none is taken here"}])
    );
    assert_eq!(server.request("POST", "/api/v1/components").status, 405);
}

#[test]
fn every_layer_lies_over_those_below_it() {
    // Each layer names an address that is taken, so that the refusal tells which one counted.
    let taken: Vec<TcpListener> = (0..5)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let at: Vec<String> = taken
        .iter()
        .map(|listener| listener.local_addr().unwrap().to_string())
        .collect();
    let folder = Folder::with(&format!(
        "include: [base.yaml]\nservers: {{main: {{listeners: {{public: {{address: '{}'}}}}}}}}\n",
        at[0]
    ));
    let base = "services: {catalog: {}, machines: {}}\n\
                servers: {main: {listeners: {public: {address: 'wrong', routers: [catalog]}}}}";
    fs::write(folder.file().with_file_name("base.yaml"), base).unwrap();
    let overlay = format!(
        "servers: {{main: {{listeners: {{public: {{address: '{}'}}}}}}}}",
        at[1]
    );
    fs::write(folder.file().with_file_name("app.prod.yaml"), overlay).unwrap();
    let set = format!("servers.main.listeners.public.address={}", at[3]);
    let mut arguments: Vec<&str> = Vec::new();
    let mut variable = None;
    for (which, address) in at.iter().enumerate() {
        match which {
            1 => arguments.extend(["--environment", "prod"]),
            2 => variable = Some(&at[2]),
            3 => arguments.extend(["--set", &set]),
            4 => arguments.extend(["--listen", &at[4]]),
            _ => {}
        }
        let mut command = folder.serve(&arguments);
        command
            .envs(variable.map(|text| ("BYNAME__SERVERS__MAIN__LISTENERS__PUBLIC__ADDRESS", text)));
        let error = error(command, 1);
        let first = error.lines().next().unwrap();
        assert_eq!(
            first,
            format!(
                "error: cannot listen on {address}: another program does already; stop it, or \
                 choose another port, as 127.0.0.1:0 (any free one)"
            )
        );
        let second = error.lines().nth(1).unwrap();
        assert_eq!(
            second,
            "  base.yaml:2:30: service `servers.main.listeners.public` is defined here"
        );
    }
}

#[test]
fn an_option_needs_a_service_that_it_is_of() {
    let folder = Folder::with("services: {catalog: {}}\n");
    let error = error(folder.serve(&["--listen", "127.0.0.1:0"]), 1);
    assert_eq!(
        error,
        "error: --listen sets `address` of the listener `public`, and the file has none\n"
    );
}

#[test]
fn two_listeners_of_one_file_are_both_announced() {
    use std::io::{BufRead as _, BufReader};
    let folder = Folder::with(
        "services: {catalog: {}, machines: {}}\nservers:\n  main:\n    listeners:\n      \
         a: {address: '127.0.0.1:0', routers: [health]}\n      \
         b: {address: '127.0.0.1:0', routers: [health]}\n",
    );
    let mut command = folder.serve(&[]);
    command.stdout(std::process::Stdio::piped());
    let mut process = command.spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let urls: Vec<String> = lines.take(2).map(Result::unwrap).collect();
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(urls.iter().all(|url| url.starts_with("http://127.0.0.1:")));
    assert_ne!(urls[0], urls[1]);
}

#[cfg(unix)]
#[test]
fn readiness_goes_off_before_anything_is_refused() {
    let folder = Folder::with(&format!("{SHOP}life: {{ drain-delay: 100000s }}\n"));
    let server = Server::of(folder.serve(&["--max-connections", "16"]));
    assert_eq!(server.get("/readyz").status, 200);
    server.signal("TERM");
    let deadline = std::time::Instant::now() + server::PATIENCE;
    let refused = loop {
        let answer = server.get("/readyz");
        if answer.status != 200 {
            break answer;
        }
        assert!(std::time::Instant::now() < deadline, "it is still ready");
        std::thread::sleep(std::time::Duration::from_millis(1));
    };
    assert_eq!(refused.status, 503);
    assert_eq!(
        refused.json(),
        json!({"status": "not ready", "reason": "the server is draining"})
    );
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/api/v1/models").status, 200);
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(1), "{log}");
}

#[test]
fn a_changed_file_is_taken_while_it_runs() {
    let folder = Folder::with(SHOP);
    let mut server = Server::of(folder.serve(&[]));
    let (first, address) = (server.connect(), server.address);
    let waiting = std::thread::scope(|scope| {
        // There is one place, and it is taken: this answer comes once there are two.
        let waiting = scope.spawn(|| server::Response::asked(address, "GET", "/healthz"));
        folder.save(&SHOP.replace("connections: 1", "connections: 2"));
        waiting.join().unwrap()
    });
    assert_eq!(waiting.status, 200);
    drop(first);
    let told = server.logged("the new configuration counts");
    assert!(
        told.ends_with("the new configuration counts (revision 2); `servers.main.listeners.web` took its new settings"),
        "{told}"
    );

    folder.save(&SHOP.replace("127.0.0.1:0", "127.0.0.1:1"));
    let told = server.logged("is refused");
    assert!(
        told.ends_with(
            "the new configuration is refused, nothing has changed (revision 2); `servers.main.listeners.web` refused its \
             new settings: it failed: `address` is only changed by a restart"
        ),
        "{told}"
    );

    folder.save("services: [");
    let told = server.logged("is refused");
    assert!(told.contains("app.yaml:1:"), "{told}");
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_hangup_has_the_file_read_at_once_and_ends_nothing() {
    let text = format!("{SHOP}life: {{ reload: false }}\n");
    let folder = Folder::with(&text);
    let mut server = Server::of(folder.serve(&[]));
    server.signal("HUP");
    server.logged("the configuration says what it said before");
    folder.save(&text.replace("connections: 1 ", "connections: 2 "));
    server.signal("HUP");
    let told = server.logged("the new configuration counts");
    assert!(told.contains("servers.main.listeners.web"), "{told}");
    folder.save("services: { models: { type: catalogue } }\n");
    server.signal("HUP");
    server.logged("is refused, nothing has changed");
    assert_eq!(server.get("/healthz").status, 200);
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}
